// Where the master key comes from: a file made at first start, or a text that is given.
import type { Random } from "../base/random.ts";
import { KeyFiles } from "./key-files.ts";
import { parseMasterKey } from "./master-keys.ts";

export interface MasterKeySource {
  /** Where the key is kept, in base64, when it is not given. */
  path: string;
  /** The key in base64 or hex, from the environment. */
  text?: string | undefined;
  /** The key before it, likewise: for as long as something is sealed under it. */
  formerText?: string | undefined;
  random: Random;
}

export interface LoadedMasterKey {
  current: Buffer;
  former?: Buffer;
  /** Undefined: the key was given, and whoever gave it keeps it. */
  files?: KeyFiles;
}

/** The given keys, or those of the files; a new one, durable before it is used, where there is none yet. */
export async function loadMasterKey(source: MasterKeySource): Promise<LoadedMasterKey> {
  const { path, text, formerText, random } = source;
  const givenFormer =
    formerText === undefined
      ? undefined
      : parseMasterKey(formerText, "the given former master key");
  if (text !== undefined) {
    const current = parseMasterKey(text, "the given master key");
    return { current, ...(givenFormer === undefined ? {} : { former: givenFormer }) };
  }
  const files = new KeyFiles(path);
  const current = (await files.read()) ?? (await files.make(random));
  const former = givenFormer ?? (await files.readFormer());
  return { current, ...(former === undefined ? {} : { former }), files };
}
