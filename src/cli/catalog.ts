// `cairn catalog …`: which services the gateway knows, and a user's own.
import { readFileSync } from "node:fs";
import { type Command, connect, readArguments, table, UsageError } from "./command.ts";

interface ServiceAnswer {
  id: string;
  eventSource: string;
  protocol: string;
  operations: number;
  own: boolean;
}

function readModel(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}

export const catalogCommands: readonly Command[] = [
  {
    name: "catalog add",
    summary: "describe a service of your own from a Smithy or OpenAPI file",
    help: `Usage: cairn catalog add FILE

FILE is a Smithy JSON model (smithy build writes it) or an OpenAPI 3 document, JSON or YAML. The gateway then names
that service's operations and parameters in its events. Adding it again replaces it.
`,
    async run(words, terminal) {
      const [file, ...more] = readArguments(words, {}, true).positionals;
      if (file === undefined || more.length > 0) throw new UsageError("give one FILE");
      const added = await connect(terminal).json<ServiceAnswer>({
        method: "POST",
        path: "/v1/catalog",
        body: readModel(file),
      });
      terminal.write(
        `${added.id}: ${added.operations} operations, recorded as ${added.eventSource}\n`,
      );
      return 0;
    },
  },
  {
    name: "catalog remove",
    summary: "forget a service that was added",
    help: `Usage: cairn catalog remove SERVICE

SERVICE is the name that \`cairn catalog list\` shows, of a service that was added; the built-in ones cannot be removed.
Events that are recorded already stay as they are. Take its upstream out of the configuration as well, if it has one.
`,
    async run(words, terminal) {
      const [id, ...more] = readArguments(words, {}, true).positionals;
      if (id === undefined || more.length > 0) throw new UsageError("give one SERVICE");
      await connect(terminal).send({
        method: "DELETE",
        path: `/v1/catalog/${encodeURIComponent(id)}`,
      });
      return 0;
    },
  },
  {
    name: "catalog list",
    summary: "list the services that the gateway knows",
    help: "Usage: cairn catalog list\n",
    async run(words, terminal) {
      readArguments(words, {});
      const { services } = await connect(terminal).json<{ services: ServiceAnswer[] }>({
        path: "/v1/catalog",
      });
      const rows = services.map((service) => [
        service.id,
        service.eventSource,
        service.protocol,
        service.own ? "own" : "",
      ]);
      terminal.write(table(["SERVICE", "EVENT SOURCE", "PROTOCOL", ""], rows));
      return 0;
    },
  },
];
