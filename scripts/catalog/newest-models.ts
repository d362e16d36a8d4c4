// The newest models of every service: those of botocore, one pinned wheel, fetched when the catalog is generated.
//
// aws-sdk 2 gets no new services and few new operations any more. botocore's models have the same form, whole: every
// shape has a name. The wheel is unpacked below node_modules, where the next run, and the test that compares the
// checked-in files with their models, finds it.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { SourceModel } from "./source-model.ts";

const version = "1.43.107";
export const newestModelSource = `botocore ${version}`;
const wheelSha256 = "23cbe854e815dbaccf097f7fd32b461c9e1d2ed7e0c7dcc5658218704509d840";
const wheelName = `botocore-${version}-py3-none-any.whl`;
const cacheFolder = join(import.meta.dirname, "../../node_modules/.cache/cairn-catalog");
const modelFolder = join(cacheFolder, `botocore-${version}`, "botocore/data");

/** File ids of aws-sdk 2, where they are not botocore's words: they were there first. */
const ids: Readonly<Record<string, string>> = {
  cloudwatch: "monitoring",
  dynamodbstreams: "streams.dynamodb",
  efs: "elasticfilesystem",
  elb: "elasticloadbalancing",
  elbv2: "elasticloadbalancingv2",
  emr: "elasticmapreduce",
  "lex-runtime": "runtime.lex",
  "lexv2-models": "models.lex.v2",
  "lexv2-runtime": "runtime.lex.v2",
  "marketplace-entitlement": "entitlement.marketplace",
  mgh: "AWSMigrationHub",
  mturk: "mturk-requester",
  "pinpoint-sms-voice": "sms-voice",
  "sagemaker-runtime": "runtime.sagemaker",
  ses: "email",
  stepfunctions: "states",
};

export type NewestModels = ReadonlyMap<string, SourceModel>;

/** By the model's file id. Downloads the wheel when it is not there yet. */
export function fetchNewestModels(): NewestModels {
  if (!existsSync(modelFolder)) fetchWheel();
  return readModels();
}

/** Undefined: nobody has generated the catalog here, and a test downloads nothing. */
export function cachedNewestModels(): NewestModels | undefined {
  return existsSync(modelFolder) ? readModels() : undefined;
}

function fetchWheel(): void {
  mkdirSync(cacheFolder, { recursive: true });
  const folder = mkdtempSync(join(cacheFolder, "download-"));
  const python = (...words: string[]) => execFileSync("python3", ["-m", ...words], { cwd: folder });
  python("pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", `botocore==${version}`);
  const sha256 = createHash("sha256")
    .update(readFileSync(join(folder, wheelName)))
    .digest("hex");
  if (sha256 !== wheelSha256) throw new Error(`${wheelName} has the SHA-256 ${sha256}`);
  python("zipfile", "-e", wheelName, "unpacked");
  renameSync(join(folder, "unpacked"), join(cacheFolder, `botocore-${version}`));
  rmSync(folder, { recursive: true });
}

function readModels(): NewestModels {
  const models = new Map<string, SourceModel>();
  for (const name of readdirSync(modelFolder, { withFileTypes: true })) {
    if (!name.isDirectory()) continue;
    const newest = readdirSync(join(modelFolder, name.name)).toSorted().at(-1) ?? "";
    const path = join(modelFolder, name.name, newest, "service-2.json.gz");
    if (!existsSync(path)) continue;
    const model = JSON.parse(gunzipSync(readFileSync(path)).toString()) as SourceModel;
    const fileId = ids[name.name] ?? name.name;
    models.set(fileId, { ...model, fileId });
  }
  return models;
}
