// Looks for texts in everything that Cairn has written: the store's columns, the registry, files, logs.
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

export interface WrittenText {
  place: string;
  text: string;
}

const run = promisify(execFile);

/** Everything in the data folder of a Cairn that has stopped. */
export async function textsIn(dataFolder: string): Promise<WrittenText[]> {
  const script = join(import.meta.dirname, "data-texts.mjs");
  const { stdout } = await run(process.execPath, [script, dataFolder], { maxBuffer: 1 << 29 });
  return stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as WrittenText);
}

/** The journal as a crash leaves it: rows are not compressed. */
export function journalTexts(dataFolder: string): WrittenText[] {
  const folder = join(dataFolder, "journal");
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => ({
      place: `journal ${name}`,
      text: readFileSync(join(folder, name), "latin1"),
    }));
}

/** `place: secret` for each place where one of the secrets stands, in whichever form it may have been written. */
export function placesOf(secrets: readonly string[], texts: readonly WrittenText[]): string[] {
  const found = new Set<string>();
  for (const { place, text } of texts) {
    const lower = text.toLowerCase();
    for (const secret of secrets) {
      if (formsOf(secret).some((form) => lower.includes(form.toLowerCase())))
        found.add(`${place}: ${secret}`);
    }
  }
  return [...found].toSorted();
}

function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [
    secret,
    // A file read byte by byte.
    bytes.toString("latin1"),
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    // As a form has it.
    new URLSearchParams([["", secret]]).toString().slice(1),
    bytes.toString("base64").replaceAll("=", ""),
    bytes.toString("base64url"),
    bytes.toString("hex"),
  ];
}
