// What is found out about a body too large to keep, while it streams by: what its caller's signature is held against.
import { createHash } from "node:crypto";
import { CairnError } from "../base/errors.ts";
import { ChunkDecoder } from "../signature/chunk-decoder.ts";
import type { CallHead } from "./call-head.ts";
import type { Signer } from "./caller.ts";

/**
 * Of a body in signed chunks. `cut-off`: it never came whole, and nothing was wrong with what came. `unchecked`: nobody
 * had said yet whose key it is when the body became too large to keep.
 */
export type ChunksVerdict = "good" | "bad" | "cut-off" | "unchecked";

/** What the event is made of, beside the body itself. */
export interface LargeBodyFindings {
  /** SHA-256 in hex of a body that came whole, where the signature covers it. */
  largeBodyHash?: string | undefined;
  largeBodyChunks?: ChunksVerdict | undefined;
}

export interface LargeBody {
  push(chunk: Buffer): void;
  /** May be asked more than once; nothing is pushed after it. */
  findings(isWhole: boolean): LargeBodyFindings;
}

/** Undefined: the signature says nothing of the body. */
export function largeBodyOf(
  head: CallHead,
  findSigner: () => Signer | undefined,
): LargeBody | undefined {
  const { signature } = head;
  if (signature === undefined || signature instanceof CairnError) return undefined;
  const { payload, accessKeyId } = signature;
  switch (payload.kind) {
    case "hash":
    case "body":
      return new HashedBody();
    case "chunks": {
      if (!payload.signed) return undefined;
      const signer = findSigner();
      if (signer?.caller.accessKeyId !== accessKeyId) return new UncheckedChunks();
      return new CheckedChunks(new ChunkDecoder(signature, signer.signingKey));
    }
    case "unsigned":
      return undefined;
  }
}

class HashedBody implements LargeBody {
  readonly #hash = createHash("sha256");

  push(chunk: Buffer): void {
    this.#hash.update(chunk);
  }

  findings(isWhole: boolean): LargeBodyFindings {
    // A hash can be read once only; a copy keeps it readable.
    return isWhole ? { largeBodyHash: this.#hash.copy().digest("hex") } : {};
  }
}

/** Holds what comes against the signatures of its chunks. */
export class CheckedChunks implements LargeBody {
  /** Undefined: what came was not what was signed. */
  #decoder: ChunkDecoder | undefined;

  constructor(decoder: ChunkDecoder) {
    this.#decoder = decoder;
  }

  push(chunk: Buffer): void {
    this.#try((decoder) => decoder.push(chunk));
  }

  findings(isWhole: boolean): LargeBodyFindings {
    if (isWhole) this.#try((decoder) => decoder.end());
    const largeBodyChunks = this.#decoder === undefined ? "bad" : isWhole ? "good" : "cut-off";
    return { largeBodyChunks };
  }

  #try(step: (decoder: ChunkDecoder) => unknown): void {
    if (this.#decoder === undefined) return;
    try {
      step(this.#decoder);
    } catch (error) {
      if (!(error instanceof CairnError)) throw error;
      this.#decoder = undefined;
    }
  }
}

class UncheckedChunks implements LargeBody {
  push(): void {
    // Nothing can be said of them.
  }

  findings(): LargeBodyFindings {
    return { largeBodyChunks: "unchecked" };
  }
}
