// The gateway: how much a recorded call costs, beside the same proxy that records nothing.
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { signRequest } from "../src/signature/signer.ts";
import { type CairnProcess, startCairn } from "../test/tools/cairn.ts";
import type { Bench, BenchContext } from "./bench.ts";
import { atLeastTimes, atMost, type Figure, median, percentile, reported } from "./figure.ts";
import { metric } from "./server.ts";

export const gateway: Bench = {
  name: "gateway",
  summary: "calls through the recording gateway, against the same proxy with recording off",
  async run(context) {
    const upstream = await startScript("gateway-upstream.ts", []);
    const plain = await startScript("gateway-plain.ts", [upstream.url]);
    const cairn = await startCairn({ flags: ["--gateway-upstream", upstream.url] });
    try {
      return await measure(context, upstream.url, plain.url, cairn);
    } finally {
      await cairn.stop();
      plain.child.kill();
      upstream.child.kill();
    }
  },
};

const busyConnections = 32;

async function measure(
  context: BenchContext,
  direct: string,
  plain: string,
  cairn: CairnProcess,
): Promise<Figure[]> {
  const headers = await signedHeaders(cairn);
  const targets = { direct, plain, recording: cairn.gatewayUrl };
  const runMs = context.scale === "small" ? 1000 : 4000;
  const busy: Record<keyof typeof targets, number>[] = [];
  const calm: Record<keyof typeof targets, number>[] = [];
  let sent = 0;
  // The first round warms up. Contestants take turns, so that a neighbour's load meets them all.
  for (let round = 0; round <= context.rounds; round++) {
    const rates = { direct: 0, plain: 0, recording: 0 };
    const medians = { direct: 0, plain: 0, recording: 0 };
    for (const name of ["direct", "plain", "recording"] as const) {
      const times = await load(targets[name], headers, busyConnections, runMs);
      rates[name] = (times.length / runMs) * 1000;
      if (name === "recording") sent += times.length;
    }
    for (const name of ["direct", "plain", "recording"] as const) {
      const times = await load(targets[name], headers, 1, runMs / 2);
      medians[name] = percentile(times, 50);
      if (name === "recording") sent += times.length;
    }
    if (round > 0) {
      busy.push(rates);
      calm.push(medians);
      context.say(`round ${round}: ${JSON.stringify({ rates, medians })}`);
    }
  }
  const recorded = await recordedOf(cairn, sent);
  if (recorded < sent) context.say(`${recorded} calls recorded of ${sent}`);
  const rate = median(busy.map((each) => each.recording));
  const ratio = median(busy.map((each) => each.recording / each.plain));
  const addedMs = median(calm.map((each) => each.recording - each.plain));
  return [
    atLeastTimes(
      `calls recorded, ${busyConnections} connections`,
      rate,
      { name: "recording off", value: rate / ratio },
      "calls/s",
      0.7,
    ),
    atMost("p50 added by recording, one connection", addedMs, "ms", 0.3),
    reported("p50 through the gateway", median(calm.map((each) => each.recording)), "ms"),
    reported("p50 without a gateway", median(calm.map((each) => each.direct)), "ms"),
    atMost("calls sent and not recorded", Math.max(0, sent - recorded), "calls", 0),
  ];
}

const settleMsMax = 5000;

/** How many of the calls were recorded: the last ones are, within a moment, after their answers have gone. */
async function recordedOf(cairn: CairnProcess, sent: number): Promise<number> {
  const endMs = performance.now() + settleMsMax;
  for (;;) {
    const recorded = await metric(cairn, 'cairn_gateway_total{name="recorded"}');
    if (recorded >= sent || performance.now() > endMs) return recorded;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const body = Buffer.from(JSON.stringify({ PoolName: "n".repeat(200) }));
const operation = "AWSCognitoIdentityProviderService.CreateUserPool";

/** The same call again and again: a signature is good for five minutes. */
function signedHeaders(cairn: CairnProcess): Promise<Record<string, string>> {
  return signRequest(
    {
      method: "POST",
      url: new URL("http://cognito-idp.us-east-1.amazonaws.com/"),
      headers: {
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": operation,
        "user-agent": "aws-sdk-js/3.1168.0 ua/2.1 os/linux#6 lang/js md/nodejs#20",
      },
      payloadHash: createHash("sha256").update(body).digest("hex"),
      service: "cognito-idp",
      region: "us-east-1",
      nowMs: Date.now(),
    },
    cairn.credentials,
  );
}

/** Calls one behind the other on each connection; what each took. */
async function load(
  url: string,
  headers: Record<string, string>,
  connections: number,
  runMs: number,
): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const times: number[] = [];
  const endMs = performance.now() + runMs;
  const callSome = async () => {
    while (performance.now() < endMs) times.push(await call(url, agent, headers));
  };
  await Promise.all(Array.from({ length: connections }, callSome));
  agent.destroy();
  return times;
}

function call(url: string, agent: Agent, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const startedMs = performance.now();
    const sent = request(url, { method: "POST", agent, headers }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`answered ${response.statusCode}`));
      response.resume();
      response.once("end", () => resolve(performance.now() - startedMs));
    });
    sent.once("error", reject);
    sent.setHeader("content-length", body.length);
    sent.end(body);
  });
}

/** A script of this folder in a process of its own, which prints its address once it listens. */
function startScript(name: string, words: string[]): Promise<{ url: string; child: ChildProcess }> {
  const path = join(import.meta.dirname, name);
  const child = spawn(process.execPath, ["--import", "tsx", path, ...words], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`${name} ended with ${code}`)));
    child.stdout.once("data", (chunk: Buffer) => resolve({ url: chunk.toString().trim(), child }));
  });
}
