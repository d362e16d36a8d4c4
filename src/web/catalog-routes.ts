// /v1/catalog: the services that the gateway knows, and users' own.
import type { FastifyInstance } from "fastify";
import type { Catalog } from "../catalog/catalog.ts";
import type { Service } from "../catalog/service.ts";
import type { Admit } from "./admit.ts";

/** The largest AWS model is about 4 MB as Smithy JSON. */
const modelBytesMax = 16 * 1024 * 1024;

export function catalogRoutes(
  web: FastifyInstance,
  options: { admit: Admit; catalog: Catalog },
): void {
  const { admit, catalog } = options;
  web.get("/v1/catalog", async (request) => {
    await admit(request, 0);
    return { services: catalog.services() };
  });
  web.post("/v1/catalog", async (request) => {
    const { body } = await admit(request, modelBytesMax);
    const service: Service = catalog.add(body.toString());
    const { id, eventSource, protocol } = service;
    return {
      id,
      eventSource,
      protocol,
      operations: Object.keys(service.operations).length,
      own: true,
    };
  });
}
