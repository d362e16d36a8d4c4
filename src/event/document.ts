// A JSON text read once, in place: where each value stands in the bytes, and nothing decoded that nobody asks for.
//
// Why not JSON.parse: it silently keeps the last of two members with one name, so that two readers may see two
// different events; it says little about where a text is wrong; and it builds a tree of which an event needs a tenth.
// This reader accepts exactly the texts that JSON.parse accepts, less those with duplicate member names, invalid UTF-8
// or too much nesting (document.test.ts holds it to that).
//
//   nodes in the order of the text; a container's children follow it, up to `after`:
//
//     {"a":[1,2],"b":true}      0 {…} after 5 │ 1 a:[…] after 4 │ 2 1 │ 3 2 │ 4 b:true
import { isUtf8 } from "node:buffer";
import { eventDepthMax } from "../base/limits.ts";
import type { RejectionCode } from "./rejection.ts";

export const kinds = {
  object: 1,
  array: 2,
  /** A string whose bytes are its characters: ASCII, no escapes. */
  plainString: 3,
  /** A string with escapes or characters beyond ASCII. */
  string: 4,
  number: 5,
  true: 6,
  false: 7,
  null: 8,
} as const;

export interface JsonProblem {
  code: RejectionCode;
  message: string;
}

/** A member name to look for, hashed once. */
export interface Name {
  readonly text: string;
  readonly hash: number;
}

/** `text` must be ASCII. */
export function name(text: string): Name {
  let hash = hashStart;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), hashFactor);
  return { text, hash };
}

/** No such node. */
export const absent = -1;

// FNV-1a. Names that were made to collide only cost a second look (`#crowded`).
const hashStart = 0x811c9dc5 | 0;
const hashFactor = 0x01000193;
const probesMax = 64;

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const comma = 0x2c;
const colon = 0x3a;

/** Holds one text at a time: `parse` forgets the one before. Not to be shared between threads. */
export class JsonDocument {
  #bytes: Buffer = Buffer.alloc(0);
  #from = 0;
  #to = 0;
  /** The whole text as one-byte characters, so that plain strings are cheap slices. */
  #text = "";
  #count = 0;

  #kind = new Uint8Array(1024);
  #start = new Int32Array(1024);
  #end = new Int32Array(1024);
  #after = new Int32Array(1024);
  #parent = new Int32Array(1024);
  /** Where the name's opening quote stands; `absent` for array elements and the root. */
  #nameStart = new Int32Array(1024);
  #nameEnd = new Int32Array(1024);
  #nameHash = new Int32Array(1024);
  /** Names that are not plain: few, so kept apart. */
  #decodedNames = new Map<number, string>();

  /** Open addressing over (parent, name); a slot is taken when its stamp is this document's. */
  #slotNode = new Int32Array(2048);
  #slotStamp = new Int32Array(2048);
  #stamp = 0;
  #namedCount = 0;
  #crowded = false;

  #stack = new Int32Array(eventDepthMax + 1);
  #depth = 0;
  #problem: JsonProblem | undefined;
  /** Set by the string readers: escapes or non-ASCII bytes were seen. */
  #special = false;

