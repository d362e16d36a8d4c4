// Reads a user's own model of a service: a Smithy model in JSON, or an OpenAPI 3 document in JSON or YAML.
//
// What a document does not say is chosen so that nothing of AWS is claimed: the id is the slug of its title, and the
// event source is `<id>.internal`, unless `x-cairn-event-source` (OpenAPI) or `aws.api#service` (Smithy) names one.
import { parse } from "yaml";
import { CairnError } from "../base/errors.ts";
import { fromOpenApi } from "./add-openapi.ts";
import { fromSmithy } from "./add-smithy.ts";
import { checkService } from "./check-service.ts";
import { invalid, isRecord, type ModelRecord } from "./model-reader.ts";
import type { Service } from "./service.ts";

/** Throws InvalidCatalogModel, which says what is wrong and where. */
export function readModel(text: string): Service {
  const model = parseModel(text);
  return checkService(readParsed(model));
}

function readParsed(model: ModelRecord): Service {
  if (typeof model["smithy"] === "string") return fromSmithy(model);
  if (typeof model["openapi"] === "string") return fromOpenApi(model);
  if (typeof model["swagger"] === "string") {
    throw invalid("swagger", `is '${model["swagger"].slice(0, 16)}': OpenAPI 3.0 or 3.1 is needed`);
  }
  throw new CairnError(
    "InvalidCatalogModel",
    "the document has neither a 'smithy' nor an 'openapi' member: it is no Smithy JSON model and no OpenAPI 3 document",
  );
}

function parseModel(text: string): ModelRecord {
  const isJson = /^\s*[{[]/.test(text);
  let value: unknown;
  try {
    // An alias may stand for much; a document that unfolds into millions of nodes is refused by the parser.
    value = isJson ? JSON.parse(text) : parse(text, { maxAliasCount: 100, merge: true });
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw new CairnError(
      "InvalidCatalogModel",
      `the document is no ${isJson ? "JSON" : "YAML"}: ${reason ?? ""}`,
      { cause: error },
    );
  }
  if (isRecord(value)) return value;
  throw new CairnError("InvalidCatalogModel", "the document is no object");
}
