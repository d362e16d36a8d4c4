// Real clients of the systems behind the gateway.
import { CognitoIdentityProviderClient } from "@aws-sdk/client-cognito-identity-provider";
import type { Credentials, Recording } from "./recording.ts";
import { closeAfter } from "./support.ts";

export function cognito(
  recording: Recording,
  credentials: Credentials,
): CognitoIdentityProviderClient {
  const client = new CognitoIdentityProviderClient({
    endpoint: recording.endpoint,
    region: "eu-west-1",
    credentials,
    maxAttempts: 1,
  });
  closeAfter(() => client.destroy());
  return client;
}
