// What a caller of each route of the event API needs, and as which event a refusal is on record.
//
// What the routes for users and keys do is IAM's: it needs IAM's permissions, so that no policy is got around by another
// door.
export interface RouteAction {
  /** `cairn:SearchEvents` */
  action: string;
  /** Left out: the action's operation. */
  eventName?: string;
  readOnly: boolean;
}

const read = (action: string): RouteAction => ({ action, readOnly: true });
const write = (action: string, eventName?: string): RouteAction => ({
  action,
  readOnly: false,
  ...(eventName === undefined ? {} : { eventName }),
});

/** By method and path as the router has it. Every route below /v1 stands here: the server does not open without. */
export const routeActions: ReadonlyMap<string, RouteAction> = new Map([
  ["POST /v1/events", write("cairn:PutEvents")],
  ["POST /v1/events/outcome", write("cairn:PutEvents")],
  ["GET /v1/events", read("cairn:SearchEvents")],
  ["GET /v1/events/tail", read("cairn:FollowEvents")],
  ["GET /v1/catalog", read("cairn:ListServices")],
  ["POST /v1/catalog", write("cairn:ManageCatalog", "AddService")],
  ["DELETE /v1/catalog/:id", write("cairn:ManageCatalog", "RemoveService")],
  // Besides, these are for the root user of the first account alone.
  ["GET /v1/master-key", read("cairn:GetMasterKey")],
  ["POST /v1/master-key/rotation", write("cairn:RotateMasterKey")],
  ["DELETE /v1/master-key/former", write("cairn:ForgetFormerMasterKey")],
  ["GET /v1/users", read("iam:ListUsers")],
  ["POST /v1/users", write("iam:CreateUser")],
  ["GET /v1/keys", read("iam:ListAccessKeys")],
  ["POST /v1/keys", write("iam:CreateAccessKey")],
  ["PATCH /v1/keys/:id", write("iam:UpdateAccessKey")],
  ["DELETE /v1/keys/:id", write("iam:DeleteAccessKey")],
]);

export function eventOf({ action, eventName, readOnly }: RouteAction) {
  const [service = "", operation = ""] = action.split(":");
  const eventSource = service === "cairn" ? "cairn.internal" : `${service}.amazonaws.com`;
  return { eventSource, eventName: eventName ?? operation, readOnly };
}
