// Asks policies about a call to an upstream, where the gateway is told to: which operation, about what, by whom.
//
// What cannot be named cannot be allowed: a request whose operation the catalog does not know, or that two readers could
// take for two operations, is refused to everybody but the root user.
import { TLSSocket } from "node:tls";
import { clientAddress } from "../base/client-address.ts";
import { CairnError } from "../base/errors.ts";
import type { ObservedCall, RequestHead } from "../catalog/call.ts";
import { type RecognisedCall, resourcesAskedFor } from "../catalog/describe.ts";
import { regionOfHost } from "../catalog/host-name.ts";
import type { Authorizer } from "../directory/authorize.ts";
import { requestKeys } from "../directory/condition-keys.ts";
import { JsonDocument } from "../event/document.ts";
import type { VerifiedCaller } from "../event/user-identity.ts";
import type { CatalogReader } from "./catalog-reader.ts";
import type { Exchange } from "./exchange.ts";
import { iamActionOf } from "./iam-actions.ts";

export interface PermitOptions {
  authorizer: Authorizer;
  catalog: Pick<CatalogReader, "identify">;
  /** Of calls that carry none. */
  region: string;
  trustProxy: boolean;
}

/** Rejects with AccessDenied. `body`: undefined where it is too large to be read before it is passed on. */
export type Permit = (
  exchange: Exchange,
  caller: VerifiedCaller,
  body: Buffer | undefined,
) => Promise<void>;

export function createPermit({ authorizer, catalog, region, trustProxy }: PermitOptions): Permit {
  return async (exchange, caller, body) => {
    const { head, request } = exchange;
    const { requestHead } = head;
    const { socket } = request;
    const forwarded = trustProxy ? head.headers["x-forwarded-for"] : undefined;
    const place = {
      region: head.claims.region ?? regionOfHost(head.headers["host"]) ?? region,
      accountId: caller.accountId,
    };
    const context = requestKeys({
      remoteAddress: clientAddress(socket.remoteAddress ?? "", forwarded),
      isSecure: socket instanceof TLSSocket,
      region: place.region,
      headers: head.headers,
      nowMs: exchange.arrivedMs,
    });
    const recognised = catalog.identify(requestHead, body);
    const doubt =
      recognised === undefined
        ? "its operation is not known to the catalog"
        : ambiguityOf(recognised, requestHead, body);
    if (recognised === undefined || doubt !== undefined) {
      await permitUnnamed(authorizer, { caller, service: head.claims.signingName, context, doubt });
      return;
    }
    const observed: ObservedCall = {
      ...requestHead,
      ...(body === undefined ? {} : { body }),
    };
    const action = iamActionOf(recognised);
    for (const resource of resourcesFor(resourcesAskedFor(recognised, observed, place))) {
      await authorizer.authorize({ caller, action, resource, context });
    }
  };
}

type Resources = ReturnType<typeof resourcesAskedFor>;

/** An object is told with its bucket; the policy is asked about the object. */
function resourcesFor(resources: Resources): string[] {
  const isOfObject = resources.some(({ type }) => type === "AWS::S3::Object");
  const arns = resources
    .filter(({ type }) => !isOfObject || type !== "AWS::S3::Bucket")
    .map(({ ARN }) => ARN);
  return arns.length === 0 ? ["*"] : arns;
}

async function permitUnnamed(
  authorizer: Authorizer,
  asked: {
    caller: VerifiedCaller;
    service: string | undefined;
    context: ReturnType<typeof requestKeys>;
    doubt: string | undefined;
  },
): Promise<void> {
  const { caller, service = "unknown", context, doubt } = asked;
  const isWholeRoot = caller.kind === "root" && caller.session?.policy === undefined;
  if (!isWholeRoot) {
    throw new CairnError(
      "AccessDenied",
      `Cairn gateway: no policy can allow this request, because ${doubt}.`,
    );
  }
  const action = `${service}:UnknownOperation`;
  await authorizer.authorize({ caller, action, resource: "*", context });
}

/** Why the upstream could read another call than we do. */
function ambiguityOf(
  { protocol }: RecognisedCall,
  { path, query }: RequestHead,
  body: Buffer | undefined,
): string | undefined {
  // One server takes `a/../b` for a name, another goes up.
  if (path.split("/").some((part) => /^(?:\.|%2e){1,2}$/i.test(part))) {
    return "its path has a segment of dots";
  }
  switch (protocol) {
    case "query":
    case "ec2": {
      const names = [query, body?.toString("latin1") ?? ""]
        .filter((part) => part !== "")
        .flatMap((part) => [...new URLSearchParams(part).keys()]);
      return new Set(names).size === names.length ? undefined : "a parameter is given twice";
    }
    case "json1.0":
    case "json1.1":
    case "rest-json": {
      if (body === undefined || body.length === 0) return undefined;
      const problem = new JsonDocument().parse(body);
      return problem?.code === "DuplicateMember"
        ? "a member of its body is given twice"
        : undefined;
    }
    case "rest-xml":
    case "rpc-v2-cbor":
      return undefined;
  }
}
