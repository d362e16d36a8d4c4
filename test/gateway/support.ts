// What the gateway's tests share: upstreams made of plain node:http, a client that writes raw bytes, a gateway around.
import { createServer, type RequestListener, type Server } from "node:http";
import { type AddressInfo, connect, type Server as NetServer, type Socket } from "node:net";
import { afterEach } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { systemRandom } from "../../src/base/random.ts";
import { type Gateway, type GatewayOptions, startGateway } from "../../src/gateway/gateway.ts";

const closers: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** Runs after the test, last one first. */
export function closeAfter(close: () => Promise<void> | void): void {
  closers.push(close);
}

export async function listen(server: Server | NetServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  closeAfter(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        if ("closeAllConnections" in server) server.closeAllConnections();
      }),
  );
  return (server.address() as AddressInfo).port;
}

/** An upstream that answers as told; its URL. */
export async function upstream(listener: RequestListener): Promise<{ url: URL; server: Server }> {
  const server = createServer({ maxHeaderSize: 256 * 1024, keepAlive: true }, listener);
  server.maxHeadersCount = 0;
  const port = await listen(server);
  return { url: new URL(`http://127.0.0.1:${port}`), server };
}

/** A gateway that only forwards. */
export async function plainGateway(
  url: URL | undefined,
  options: Partial<GatewayOptions> = {},
): Promise<Gateway> {
  const gateway = await startGateway({
    host: "127.0.0.1",
    port: 0,
    upstreams: { ...(url === undefined ? {} : { default: url }), services: {} },
    catalog: { identifyService: () => undefined, identify: () => undefined },
    directory: { findKey: () => Promise.resolve(undefined), firstAccountId: "111122223333" },
    ingest: { enqueue: () => true, record: () => Promise.resolve() },
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    captureMode: "best-effort",
    unknownKeys: "record",
    region: "us-east-1",
    recording: false,
    ...options,
  });
  closeAfter(() => gateway.close());
  return gateway;
}

/** A connection that shows the bytes it got. */
export class RawClient {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  #closed = false;
  #wake: () => void = () => undefined;

  constructor(port: number) {
    this.socket = connect(port, "127.0.0.1");
    this.socket.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    this.socket.on("error", () => this.#wake());
    this.socket.on("close", () => {
      this.#closed = true;
      this.#wake();
    });
    closeAfter(() => void this.socket.destroy());
  }

  write(bytes: string | Buffer): void {
    this.socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  }

  get text(): string {
    return this.#received.toString("latin1");
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Waits until the received text fits; then forgets what it has. */
  async until(isIt: (text: string) => boolean): Promise<string> {
    await this.#wait(() => isIt(this.text), "the expected bytes");
    const text = this.text;
    this.#received = Buffer.alloc(0);
    return text;
  }

  async untilClosed(): Promise<string> {
    await this.#wait(() => this.#closed, "the connection's end");
    return this.text;
  }

  #wait(isIt: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`waited 10 s for ${what}; got ${JSON.stringify(this.text)}`));
      }, 10_000);
      this.#wake = () => {
        if (isIt()) {
          clearTimeout(timer);
          resolve();
        } else if (this.#closed) {
          clearTimeout(timer);
          reject(new Error(`closed before ${what}; got ${JSON.stringify(this.text)}`));
        }
      };
      this.#wake();
    });
  }
}

/** Waits for a condition that has no event of its own. */
export async function eventually(
  what: string,
  isIt: () => boolean | Promise<boolean>,
): Promise<void> {
  for (let round = 0; round < 1000; round++) {
    if (await isIt()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`waited 10 s for ${what}`);
}
