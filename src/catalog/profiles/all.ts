// Every profile by the name that finds it.
import type { Profile, Profiles } from "../profile.ts";
import { amplify, amplifyBackend, amplifyUiBuilder } from "./amplify.ts";
import { apiGateway, apiGatewayV2 } from "./api-gateway.ts";
import { cognitoIdentity, cognitoSync, cognitoUserPools } from "./cognito.ts";
import { dataEvents } from "./data-events.ts";
import { devopsGuru } from "./devops-guru.ts";
import { mobile } from "./mobile.ts";
import { wellKnown } from "./well-known.ts";

const bySource: Record<string, Profile> = {
  ...wellKnown,
  "amplify.amazonaws.com": amplify,
  "amplifybackend.amazonaws.com": amplifyBackend,
  "amplifyuibuilder.amazonaws.com": amplifyUiBuilder,
  "mobile.amazonaws.com": mobile,
  "mobilehub.amazonaws.com": mobile,
  "devops-guru.amazonaws.com": devopsGuru,
  "cognito-idp.amazonaws.com": cognitoUserPools,
  "cognito-identity.amazonaws.com": cognitoIdentity,
  "cognito-sync.amazonaws.com": cognitoSync,
};

for (const [source, data] of Object.entries(dataEvents)) {
  bySource[source] = { ...bySource[source], data };
}

export const profiles: Profiles = {
  // Services that share one event source.
  byId: {
    apigateway: apiGateway,
    apigatewayv2: apiGatewayV2,
    elasticloadbalancingv2: { apiVersion: "2015-12-01" },
  },
  bySource,
};
