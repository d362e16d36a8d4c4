// What identifies a caller, read off the request of any framework: node:http's and those built on it, Fastify's, Hono's.

interface HeaderBag {
  get?: unknown;
  [name: string]: unknown;
}

interface AnyRequest {
  headers?: HeaderBag;
  socket?: unknown;
  /** Fastify's: the request of node:http. */
  raw?: { socket?: unknown };
  /** Hono's. */
  req?: { header?: (name: string) => string | undefined };
  env?: { incoming?: { socket?: unknown } };
}

/** `name` in lower case. Undefined: there is none, or it came more than once. */
export function headerOf(request: unknown, name: string): string | undefined {
  const { headers, req } = (request ?? {}) as AnyRequest;
  const value =
    typeof headers?.get === "function"
      ? (headers as unknown as Headers).get(name)
      : headers === undefined
        ? req?.header?.(name)
        : headers[name];
  return typeof value === "string" ? value : undefined;
}

/** The connection's socket; a TLS one can tell the certificate of the other end. */
export function socketOf(request: unknown): object | undefined {
  const { socket, raw, env } = (request ?? {}) as AnyRequest;
  const found = socket ?? raw?.socket ?? env?.incoming?.socket;
  return typeof found === "object" && found !== null ? found : undefined;
}
