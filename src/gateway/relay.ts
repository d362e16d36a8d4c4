// Copies one stream into another: with back-pressure, without holding more than the chunk on its way.
import type { IncomingMessage } from "node:http";
import type { Writable } from "node:stream";

export interface RelayTap {
  /** Sees each chunk before it is sent and says what to send now: it, something else, or nothing yet. */
  onChunk(chunk: Buffer): Buffer | undefined;
  /** All bytes of the source have come. The tap ends the sink. */
  onEnd(): void;
}

/** The source is paused while the sink is full; a sink that has gone is fed no more, and the source runs dry. */
export function relay(source: IncomingMessage, sink: Writable, tap: RelayTap): void {
  const resume = () => source.resume();
  source.on("data", (chunk: Buffer) => {
    const sent = tap.onChunk(chunk);
    if (sent === undefined || sink.destroyed || sink.writableEnded) return;
    if (!sink.write(sent)) {
      source.pause();
      sink.once("drain", resume);
    }
  });
  source.on("end", () => tap.onEnd());
  // A destroyed sink never drains: what still comes must not wait for it.
  sink.once("close", resume);
}
