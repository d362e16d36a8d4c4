// What asking policies costs: LookupEvents as an IAM user with ten policies, beside the root user in the same run.
import { queryCall } from "../src/cli/aws-call.ts";
import { type CairnProcess, startCairn } from "../test/tools/cairn.ts";
import { clientOf } from "../test/tools/post-events.ts";
import type { Bench, BenchContext } from "./bench.ts";
import { makeEvents } from "./events.ts";
import { atLeastTimes, type Figure, median } from "./figure.ts";
import { postAll, SignedClient } from "./load.ts";

export const authorize: Bench = {
  name: "authorize",
  summary: "LookupEvents as a user with ten policies, against the root user",
  async run(context) {
    const cairn = await startCairn();
    try {
      return await measure(context, cairn);
    } finally {
      await cairn.stop();
    }
  },
};

const policyCount = 10;
const connections = 8;
const bodyEvents = 5000;
const slices = 6;

async function measure(context: BenchContext, cairn: CairnProcess): Promise<Figure[]> {
  const user = await makeUser(cairn);
  await fill(cairn, context.scale === "small" ? 20_000 : 200_000);
  const runMs = context.scale === "small" ? 1500 : 5000;
  const root: number[] = [];
  const ratios: number[] = [];
  // The first round warms up. They take turns, often, and either goes first: a neighbour's load meets both.
  for (let round = 0; round <= Math.max(3, context.rounds); round++) {
    for (let slice = 0; slice < slices; slice++) {
      const rates = { root: 0, user: 0 };
      const order = slice % 2 === 0 ? (["root", "user"] as const) : (["user", "root"] as const);
      for (const who of order) {
        const credentials = who === "root" ? cairn.credentials : user;
        rates[who] = await rate({ ...cairn, credentials }, runMs / slices);
      }
      if (round === 0) continue;
      root.push(rates.root);
      ratios.push(rates.user / rates.root);
    }
    if (round > 0) context.say(`round ${round}: ${median(ratios).toFixed(3)} times as fast`);
  }
  return [
    atLeastTimes(
      `LookupEvents as a user with ${policyCount} policies`,
      median(ratios) * median(root),
      { name: "as the root user", value: median(root) },
      "calls/s",
      0.9,
    ),
  ];
}

/** Of each policy some statements are about something else, and one asks for a condition; the last one allows. */
async function makeUser(cairn: CairnProcess): Promise<CairnProcess["credentials"]> {
  const client = clientOf(cairn);
  await queryCall(client, "iam", "CreateUser", { UserName: "auditor" });
  for (let index = 0; index < policyCount; index++) {
    const PolicyName = `policy-${index}`;
    const { Policy } = await queryCall(client, "iam", "CreatePolicy", {
      PolicyName,
      PolicyDocument: JSON.stringify(document(index)),
    });
    const { Arn } = Policy as { Arn: string };
    await queryCall(client, "iam", "AttachUserPolicy", { UserName: "auditor", PolicyArn: Arn });
  }
  const { AccessKey } = await queryCall(client, "iam", "CreateAccessKey", { UserName: "auditor" });
  const key = AccessKey as { AccessKeyId: string; SecretAccessKey: string };
  return { accessKeyId: key.AccessKeyId, secretAccessKey: key.SecretAccessKey };
}

function document(index: number): object {
  const isLast = index === policyCount - 1;
  return {
    Version: "2012-10-17",
    Statement: [
      ...Array.from({ length: 8 }, (_, each) => ({
        Effect: "Allow",
        Action: [`s3:Get*`, `dynamodb:*Item`, `cloudtrail:Get*${each}`],
        Resource: [`arn:aws:s3:::bucket-${index}-${each}/*`, `arn:aws:s3:::\${aws:username}/*`],
      })),
      {
        Effect: "Deny",
        Action: "cloudtrail:*",
        Resource: "*",
        Condition: {
          NotIpAddress: { "aws:SourceIp": ["127.0.0.0/8", "10.0.0.0/8"] },
          StringNotLike: { "aws:PrincipalTag/Team": `team-${index}-*` },
        },
      },
      {
        Effect: "Allow",
        Action: ["cloudtrail:Describe*", "cloudtrail:Lookup*"],
        Resource: "*",
        Condition: {
          StringEquals: { "aws:RequestedRegion": isLast ? "us-east-1" : `nowhere-${index}` },
        },
      },
    ],
  };
}

async function fill(cairn: CairnProcess, count: number): Promise<void> {
  const toMs = Date.now();
  const range = { fromMs: toMs - 24 * 3600 * 1000, toMs };
  const maker = makeEvents({ seed: 7, accountId: "111122223333", region: "us-east-1", ...range });
  function* bodies() {
    for (let made = 0; made < count; made += bodyEvents) {
      const lines = Array.from({ length: bodyEvents }, () => maker.next());
      yield { bytes: Buffer.from(`${lines.join("\n")}\n`), count: bodyEvents };
    }
  }
  await postAll(cairn, bodies(), 2);
}

/** Calls a second over some connections that are never idle. */
async function rate(server: CairnProcess, runMs: number): Promise<number> {
  const client = new SignedClient(server, connections);
  const endMs = performance.now() + runMs;
  let count = 0;
  const callSome = async () => {
    while (performance.now() < endMs) {
      const { status, body } = await client.lookup({
        LookupAttributes: [{ AttributeKey: "EventId", AttributeValue: "no-such-event" }],
      });
      if (status !== 200) throw new Error(`LookupEvents answered ${status}: ${body.toString()}`);
      count++;
    }
  };
  await Promise.all(Array.from({ length: connections }, callSome));
  client.close();
  return (count / runMs) * 1000;
}
