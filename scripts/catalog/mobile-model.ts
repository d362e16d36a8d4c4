// Mobile Hub's model in the form of the others: its API is in no current SDK, only in @aws-sdk/client-mobile 3.523.
import type { SourceModel, SourceShape } from "./source-model.ts";

const text: SourceShape = {};
const time: SourceShape = { type: "timestamp" };
const inQuery = (shape: SourceShape, name: string): SourceShape => ({
  ...shape,
  location: "querystring",
  locationName: name,
});
const inPath = (name: string): SourceShape => ({ location: "uri", locationName: name });
const structure = (members: Record<string, SourceShape>, required: string[] = []): SourceShape => ({
  type: "structure",
  members,
  ...(required.length === 0 ? {} : { required }),
});
const list = (member: SourceShape): SourceShape => ({ type: "list", member });
const paging = {
  maxResults: inQuery({ type: "integer" }, "maxResults"),
  nextToken: inQuery(text, "nextToken"),
};

export const mobileModel: SourceModel = {
  fileId: "mobile",
  metadata: {
    apiVersion: "2017-07-01",
    endpointPrefix: "mobile",
    protocol: "rest-json",
    signingName: "AWSMobileHubService",
    serviceId: "Mobile",
  },
  operations: {
    CreateProject: {
      http: { requestUri: "/projects" },
      input: {
        ...structure({
          name: inQuery(text, "name"),
          region: inQuery(text, "region"),
          contents: { type: "blob" },
          snapshotId: inQuery(text, "snapshotId"),
        }),
        payload: "contents",
      },
      output: structure({ details: { shape: "ProjectDetails" } }),
    },
    DeleteProject: {
      http: { method: "DELETE", requestUri: "/projects/{projectId}" },
      input: structure({ projectId: inPath("projectId") }, ["projectId"]),
      output: structure({
        deletedResources: { shape: "Resources" },
        orphanedResources: { shape: "Resources" },
      }),
    },
    DescribeBundle: {
      http: { method: "GET", requestUri: "/bundles/{bundleId}" },
      input: structure({ bundleId: inPath("bundleId") }, ["bundleId"]),
      output: structure({ details: { shape: "BundleDetails" } }),
    },
    DescribeProject: {
      http: { method: "GET", requestUri: "/project" },
      input: structure(
        {
          projectId: inQuery(text, "projectId"),
          syncFromResources: inQuery({ type: "boolean" }, "syncFromResources"),
        },
        ["projectId"],
      ),
      output: structure({ details: { shape: "ProjectDetails" } }),
    },
    ExportBundle: {
      http: { requestUri: "/bundles/{bundleId}" },
      input: structure(
        {
          bundleId: inPath("bundleId"),
          projectId: inQuery(text, "projectId"),
          platform: inQuery(text, "platform"),
        },
        ["bundleId"],
      ),
      output: structure({ downloadUrl: text }),
    },
    ExportProject: {
      http: { requestUri: "/exports/{projectId}" },
      input: structure({ projectId: inPath("projectId") }, ["projectId"]),
      output: structure({ downloadUrl: text, shareUrl: text, snapshotId: text }),
    },
    ListBundles: {
      http: { method: "GET", requestUri: "/bundles" },
      input: structure(paging),
      output: structure({ bundleList: list({ shape: "BundleDetails" }), nextToken: text }),
    },
    ListProjects: {
      http: { method: "GET", requestUri: "/projects" },
      input: structure(paging),
      output: structure({
        projects: list(structure({ name: text, projectId: text })),
        nextToken: text,
      }),
    },
    UpdateProject: {
      http: { requestUri: "/update" },
      input: {
        ...structure({ contents: { type: "blob" }, projectId: inQuery(text, "projectId") }, [
          "projectId",
        ]),
        payload: "contents",
      },
      output: structure({ details: { shape: "ProjectDetails" } }),
    },
  },
  shapes: {
    BundleDetails: structure({
      bundleId: text,
      title: text,
      version: text,
      description: text,
      iconUrl: text,
      availablePlatforms: list(text),
    }),
    ProjectDetails: structure({
      name: text,
      projectId: text,
      region: text,
      state: text,
      createdDate: time,
      lastUpdatedDate: time,
      consoleUrl: text,
      resources: { shape: "Resources" },
    }),
    Resource: structure({
      type: text,
      name: text,
      arn: text,
      feature: text,
      attributes: { type: "map", key: text, value: text },
    }),
    Resources: list({ shape: "Resource" }),
  },
};
