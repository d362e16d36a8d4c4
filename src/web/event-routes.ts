// /v1/events: put events in, search them, follow them.
import { PassThrough, Readable } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Clock } from "../base/clock.ts";
import { CairnError } from "../base/errors.ts";
import { ingestBodyBytesMax } from "../base/limits.ts";
import type { FoundEvent } from "../event/row.ts";
import { gunzipBounded } from "../ingest/gunzip.ts";
import type { Ingest, IngestContext } from "../ingest/ingest.ts";
import type { Journal } from "../journal/journal.ts";
import {
  acceptedFormat,
  contentTypes,
  csvHeader,
  eventCsv,
  eventJson,
  eventLine,
  type Format,
} from "../lookup/format.ts";
import type { PageTokens } from "../lookup/page-token.ts";
import { parseSearch, type Search } from "../lookup/search.ts";
import { matchesQuery } from "../store/match.ts";
import type { Store } from "../store/store.ts";
import type { Admit } from "./admit.ts";
import { errorStatus } from "./errors.ts";
import { tailEvents } from "./event-stream.ts";

export interface EventRoutesOptions {
  admit: Admit;
  ingest: Ingest;
  journal: Pick<Journal, "status">;
  store: Store;
  tokens: PageTokens;
  clock: Clock;
}

/** JSON pages are held whole in memory; the other formats and a JSON answer without a limit stream. */
const pageEventsMax = 1000;

export function eventRoutes(web: FastifyInstance, options: EventRoutesOptions): void {
  web.post("/v1/events", (request, reply) => postEvents(options, request, reply));
  web.post("/v1/events/outcome", (request, reply) => postOutcome(options, request, reply));
  web.get("/v1/events", (request, reply) => getEvents(options, request, reply));
  web.get("/v1/events/tail", (request, reply) => getTail(options, request, reply));
}

async function postEvents(
  options: EventRoutesOptions,
  request: FastifyRequest,
  reply: FastifyReply,
) {
  const { caller, body, release } = await options.admit(request, ingestBodyBytesMax);
  const encoding = request.headers["content-encoding"]?.toLowerCase().replaceAll(" ", "");
  if (
    encoding !== undefined &&
    !["gzip", "identity", "aws-chunked", "aws-chunked,gzip"].includes(encoding)
  ) {
    throw new CairnError(
      "UnsupportedMediaType",
      `content-encoding ${JSON.stringify(encoding)} is neither gzip nor identity`,
    );
  }
  const bytes =
    encoding?.endsWith("gzip") === true ? await gunzipBounded(body, ingestBodyBytesMax) : body;
  const isSequence = (request.headers["content-type"] ?? "").startsWith("application/json-seq");
  const context: IngestContext = {
    ownerAccount: caller.accountId,
    origin: originOf(request),
    separator: isSequence ? "record-separator" : "newline",
  };
  const report = await options.ingest.acceptLines(bytes, context);
  release();
  const { failed } = report;
  // 200: every line is durable. 207: some were refused, each with its reason. Else: from a line on, none was taken.
  const status =
    failed === undefined ? (report.rejected.length === 0 ? 200 : 207) : errorStatus[failed.code];
  return reply.status(status).send({
    ...(failed === undefined
      ? {}
      : { code: failed.code, message: failed.message, failedFromLine: failed.fromLine }),
    received: report.received,
    accepted: report.accepted,
    rejected: report.rejected,
    ranges: report.ranges.map(({ firstSeq, count }) => [
      String(firstSeq),
      String(firstSeq + BigInt(count) - 1n),
    ]),
    ...(report.lastSeq === undefined ? {} : { lastSeq: String(report.lastSeq) }),
  });
}

function originOf(request: FastifyRequest): IngestContext["origin"] {
  const { origin = "live" } = request.query as { origin?: string };
  if (origin === "live" || origin === "import") return origin;
  throw new CairnError(
    "ValidationFailed",
    `origin ${JSON.stringify(origin)} is neither live nor import`,
  );
}

