// Amplify: the console API, the admin UI API and the UI builder API. All operations are recorded.
// Source: Amplify user guide, "Logging Amplify API calls using AWS CloudTrail" (its two sample entries).
import type { Profile } from "../profile.ts";

export const amplify: Profile = {
  // The sample shows the query's maxResults as "100".
  queryAsText: true,
  times: "wire",
  unmodelledResponse: true,
  hide: ["accessToken", "oauthToken", "basicAuthCredentials"],
};

export const amplifyBackend: Profile = {
  queryAsText: true,
  times: "wire",
  unmodelledResponse: true,
  hide: ["challengeCode", "sessionId"],
  operations: {
    // The sample says readOnly false and shows the answer, although the operation lists.
    ListBackendJobs: { readOnly: false, response: true },
  },
};

export const amplifyUiBuilder: Profile = {
  queryAsText: true,
  times: "wire",
  unmodelledResponse: true,
  operations: {
    ExchangeCodeForToken: { hide: ["code"] },
  },
};