  /**
   * Reads `bytes[from, to)`. Undefined: it is one whole JSON value and may be asked about. The bytes must stay as they
   * are while it is. `knownUtf8`: the caller has checked the encoding.
   */
  parse(bytes: Buffer, from = 0, to = bytes.length, knownUtf8 = false): JsonProblem | undefined {
    this.#bytes = bytes;
    this.#from = from;
    this.#to = to;
    this.#count = 0;
    this.#depth = 0;
    this.#namedCount = 0;
    this.#crowded = false;
    this.#problem = undefined;
    if (this.#stamp === 0x7fffffff) {
      this.#slotStamp.fill(0);
      this.#stamp = 0;
    }
    this.#stamp++;
    if (this.#decodedNames.size > 0) this.#decodedNames.clear();
    if (bytes[from] === 0xef && bytes[from + 1] === 0xbb && bytes[from + 2] === 0xbf)
      return {
        code: "ByteOrderMark",
        message: "the text begins with a byte order mark, which is not part of JSON",
      };
    if (!knownUtf8 && !isUtf8(from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to)))
      return this.#invalidUtf8();
    this.#text = bytes.toString("latin1", from, to);
    this.#read();
    if (this.#problem === undefined && this.#crowded) this.#compareAllNames();
    return this.#problem;
  }

  /** The outermost value. */
  get root(): number {
    return 0;
  }

  kind(node: number): number {
    return node < 0 ? 0 : (this.#kind[node] as number);
  }

  /** The member of an object; `absent` if there is none or `node` is no object. */
  member(node: number, wanted: Name): number {
    if (this.kind(node) !== kinds.object) return absent;
    const end = this.#after[node] as number;
    for (let child = node + 1; child < end; child = this.#after[child] as number) {
      if (this.#nameHash[child] === wanted.hash && this.name(child) === wanted.text) return child;
    }
    return absent;
  }

  /** First child of a container; `absent` when it is empty or `node` is none. */
  firstChild(node: number): number {
    const kind = this.kind(node);
    if (kind !== kinds.object && kind !== kinds.array) return absent;
    return (this.#after[node] as number) > node + 1 ? node + 1 : absent;
  }

  nextSibling(child: number): number {
    const parent = this.#parent[child] as number;
    const next = this.#after[child] as number;
    return parent >= 0 && next < (this.#after[parent] as number) ? next : absent;
  }

  /** The hash of a member's name, as `name` makes it. */
  nameHash(node: number): number {
    return this.#nameHash[node] as number;
  }

  /** A member's name, decoded. */
  name(node: number): string {
    const start = this.#nameStart[node] as number;
    if (start < 0) return "";
    if (this.#decodedNames.size > 0) {
      const decoded = this.#decodedNames.get(node);
      if (decoded !== undefined) return decoded;
    }
    return this.#text.slice(
      start + 1 - this.#from,
      (this.#nameEnd[node] as number) - 1 - this.#from,
    );
  }

  /** A string's value, decoded; undefined for every other kind. */
  string(node: number): string | undefined {
    const kind = this.kind(node);
    if (kind === kinds.plainString) return this.#slice(node, 1);
    if (kind !== kinds.string) return undefined;
    return decodeString(this.#bytes, this.#start[node] as number, this.#end[node] as number);
  }

  /** The text of a scalar: a string's value, a number or boolean as it is written. Empty for null, containers, absent. */
  scalarText(node: number): string {
    switch (this.kind(node)) {
      case kinds.plainString:
        return this.#slice(node, 1);
      case kinds.string:
        return this.string(node) ?? "";
      case kinds.number:
      case kinds.true:
      case kinds.false:
        return this.#slice(node, 0);
      default:
        return "";
    }
  }

  #slice(node: number, margin: number): string {
    return this.#text.slice(
      (this.#start[node] as number) + margin - this.#from,
      (this.#end[node] as number) - margin - this.#from,
    );
  }

  #read(): void {
    const bytes = this.#bytes;
    const to = this.#to;
    let at = this.#from;
    /** A member's node was made with its name; any other value needs one. */
    let named = false;
    for (;;) {
      // One value starts here.
      at = skipSpace(bytes, at, to);
      if (at >= to) return this.#cutShort();
      const node = named ? this.#count - 1 : this.#add(absent);
      named = false;
      const first = bytes[at] as number;
      this.#start[node] = at;
      if (first === openBrace || first === openBracket) {
        if (this.#depth >= eventDepthMax) {
          return this.#fail("TooDeep", at, `is nested deeper than ${eventDepthMax} levels`);
        }
        this.#kind[node] = first === openBrace ? kinds.object : kinds.array;
        this.#stack[this.#depth++] = node;
        at = skipSpace(bytes, at + 1, to);
        if (at >= to) return this.#cutShort();
        // In ASCII, "}" is two behind "{", and "]" two behind "[".
        if (bytes[at] !== first + 2) {
          if (first === openBrace) {
            at = this.#memberName(at);
            if (at < 0) return;
            named = true;
          }
          continue;
        }
      } else {
        at = first === quote ? this.#string(at) : this.#word(at, first, node);
        if (at < 0) return;
        if (first === quote) this.#kind[node] = this.#special ? kinds.string : kinds.plainString;
        this.#end[node] = at;
        this.#after[node] = this.#count;
      }

      // A value has ended, or an empty container waits for its close: what follows closes containers or goes on.
      for (;;) {
        at = skipSpace(bytes, at, to);
        if (this.#depth === 0) {
          if (at < to) {
            const message = `the record is followed by more text (byte ${this.#offset(at)})`;
            this.#problem = { code: "NotJson", message };
          }
          return;
        }
        if (at >= to) return this.#cutShort();
        const container = this.#stack[this.#depth - 1] as number;
        const isObject = this.#kind[container] === kinds.object;
        const next = bytes[at] as number;
        if (next === (isObject ? closeBrace : closeBracket)) {
          at++;
          this.#depth--;
          this.#end[container] = at;
          this.#after[container] = this.#count;
          continue;
        }
        if (next !== comma) {
          const close = isObject ? "}" : "]";
          return this.#unexpected(at, `"," or "${close}" must stand`);
        }
        at++;
        if (isObject) {
          at = skipSpace(bytes, at, to);
          if (at >= to) return this.#cutShort();
          at = this.#memberName(at);
          if (at < 0) return;
          named = true;
        }
        break;
      }
    }
  }

  /** Adds a node that has no value yet. */
  #add(nameStart: number): number {
    const node = this.#count++;
    if (node === this.#kind.length) this.#grow();
    this.#nameStart[node] = nameStart;
    this.#nameHash[node] = 0;
    this.#parent[node] = this.#depth === 0 ? absent : (this.#stack[this.#depth - 1] as number);
    return node;
  }

  /** Reads `"name" :` and adds the member's node; returns where the value may start, or -1. */
  #memberName(at: number): number {
    const bytes = this.#bytes;
    if (bytes[at] !== quote) {
      this.#unexpected(at, "a member name must stand");
      return absent;
    }
    // The loop is the common case, a plain name hashed as it is read; anything else is read again by #string.
    let hash = hashStart;
    let end = at + 1;
    let byte = 0;
    for (; end < this.#to; end++) {
      byte = bytes[end] as number;
      if (byte === quote || byte === backslash || byte < 0x20 || byte > 0x7f) break;
      hash = Math.imul(hash ^ byte, hashFactor);
    }
    const plain = byte === quote && end < this.#to;
    end = plain ? end + 1 : this.#string(at);
    if (end < 0) return absent;
    const node = this.#add(at);
    this.#nameEnd[node] = end;
    if (!plain) {
      const decoded = decodeString(bytes, at, end);
      this.#decodedNames.set(node, decoded);
      hash = hashStart;
      for (const each of Buffer.from(decoded)) hash = Math.imul(hash ^ each, hashFactor);
    }
    this.#nameHash[node] = hash;
    if (!this.#claimName(node, hash)) return absent;
    const colonAt = skipSpace(bytes, end, this.#to);
    if (colonAt >= this.#to) {
      this.#cutShort();
      return absent;
    }
    if (bytes[colonAt] !== colon) {
      this.#unexpected(colonAt, '":" must stand');
      return absent;
    }
    return colonAt + 1;
  }

  /** False, with the problem said: the object already has a member of this name. */
  #claimName(node: number, hash: number): boolean {
    if (++this.#namedCount * 2 > this.#slotNode.length) this.#growSlots();
    const mask = this.#slotNode.length - 1;
    const parent = this.#parent[node] as number;
    let slot = (hash ^ (hash >>> 15) ^ Math.imul(parent, 0x9e3779b1)) & mask;
    for (let probe = 0; probe < probesMax; probe++) {
      if (this.#slotStamp[slot] !== this.#stamp) {
        this.#slotStamp[slot] = this.#stamp;
        this.#slotNode[slot] = node;
        return true;
      }
      const other = this.#slotNode[slot] as number;
      if (
        this.#parent[other] === parent &&
        this.#nameHash[other] === hash &&
        this.name(other) === this.name(node)
      ) {
        this.#duplicate(node, other);
        return false;
      }
      slot = (slot + 1) & mask;
    }
    this.#crowded = true;
    return true;
  }

  /** The exact check for texts whose names collide too often for the table. */
  #compareAllNames(): void {
    const seen = new Map<string, number>();
    for (let node = 0; node < this.#count; node++) {
      if ((this.#nameStart[node] as number) < 0) continue;
      const key = `${this.#parent[node]} ${this.name(node)}`;
      const other = seen.get(key);
      if (other !== undefined) return this.#duplicate(node, other);
      seen.set(key, node);
    }
  }

  #duplicate(node: number, first: number): void {
    this.#problem = {
      code: "DuplicateMember",
      message: `${this.#pathOf(node)} stands twice in one object, at bytes ${this.#offset(this.#nameStart[first] as number)} and ${this.#offset(this.#nameStart[node] as number)}`,
    };
  }

  /** Reads a string from its opening quote; returns the place behind the closing one, or -1. */
  #string(start: number): number {
    const bytes = this.#bytes;
    const to = this.#to;
    this.#special = false;
    for (let at = start + 1; at < to; at++) {
      const byte = bytes[at] as number;
      if (byte === quote) return at + 1;
      if (byte < 0x20) {
        this.#fail(
          "ControlCharacter",
          at,
          `has ${describeByte(byte)} inside a string; JSON wants it escaped`,
        );
        return absent;
      }
      if (byte > 0x7f) this.#special = true;
      else if (byte === backslash) {
        this.#special = true;
        const length = escapeLength(bytes, at, to);
        if (length <= 0) {
          if (length < 0) this.#cutShort();
          else this.#fail("NotJson", at, "has an escape that JSON does not know");
          return absent;
        }
        at += length - 1;
      }
    }
    this.#cutShort();
    return absent;
  }

  /** A number, true, false or null; returns the place behind it, or -1. */
  #word(at: number, first: number, node: number): number {
    if (first === 0x2d || (first >= 0x30 && first <= 0x39)) {
      const end = numberEnd(this.#bytes, at, this.#to);
      if (end > 0) {
        this.#kind[node] = kinds.number;
        return end;
      }
      if (-end >= this.#to) this.#cutShort();
      else this.#fail("NotJson", -end, "has a number that JSON does not allow");
      return absent;
    }
    const word = first === 0x74 ? "true" : first === 0x66 ? "false" : first === 0x6e ? "null" : "";
    if (word === "") {
      this.#unexpected(at, "a value must stand");
      return absent;
    }
    for (let i = 1; i < word.length; i++) {
      if (at + i >= this.#to) {
        this.#cutShort();
        return absent;
      }
      if (this.#bytes[at + i] !== word.charCodeAt(i)) {
        this.#unexpected(at + i, `"${word}" must stand`);
        return absent;
      }
    }
    this.#kind[node] = word === "true" ? kinds.true : word === "false" ? kinds.false : kinds.null;
    return at + word.length;
  }

  #grow(): void {
    const size = this.#kind.length * 2;
    const larger = (old: Int32Array) => {
      const grown = new Int32Array(size);
      grown.set(old);
      return grown;
    };
    const kind = new Uint8Array(size);
    kind.set(this.#kind);
    this.#kind = kind;
    this.#start = larger(this.#start);
    this.#end = larger(this.#end);
    this.#after = larger(this.#after);
    this.#parent = larger(this.#parent);
    this.#nameStart = larger(this.#nameStart);
    this.#nameEnd = larger(this.#nameEnd);
    this.#nameHash = larger(this.#nameHash);
  }

  #growSlots(): void {
    const nodes = [...this.#slotNode].filter((_, slot) => this.#slotStamp[slot] === this.#stamp);
    this.#slotNode = new Int32Array(this.#slotNode.length * 2);
    this.#slotStamp = new Int32Array(this.#slotNode.length);
    this.#stamp = 1;
    this.#namedCount = 0;
    // They were all different before: nothing can be found twice now.
    for (const node of nodes) this.#claimName(node, this.#nameHash[node] as number);
    this.#namedCount++;
  }

  #cutShort(): void {
    const empty = this.#count === 0;
    this.#problem = empty
      ? { code: "NotJson", message: "the text is empty" }
      : {
          code: "Truncated",
          message: `${this.#place()} is cut short: the text ends at byte ${this.#offset(this.#to)}`,
        };
  }

  #fail(code: RejectionCode, at: number, what: string): void {
    this.#problem = { code, message: `${this.#place()} ${what} (byte ${this.#offset(at)})` };
  }

  #unexpected(at: number, expected: string): void {
    const byte = this.#bytes[at] as number;
    const code = byte < 0x20 ? "ControlCharacter" : "NotJson";
    this.#fail(code, at, `has ${describeByte(byte)} where ${expected}`);
  }

  #offset(at: number): number {
    return at - this.#from;
  }