/** What became of accepted events, once the store has decided: stored, or dropped as exact duplicates. */
async function postOutcome(
  options: EventRoutesOptions,
  request: FastifyRequest,
  reply: FastifyReply,
) {
  const { caller, body } = await options.admit(request, 1024 * 1024);
  const ranges = parseRanges(body);
  const last = ranges.reduce((highest, [, end]) => (end > highest ? end : highest), 0n);
  const { lastSeq } = options.journal.status();
  if (last > lastSeq) {
    throw new CairnError(
      "ValidationFailed",
      `ranges end at ${last}, behind the last event, ${lastSeq}`,
    );
  }
  await options.store.reached(last, closedSignal(reply));
  const outcome = { stored: 0, duplicates: 0, variants: 0 };
  for (const [first, end] of ranges) {
    const { stored, variants } = await options.store.countStored(caller.accountId, first, end);
    outcome.stored += stored;
    outcome.variants += variants;
    outcome.duplicates += Number(end - first + 1n) - stored;
  }
  return outcome;
}

function parseRanges(body: Buffer): [bigint, bigint][] {
  const { ranges } = parseJsonBody(body) as { ranges?: unknown };
  if (!Array.isArray(ranges) || !ranges.every(isRange)) {
    throw new CairnError("ValidationFailed", "ranges must be a list of [first, last] in decimal");
  }
  return ranges.map(([first, last]) => [BigInt(first), BigInt(last)]);
}

function isRange(value: unknown): value is [string, string] {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    value.every(isSeq) &&
    BigInt(value[0] as string) <= BigInt(value[1] as string)
  );
}

function isSeq(value: unknown): value is string {
  return typeof value === "string" && /^\d{1,19}$/.test(value);
}

export function parseJsonBody(body: Buffer): unknown {
  try {
    const value: unknown = JSON.parse(body.toString() || "{}");
    if (typeof value === "object" && value !== null) return value;
  } catch (cause) {
    throw new CairnError(
      "SerializationFailed",
      `the body is no JSON: ${(cause as Error).message}`,
      { cause },
    );
  }
  throw new CairnError("SerializationFailed", "the body is no JSON object");
}

async function getEvents(
  options: EventRoutesOptions,
  request: FastifyRequest,
  reply: FastifyReply,
) {
  const { caller } = await options.admit(request, 0);
  const format = acceptedFormat(request.headers.accept);
  if (format === undefined) {
    throw new CairnError(
      "NotAcceptable",
      `accept ${JSON.stringify(request.headers.accept)}: we have ${Object.values(contentTypes).join(", ")}`,
    );
  }
  const search = parseSearch(searchParameters(request), caller.accountId, options.clock.nowMs());
  const signal = closedSignal(reply);
  const isPage = search.nextToken !== undefined || (search.limit ?? Infinity) <= pageEventsMax;
  if (format === "json" && isPage) {
    return reply.type(contentTypes.json).send(await jsonPage(options, search, signal));
  }
  if (search.nextToken !== undefined) {
    throw new CairnError(
      "ValidationFailed",
      "nextToken goes with JSON pages; other formats stream the whole result",
    );
  }
  return reply
    .type(contentTypes[format])
    .send(Readable.from(writeAll(options, search, format, signal)));
}

/** Without what a presigned URL carries of its signature. */
function searchParameters(request: FastifyRequest): URLSearchParams {
  const given = new URLSearchParams(request.url.split("?")[1] ?? "");
  return new URLSearchParams([...given].filter(([name]) => !name.startsWith("X-Amz-")));
}

