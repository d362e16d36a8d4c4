// The AWS Mobile CLI of old, led to the gateway by its own setting: its calls are Mobile Hub's in the event history.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startUpstream, type Upstream } from "../../examples/demo/upstream.ts";
import type { JsonObject } from "../../src/event/json.ts";
import { type CairnProcess, startCairn } from "../tools/cairn.ts";
import { allLoaded } from "../tools/found-events.ts";
import { clientOf } from "../tools/post-events.ts";

const fixture = join(import.meta.dirname, "..", "fixtures", "awsmobile-cli");
const program = join(fixture, "node_modules", "awsmobile-cli", "bin", "awsmobile-pull");

/** Installs it where it is missing; says why when that cannot be done. */
function install(): boolean {
  if (existsSync(program)) return true;
  try {
    const words = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    execFileSync("npm", words, { cwd: fixture, stdio: "pipe", timeout: 180_000 });
    return true;
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: Buffer };
    console.warn(`LEFT OUT: awsmobile-cli cannot be installed: ${stderr?.toString() ?? message}`);
    return false;
  }
}

const isInstalled = install();

describe.skipIf(!isInstalled)("awsmobile-cli", () => {
  let upstream: Upstream;
  let cairn: CairnProcess;
  let home: string;
  const projectId = "abcd0123-0123-0123-0123-abcdef012345";

  beforeAll(async () => {
    upstream = await startUpstream();
    const flags = ["--gateway-upstream", upstream.url, "--capture-mode", "strict"];
    cairn = await startCairn({ flags });
    home = mkdtempSync(join(tmpdir(), "awsmobile-"));
    write("home/.aws/credentials", credentialsFile());
    write("home/.aws/config", "[default]\nregion = us-west-2\n");
    write("home/.awsmobilejs/awsmobile-cli-config.json", {
      isInDevMode: true,
      awsmobileAPIEndpoint: cairn.gatewayUrl,
    });
    // A project as `awsmobile init` leaves it.
    const settings = "project/awsmobilejs/.awsmobile/info";
    write(`${settings}/project-info.json`, {
      ProjectName: "project",
      ProjectPath: join(home, "project"),
      BackendProjectID: projectId,
      BackendProjectName: "YOUR_PROJECT_NAME-0123456789012",
    });
    write(`${settings}/project-config.json`, {
      SourceDir: "src",
      DistributionDir: "dist",
      BuildCommand: "true",
      StartCommand: "true",
    });
    mkdirSync(join(home, "project/awsmobilejs/backend"), { recursive: true });
  });
  afterAll(async () => {
    await cairn.stop();
    await upstream.close();
    rmSync(home, { recursive: true, force: true });
  });

  function credentialsFile(): string {
    const { accessKeyId, secretAccessKey } = cairn.credentials;
    return `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
  }

  function write(name: string, content: string | JsonObject): void {
    const path = join(home, name);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  }

  function pull(): Promise<string> {
    return new Promise((resolve) => {
      const child = spawn(process.execPath, [program], {
        cwd: join(home, "project"),
        env: { PATH: process.env["PATH"], HOME: join(home, "home"), AWS_SDK_LOAD_CONFIG: "1" },
        stdio: ["ignore", "pipe", "pipe"],
      });
      let written = "";
      child.stdout.on("data", (chunk: Buffer) => (written += chunk.toString()));
      child.stderr.on("data", (chunk: Buffer) => (written += chunk.toString()));
      child.once("close", () => resolve(written));
    });
  }

  test("its calls are recorded as Mobile Hub's", async () => {
    expect(await pull()).toMatch(/retrieving the latest backend awsmobile project information/);
    await allLoaded(cairn);
    const { events } = await clientOf(cairn).json<{ events: { seq: string; event: JsonObject }[] }>(
      {
        path: "/v1/events",
        query: new URLSearchParams({ eventSource: "mobilehub.amazonaws.com" }),
      },
    );
    const recorded = events
      .toSorted((a, b) => Number(a.seq) - Number(b.seq))
      .map(({ event }) => event);
    const { accessKeyId } = cairn.credentials;
    const common = {
      eventSource: "mobilehub.amazonaws.com",
      awsRegion: "us-east-1",
      eventType: "AwsApiCall",
      eventCategory: "Management",
      userAgent: expect.stringMatching(/awsmobile-cli/),
      userIdentity: expect.objectContaining({ type: "Root", accessKeyId }),
    };
    expect(recorded).toEqual(
      [
        ["DescribeProject", { projectId, syncFromResources: true }, true],
        ["ExportProject", { projectId }, true],
      ].map(([eventName, requestParameters, readOnly]) =>
        expect.objectContaining({ ...common, eventName, requestParameters, readOnly }),
      ),
    );
    expect(recorded.filter((event) => "errorCode" in event)).toEqual([]);
  }, 120_000);
});
