// Lets a request to the event API in: verifies its signature, asks whether the caller may, reads its body.
import type { FastifyRequest } from "fastify";
import { assert } from "../base/assert.ts";
import { BytePool } from "../base/byte-pool.ts";
import { CairnError } from "../base/errors.ts";
import { ingestPoolBytesMax } from "../base/limits.ts";
import type { Authenticator } from "../directory/authenticate.ts";
import type { Authorizer } from "../directory/authorize.ts";
import { requestKeys } from "../directory/condition-keys.ts";
import type { Authenticated } from "../directory/directory.ts";
import type { VerifiedCaller } from "../event/user-identity.ts";
import { ChunkDecoder } from "../signature/chunk-decoder.ts";
import { type AdministrationOptions, recordAnswer } from "./administration.ts";
import { readBody } from "./body.ts";
import { httpRequest } from "./http-request.ts";
import { eventOf, routeActions } from "./route-actions.ts";

/** What the route is about, where its action is IAM's. */
export interface About {
  resource: string;
  /** How a refusal names it. */
  resourceName?: string;
  /** Refused already, whatever policies say. */
  refusal?: string;
}

export interface Admitted {
  caller: VerifiedCaller;
  /** Of the credential scope. */
  region: string;
  body: Buffer;
  /** Nobody looks at the body any more: its room may be used again. Need not be called. */
  release: () => void;
  /** For routes with an action of IAM: rejects with AccessDenied, which is then on record. */
  permit: (about: About) => Promise<void>;
}

/** What Cairn's own actions are about is the whole account: these are asked before a byte of the body is read. */
export type Admit = (request: FastifyRequest, bodyBytesMax: number) => Promise<Admitted>;

export interface AdmitOptions extends AdministrationOptions {
  authenticator: Authenticator;
  authorizer: Authorizer;
}

export function createAdmit(options: AdmitOptions): Admit {
  const { authenticator, trustProxy } = options;
  const pool = new BytePool(ingestPoolBytesMax);
  return async (request, bodyBytesMax) => {
    const head = httpRequest(request.raw, Buffer.alloc(0), trustProxy);
    // Before a byte of the body: strangers do not get to send 64 MiB.
    const early = await authenticator.examine(head, { service: "cairn", bodyHash: "unread" });
    const isHashDeclared = early.signature?.payload.kind === "hash";
    // Without a declared hash the signature covers the body itself, and only a mismatch can still turn out well.
    const isHopeless =
      !early.ok && (isHashDeclared || early.error.code !== "SignatureDoesNotMatch");
    if (isHopeless) throw early.error;
    if (early.ok) await permitOwn(options, request, early.authenticated);
    const { bytes, sha256, release } = await readBody(request.raw, bodyBytesMax, pool);
    const admitted = (authenticated: Authenticated, body: Buffer): Admitted => ({
      caller: authenticated.caller,
      region: authenticated.region,
      body,
      release,
      permit: (about) => permit(options, request, authenticated, about),
    });
    if (early.ok && early.signature.payload.kind === "chunks") {
      const decoder = new ChunkDecoder(early.signature, early.signingKey);
      const body = Buffer.concat(decoder.push(bytes));
      decoder.end();
      return admitted(early.authenticated, body);
    }
    if (early.ok && early.signature.payload.kind === "hash") {
      if (early.signature.payload.hash !== sha256) throw hashMismatch();
      return admitted(early.authenticated, bytes);
    }
    const late = await authenticator.authenticate(head, { service: "cairn", bodyHash: sha256 });
    if (!early.ok) await permitOwn(options, request, late);
    return admitted(late, bytes);
  };
}

async function permitOwn(
  options: AdmitOptions,
  request: FastifyRequest,
  authenticated: Authenticated,
): Promise<void> {
  if (!actionOf(request).action.startsWith("cairn:")) return;
  await permit(options, request, authenticated, { resource: "*" });
}

async function permit(
  options: AdmitOptions,
  request: FastifyRequest,
  authenticated: Authenticated,
  { refusal: known, ...about }: About,
): Promise<void> {
  const { authorizer, clock, trustProxy } = options;
  const route = actionOf(request);
  const { caller, region } = authenticated;
  const facts = httpRequest(request.raw, Buffer.alloc(0), trustProxy);
  const context = requestKeys({ ...facts, region, nowMs: clock.nowMs() });
  const refusal =
    known ?? (await authorizer.refusalOf({ caller, action: route.action, ...about, context }));
  if (refusal === undefined) return;
  const error = new CairnError("AccessDenied", refusal);
  const change = { ...eventOf(route), requestParameters: null };
  await recordAnswer(options, request, authenticated, change, { responseElements: null, error });
  throw error;
}

function actionOf({ method, routeOptions }: FastifyRequest) {
  const action = routeActions.get(`${method} ${routeOptions.url}`);
  assert(action !== undefined, "every route says what its caller needs");
  return action;
}

function hashMismatch(): CairnError {
  return new CairnError(
    "PayloadHashMismatch",
    "The provided 'x-amz-content-sha256' header does not match what was computed.",
  );
}
