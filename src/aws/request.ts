// What comes in by the AWS door, and what goes out.
import type { SignedRequest } from "../signature/canonical.ts";

export interface AwsRequest extends SignedRequest {
  body: Buffer;
  /** The caller's address, behind a trusted proxy the one that it names. */
  remoteAddress: string;
  /** It came over TLS, as far as is known here. */
  isSecure: boolean;
}

export interface AwsResponse {
  status: number;
  headers: Record<string, string>;
  body: string;
}