  /** The member being read. */
  #place(): string {
    return this.#count === 0 ? "the record" : this.#pathOf(this.#count - 1);
  }

  #pathOf(node: number): string {
    const steps: string[] = [];
    for (
      let each = node;
      (this.#parent[each] ?? absent) >= 0;
      each = this.#parent[each] as number
    ) {
      if ((this.#nameStart[each] as number) >= 0) {
        const text = this.name(each);
        steps.push(
          /^[\w.:-]{1,64}$/.test(text) ? `.${text}` : `.${JSON.stringify(text.slice(0, 64))}`,
        );
      } else steps.push(`[${this.#indexOf(each)}]`);
      if (steps.length >= 24) {
        steps.push("…");
        break;
      }
    }
    const path = steps.toReversed().join("");
    return path === "" ? "the record" : path.startsWith(".") ? path.slice(1) : path;
  }

  #indexOf(element: number): number {
    const parent = this.#parent[element] as number;
    let index = 0;
    for (let each = parent + 1; each < element; each = this.#after[each] as number) index++;
    return index;
  }

  #invalidUtf8(): JsonProblem {
    const at = firstInvalidUtf8(this.#bytes.subarray(this.#from, this.#to));
    return {
      code: "InvalidUtf8",
      message: `the text is not UTF-8: ${describeByte(this.#bytes[this.#from + at] as number)} at byte ${at} begins no character`,
    };
  }
}

