// CBOR (RFC 8949) as rpc-v2-cbor uses it: plain values only.
//
// Our own reader instead of a general one, because a general one also resolves shared references and records, with
// which a small body can stand for an endless value. Here every value costs at least one byte of the body.
import type { JsonObject, JsonValue } from "../../event/json.ts";
import { decodeDepthMax, put } from "./shape.ts";

const indefinite = 31;
const breakByte = 0xff;

/** Throws RangeError or TypeError on what is not CBOR. Byte strings become base64; big integers text. */
export function readCbor(bytes: Buffer): JsonValue {
  return new CborReader(bytes).value(0);
}

class CborReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  value(depth: number): JsonValue {
    if (depth > decodeDepthMax) throw new RangeError("nested too deeply");
    const head = this.#byte();
    const major = head >> 5;
    const low = head & 31;
    switch (major) {
      case 0:
        return asNumber(this.#argument(low));
      case 1:
        return asNumber(-1n - this.#argument(low));
      case 2:
        return this.#chunks(low, major).toString("base64");
      case 3:
        return this.#chunks(low, major).toString("utf8");
      case 4: {
        const list: JsonValue[] = [];
        this.#items(low, () => list.push(this.value(depth + 1)));
        return list;
      }
      case 5: {
        const map: JsonObject = {};
        this.#items(low, () => {
          const key = this.value(depth + 1);
          put(map, typeof key === "string" ? key : JSON.stringify(key), this.value(depth + 1));
        });
        return map;
      }
      case 6:
        // Tags only tell how to read what follows; a timestamp (tag 1) is its number.
        this.#argument(low);
        return this.value(depth + 1);
      default:
        return this.#simple(low);
    }
  }

  #simple(low: number): JsonValue {
    switch (low) {
      case 20:
        return false;
      case 21:
        return true;
      case 22:
      case 23:
        return null;
      case 25:
        return finite(halfFloat(this.#take(2).readUInt16BE()));
      case 26:
        return finite(this.#take(4).readFloatBE());
      case 27:
        return finite(this.#take(8).readDoubleBE());
      default:
        throw new TypeError(`CBOR simple value ${low}`);
    }
  }

  #items(low: number, readOne: () => void): void {
    if (low === indefinite) {
      while (this.#bytes[this.#at] !== breakByte) readOne();
      this.#at++;
      return;
    }
    for (let left = this.#argument(low); left > 0n; left--) readOne();
  }

  #chunks(low: number, major: number): Buffer {
    if (low !== indefinite) return this.#take(Number(this.#argument(low)));
    const parts: Buffer[] = [];
    for (;;) {
      const head = this.#byte();
      if (head === breakByte) return Buffer.concat(parts);
      if (head >> 5 !== major) throw new TypeError("CBOR chunk of another kind");
      parts.push(this.#take(Number(this.#argument(head & 31))));
    }
  }

  #argument(low: number): bigint {
    if (low < 24) return BigInt(low);
    switch (low) {
      case 24:
        return BigInt(this.#byte());
      case 25:
        return BigInt(this.#take(2).readUInt16BE());
      case 26:
        return BigInt(this.#take(4).readUInt32BE());
      case 27:
        return this.#take(8).readBigUInt64BE();
      default:
        throw new TypeError(`CBOR argument ${low}`);
    }
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new RangeError("CBOR ends early");
    return byte;
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError("CBOR ends early");
    const part = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return part;
  }
}

function asNumber(value: bigint): JsonValue {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
    ? Number(value)
    : value.toString();
}

function finite(value: number): JsonValue {
  return Number.isFinite(value) ? value : String(value);
}

function halfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * 2 ** -14 * (fraction / 1024);
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
}
