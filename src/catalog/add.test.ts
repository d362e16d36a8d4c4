// Users' own models: what is read from a Smithy model and an OpenAPI document, and what is refused, by name and place.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isCairnError } from "../base/errors.ts";
import { readModel } from "./add.ts";
import { RestRoutes } from "./rest-routes.ts";
import type { Member, Service, Shape } from "./service.ts";

function shapeOf(service: Service, name: string | undefined): Shape | undefined {
  return service.shapes[name ?? ""];
}

function membersOf(service: Service, name: string | undefined): Record<string, Member> {
  const shape = shapeOf(service, name);
  return shape?.t === "structure" ? shape.m : {};
}

function refusal(model: unknown): string {
  try {
    readModel(typeof model === "string" ? model : JSON.stringify(model));
  } catch (error) {
    if (isCairnError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "it was taken";
}

const weather = {
  smithy: "2.0",
  shapes: {
    "example.weather#Weather": {
      type: "service",
      version: "2024-08-23",
      operations: [{ target: "example.weather#Report" }],
      resources: [{ target: "example.weather#City" }],
      traits: {
        "aws.protocols#restJson1": {},
        "smithy.protocols#rpcv2Cbor": {},
        "aws.auth#sigv4": { name: "weather" },
      },
    },
    "example.weather#City": {
      type: "resource",
      read: { target: "example.weather#GetCity" },
      put: { target: "example.weather#PutCity" },
    },
    "example.weather#GetCity": {
      type: "operation",
      input: { target: "example.weather#GetCityInput" },
      output: { target: "example.weather#City_" },
      traits: {
        "smithy.api#readonly": {},
        "smithy.api#http": { method: "GET", uri: "/cities/{cityId}/{path+}?detail" },
      },
    },
    "example.weather#PutCity": {
      type: "operation",
      input: { target: "example.weather#City_" },
      output: { target: "smithy.api#Unit" },
      traits: { "smithy.api#http": { method: "PUT", uri: "/cities" } },
    },
    "example.weather#Report": {
      type: "operation",
      input: { target: "example.weather#ReportInput" },
      traits: {
        "smithy.api#http": { method: "POST", uri: "/reports" },
        "smithy.api#auth": [],
      },
    },
    "example.weather#GetCityInput": {
      type: "structure",
      members: {
        cityId: {
          target: "smithy.api#String",
          traits: { "smithy.api#httpLabel": {}, "smithy.api#required": {} },
        },
        path: {
          target: "smithy.api#String",
          traits: { "smithy.api#httpLabel": {}, "smithy.api#required": {} },
        },
        units: { target: "example.weather#Units", traits: { "smithy.api#httpQuery": "u" } },
        token: { target: "example.weather#Secret", traits: { "smithy.api#httpHeader": "X-Token" } },
      },
    },
    "example.weather#Common": {
      type: "structure",
      members: { name: { target: "smithy.api#String" } },
      traits: { "smithy.api#mixin": {} },
    },
    "example.weather#City_": {
      type: "structure",
      mixins: [{ target: "example.weather#Common" }],
      members: {
        founded: {
          target: "smithy.api#Timestamp",
          traits: { "smithy.api#timestampFormat": "date-time", "smithy.api#jsonName": "since" },
        },
        twins: { target: "example.weather#Cities" },
        codes: { target: "example.weather#Codes" },
      },
    },
    "example.weather#Cities": { type: "list", member: { target: "example.weather#City_" } },
    "example.weather#Codes": {
      type: "map",
      key: { target: "smithy.api#String" },
      value: { target: "example.weather#Secret" },
    },
    "example.weather#ReportInput": {
      type: "structure",
      members: {
        picture: {
          target: "example.weather#Picture",
          traits: { "smithy.api#httpPayload": {} },
        },
      },
    },
    "example.weather#Picture": { type: "blob", traits: { "smithy.api#streaming": {} } },
    "example.weather#Units": { type: "enum", members: {} },
    "example.weather#Secret": { type: "string" },
    "example.weather#City_$twins": {
      type: "apply",
      traits: { "smithy.api#required": {} },
    },
  },
};
const applied = {
  ...weather,
  shapes: {
    ...weather.shapes,
    "example.weather#GetCityInput$token": {
      type: "apply",
      traits: { "smithy.api#sensitive": {} },
    },
  },
};

function changed(change: (shapes: Record<string, Record<string, unknown>>) => void): string {
  const model = structuredClone(weather) as { shapes: Record<string, Record<string, unknown>> };
  change(model.shapes);
  return refusal(model);
}

describe("a Smithy model", () => {
  const service = readModel(JSON.stringify(applied));

  test("says what the service is called and what it speaks", () => {
    const { operations: _, shapes: __, ...names } = service;
    expect(names).toEqual({
      id: "weather",
      eventSource: "weather.internal",
      signingName: "weather",
      endpointPrefix: "weather",
      apiVersion: "2024-08-23",
      protocol: "rest-json",
      otherProtocols: ["rpc-v2-cbor"],
      targetPrefixes: ["Weather"],
    });
  });

  test("brings the operations of the service and of its resources", () => {
    expect(service.operations).toEqual({
      GetCity: {
        method: "GET",
        path: "/cities/{cityId}/{path+}?detail",
        in: "GetCityInput",
        out: "City_",
        read: true,
      },
      PutCity: { method: "PUT", path: "/cities", in: "City_" },
      Report: { path: "/reports", in: "ReportInput", unsigned: true },
    });
  });

  test("brings members with their places, and what is sensitive", () => {
    expect(membersOf(service, "GetCityInput")).toEqual({
      cityId: { s: "*string", loc: "uri" },
      path: { s: "*string", loc: "uri" },
      units: { s: "*string", loc: "query", n: "u" },
      token: { s: "*sensitive string", loc: "header", n: "X-Token" },
    });
    expect(shapeOf(service, "GetCityInput")).toMatchObject({ req: ["cityId", "path"] });
    expect(shapeOf(service, "City_")).toEqual({
      t: "structure",
      m: {
        name: { s: "*string" },
        founded: { s: "*iso8601 timestamp", n: "since" },
        twins: { s: "Cities" },
        codes: { s: "Codes" },
      },
      req: ["twins"],
    });
    expect(shapeOf(service, "ReportInput")).toMatchObject({ payload: "picture" });
    expect(shapeOf(service, "*streaming blob")).toEqual({ t: "blob", stream: true });
  });

  test("takes AWS's own words where a model has them", () => {
    const model = structuredClone(weather) as { shapes: Record<string, Record<string, unknown>> };
    const own = model.shapes["example.weather#Weather"] ?? {};
    own["traits"] = {
      "aws.protocols#awsJson1_1": {},
      "aws.api#service": {
        sdkId: "Weather Now",
        endpointPrefix: "weather-now",
        cloudTrailEventSource: "weather.example.com",
      },
    };
    const named = readModel(JSON.stringify(model));
    expect(named).toMatchObject({
      id: "weather-now",
      eventSource: "weather.example.com",
      signingName: "weather-now",
      protocol: "json1.1",
      targetPrefixes: ["Weather"],
    });
    expect(named.operations["GetCity"]).toEqual({ in: "GetCityInput", out: "City_", read: true });
  });

  test("that is not whole is refused, with the place", () => {
    expect(refusal({ smithy: "2.0" })).toBe("InvalidCatalogModel: shapes is missing");
    expect(refusal({ smithy: "2.0", shapes: {} })).toBe(
      "InvalidCatalogModel: shapes has no shape of the type 'service'",
    );
    const reference = changed((shapes) => {
      delete shapes["example.weather#Cities"];
    });
    expect(reference).toBe(
      "InvalidCatalogModel: example.weather#City_$twins names the shape 'example.weather#Cities', which is not there",
    );
    const protocol = changed((shapes) => {
      (shapes["example.weather#Weather"] ?? {})["traits"] = {};
    });
    expect(protocol).toMatch(/shapes\.example\.weather#Weather has none of the protocols aws/);
    const http = changed((shapes) => {
      (shapes["example.weather#PutCity"] ?? {})["traits"] = {};
    });
    expect(http).toBe("InvalidCatalogModel: example.weather#PutCity smithy.api#http is missing");
    const second = changed((shapes) => {
      shapes["example.weather#Other"] = { type: "service", version: "1" };
    });
    expect(second).toMatch(
      /has several services: example\.weather#Weather, example\.weather#Other/,
    );
  });
});

const shop = `
openapi: 3.1.0
info: { title: "Ünser Shop!", version: 2.0 }
x-cairn-event-source: shop.example.com
servers:
  - url: https://shop.example.com/v2/
  - url: http://{region}.shop.example.com
security: [{ sigv4: [] }]
paths:
  /orders:
    parameters:
      - { name: X-Trace, in: header, schema: { type: string } }
    get:
      operationId: ListOrders
      parameters:
        - { name: limit, in: query, schema: { type: integer, format: int64 } }
        - { name: session, in: cookie, schema: { type: string } }
      responses:
        "200": { content: { application/json: { schema: { type: array, items: { $ref: "#/components/schemas/Order" } } } } }
    post:
      operationId: PlaceOrder
      requestBody: { $ref: "#/components/requestBodies/NewOrder" }
      responses:
        "201": { content: { application/vnd.shop+json: { schema: { $ref: "#/components/schemas/Order" } } } }
  /orders/{id}:
    put:
      operationId: ReplaceOrder
      parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
      requestBody: { required: true, content: { application/json: { schema: { $ref: "#/components/schemas/Order" } } } }
  /orders/{id}:cancel:
    post:
      operationId: CancelOrder
      security: []
      parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
  /orders/{id}/items:
    delete:
      parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
  /search:
    post:
      operationId: Search
      x-cairn-read-only: true
components:
  securitySchemes:
    sigv4: { type: apiKey, name: Authorization, in: header, x-amazon-apigateway-authtype: awsSigv4 }
  requestBodies:
    NewOrder:
      content:
        application/json:
          schema:
            allOf:
              - { $ref: "#/components/schemas/Order" }
              - type: object
                required: [card]
                properties:
                  card: { type: string, writeOnly: true }
                  pin: { type: string, format: password }
                  codes: { type: object, additionalProperties: { type: string }, x-cairn-sensitive: true }
  schemas:
    Order:
      type: object
      required: [id]
      properties:
        id: { type: [string, "null"] }
        placed: { type: string, format: date-time }
        parent: { $ref: "#/components/schemas/Order" }
        note: { description: anything }
`;

function document(paths: object, more: object = {}): object {
  return { openapi: "3.0.0", info: { title: "T" }, paths, ...more };
}

describe("an OpenAPI document", () => {
  const service = readModel(shop);

  test("says what the service is called and where it is", () => {
    const { operations: _, shapes: __, ...names } = service;
    expect(names).toEqual({
      id: "u-nser-shop",
      eventSource: "shop.example.com",
      signingName: "u-nser-shop",
      endpointPrefix: "u-nser-shop",
      apiVersion: "2",
      protocol: "rest-json",
      hosts: ["shop.example.com"],
    });
  });

  test("brings the operations, by operationId or by method and path", () => {
    expect(service.operations).toEqual({
      CancelOrder: { path: "/v2/orders/{id}:cancel", in: "CancelOrder input", unsigned: true },
      DeleteOrdersItems: {
        path: "/v2/orders/{id}/items",
        method: "DELETE",
        in: "DeleteOrdersItems input",
      },
      ListOrders: {
        path: "/v2/orders",
        method: "GET",
        in: "ListOrders input",
        out: "ListOrders response",
        read: true,
      },
      PlaceOrder: { path: "/v2/orders", in: "PlaceOrder input", out: "Order" },
      ReplaceOrder: { path: "/v2/orders/{id}", method: "PUT", in: "ReplaceOrder input" },
      Search: { path: "/v2/search", in: "Search input", read: true },
    });
  });

  test("brings parameters and bodies, and what is sensitive", () => {
    expect(membersOf(service, "ListOrders input")).toEqual({
      "X-Trace": { s: "*string", loc: "header", n: "X-Trace" },
      limit: { s: "*long", loc: "query", n: "limit" },
    });
    expect(shapeOf(service, "ListOrders response")).toEqual({
      t: "structure",
      m: { body: { s: "ListOrders output" } },
      payload: "body",
    });
    expect(shapeOf(service, "ListOrders output")).toEqual({ t: "list", e: { s: "Order" } });
    expect(shapeOf(service, "PlaceOrder input")).toEqual({
      t: "structure",
      m: {
        "X-Trace": { s: "*string", loc: "header", n: "X-Trace" },
        id: { s: "*string" },
        placed: { s: "*iso8601 timestamp" },
        parent: { s: "Order" },
        note: { s: "*document" },
        card: { s: "*sensitive string" },
        pin: { s: "*sensitive string" },
        codes: { s: "PlaceOrder body.codes", sensitive: true },
      },
      req: ["id", "card"],
    });
  });

  test("keeps a body apart whose member is a parameter's twin", () => {
    expect(shapeOf(service, "ReplaceOrder input")).toEqual({
      t: "structure",
      m: { id: { s: "*string", loc: "uri", n: "id" }, body: { s: "Order" } },
      payload: "body",
      req: ["id", "body"],
    });
  });

  test("is routed by segments that are part label, part text", () => {
    const match = RestRoutes.of(service).match({
      method: "POST",
      path: "/v2/orders/a%2Fb:cancel",
      query: "",
      headers: {},
    });
    expect(match).toMatchObject({ name: "CancelOrder", labels: { id: "a/b" } });
  });

  test("can be JSON, and needs no more than a title and a path", () => {
    const small = { openapi: "3.0.0", info: { title: "T" }, paths: { "/": { get: {} } } };
    expect(readModel(JSON.stringify(small)).operations).toEqual({
      Get: { path: "/", method: "GET", in: "Get input", read: true, unsigned: true },
    });
  });

  test.each([
    [{ openapi: "3.0.0", info: {}, paths: {} }, /info\.title is missing/],
    [{ openapi: "3.0.0", info: { title: "!" }, paths: {} }, /info\.title has no letter or digit/],
    [
      { openapi: "4.0.0", info: { title: "T" } },
      /openapi is '4\.0\.0': OpenAPI 3\.0 or 3\.1 is needed/,
    ],
    [{ swagger: "2.0" }, /swagger is '2\.0': OpenAPI 3\.0 or 3\.1 is needed/],
    [document({}), /paths has no operations/],
    [document({ orders: { get: {} } }), /paths\.orders must start with \//],
    [document({ "/a-{b}-{c}": { get: {} } }), /more than one parameter in the path segment/],
    [
      document({ "/a": { get: { operationId: "X" }, put: { operationId: "X" } } }),
      /paths\.\/a\.put has the name 'X', which another operation has/,
    ],
    [document({ "/a": { get: { operationId: "__proto__" } } }), /'__proto__' cannot be a name/],
    [
      document({ "/a": { get: { parameters: [{ name: "x", in: "body" }] } } }),
      /paths\.\/a\.get\.parameters\[0\]\.in is 'body'/,
    ],
    [
      document({ "/a": { $ref: "other.yaml#/a" } }),
      /paths\.\/a refers to 'other\.yaml#\/a': only references into the same document/,
    ],
    [document({ "/a": { $ref: "#/paths/~1a" } }), /'#\/paths\/~1a' leads in a circle/],
    [
      document({ "/a": { get: {} } }, { servers: [{ url: "ftp://x" }] }),
      /servers\[0\]\.url 'ftp:\/\/x' is neither/,
    ],
    [document({ "/a": { get: {} } }, { "x-cairn-id": "../s3" }), /id must be 1 to 64 of a-z/],
  ])("%j is refused, with the place", (model, expected) => {
    expect(refusal(model)).toMatch(/^InvalidCatalogModel: /);
    expect(refusal(model)).toMatch(expected);
  });

  test("whose schemas are nested without end is refused", () => {
    let schema: object = { type: "string" };
    for (let depth = 0; depth < 1000; depth += 1) schema = { type: "array", items: schema };
    const parameters = [{ name: "x", in: "query", schema }];
    expect(refusal(document({ "/a": { get: { parameters } } }))).toMatch(
      /is nested deeper than 128/,
    );
  });

  test("whose schemas are made of themselves is read once", () => {
    // Each is made of the next one twice: two to the power of a hundred ways to the last.
    const schemas: Record<string, object> = {
      S100: {
        properties: { id: { type: "string" } },
        allOf: [{ $ref: "#/components/schemas/S0" }],
      },
    };
    for (let at = 0; at < 100; at += 1) {
      const next = { $ref: `#/components/schemas/S${at + 1}` };
      schemas[`S${at}`] = { allOf: [next, next] };
    }
    const model = document(
      {
        "/a": {
          post: {
            operationId: "A",
            requestBody: {
              content: { "application/json": { schema: { $ref: "#/components/schemas/S0" } } },
            },
          },
        },
      },
      { components: { schemas } },
    );
    expect(membersOf(readModel(JSON.stringify(model)), "A input")).toEqual({
      id: { s: "*string" },
    });
  });
});

const memberNames = [
  "type properties items allOf $ref get post parameters schema in name requestBody content",
  "application/json target members traits a#S a#O input operations smithy.api#http uri method /a A",
].flatMap((line) => line.split(" "));

describe("what is neither", () => {
  test.each([
    ["", /the document is no object/],
    ["just words", /the document is no object/],
    ['{"a": ', /the document is no JSON: /],
    ["a: [", /the document is no YAML: /],
    ["{}", /neither a 'smithy' nor an 'openapi' member/],
    ["a: &a [x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n", /neither a 'smithy' nor an 'openapi'/],
  ])("%j is refused", (text, expected) => {
    expect(refusal(text)).toMatch(expected);
  });

  test("an alias that unfolds into a flood is refused", () => {
    const lines = Array.from({ length: 30 }, (_, at) => {
      const items = Array.from({ length: 9 }, () => `*a${at}`).join(",");
      return `a${at + 1}: &a${at + 1} [${items}]`;
    });
    expect(refusal(["a0: &a0 [x]", ...lines].join("\n"))).toMatch(/the document is no YAML/);
  });

  test("no document makes it throw anything but its own error", () => {
    const json = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(
          "object",
          "#/components/schemas/A",
          "query",
          "smithy.api#String",
          "",
          7,
          null,
          true,
        ),
        fc.array(tie("value"), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...memberNames), tie("value"), { maxKeys: 5 }),
      ),
    })).value;
    const model = fc.oneof(
      fc.record({
        openapi: fc.constant("3.0.0"),
        info: fc.constant({ title: "T" }),
        paths: fc.oneof(json, fc.record({ "/a": fc.record({ post: json }) })),
        components: fc.oneof(json, fc.record({ schemas: fc.record({ A: json }) })),
      }),
      fc.record({
        smithy: fc.constant("2.0"),
        shapes: fc.oneof(
          json,
          fc.record({
            "a#S": fc.constant({
              type: "service",
              operations: [{ target: "a#O" }],
              traits: { "aws.protocols#restXml": {} },
            }),
            "a#O": json,
            "a#A": json,
          }),
        ),
      }),
    );
    fc.assert(
      fc.property(model, (value) => {
        expect(refusal(value)).toMatch(/^(?:InvalidCatalogModel: |it was taken)/);
      }),
      { numRuns: 500 },
    );
  });
});
