// Page tokens: where a walk through events stands, sealed so that a caller can neither read meaning into one nor make one.
//
//   base64url( TokenContent as JSON ) . base64url( HMAC-SHA256, 32 bytes )
//
// A token is good for the very request that it was given to: account, region and parameters are hashed into it.
import { createHash, createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { CairnError } from "../base/errors.ts";
import type { EventKey, EventQuery } from "../store/store.ts";

/** A walk through the events of one query, page by page. */
export interface Walk {
  /** What to ask the store for now. */
  query: EventQuery;
  /** The token for the page behind `last`. */
  tokenAfter(last: EventKey): string;
}

/** What the first page settled, and the last event given. */
interface Position {
  watermark: bigint;
  fromMs?: number;
  toMs?: number;
  after: EventKey;
}

/** Short names: a token travels in every request of a walk. Another form needs another derived key. */
interface TokenContent {
  w: string;
  f?: number;
  t?: number;
  k: [eventTimeMs: number, eventId: string, seq: string];
  i: number;
  s: string;
}

/** A walk that rests longer has to start again. */
const tokenMsMax = 24 * 3600 * 1000;
/** Characters of a token that is looked at: our own are below 1,000 unless an event id is very long. */
const tokenLengthMax = 16 * 1024;

/** A key of its own, so that no other use of the master key can make a token. */
export function deriveTokenKey(masterKey: Buffer): Buffer {
  return Buffer.from(hkdfSync("sha256", masterKey, "", "cairn page tokens 1", 32));
}

export class PageTokens {
  #key: Buffer;
  #formerKey: Buffer | undefined;
  readonly #clock: Clock;

  /** `formerKey`: of tokens that are still on their way. */
  constructor(options: { key: Buffer; formerKey?: Buffer; clock: Clock }) {
    this.#key = options.key;
    this.#formerKey = options.formerKey;
    this.#clock = options.clock;
  }

  /** Tokens are made with another key from here on; a walk that is under way goes on. */
  replaceKey(key: Buffer): void {
    this.#formerKey = this.#key;
    this.#key = key;
  }

  /**
   * Without a token the walk starts at `watermark` and keeps it, so that what is indexed later is not in it. With one
   * it goes on: watermark and time range are then the first page's, since "now" has moved. `scope` is what else must
   * be the same on every page. Throws InvalidNextToken for a token that we did not make, for another request, or too
   * old.
   */
  resume(
    scope: unknown,
    query: Omit<EventQuery, "watermark" | "after">,
    token: string | undefined,
    watermark: bigint,
  ): Walk {
    const { fromMs, toMs, ...filters } = query;
    const hash = scopeHash([scope, filters]);
    const position = token === undefined ? undefined : this.#open(token, hash);
    const range = position ?? { watermark, fromMs, toMs };
    const settled = {
      watermark: range.watermark,
      ...(range.fromMs === undefined ? {} : { fromMs: range.fromMs }),
      ...(range.toMs === undefined ? {} : { toMs: range.toMs }),
    };
    return {
      query: {
        ...filters,
        ...settled,
        ...(position === undefined ? {} : { after: position.after }),
      },
      tokenAfter: ({ eventTimeMs, eventId, seq }) =>
        this.#seal({ ...settled, after: { eventTimeMs, eventId, seq } }, hash),
    };
  }

  #seal({ watermark, fromMs, toMs, after }: Position, scope: string): string {
    const content: TokenContent = {
      w: String(watermark),
      ...(fromMs === undefined ? {} : { f: fromMs }),
      ...(toMs === undefined ? {} : { t: toMs }),
      k: [after.eventTimeMs, after.eventId, String(after.seq)],
      i: this.#clock.nowMs(),
      s: scope,
    };
    const payload = Buffer.from(JSON.stringify(content));
    return `${payload.toString("base64url")}.${macOf(payload, this.#key).toString("base64url")}`;
  }

  #open(token: string, scope: string): Position {
    const payload = this.#verified(token);
    if (payload === undefined) throw invalid("The NextToken is not one that this server gave.");
    // Verified: from here on the content is our own.
    const content = JSON.parse(payload.toString("utf8")) as TokenContent;
    if (content.s !== scope) {
      throw invalid(
        "The NextToken belongs to a request with other parameters: repeat them on every page.",
      );
    }
    if (this.#clock.nowMs() - content.i > tokenMsMax) {
      throw invalid("The NextToken has expired: start again from the first page.");
    }
    const [eventTimeMs, eventId, seq] = content.k;
    return {
      watermark: BigInt(content.w),
      ...(content.f === undefined ? {} : { fromMs: content.f }),
      ...(content.t === undefined ? {} : { toMs: content.t }),
      after: { eventTimeMs, eventId, seq: BigInt(seq) },
    };
  }

  #verified(token: string): Buffer | undefined {
    if (token.length > tokenLengthMax) return undefined;
    const [payloadText, macText, ...rest] = token.split(".");
    if (payloadText === undefined || macText === undefined || rest.length > 0) return undefined;
    const payload = Buffer.from(payloadText, "base64url");
    const mac = Buffer.from(macText, "base64url");
    // Several texts decode to the same bytes: only the one that we wrote is ours.
    if (payload.toString("base64url") !== payloadText || mac.toString("base64url") !== macText) {
      return undefined;
    }
    const keys = [this.#key, ...(this.#formerKey === undefined ? [] : [this.#formerKey])];
    const isOurs = keys.some((key) => {
      const expected = macOf(payload, key);
      return mac.length === expected.length && timingSafeEqual(mac, expected);
    });
    return isOurs ? payload : undefined;
  }
}

function macOf(payload: Buffer, key: Buffer): Buffer {
  return createHmac("sha256", key).update(payload).digest();
}

function scopeHash(scope: unknown): string {
  return createHash("sha256")
    .update(JSON.stringify(scope))
    .digest()
    .subarray(0, 16)
    .toString("base64url");
}

function invalid(message: string): CairnError {
  return new CairnError("InvalidNextToken", message);
}
