// What a request's head says, read only when somebody asks: most of it is needed after the answer has been sent.
import type { IncomingMessage } from "node:http";
import { CairnError } from "../base/errors.ts";
import type { RequestHead } from "../catalog/call.ts";
import type { KeyForVerification } from "../directory/directory.ts";
import type { SignedRequest } from "../signature/canonical.ts";
import { type ParsedSignature, parseSignature } from "../signature/parse-signature.ts";
import type { CredentialScope } from "../signature/signing-keys.ts";
import { connectionTokens, joinHeaders, rawHeader } from "./headers.ts";

/** What a request claims about its signer; nothing here is verified. */
export interface Claims {
  accessKeyId?: string;
  region?: string;
  signingName?: string;
}

const usualCredential =
  /^AWS4-HMAC-SHA256 Credential=([A-Za-z0-9]{1,128})\/(\d{8})\/([a-z0-9-]{1,64})\/([A-Za-z0-9_-]{1,64})\/aws4_request,/;

/** As received. */
export interface WireHead {
  method: string;
  /** Path and query as sent; of an absolute URL only that part. */
  target: string;
  /** Names and values in turn. */
  rawHeaders: readonly string[];
}

export class CallHead implements WireHead {
  readonly method: string;
  readonly target: string;
  readonly rawHeaders: readonly string[];
  /** Kept by `Callers`: what the directory says of the key that the request names. */
  keyLookUp: Promise<KeyForVerification | undefined> | undefined;
  /** What came of it; undefined as long as nothing has. */
  foundKey: KeyForVerification | undefined;
  #headers: Record<string, string> | undefined;
  #signature: { parsed: ParsedSignature | CairnError | undefined } | undefined;
  #claims: Claims | undefined;
  #signedRequest: SignedRequest | undefined;
  #requestHead: RequestHead | undefined;

  constructor({ method, target, rawHeaders }: WireHead) {
    this.method = method;
    this.target = target;
    this.rawHeaders = rawHeaders;
  }

  static of({ method = "GET", url = "/", rawHeaders }: IncomingMessage): CallHead {
    return new CallHead({ method, target: originForm(url), rawHeaders });
  }

  /** Without what has been read from it. */
  get wire(): WireHead {
    const { method, target, rawHeaders } = this;
    return { method, target, rawHeaders };
  }

