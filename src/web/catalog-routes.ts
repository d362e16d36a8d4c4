// /v1/catalog: the services that the gateway knows, and users' own.
import type { FastifyInstance } from "fastify";
import type { Catalog } from "../catalog/catalog.ts";
import type { Service } from "../catalog/service.ts";
import type { Administer } from "./administration.ts";
import type { Admit } from "./admit.ts";

/** The largest AWS model is about 4 MB as Smithy JSON. */
const modelBytesMax = 16 * 1024 * 1024;

export function catalogRoutes(
  web: FastifyInstance,
  options: { admit: Admit; administer: Administer; catalog: Catalog },
): void {
  const { admit, administer, catalog } = options;
  web.get("/v1/catalog", async (request) => {
    await admit(request, 0);
    return { services: catalog.services() };
  });
  web.post("/v1/catalog", async (request) => {
    const admitted = await admit(request, modelBytesMax);
    const change = {
      eventSource: "cairn.internal",
      eventName: "AddService",
      requestParameters: {},
    };
    const added = () => Promise.resolve(answerOf(catalog.add(admitted.body.toString())));
    return administer(request, admitted, change, added, (service) => ({ service }));
  });
  web.delete("/v1/catalog/:id", async (request, reply) => {
    const admitted = await admit(request, 0);
    const { id } = request.params as { id: string };
    const change = {
      eventSource: "cairn.internal",
      eventName: "RemoveService",
      requestParameters: { id },
    };
    await administer(request, admitted, change, () => Promise.resolve(catalog.remove(id)));
    return reply.status(204).send();
  });
}

function answerOf({ id, eventSource, protocol, operations }: Service) {
  return { id, eventSource, protocol, operations: Object.keys(operations).length, own: true };
}
