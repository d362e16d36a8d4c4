// A small upstream for the demo: answers a few calls of the five systems the way their real services do on the wire.
//
// It keeps nothing and checks no signature: the gateway in front of it is what the demo shows.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

interface Answer {
  status?: number;
  headers?: Record<string, string>;
  body: unknown;
}

interface Route {
  method: string;
  /** The whole path; groups are passed to `answer`. */
  path: RegExp;
  /** awsJson: the operation, behind the last dot of X-Amz-Target. */
  target?: string;
  answer(groups: string[], input: Record<string, unknown>): Answer;
}

const routes: readonly Route[] = [
  {
    // Amplify ListApps
    method: "GET",
    path: /^\/apps$/,
    answer: () => ({ body: { apps: [] } }),
  },
  {
    // Amplify Admin UI ListBackendJobs: its times are strings on the wire.
    method: "POST",
    path: /^\/backend\/([^/]+)\/job\/([^/]+)$/,
    answer: ([appId, backendEnvironmentName]) => ({
      body: {
        jobs: [
          {
            appId,
            backendEnvironmentName,
            jobId: "ed63e9b2-dd1b-4bf2-895b-3d5dcexample",
            operation: "CreateBackendAuth",
            status: "COMPLETED",
            createTime: "1610499932490",
            updateTime: "1610500140053",
          },
          {
            appId,
            backendEnvironmentName,
            jobId: "06904b10-a795-49c1-92b7-185dfexample",
            operation: "CreateBackend",
            status: "COMPLETED",
            createTime: "1610499657938",
            updateTime: "1610499704458",
          },
        ],
        appId,
        backendEnvironmentName,
      },
    }),
  },
  {
    // Mobile Hub ListProjects
    method: "GET",
    path: /^\/projects$/,
    answer: () => ({
      body: {
        projects: [
          {
            name: "YOUR_PROJECT_NAME-0123456789012",
            projectId: "abcd0123-0123-0123-0123-abcdef012345",
          },
        ],
      },
    }),
  },
  {
    // Mobile Hub DescribeProject
    method: "GET",
    path: /^\/project$/,
    answer: () => ({
      body: {
        details: {
          name: "YOUR_PROJECT_NAME-0123456789012",
          projectId: "abcd0123-0123-0123-0123-abcdef012345",
          region: "us-west-2",
          state: "NORMAL",
          resources: [],
        },
      },
    }),
  },
  {
    // Mobile Hub ExportProject: there is nothing to download.
    method: "POST",
    path: /^\/exports\/([^/]+)$/,
    answer: () => ({ body: { snapshotId: "abcdef01-0123-0123-0123-0123abcd0123" } }),
  },
  {
    // DevOps Guru UpdateResourceCollection
    method: "PUT",
    path: /^\/resource-collections$/,
    answer: () => ({ body: {} }),
  },
  {
    // API Gateway GetResource
    method: "GET",
    path: /^\/restapis\/([^/]+)\/resources\/([^/]+)$/,
    answer: ([, id]) => ({ body: { id, path: "/" } }),
  },
  {
    // Cognito federated identities
    method: "POST",
    path: /^\/$/,
    target: "CreateIdentityPool",
    answer: (_groups, input) => ({
      body: {
        IdentityPoolId: "us-east-1:1cf667a2-49a6-454b-9e45-23199EXAMPLE",
        IdentityPoolName: input["IdentityPoolName"],
        AllowUnauthenticatedIdentities: input["AllowUnauthenticatedIdentities"],
        SupportedLoginProviders: input["SupportedLoginProviders"],
      },
    }),
  },
  {
    // Cognito user pools: public, hence unsigned
    method: "POST",
    path: /^\/$/,
    target: "SignUp",
    answer: () => ({
      body: { UserConfirmed: false, UserSub: "2f6e9a3c-0000-4000-8000-5d3c1fexample" },
    }),
  },
];

export interface Upstream {
  url: string;
  close(): Promise<void>;
}

export async function startUpstream(): Promise<Upstream> {
  const server = createServer((request, response) => {
    void respond(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status = 200, headers = {}, body } = await answer(request);
  const isJson = request.headers["x-amz-target"] !== undefined;
  response.writeHead(status, {
    "content-type": isJson ? "application/x-amz-json-1.1" : "application/json",
    "x-amzn-requestid": crypto.randomUUID(),
    ...headers,
  });
  response.end(JSON.stringify(body));
}

async function answer(request: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  const path = (request.url ?? "/").split("?")[0] ?? "/";
  const target = String(request.headers["x-amz-target"] ?? "")
    .split(".")
    .at(-1);
  for (const route of routes) {
    const match = route.path.exec(path);
    if (request.method !== route.method || match === null) continue;
    if (route.target !== undefined && route.target !== target) continue;
    const input = text.startsWith("{") ? (JSON.parse(text) as Record<string, unknown>) : {};
    return route.answer(match.slice(1).map(decodeURIComponent), input);
  }
  const type = "ResourceNotFoundException";
  return {
    status: 404,
    headers: { "x-amzn-errortype": type },
    body: { __type: type, message: `the demo has no ${request.method} ${path}` },
  };
}
