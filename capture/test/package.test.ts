// The package as npm ships it: small, without dependencies, and with every door that it names.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";

const folder = join(import.meta.dirname, "..");
const root = join(folder, "..");

interface Manifest {
  dependencies?: object;
  exports: Record<string, string | { types: string; default: string }>;
}

const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;

beforeAll(() => {
  rmSync(join(folder, "dist"), { recursive: true, force: true });
  run(process.execPath, [
    join(root, "node_modules/typescript/bin/tsc"),
    "-p",
    "tsconfig.build.json",
  ]);
});

function run(command: string, args: string[]): string {
  return execFileSync(command, args, {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}

test("is under 100 kB packed, with no test and no source in it", () => {
  const [packed] = JSON.parse(run("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"])) as {
    size: number;
    files: { path: string }[];
  }[];
  const paths = packed?.files.map((file) => file.path) ?? [];
  expect(packed?.size).toBeLessThan(100_000);
  expect(
    paths.filter(
      (path) => !/^(dist\/[\w-]+\.(js|d\.ts)|package\.json|README\.md|LICENSE)$/.test(path),
    ),
  ).toEqual([]);
  for (const door of Object.values(manifest.exports)) {
    const files = typeof door === "string" ? [door] : [door.types, door.default];
    for (const file of files) expect(paths).toContain(file.slice(2));
  }
});

test("needs nothing at run time: no dependency, and only Node's own modules imported", () => {
  expect(manifest.dependencies).toBeUndefined();
  const script = `
    const loaded = [];
    for (const door of [".", "./identify", "./node", "./express", "./fastify", "./hono"]) {
      loaded.push(...Object.keys(await import("@cairn/capture" + door.slice(1))));
    }
    console.log(JSON.stringify(loaded.sort()));
  `;
  // Installed on its own, in a place where no other package can be found.
  const place = mkdtempSync(join(tmpdir(), "cairn-package-"));
  run("npm", ["pack", "--pack-destination", place, "--ignore-scripts", "--silent"]);
  execFileSync("mkdir", ["-p", join(place, "node_modules/@cairn/capture")]);
  execFileSync("tar", [
    "xzf",
    join(place, "cairn-capture-0.1.0.tgz"),
    "-C",
    join(place, "node_modules/@cairn/capture"),
    "--strip-components=1",
  ]);
  writeFileSync(join(place, "try.mjs"), script);
  const loaded = execFileSync(process.execPath, [join(place, "try.mjs")], { encoding: "utf8" });
  expect(JSON.parse(loaded)).toEqual([
    "CaptureError",
    "UnidentifiedError",
    "captureHandler",
    "createCapture",
    "expressCapture",
    "fastifyCapture",
    "honoCapture",
    "identifyByAny",
    "identifyByApiKey",
    "identifyByCertificate",
    "identifyByToken",
  ]);
  rmSync(place, { recursive: true });
});

test("does not import the server", () => {
  const sources = run("grep", ["-rhoE", 'from "[^"]+"', "src"]).trim().split("\n");
  const strange = sources.filter((source) => !/"(node:[\w/]+|\.\/[\w-]+\.ts)"/.test(source));
  // Their types only; the JavaScript does not name them.
  expect(new Set(strange)).toEqual(new Set(['from "fastify"', 'from "hono"']));
});
