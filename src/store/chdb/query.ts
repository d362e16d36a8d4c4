// From an EventQuery to SQL. Values stand in it as digits only, decimal or hexadecimal: no byte of one can mean anything.
//
// They are not bound as parameters: in chDB a query with parameters keeps every other one waiting, also in other sessions,
// until it is done. A lookup beside a text search took as long as a step of the search.
import { assert } from "../../base/assert.ts";
import { keepForeverMs } from "../../event/row.ts";
import type { EventQuery, FilterColumn } from "../store.ts";

const filters: Record<FilterColumn, (value: string) => string> = {
  eventId: (value) => `event_id = ${value}`,
  eventName: (value) => `event_name = ${value}`,
  eventSource: (value) => `event_source = ${value}`,
  eventType: (value) => `event_type = ${value}`,
  readOnly: (value) => `read_only = ${value}`,
  userName: (value) => `user_name = ${value}`,
  userType: (value) => `user_type = ${value}`,
  userArn: (value) => `user_arn = ${value}`,
  principalId: (value) => `principal_id = ${value}`,
  accessKeyId: (value) => `access_key_id = ${value}`,
  sourceIp: (value) => `source_ip = ${value}`,
  errorCode: (value) => `error_code = ${value}`,
  region: (value) => `region = ${value}`,
  recipientAccount: (value) => `recipient_account = ${value}`,
  resourceType: (value) => `has(lookup_resource_types, ${value})`,
  resourceName: (value) => `has(lookup_resource_names, ${value})`,
};

/** The rows that `query` asks for, in its order. `columns` is ours, never a caller's. */
export function selectEvents(
  table: string,
  columns: string,
  query: EventQuery,
  limit: number,
): string {
  const where = conditions(query);
  // Attributes first: they have indexes, and the other columns are then read only where an attribute fits.
  const first = (query.equals ?? []).map(({ column, value }) =>
    filters[column](literal.string(value)),
  );
  const direction = query.order === "newest" ? "DESC" : "ASC";
  // The order is the table's own, so the engine reads in it and stops at the limit.
  return (
    `SELECT ${columns} FROM ${table} ` +
    (first.length === 0 ? "" : `PREWHERE ${first.join(" AND ")} `) +
    `WHERE ${where.join(" AND ")} ` +
    `ORDER BY event_time ${direction}, event_id ${direction}, seq ${direction} ` +
    `LIMIT ${literal.number(limit)}`
  );
}

function conditions(query: EventQuery): string[] {
  // In disguise: seq is in the primary key, and a bound on it would be compared with each of the key's marks although it
  // rules out next to nothing. That takes longer than the rest of a lookup.
  const where = [`bitXor(seq, 0) <= ${literal.seq(query.watermark)}`];
  if (query.fromMs !== undefined)
    where.push(`event_time >= ${literal.time(Math.ceil(query.fromMs))}`);
  if (query.toMs !== undefined) where.push(`event_time <= ${literal.time(Math.floor(query.toMs))}`);
  if (query.after !== undefined) {
    const { eventTimeMs, eventId, seq } = query.after;
    const than = query.order === "newest" ? "<" : ">";
    const time = literal.time(eventTimeMs);
    // The first alone lets the engine skip by the primary key; the tuple alone would make it read all that is newer.
    where.push(`event_time ${than}= ${time}`);
    where.push(
      `(event_time, event_id, seq) ${than} (${time}, ${literal.string(eventId)}, ${literal.seq(seq)})`,
    );
  }
  if (query.ownerAccount !== undefined) {
    where.push(`owner_account = ${literal.string(query.ownerAccount)}`);
  }
  if (query.categories !== undefined) {
    const any = query.categories.map((category) => literal.string(category));
    where.push(any.length === 0 ? "0" : `event_category IN (${any.join(", ")})`);
  }
  // LIKE would give % and _ a meaning; position compares bytes.
  if (query.text !== undefined) where.push(`position(raw, ${literal.string(query.text)}) > 0`);
  return where;
}

/** Values as they stand in SQL text. */
export const literal = {
  string: (value: string): string => `unhex('${Buffer.from(value, "utf8").toString("hex")}')`,

  seq: (value: bigint): string => `toUInt64(${value})`,

  number(value: number): string {
    assert(Number.isSafeInteger(value) && value >= 0, "a number in SQL is a whole one");
    return String(value);
  },

  /** A moment outside what the column can hold is taken as its nearest end. */
  time(valueMs: number): string {
    const heldMs = Math.min(Math.max(valueMs, earliestMs), keepForeverMs);
    assert(Number.isSafeInteger(heldMs), "a time in SQL is whole milliseconds");
    return `fromUnixTimestamp64Milli(toInt64(${heldMs}), 'UTC')`;
  },
} as const;

const earliestMs = Date.UTC(1900, 0, 1);
