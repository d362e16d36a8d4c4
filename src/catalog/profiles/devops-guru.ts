// DevOps Guru: all operations are recorded, with the API's own spelling of members.
// Source: DevOps Guru user guide, "Logging Amazon DevOps Guru API calls with AWS CloudTrail" (its sample entry).
import type { Profile } from "../profile.ts";

export const devopsGuru: Profile = {
  style: "wire",
  times: "wire",
  unmodelledResponse: true,
};