async function jsonPage(
  options: EventRoutesOptions,
  search: Search,
  signal: AbortSignal,
): Promise<Buffer> {
  const limit = Math.min(search.limit ?? pageEventsMax, pageEventsMax);
  const walk = options.tokens.resume(
    "search",
    search.query,
    search.nextToken,
    options.store.watermark(),
  );
  const found = await options.store.find(walk.query, limit + 1, signal);
  const page = found.slice(0, limit);
  const last = page.at(-1);
  const nextToken = found.length > limit && last !== undefined ? walk.tokenAfter(last) : undefined;
  const tail = nextToken === undefined ? "]}" : `],"nextToken":${JSON.stringify(nextToken)}}`;
  return Buffer.concat([
    Buffer.from('{"events":['),
    ...separated(page.map(eventJson)),
    Buffer.from(tail),
  ]);
}

function separated(parts: Buffer[]): Buffer[] {
  return parts.flatMap((part, index) => (index === 0 ? [part] : [Buffer.from(","), part]));
}

async function* writeAll(
  options: EventRoutesOptions,
  search: Search,
  format: Format,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const query = { ...search.query, watermark: options.store.watermark() };
  let rest = search.limit ?? Infinity;
  let isFirst = true;
  if (format === "json") yield Buffer.from('{"events":[');
  if (format === "csv") yield Buffer.from(csvHeader);
  for await (const batch of options.store.stream(query, signal)) {
    const events = batch.slice(0, rest);
    const parts = events.flatMap((event) => {
      const comma = format === "json" && !isFirst ? [Buffer.from(",")] : [];
      isFirst = false;
      return [...comma, ...written(event, format)];
    });
    yield Buffer.concat(parts);
    rest -= events.length;
    if (rest <= 0) break;
  }
  if (format === "json") yield Buffer.from("]}");
}

function written(event: FoundEvent, format: Format): Buffer[] {
  switch (format) {
    case "json":
      return [eventJson(event)];
    case "csv":
      return [Buffer.from(eventCsv(event))];
    case "ndjson":
      return [eventLine(event), Buffer.from("\n")];
  }
}

async function getTail(options: EventRoutesOptions, request: FastifyRequest, reply: FastifyReply) {
  const { caller } = await options.admit(request, 0);
  const parameters = searchParameters(request);
  for (const name of ["limit", "nextToken", "order"]) {
    if (parameters.has(name))
      throw new CairnError("ValidationFailed", `${name} does not go with a tail, which has no end`);
  }
  const isSummary = parameters.get("form") === "summary";
  parameters.delete("form");
  const { query } = parseSearch(parameters, caller.accountId, options.clock.nowMs());
  const watermark = options.store.watermark();
  const cursor = placeOf(request.headers["last-event-id"], watermark);
  const events = tailEvents({
    store: options.store,
    clock: options.clock,
    cursor,
    matches: (event) => matchesQuery(event, query),
    write: isSummary ? eventJson : eventLine,
    signal: closedSignal(reply),
  });
  // A PassThrough, so that the first comment and the headers leave at once.
  const body = Readable.from(events).pipe(new PassThrough());
  return reply.header("cache-control", "no-store").type("text/event-stream").send(body);
}

/** Where a tail begins: behind the event that the client had last, or at the end. */
function placeOf(lastEventId: string | string[] | undefined, watermark: bigint): bigint {
  if (lastEventId === undefined || lastEventId === "") return watermark;
  if (typeof lastEventId !== "string" || !/^\d{1,19}$/.test(lastEventId)) {
    throw new CairnError(
      "ValidationFailed",
      `last-event-id ${JSON.stringify(lastEventId)} is no id of this stream`,
    );
  }
  // A place that was never reached is not ours: another server's. What comes from now on is.
  return BigInt(lastEventId) < watermark ? BigInt(lastEventId) : watermark;
}

/** Aborts when the client has gone before it has the whole answer. */
function closedSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  // The response, not its socket: a connection that is kept alive would gather a listener with every request.
  reply.raw.once("close", () => {
    if (!reply.raw.writableFinished) controller.abort(new Error("the client has gone"));
  });
  return controller.signal;
}
