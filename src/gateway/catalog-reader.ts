// What the gateway asks of the catalog.
import type { RequestHead } from "../catalog/call.ts";
import type { RecognisedCall } from "../catalog/describe.ts";
import type { Service } from "../catalog/service.ts";

/** What can be said of a service without reading its description. */
export type ServiceName = Pick<Service, "id" | "protocol">;

export interface CatalogReader {
  /** Reads now what would be read when an unsigned request first comes, and would hold up every other one. */
  prepare?(): void;
  /** By the head alone: enough to choose an upstream. */
  identifyService(head: RequestHead): ServiceName | undefined;
  identify(head: RequestHead, body?: Buffer): RecognisedCall | undefined;
}