  /** As received, every header, lower-case names. */
  get headers(): Record<string, string> {
    return (this.#headers ??= joinHeaders(this.rawHeaders));
  }

  get path(): string {
    const mark = this.target.indexOf("?");
    return mark < 0 ? this.target : this.target.slice(0, mark);
  }

  get query(): string {
    const mark = this.target.indexOf("?");
    return mark < 0 ? "" : this.target.slice(mark + 1);
  }

  get signature(): ParsedSignature | CairnError | undefined {
    this.#signature ??= { parsed: parseSignature(this.signedRequest) };
    return this.#signature.parsed;
  }

  isSigned(lowerName: string): boolean {
    const { signature } = this;
    if (signature === undefined || signature instanceof CairnError) return false;
    return signature.signedHeaders.includes(lowerName);
  }

  /** The signature covers the hash of the body, so that who verifies it must know that hash. */
  get coversBody(): boolean {
    const { signature } = this;
    if (signature === undefined || signature instanceof CairnError) return false;
    return signature.payload.kind === "hash" || signature.payload.kind === "body";
  }

  /**
   * The scope that the signature claims. Mostly read off the header alone: that costs a quarter of reading the whole
   * signature, which is done elsewhere where it comes to proof.
   */
  get scope(): CredentialScope | undefined {
    const header = rawHeader(this.rawHeaders, "authorization");
    const found = header === undefined ? null : usualCredential.exec(header);
    if (found !== null) {
      const [, accessKeyId = "", date = "", region = "", signingName = ""] = found;
      return { accessKeyId, date, region, signingName };
    }
    const { signature } = this;
    return signature instanceof CairnError ? undefined : signature;
  }

  /** What came with the signature of a session's key. Most calls have none, and are asked no more than that. */
  get sessionToken(): string | undefined {
    const mayHaveOne =
      rawHeader(this.rawHeaders, "x-amz-security-token") !== undefined ||
      this.target.includes("X-Amz-Security-Token=");
    if (!mayHaveOne) return undefined;
    // Which of the two places counts is the signature's to say.
    const { signature } = this;
    return signature instanceof CairnError
      ? this.headers["x-amz-security-token"]
      : signature?.sessionToken;
  }

  get claims(): Claims {
    return (this.#claims ??= this.#readClaims());
  }

  get signedRequest(): SignedRequest {
    return (this.#signedRequest ??= this.#readSignedRequest());
  }

  #readSignedRequest(): SignedRequest {
    const { method, path, query, headers, rawHeaders } = this;
    // Only repeated headers are signed in another form than they are joined here.
    const isPlain = Object.keys(headers).length * 2 === rawHeaders.length;
    return isPlain
      ? { method, path, query, headers }
      : { method, path, query, headers, rawHeaders };
  }

  /** For the catalog: what the upstream gets, so that nobody shows one call to us and another to it. */
  get requestHead(): RequestHead {
    if (this.#requestHead !== undefined) return this.#requestHead;
    const { method, path, query, claims } = this;
    const headers = this.#forwardedHeaders();
    const { signingName } = claims;
    const requestHead: RequestHead = { method, path, query, headers };
    if (signingName !== undefined) requestHead.signingName = signingName;
    this.#requestHead = requestHead;
    return requestHead;
  }

  #forwardedHeaders(): Record<string, string> {
    const { headers } = this;
    const named = connectionTokens(this.rawHeaders);
    if (named.size === 0) return headers;
    const forwarded = { ...headers };
    for (const name of named) if (!this.isSigned(name)) delete forwarded[name];
    return forwarded;
  }

  #readClaims(): Claims {
    const { signature } = this;
    if (signature === undefined) return {};
    if (!(signature instanceof CairnError)) {
      const { accessKeyId, region, signingName } = signature;
      return { accessKeyId, region, signingName };
    }
    // A signature in a form that we cannot verify still names its key, and often its service.
    return roughClaims(this.headers["authorization"] ?? "", this.query);
  }
}

function roughClaims(authorization: string, query: string): Claims {
  const scope =
    /Credential=([^/,\s]{1,128})\/\d{8}\/(?:([A-Za-z0-9-]{1,64})\/)?([A-Za-z0-9_-]{1,64})\/aws4_request/.exec(
      authorization,
    ) ??
    /X-Amz-Credential=([A-Za-z0-9]{1,128})%2F\d{8}%2F(?:([A-Za-z0-9-]{1,64})%2F)?([A-Za-z0-9_-]{1,64})%2Faws4_request/i.exec(
      query,
    );
  if (scope !== null) {
    return {
      ...(scope[1] === undefined ? {} : { accessKeyId: scope[1] }),
      ...(scope[2] === undefined ? {} : { region: scope[2] }),
      ...(scope[3] === undefined ? {} : { signingName: scope[3] }),
    };
  }
  const older =
    /^AWS ([A-Za-z0-9]{1,128}):/.exec(authorization)?.[1] ??
    /(?:^|&)AWSAccessKeyId=([A-Za-z0-9]{1,128})/.exec(query)?.[1];
  const credential = /Credential=([A-Za-z0-9]{1,128})/.exec(authorization)?.[1];
  const accessKeyId = older ?? credential;
  return accessKeyId === undefined ? {} : { accessKeyId };
}

/** A client that takes us for a forward proxy sends an absolute URL; servers want the rest of it. */
function originForm(url: string): string {
  const absolute = /^https?:\/\/[^/?#]*/i.exec(url);
  if (absolute === null) return url;
  const rest = url.slice(absolute[0].length);
  return rest.startsWith("/") ? rest : `/${rest}`;
}
