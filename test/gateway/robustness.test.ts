// What must not break the gateway: upgrades, malformed bytes, slow and silent clients, its own end.
import { createServer as createNetServer } from "node:net";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { closeAfter, eventually, listen, plainGateway, RawClient, upstream } from "./support.ts";

const complete = (text: string) => text.includes("\r\n\r\n");
const ok = () =>
  upstream((request, response) => void request.resume().on("end", () => response.end("ok")));

test("a WebSocket is joined to the upstream's, and counted", async () => {
  const origin = await upstream((_request, response) => response.end());
  const sockets = new WebSocketServer({ server: origin.server, path: "/live" });
  closeAfter(() => {
    for (const each of sockets.clients) each.terminate();
  });
  sockets.on("connection", (socket) => {
    socket.on("message", (message: Buffer) => socket.send(`echo ${message.toString()}`));
  });
  const gateway = await plainGateway(origin.url, { recording: true });
  const client = new WebSocket(`ws://127.0.0.1:${gateway.port}/live`);
  closeAfter(() => client.terminate());
  const answer = await new Promise<string>((resolve, reject) => {
    client.on("open", () => client.send("hi"));
    client.on("message", (message: Buffer) => resolve(message.toString()));
    client.on("error", reject);
  });
  expect(answer).toBe("echo hi");
  expect(gateway.counters.upgrades).toBe(1);
  await gateway.settled();
  expect(gateway.counters.unrecognised).toBe(0);
  // Closing the gateway does not wait for open sockets.
  const closed = new Promise((resolve) => client.on("close", resolve));
  await gateway.close();
  await closed;
});

test("an upstream that does not switch is heard, and its answer is that of an ordinary call", async () => {
  const origin = await upstream((_request, response) => {
    response.writeHead(426, { "content-length": 2 });
    response.end("no");
  });
  const gateway = await plainGateway(origin.url, { recording: true });
  const client = new RawClient(gateway.port);
  client.write(
    "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAA\r\nSec-WebSocket-Version: 13\r\n\r\n",
  );
  const text = await client.untilClosed();
  expect(text).toMatch(/^HTTP\/1\.1 426 [^]*\r\n\r\nno$/);
  await eventually("the call to be looked at", () => gateway.counters.unrecognised === 1);
  expect(gateway.counters.upgrades).toBe(0);
});

test("nobody hides a call behind another Upgrade: it is served as what it is", async () => {
  let got: { method: string | undefined; upgrade: string | undefined; body: string } | undefined;
  const origin = await upstream((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      got = { method: request.method, upgrade: request.headers.upgrade, body };
      response.end("served");
    });
  });
  const gateway = await plainGateway(origin.url, { recording: true });
  const client = new RawClient(gateway.port);
  client.write(
    "POST /x HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\nContent-Length: 10\r\n\r\nhello",
  );
  client.write("world");
  await client.until((text) => text.includes("served"));
  expect(got).toEqual({ method: "POST", upgrade: undefined, body: "helloworld" });
  await eventually("the call to be looked at", () => gateway.counters.unrecognised === 1);
});

test("not even with the rest of a WebSocket handshake around it", async () => {
  let upgrade: string | undefined = "not asked";
  const origin = await upstream((request, response) => {
    upgrade = request.headers.upgrade;
    response.end("served");
  });
  const gateway = await plainGateway(origin.url, { recording: true });
  const client = new RawClient(gateway.port);
  client.write(
    "GET /x HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: other\r\nSec-WebSocket-Key: AAAA\r\n\r\n",
  );
  await client.until((text) => text.includes("served"));
  expect(upgrade).toBeUndefined();
});

