// What the gateway asks of the catalog.
import type { RequestHead } from "../catalog/call.ts";
import type { RecognisedCall } from "../catalog/describe.ts";
import type { Service } from "../catalog/service.ts";

export interface CatalogReader {
  /** By the head alone: enough to choose an upstream. */
  identifyService(head: RequestHead): Service | undefined;
  identify(head: RequestHead, body?: Buffer): RecognisedCall | undefined;
}
