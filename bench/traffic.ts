// The events of a load, in the shapes that the contestants take: NDJSON bodies, journal segments, COPY rows.
import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { crc32c } from "@node-rs/crc32";
import { segmentBytesMax } from "../src/base/limits.ts";
import { readEvent } from "../src/event/read.ts";
import { keepForeverMs, RowWriter, sealRow } from "../src/event/row.ts";
import { makeEvents } from "./events.ts";

export interface TrafficOptions {
  seed: number;
  count: number;
  accountId: string;
  /** The first event's time; the others follow as a busy system makes them. */
  fromMs: number;
  /** Events a second of the system that is pretended: it says how many share a second. */
  eventsPerSecond: number;
  bodyBytes: number;
}

export interface Body {
  bytes: Buffer;
  count: number;
}

/** Bodies of whole lines, in the order of their times, give or take the two seconds that events are late. */
export function* makeBodies(options: TrafficOptions): Generator<Body> {
  const { seed, accountId, count, fromMs, eventsPerSecond, bodyBytes } = options;
  const time = { fromMs, toMs: fromMs };
  const maker = makeEvents({ seed, accountId, region: "us-east-1", ...time });
  let lines: string[] = [];
  let length = 0;
  for (let index = 0; index < count; index++) {
    const atMs = fromMs + (index / eventsPerSecond) * 1000;
    const line = `${maker.next({ fromMs: atMs - 2000, toMs: atMs })}\n`;
    if (length + line.length > bodyBytes && lines.length > 0) {
      yield { bytes: Buffer.from(lines.join("")), count: lines.length };
      lines = [];
      length = 0;
    }
    lines.push(line);
    length += line.length;
  }
  if (lines.length > 0) yield { bytes: Buffer.from(lines.join("")), count: lines.length };
}

/** Writes the rows that a server makes of these bodies, in files as large as a journal's segments may be. */
export async function writeSegments(folder: string, bodies: readonly Body[]): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const paths: string[] = [];
  const writer = new RowWriter(segmentBytesMax + 1024 * 1024);
  let seq = 1n;
  const flush = async () => {
    const { bytes, offsets } = writer.take();
    for (const offset of offsets) sealRow(bytes, offset, seq++, crc32c);
    const path = join(folder, `${paths.length}.rows`);
    const file = await open(path, "w");
    await file.writeFile(bytes);
    await file.sync();
    await file.close();
    paths.push(path);
  };
  const context = {
    ownerAccount: "111122223333",
    origin: "live" as const,
    ingestTimeMs: 0,
    keepUntilMs: keepForeverMs,
  };
  for (const { bytes } of bodies) {
    for (const [from, to] of linesOf(bytes)) {
      const { columns } = readEvent(bytes, context, from, to, true);
      if (columns === undefined) throw new Error("the made-up events are all good ones");
      writer.write(columns, bytes.subarray(from, to));
    }
    if (writer.byteLength >= segmentBytesMax) await flush();
  }
  if (writer.count > 0) await flush();
  return paths;
}

/** The places of the lines in a body, without their line feeds. */
export function* linesOf(bytes: Buffer): Generator<[from: number, to: number]> {
  for (let from = 0; from < bytes.length; ) {
    const to = bytes.indexOf(0x0a, from);
    yield [from, to];
    from = to + 1;
  }
}
