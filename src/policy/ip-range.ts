// IP addresses and ranges of either family: what IpAddress conditions compare.
import { isIPv4, isIPv6 } from "node:net";

/** An IPv4 address written as IPv6 (`::ffff:192.0.2.1`) is the IPv4 address. */
export interface IpAddress {
  readonly family: 4 | 6;
  /** The address in words of 32 bits: one or four. */
  readonly words: readonly number[];
}

export interface IpRange {
  readonly address: IpAddress;
  readonly prefixBits: number;
}

/** Undefined: no IP address. */
export function parseIpAddress(text: string): IpAddress | undefined {
  if (isIPv4(text)) return { family: 4, words: [wordOfIpv4(text)] };
  if (!isIPv6(text) || text.includes("%")) return undefined;
  const words = wordsOfIpv6(text);
  const [a, b, c, d = 0] = words;
  return a === 0 && b === 0 && c === 0xffff ? { family: 4, words: [d] } : { family: 6, words };
}

/** An address, or one with the length of its prefix: `192.0.2.0/24`. Undefined: neither. */
export function parseIpRange(text: string): IpRange | undefined {
  const slash = text.indexOf("/");
  const written = slash < 0 ? text : text.slice(0, slash);
  const address = parseIpAddress(written);
  if (address === undefined) return undefined;
  const bits = address.family === 4 ? 32 : 128;
  if (slash < 0) return { address, prefixBits: bits };
  const length = text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(length)) return undefined;
  const mapped = address.family === 4 && written.includes(":");
  const prefixBits = Number(length) - (mapped ? 96 : 0);
  return prefixBits >= 0 && prefixBits <= bits ? { address, prefixBits } : undefined;
}

export function inRange(address: IpAddress, range: IpRange): boolean {
  if (address.family !== range.address.family) return false;
  let bits = range.prefixBits;
  for (let i = 0; bits > 0; i++, bits -= 32) {
    const mask = bits >= 32 ? -1 : ~(0xffff_ffff >>> bits);
    if (((address.words[i] ?? 0) & mask) !== ((range.address.words[i] ?? 0) & mask)) return false;
  }
  return true;
}

function wordOfIpv4(text: string): number {
  return text.split(".").reduce((word, byte) => ((word << 8) | Number(byte)) >>> 0, 0);
}

function wordsOfIpv6(text: string): number[] {
  const dotted = /:(\d+\.\d+\.\d+\.\d+)$/.exec(text)?.[1];
  let colons = text;
  if (dotted !== undefined) {
    const word = wordOfIpv4(dotted);
    colons = `${text.slice(0, -dotted.length)}${(word >>> 16).toString(16)}:${(word & 0xffff).toString(16)}`;
  }
  const [head = "", tail] = colons.split("::");
  const before = groupsOf(head);
  const after = tail === undefined ? [] : groupsOf(tail);
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => "0");
  const groups = [...before, ...zeros, ...after].map((group) => Number.parseInt(group, 16));
  return [0, 2, 4, 6].map((i) => (((groups[i] ?? 0) << 16) | (groups[i + 1] ?? 0)) >>> 0);
}

function groupsOf(part: string): string[] {
  return part === "" ? [] : part.split(":");
}
