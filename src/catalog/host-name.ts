// Which service a host name means, as AWS and its emulators spell hosts.
//
//   <prefix>.<region>.amazonaws.com        <prefix>-fips.<region>.amazonaws.com     <prefix>.<region>.api.aws
//   <bucket>.s3.<region>.amazonaws.com     s3.dualstack.<region>.amazonaws.com      s3-<region>.amazonaws.com
//   <vpce-id>.<prefix>.<region>.vpce.amazonaws.com                                  <prefix>.localhost

export interface HostMeaning {
  endpointPrefix: string;
  /** The labels before the prefix: a bucket, an account, an endpoint's id; empty when there are none. */
  before: string;
}

const awsDomain =
  /\.(?:amazonaws\.com(?:\.cn)?|api\.aws|api\.amazonwebservices\.com\.cn|localhost\.localstack\.cloud|localhost)$/;
const regionLabel = /^(?:[a-z]{2,3}(?:-[a-z]+)+-\d{1,2}|aws-global)$/;

/** Other names of the same endpoint. */
const aliases: Readonly<Record<string, string>> = {
  queue: "sqs",
  "s3-accelerate": "s3",
  "s3-accesspoint": "s3",
  "s3-object-lambda": "s3",
  "s3express-control": "s3",
};

export function meaningOfHost(
  hostHeader: string | undefined,
  isEndpointPrefix: (name: string) => boolean,
): HostMeaning | undefined {
  const host = plainHost(hostHeader);
  const domain = awsDomain.exec(host);
  if (domain === null) return undefined;
  const labels = host
    .slice(0, domain.index)
    .split(".")
    .filter((each) => each !== "dualstack" && each !== "vpce" && !regionLabel.test(each));
  for (let at = 0; at < labels.length; at += 1) {
    const name = plainPrefix(labels.slice(at).join("."));
    const endpointPrefix = aliases[name] ?? name;
    if (!isEndpointPrefix(endpointPrefix)) continue;
    return { endpointPrefix, before: labels.slice(0, at).join(".") };
  }
  return undefined;
}

/** The bucket in the host of a virtual-hosted request; undefined when it stands in the path. */
export function bucketOfHost(hostHeader: string | undefined): string | undefined {
  const meaning = meaningOfHost(hostHeader, (name) => name === "s3");
  if (meaning !== undefined) {
    // An interface endpoint puts `bucket` before the buckets, and its own id before everything.
    const isEndpoint = /\.vpce\./.test(plainHost(hostHeader));
    const bucket = isEndpoint
      ? meaning.before.replace(/\.?(?:bucket|accesspoint|control)?\.?vpce-[a-z0-9-]+$/, "")
      : meaning.before;
    return bucket === "" ? undefined : bucket;
  }
  // SDKs that take `http://localhost` for an endpoint put the bucket before it.
  const [, bucket] = /^(.+)\.localhost$/.exec(plainHost(hostHeader)) ?? [];
  return bucket;
}

/**
 * The region that an AWS host names; undefined where it names none. What stands before `s3` is a bucket's name and may
 * look like anything; what stands before another service may be the region, as in `<domain>.<region>.es.amazonaws.com`.
 */
export function regionOfHost(hostHeader: string | undefined): string | undefined {
  const host = plainHost(hostHeader);
  const domain = awsDomain.exec(host);
  if (domain === null) return undefined;
  for (const label of host.slice(0, domain.index).split(".").toReversed()) {
    const plain = plainLabel(label);
    if (plain !== "aws-global" && regionLabel.test(plain)) return plain;
    if (/^s3(?:express)?(?:$|-)/.test(label)) return undefined;
  }
  return undefined;
}

/** Older hosts of S3 have the region in the same label. */
function plainLabel(label: string): string {
  return label.replace(/^s3-(?=[a-z]{2,3}-)/, "");
}

/** S3 Express has its own host for the operations on directory buckets. */
export function isDirectoryBucketHost(hostHeader: string | undefined): boolean {
  return /(?:^|\.)s3express-control\./.test(plainHost(hostHeader));
}

/** Without the port, in lower case. */
export function plainHost(hostHeader: string | undefined): string {
  return (hostHeader ?? "").replace(/:\d+$/, "").toLowerCase();
}

function plainPrefix(name: string): string {
  const plain = name.replace(/-fips$/, "").replace(/^fips[.-]/, "");
  if (/^s3-(?:[a-z]{2,3}(?:-[a-z]+)+-\d{1,2}|external-1)$/.test(plain)) return "s3";
  return /^s3express-[a-z0-9-]+$/.test(plain) && plain !== "s3express-control" ? "s3" : plain;
}
