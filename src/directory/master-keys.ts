// The master keys in use: the one that seals, and the one before it, which still opens what it sealed.
import { hkdfSync } from "node:crypto";
import { CairnError } from "../base/errors.ts";

export interface MasterKey {
  /** Names it wherever something is sealed under it, and gives nothing of it away. */
  readonly id: string;
  readonly bytes: Buffer;
}

export const masterKeyBytes = 32;
export const masterKeyIdBytes = 6;

export function masterKeyOf(bytes: Buffer): MasterKey {
  const id = Buffer.from(hkdfSync("sha256", bytes, "", "cairn master key id 1", masterKeyIdBytes));
  return { id: id.toString("hex"), bytes };
}

export class MasterKeys {
  #current: MasterKey;
  #former: MasterKey | undefined;
  #formerTextsUntilMs = Infinity;

  constructor(current: Buffer, former?: Buffer) {
    this.#current = masterKeyOf(current);
    // A file that was copied and not yet replaced is no second key.
    if (former !== undefined && !former.equals(current)) this.#former = masterKeyOf(former);
  }

  /** Seals everything that is sealed from now on. */
  get current(): MasterKey {
    return this.#current;
  }

  get former(): MasterKey | undefined {
    return this.#former;
  }

  /** The one of this id, or, for what does not name its key, each that there is. */
  find(id: string | undefined): readonly MasterKey[] {
    const all = this.#former === undefined ? [this.#current] : [this.#current, this.#former];
    return id === undefined ? all : all.filter((key) => key.id === id);
  }

  /** The key for a text that others have carried for us: the former one is good for those up to a time only. */
  findForText(id: string, nowMs: number): MasterKey | undefined {
    if (id === this.#current.id) return this.#current;
    if (id !== this.#former?.id || nowMs >= this.#formerTextsUntilMs) return undefined;
    return this.#former;
  }

  replace(next: MasterKey): void {
    this.#former = this.#current;
    this.#current = next;
  }

  takeFormerTextsUntil(timeMs: number): void {
    this.#formerTextsUntilMs = timeMs;
  }

  forgetFormer(): void {
    this.#former = undefined;
  }
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
