// Where calls go: one upstream with its connections, and the choice among them.
import {
  type Agent,
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import type { Clock } from "../base/clock.ts";
import type { SigningCredentials } from "../signature/signer.ts";

/** One service behind the gateway. */
export interface UpstreamTarget {
  url: URL;
  mode: "pass-through" | "re-sign";
  /** For `re-sign`. */
  credentials?: SigningCredentials;
  /** The account that calls without a verified caller are recorded for. */
  accountId?: string;
  /** The region of calls that carry none. */
  region?: string;
  /** PEM certificates of the authorities to trust in place of the usual ones. */
  ca?: string | Buffer;
}

export interface UpstreamTargets {
  /** For every service that `services` does not name. */
  default?: URL;
  /** As `ca` of a service. */
  defaultCa?: string | Buffer;
  /** By the catalog's service id, e.g. `cognito-idp`. */
  services: Readonly<Record<string, UpstreamTarget>>;
}

export interface HopTimeouts {
  connectMs: number;
  /** Nothing came from the upstream, and nothing could be sent to it, for so long. */
  idleMs: number;
}

export interface HopRequest {
  method: string;
  /** Path and query, as sent. */
  target: string;
  /** Names and values in turn. */
  headers: string[];
}

/** A free connection is let go before most servers (5 s and more) would, so that few calls meet a closing one. */
const freeSocketMs = 4000;
/** Beyond any real message head; node:http's own 16 KiB is less than some session tokens take. */
export const headBytesMax = 64 * 1024;

export class Upstream {
  /** The service id, or `default`. */
  readonly name: string;
  readonly target: UpstreamTarget;
  readonly #agent: Agent;
  readonly #prefix: string;
  readonly #host: string;
  readonly #port: number;
  readonly #secure: boolean;

  constructor(name: string, target: UpstreamTarget) {
    this.name = name;
    this.target = target;
    const { url } = target;
    this.#secure = url.protocol === "https:";
    this.#host = url.hostname.replace(/^\[|\]$/g, "");
    this.#port = url.port === "" ? (this.#secure ? 443 : 80) : Number(url.port);
    this.#prefix = url.pathname.replace(/\/$/, "");
    const options = { keepAlive: true, timeout: freeSocketMs, maxFreeSockets: 256 };
    this.#agent = this.#secure
      ? new HttpsAgent(target.ca === undefined ? options : { ...options, ca: target.ca })
      : new HttpAgent(options);
  }

  /** `host:port` as a Host header says it, for requests that are signed anew. */
  get authority(): string {
    return this.target.url.host;
  }

  /** The path and query that the upstream gets for `target`. */
  pathFor(target: string): string {
    return this.#prefix + target;
  }

  /** Throws what node:http throws when the head cannot be put on the wire. */
  dial(hop: HopRequest, clock: Clock, timeouts: HopTimeouts): ClientRequest {
    const open = this.#secure ? httpsRequest : httpRequest;
    const outgoing = open({
      agent: this.#agent,
      host: this.#host,
      port: this.#port,
      // The Host header is the client's, the name in the certificate is the upstream's.
      ...(this.#secure && isIP(this.#host) === 0 ? { servername: this.#host } : {}),
      method: hop.method,
      path: this.pathFor(hop.target),
      // In this form node:http writes them as they are.
      headers: hop.headers,
      setHost: false,
      maxHeaderSize: headBytesMax,
      timeout: timeouts.idleMs,
    });
    // No header of the answer is dropped for there being many; their bytes are bounded.
    outgoing.maxHeadersCount = 0;
    outgoing.once("socket", (socket) => {
      if (!socket.connecting) return;
      const timer = clock.after(timeouts.connectMs, () => {
        outgoing.destroy(new HopTimeout(`no connection within ${timeouts.connectMs} ms`));
      });
      socket.once(this.#secure ? "secureConnect" : "connect", () => timer.cancel());
      socket.once("close", () => timer.cancel());
    });
    outgoing.on("timeout", () => {
      outgoing.destroy(new HopTimeout(`no answer within ${timeouts.idleMs} ms`));
    });
    return outgoing;
  }

  close(): void {
    this.#agent.destroy();
  }
}

export class HopTimeout extends Error {
  override readonly name = "HopTimeout";
}

export class Upstreams {
  readonly #byService: ReadonlyMap<string, Upstream>;
  readonly #fallback: Upstream | undefined;

  constructor(targets: UpstreamTargets) {
    this.#byService = new Map(
      Object.entries(targets.services).map(([id, target]) => [id, new Upstream(id, target)]),
    );
    this.#fallback =
      targets.default === undefined
        ? undefined
        : new Upstream("default", {
            url: targets.default,
            mode: "pass-through",
            ...(targets.defaultCa === undefined ? {} : { ca: targets.defaultCa }),
          });
  }

  /** False: every call goes to the default upstream, whatever its service is. */
  get dependOnService(): boolean {
    return this.#byService.size > 0;
  }

  find(serviceId: string | undefined): Upstream | undefined {
    return (serviceId === undefined ? undefined : this.#byService.get(serviceId)) ?? this.#fallback;
  }

  close(): void {
    for (const upstream of this.#byService.values()) upstream.close();
    this.#fallback?.close();
  }
}
