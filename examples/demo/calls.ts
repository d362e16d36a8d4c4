// The calls of the demo: one for each kind of client of the five systems, made with the real SDK.
import { AmplifyClient, ListAppsCommand } from "@aws-sdk/client-amplify";
import { AmplifyBackendClient, ListBackendJobsCommand } from "@aws-sdk/client-amplifybackend";
import { APIGatewayClient, GetResourceCommand } from "@aws-sdk/client-api-gateway";
import { CognitoIdentityClient, CreateIdentityPoolCommand } from "@aws-sdk/client-cognito-identity";
import {
  CognitoIdentityProviderClient,
  SignUpCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { DevOpsGuruClient, UpdateResourceCollectionCommand } from "@aws-sdk/client-devops-guru";
import { ListProjectsCommand, MobileClient } from "@aws-sdk/client-mobile";

export interface ClientSettings {
  endpoint: string;
  region: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
}

export interface DemoCall {
  /** The system, as its documents name it. */
  system: string;
  eventName: string;
  /** The region of the documents' sample. */
  region: string;
  send(settings: ClientSettings): Promise<unknown>;
}

export const demoCalls: readonly DemoCall[] = [
  {
    system: "Amplify",
    eventName: "ListApps",
    region: "us-west-2",
    send: (settings) => new AmplifyClient(settings).send(new ListAppsCommand({ maxResults: 100 })),
  },
  {
    system: "Amplify Admin UI",
    eventName: "ListBackendJobs",
    region: "us-west-2",
    send: (settings) =>
      new AmplifyBackendClient(settings).send(
        new ListBackendJobsCommand({ AppId: "d23mv2oexample", BackendEnvironmentName: "staging" }),
      ),
  },
  {
    system: "AWS Mobile",
    eventName: "ListProjects",
    region: "us-west-2",
    send: (settings) => new MobileClient(settings).send(new ListProjectsCommand({})),
  },
  {
    system: "DevOps Guru",
    eventName: "UpdateResourceCollection",
    region: "us-east-1",
    send: (settings) =>
      new DevOpsGuruClient(settings).send(
        new UpdateResourceCollectionCommand({
          Action: "REMOVE",
          ResourceCollection: { CloudFormation: { StackNames: ["*"] } },
        }),
      ),
  },
  {
    system: "Cognito federated identities",
    eventName: "CreateIdentityPool",
    region: "us-east-1",
    send: (settings) =>
      new CognitoIdentityClient(settings).send(
        new CreateIdentityPoolCommand({
          IdentityPoolName: "TestPool",
          AllowUnauthenticatedIdentities: true,
          SupportedLoginProviders: { "graph.facebook.com": "000000000000000" },
        }),
      ),
  },
  {
    system: "Cognito user pools",
    eventName: "SignUp",
    region: "us-east-1",
    send: (settings) =>
      new CognitoIdentityProviderClient(settings).send(
        new SignUpCommand({
          ClientId: "1example23456789",
          Username: "mary",
          Password: "Correct-Horse-1",
        }),
      ),
  },
  {
    system: "API Gateway",
    eventName: "GetResource",
    region: "us-east-1",
    send: (settings) =>
      new APIGatewayClient(settings).send(
        new GetResourceCommand({ restApiId: "3rbEXAMPLE", resourceId: "5tfEXAMPLE" }),
      ),
  },
];
