// A batch of finished calls on its way to the recorder's thread, and what comes back.
//
// Heads go as they are; bodies lie one behind the other in one block of memory that changes hands: a view of somebody
// else's memory, which is what a received chunk is, would be sent with all that lies around it.
import type { RowTimes } from "../event/read.ts";
import type { Signer } from "./caller.ts";
import type { MadeEvent, NoEvent, RecordingDefaults } from "./event-maker.ts";
import type { FinishedCall } from "./finished-call.ts";

/** What the thread is told when it starts. */
export interface ThreadStart extends RecordingDefaults {
  /** Where users' own services are kept. */
  ownFolder: string | undefined;
}

export interface CallBatch {
  id: number;
  /** The thread has a catalog of its own, and opens it anew when this differs. */
  catalogVersion: number;
  times: RowTimes;
  /** Usually a single one: calls name theirs by its place. */
  signers: Signer[];
  calls: CarriedCall[];
  bodies: ArrayBuffer;
}

interface CarriedCall {
  call: FinishedCall;
  /** Undefined: nobody that the directory knows. */
  signer: number | undefined;
  /** Undefined: there is no body. */
  requestBytes: number | undefined;
  responseBytes: number | undefined;
}

export interface BatchOutcome {
  id: number;
  rows: ArrayBuffer;
  rowBytes: number;
  offsets: Uint32Array;
  without: Record<NoEvent, number>;
  /** Events that could not be read back: a fault of ours, for the ingest to name. */
  unreadable: MadeEvent[];
  /** Calls that no event could be made of. */
  failed: number;
  problems: { error: string; message: string }[];
}

export interface SignedCall {
  call: FinishedCall;
  signer: Signer | undefined;
}

export function bodyBytesOf({ requestBody, response }: FinishedCall): number {
  return (requestBody?.length ?? 0) + (response?.body?.length ?? 0);
}

export function packCalls(
  calls: readonly SignedCall[],
): Pick<CallBatch, "signers" | "calls" | "bodies"> {
  const bodies = new ArrayBuffer(calls.reduce((sum, { call }) => sum + bodyBytesOf(call), 0));
  const packed = new Uint8Array(bodies);
  let at = 0;
  const pack = (body: Buffer | undefined) => {
    if (body === undefined) return undefined;
    packed.set(body, at);
    at += body.length;
    return body.length;
  };
  const signers: Signer[] = [];
  const placeOf = (signer: Signer | undefined) => {
    if (signer === undefined) return undefined;
    const known = signers.findIndex(
      ({ caller, signingKey }) => caller === signer.caller && signingKey === signer.signingKey,
    );
    return known >= 0 ? known : signers.push(signer) - 1;
  };
  const carried = calls.map(({ call, signer }) => ({
    signer: placeOf(signer),
    requestBytes: pack(call.requestBody),
    responseBytes: pack(call.response?.body),
    call: {
      ...call,
      requestBody: undefined,
      response: call.response === undefined ? undefined : { ...call.response, body: undefined },
    },
  }));
  return { signers, calls: carried, bodies };
}

export function unpackCalls({
  signers,
  calls,
  bodies,
}: Pick<CallBatch, "signers" | "calls" | "bodies">): SignedCall[] {
  let at = 0;
  const unpack = (count: number | undefined) => {
    if (count === undefined) return undefined;
    at += count;
    return Buffer.from(bodies, at - count, count);
  };
  // A Buffer arrives as a plain array of bytes.
  const known = signers.map(({ caller, signingKey }) => ({
    caller,
    signingKey: Buffer.from(signingKey),
  }));
  return calls.map(({ call, signer, requestBytes, responseBytes }) => {
    const requestBody = unpack(requestBytes);
    const body = unpack(responseBytes);
    const response = call.response === undefined ? undefined : { ...call.response, body };
    return {
      call: { ...call, requestBody, response },
      signer: signer === undefined ? undefined : known[signer],
    };
  });
}
