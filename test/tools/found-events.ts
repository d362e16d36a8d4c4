// What a running Cairn has: whether all of it is searchable, and how often each event is found.
import { expect } from "vitest";
import type { CairnProcess } from "./cairn.ts";
import { clientOf } from "./post-events.ts";

/** Resolves once everything in the journal is searchable. */
export async function allLoaded(cairn: CairnProcess): Promise<void> {
  const look = async () => {
    const text = await (await fetch(`${cairn.url}/metrics`)).text();
    const read = (name: string) => new RegExp(`^${name} (\\S+)`, "m").exec(text)?.[1] ?? "absent";
    const loaded = read("cairn_store_watermark");
    return loaded === read("cairn_journal_last_seq") ? "all" : `up to ${loaded}`;
  };
  await expect.poll(look, { timeout: 30_000, interval: 50 }).toBe("all");
}

export interface Found {
  byId: Map<string, number>;
  byRequest: Map<string, number>;
}

/** All events from a time on, counted. */
export async function findEvents(cairn: CairnProcess, sinceMs: number): Promise<Found> {
  const answer = await clientOf(cairn).send({
    path: "/v1/events",
    query: new URLSearchParams({ since: String(sinceMs / 1000) }),
    headers: { accept: "application/x-ndjson" },
  });
  const found: Found = { byId: new Map(), byRequest: new Map() };
  for (const line of (await answer.text()).split("\n")) {
    if (line === "") continue;
    const { eventID, requestID } = JSON.parse(line) as { eventID: string; requestID: string };
    found.byId.set(eventID, (found.byId.get(eventID) ?? 0) + 1);
    found.byRequest.set(requestID, (found.byRequest.get(requestID) ?? 0) + 1);
  }
  return found;
}
