// Adds to package-lock.json the optional packages of other platforms that the registry in use did not have.
//
// npm leaves an optional package out of the lockfile when a mirror does not carry it, and `npm ci` then refuses the
// lockfile, on every platform. An entry with its version and platform is all that `npm ci` needs to pass it by, or, where
// it fits the platform, to fetch it. Run after `npm install`.
import { readFileSync, writeFileSync } from "node:fs";

const path = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(path, "utf8"));
const systems = [
  "darwin",
  "linux",
  "win32",
  "freebsd",
  "android",
  "openharmony",
  "sunos",
  "aix",
  "netbsd",
  "openbsd",
];
const processors = [
  "arm64",
  "x64",
  "arm",
  "ia32",
  "ppc64",
  "riscv64",
  "s390x",
  "loong64",
  "mips64el",
  "wasm32",
];

/** The platform that a package's name says, e.g. `cli-linux-arm64-musl`. */
function platformOf(name) {
  const words = name.split(/[/@-]/);
  const os = systems.find((system) => words.includes(system));
  const cpu = processors.find((each) =>
    words.some((word) => word === each || (each === "arm" && /^(arm|gnueabihf|armv7)$/.test(word))),
  );
  const libc = words.some((word) => word.startsWith("musl"))
    ? "musl"
    : words.some((word) => word.startsWith("gnu"))
      ? "glibc"
      : undefined;
  return {
    ...(cpu === undefined ? {} : { cpu: [cpu] }),
    ...(os === undefined ? {} : { os: [os] }),
    ...(libc === undefined || os !== "linux" ? {} : { libc: [libc] }),
  };
}

const added = [];
for (const [parent, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const isThere =
      `node_modules/${name}` in lock.packages || `${parent}/node_modules/${name}` in lock.packages;
    // A range would have to be resolved by a registry; platform packages are always named exactly.
    if (isThere || !/^\d/.test(version)) continue;
    const dev = entry.dev === true ? { dev: true } : {};
    lock.packages[`node_modules/${name}`] = {
      version,
      ...platformOf(name),
      ...dev,
      optional: true,
    };
    added.push(`${name}@${version}`);
  }
}
lock.packages = Object.fromEntries(
  Object.entries(lock.packages).toSorted(([a], [b]) => (a < b ? -1 : 1)),
);
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
console.log(
  added.length === 0
    ? "The lockfile is complete."
    : `Added ${added.length}:\n  ${added.join("\n  ")}`,
);
