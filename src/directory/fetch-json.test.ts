// Fetching a provider's documents: small, whole, in time, from where it was asked, or not at all.
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestClock } from "../base/clock.ts";
import { createFetchJson } from "./fetch-json.ts";

let url = "";
let asked = () => {};
const waiting: ServerResponse[] = [];
const server = createServer((request, response) => {
  switch (request.url) {
    case "/good":
      return response.end('{"keys":[]}');
    case "/moved":
      return response.writeHead(302, { location: "/good" }).end();
    case "/missing":
      return response.writeHead(404).end("{}");
    case "/large":
      return response.end(JSON.stringify("x".repeat(300 * 1024)));
    case "/cut":
      response.writeHead(200, { "content-length": "100" });
      response.write("{");
      return response.destroy();
    case "/slow":
      waiting.push(response);
      return asked();
    case undefined:
    default:
      return response.end("<html>");
  }
});
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  for (const response of waiting) response.destroy();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test("a document that is there is read", async () => {
  expect(await createFetchJson(new TestClock(0))(`${url}/good`)).toEqual({ keys: [] });
});

test.each([
  ["/moved", /fetch failed/],
  ["/missing", /answered 404/],
  ["/large", /more than 262144 bytes/],
  ["/cut", /terminated|fetch failed/],
  ["/other", /JSON/],
])("%s is none", async (path, why) => {
  await expect(createFetchJson(new TestClock(0))(url + path)).rejects.toThrow(why);
});

test("one that does not come in five seconds is given up", async () => {
  const clock = new TestClock(0);
  const arrived = new Promise<void>((resolve) => (asked = resolve));
  const fetched = createFetchJson(clock)(`${url}/slow`);
  await Promise.all([
    expect(fetched).rejects.toThrow(/took too long/),
    arrived.then(() => clock.advance(5000)),
  ]);
});
