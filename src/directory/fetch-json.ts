// Fetches a small JSON document over HTTP: the configuration and the keys of an OIDC provider.
import type { Clock } from "../base/clock.ts";

/** Rejects for whatever is no JSON document that comes in time and is small; the reason is for the log only. */
export type FetchJson = (url: string) => Promise<unknown>;

const timeoutMs = 5000;
const bytesMax = 256 * 1024;

export function createFetchJson(clock: Clock): FetchJson {
  return async (url) => {
    const stop = new AbortController();
    const timer = clock.after(timeoutMs, () => stop.abort(new Error(`${url} took too long`)));
    try {
      // A provider that sends us elsewhere is not the one that was registered.
      const response = await fetch(url, {
        redirect: "error",
        signal: stop.signal,
        headers: { accept: "application/json" },
      });
      if (response.status !== 200) throw new Error(`${url} answered ${response.status}`);
      return JSON.parse(await readText(response, url)) as unknown;
    } finally {
      timer.cancel();
    }
  };
}

async function readText(response: Response, url: string): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.length;
    if (bytes > bytesMax) throw new Error(`${url} has more than ${bytesMax} bytes`);
    parts.push(part as Uint8Array);
  }
  return Buffer.concat(parts).toString("utf8");
}
