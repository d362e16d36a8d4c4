// API Gateway, REST APIs (v1) and HTTP and WebSocket APIs (v2): all operations but the two test invocations.
// Source: API Gateway developer guide, "Logging calls to Amazon API Gateway APIs with AWS CloudTrail".
import type { Profile } from "../profile.ts";

const except = ["TestInvokeAuthorizer", "TestInvokeMethod"];

export const apiGateway: Profile = {
  eventSource: "apigateway.amazonaws.com",
  except,
  times: "space",
  unmodelledResponse: true,
  // The service adds `template: false` to every call and puts a body under `createStageInput` and the like.
  defaults: { template: false },
  bodyUnderInput: true,
  // The answer's links and embedded pages are HAL's, not the API's.
  omit: ["_links", "_embedded"],
  // A label: the id of a key, not the key.
  show: ["apiKey", "requestApiKey"],
  operations: {
    CreateApiKey: { hide: ["value"] },
    UpdateApiKey: { hide: ["value"] },
    ImportApiKeys: { hide: ["body"] },
  },
};

export const apiGatewayV2: Profile = {
  eventSource: "apigateway.amazonaws.com",
  except,
  unmodelledResponse: true,
};
