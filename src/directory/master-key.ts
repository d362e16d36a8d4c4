// The master key: 32 bytes that seal every secret; a file made at first start, or given as text.
import { link, mkdir, open, readFile, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { CairnError } from "../base/errors.ts";
import type { Random } from "../base/random.ts";

export const masterKeyBytes = 32;

export interface MasterKeySource {
  /** Where the key is kept, in base64, when it is not given. */
  path: string;
  /** The key in base64 or hex, from the environment. */
  text?: string | undefined;
  random: Random;
}

/** The given key, or the file's, or a new one: then the file is durable, mode 600, before the key is used. */
export async function loadMasterKey(source: MasterKeySource): Promise<Buffer> {
  if (source.text !== undefined) return parseMasterKey(source.text, "the given master key");
  const existing = await readKeyFile(source.path);
  if (existing !== undefined) return existing;
  await makeKeyFile(source.path, source.random);
  const made = await readKeyFile(source.path);
  if (made === undefined) {
    throw new CairnError("InvalidConfiguration", `${source.path} went away while it was made`);
  }
  return made;
}

export function parseMasterKey(text: string, what: string): Buffer {
  const trimmed = text.trim();
  const isHex = /^[0-9a-fA-F]{64}$/.test(trimmed);
  const isBase64 = /^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed);
  if (!isHex && !isBase64) {
    // The text is not repeated: it may be most of a key.
    throw new CairnError(
      "InvalidConfiguration",
      `${what} is not ${masterKeyBytes} bytes in base64 or hex (${trimmed.length} characters)`,
    );
  }
  return Buffer.from(trimmed, isHex ? "hex" : "base64");
}

async function readKeyFile(path: string): Promise<Buffer | undefined> {
  let text: string;
  try {
    const { mode } = await stat(path);
    if (process.platform !== "win32" && (mode & 0o007) !== 0) {
      throw new CairnError(
        "InvalidConfiguration",
        `${path} is open to every user of this machine (mode ${(mode & 0o777).toString(8)}); make it 600`,
      );
    }
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    if (error instanceof CairnError) throw error;
    throw new CairnError("InvalidConfiguration", `${path} cannot be read`, { cause: error });
  }
  return parseMasterKey(text, path);
}

/** Linked into place once it is whole: of two processes that start at once, both read the first one's key. */
async function makeKeyFile(path: string, random: Random): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const temporary = `${path}.${random.uuid()}`;
  const file = await open(temporary, "wx", 0o600);
  try {
    await file.writeFile(`${random.bytes(masterKeyBytes).toString("base64")}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(temporary, path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    await unlink(temporary);
  }
  const opened = await open(folder);
  try {
    await opened.sync();
  } finally {
    await opened.close();
  }
}