function skipSpace(bytes: Buffer, from: number, to: number): number {
  let at = from;
  while (at < to) {
    const byte = bytes[at] as number;
    if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) break;
    at++;
  }
  return at;
}

/** How long the escape at `at` is; 0: it is none that JSON knows; below 0: the text ends in it. */
function escapeLength(bytes: Buffer, at: number, to: number): number {
  if (at + 1 >= to) return -1;
  switch (bytes[at + 1] as number) {
    case quote:
    case backslash:
    case 0x2f:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return 2;
    case 0x75:
      for (let i = at + 2; i < at + 6; i++) {
        if (i >= to) return -1;
        if (!isHexDigit(bytes[i] as number)) return 0;
      }
      return 6;
    default:
      return 0;
  }
}

function isHexDigit(byte: number): boolean {
  return isDigit(byte) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** The place behind the number at `start`; not above 0: minus the place where it stops being one. */
function numberEnd(bytes: Buffer, start: number, to: number): number {
  const digits = (from: number) => {
    let at = from;
    while (at < to && isDigit(bytes[at] as number)) at++;
    return at;
  };
  let at = start;
  if (bytes[at] === 0x2d) at++;
  if (at >= to || !isDigit(bytes[at] as number)) return -at;
  at = bytes[at] === 0x30 ? at + 1 : digits(at);
  if (at < to && bytes[at] === 0x2e) {
    const end = digits(at + 1);
    if (end === at + 1) return -end;
    at = end;
  }
  if (at < to && ((bytes[at] as number) | 0x20) === 0x65) {
    let from = at + 1;
    if (from < to && (bytes[from] === 0x2b || bytes[from] === 0x2d)) from++;
    const end = digits(from);
    if (end === from) return -end;
    at = end;
  }
  return at;
}

/** `start` and `end` enclose the quotes of a string that was found well-formed. */
function decodeString(bytes: Buffer, start: number, end: number): string {
  return JSON.parse(bytes.toString("utf8", start, end)) as string;
}

function describeByte(byte: number): string {
  return byte > 0x20 && byte < 0x7f
    ? `"${String.fromCharCode(byte)}"`
    : `byte 0x${byte.toString(16).padStart(2, "0")}`;
}

function firstInvalidUtf8(bytes: Uint8Array): number {
  // Halving finds the longest valid prefix; its end may lie inside a character, which is no fault of its own.
  let low = 0;
  let high = bytes.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    let valid = false;
    for (let back = 0; back < 4 && !valid; back++) valid = isUtf8(bytes.subarray(0, middle - back));
    if (valid) low = middle;
    else high = middle - 1;
  }
  while (low > 0 && !isUtf8(bytes.subarray(0, low))) low--;
  return low;
}