test.each([
  ["no HTTP at all", "\x16\x03\x01\x02\x00\x01\x00\x01", 400],
  ["a broken request line", "GET\r\n\r\n", 400],
  [
    "two lengths",
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    400,
  ],
  [
    "length and chunks",
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    400,
  ],
  ["a header too large", `GET / HTTP/1.1\r\nHost: h\r\nX: ${"x".repeat(70_000)}\r\n\r\n`, 431],
  ["a tunnel", "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n", 405],
])("%s is refused, and the next connection is served", async (_name, bytes, status) => {
  const origin = await ok();
  const gateway = await plainGateway(origin.url);
  const client = new RawClient(gateway.port);
  client.write(bytes);
  expect(await client.untilClosed()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  const next = new RawClient(gateway.port);
  next.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  expect(await next.until((text) => text.includes("ok"))).toMatch(/^HTTP\/1\.1 200 /);
});

test("heads of up to 64 KiB with thousands of headers pass whole", async () => {
  let count = 0;
  const origin = await upstream((request, response) => {
    count = request.rawHeaders.length / 2;
    response.end("ok");
  });
  const gateway = await plainGateway(origin.url);
  const client = new RawClient(gateway.port);
  const many = Array.from({ length: 5000 }, (_, index) => `a${index}: b\r\n`).join("");
  client.write(`GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n${many}\r\n`);
  await client.until((text) => text.includes("ok"));
  expect(count).toBe(5002);
});

test("a client that does not finish its head, or falls silent in its body, is let go", async () => {
  const origin = await ok();
  const gateway = await plainGateway(origin.url, { timeouts: { clientIdleMs: 200 } });
  const slowHead = new RawClient(gateway.port);
  slowHead.write("GET / HTTP/1.1\r\nHo");
  const slowBody = new RawClient(gateway.port);
  slowBody.write("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf");
  await slowHead.untilClosed();
  await slowBody.untilClosed();
  expect(slowHead.closed && slowBody.closed).toBe(true);
});

test("a client that waits for a slow upstream is not taken for a silent one", async () => {
  const origin = await upstream((_request, response) => {
    setTimeout(() => response.end("at last"), 600);
  });
  const gateway = await plainGateway(origin.url, { timeouts: { clientIdleMs: 150 } });
  const client = new RawClient(gateway.port);
  client.write("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
  expect(await client.until((text) => text.includes("at last"))).toMatch(/^HTTP\/1\.1 200 /);
});

test("any bytes a client sends leave the gateway serving", async () => {
  const origin = await ok();
  const gateway = await plainGateway(origin.url, { recording: true });
  const piece = fc.oneof(
    fc.constantFrom(
      "GET / HTTP/1.1\r\n",
      "POST /a?b=%zz HTTP/1.1\r\n",
      "Host: h\r\n",
      "Content-Length: 3\r\n",
      "\r\n",
      "abc",
      "Transfer-Encoding: chunked\r\n",
      "3\r\nabc\r\n",
      "0\r\n\r\n",
      "Expect: 100-continue\r\n",
      "Connection: Upgrade\r\n",
      "Upgrade: websocket\r\n",
      "Sec-WebSocket-Key: x\r\n",
      "Connection: close\r\n",
      "X-Amz-Target: A.B\r\n",
      "Trailer: x\r\n",
      "Authorization: AWS4-HMAC-SHA256 Credential=A/20260101/r/s/aws4_request, SignedHeaders=host, Signature=0\r\n",
      "x-amz-date: 20260101T000000Z\r\n",
      "Authorization: AWS \xff:x\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ),
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
      const client = new RawClient(gateway.port);
      client.write(pieces.join(""));
      client.socket.end();
      await client.untilClosed();
    }),
    { numRuns: 300 },
  );
  const client = new RawClient(gateway.port);
  client.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  expect(await client.until((text) => text.includes("ok"))).toMatch(/^HTTP\/1\.1 200 /);
});

test("any bytes an upstream sends leave the gateway serving", async () => {
  let bytes = "";
  const server = createNetServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.end(Buffer.from(bytes, "latin1")));
  });
  const gateway = await plainGateway(new URL(`http://127.0.0.1:${await listen(server)}`), {
    recording: true,
  });
  const piece = fc.oneof(
    fc.constantFrom(
      "HTTP/1.1 200 OK\r\n",
      "HTTP/1.1 099 x\r\n",
      "HTTP/1.1 999 \xe9\r\n",
      "HTTP/1.0 204\r\n",
      "HTTP/1.1 101 S\r\n",
      "HTTP/1.1 100 C\r\n\r\n",
      "Upgrade: x\r\nConnection: upgrade\r\n",
      "Content-Length: 5\r\n",
      "Transfer-Encoding: chunked\r\n",
      "Trailer: a\r\n",
      "3\r\nabc\r\n",
      "0\r\na: b\r\n\r\n",
      "\r\n",
      "hello",
      "HTTP/1.1 304 N\r\nTransfer-Encoding: chunked\r\n\r\n",
      "Content-Disposition: \xff\r\n",
    ),
    fc.uint8Array({ maxLength: 30 }).map((each) => Buffer.from(each).toString("latin1")),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 8 }), fc.boolean(), async (pieces, head) => {
      bytes = pieces.join("");
      const client = new RawClient(gateway.port);
      client.write(`${head ? "HEAD" : "GET"} / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`);
      await client.untilClosed();
    }),
    { numRuns: 300 },
  );
  bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  const client = new RawClient(gateway.port);
  client.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  expect(await client.until((text) => text.endsWith("ok"))).toMatch(/^HTTP\/1\.1 200 /);
});

test("closing lets calls under way end", async () => {
  let finish: (() => void) | undefined;
  const origin = await upstream((_request, response) => {
    finish = () => response.end("done");
  });
  const gateway = await plainGateway(origin.url);
  const client = new RawClient(gateway.port);
  client.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  await eventually("the call to arrive", () => finish !== undefined);
  const closing = gateway.close();
  finish?.();
  expect(await client.until((text) => complete(text) && text.includes("done"))).toMatch(
    /^HTTP\/1\.1 200 /,
  );
  await closing;
});
