// Mobile Hub: what the AWS Mobile CLI calls.
// Source: "Logging AWS Mobile CLI API Calls with AWS CloudTrail" (its sample entry).
import type { Profile } from "../profile.ts";

export const mobile: Profile = {
  eventSource: "mobilehub.amazonaws.com",
  times: "wire",
  unmodelledResponse: true,
  operations: {
    // The service fills in maxResults, and the sample shows the answer of a listing.
    ListProjects: { readOnly: true, response: true, defaults: { maxResults: 0 } },
    ListBundles: { readOnly: true, defaults: { maxResults: 0 } },
    DescribeProject: { readOnly: true },
    DescribeBundle: { readOnly: true },
    ExportProject: { readOnly: true },
    ExportBundle: { readOnly: true },
    CreateProject: { readOnly: false },
    UpdateProject: { readOnly: false },
    DeleteProject: { readOnly: false },
  },
};
