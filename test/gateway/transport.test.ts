// The gateway as a proxy: what comes in goes out, byte for byte, in both directions.
import { createHash } from "node:crypto";
import {
  Agent,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { createServer as createNetServer, type Socket } from "node:net";
import { Readable } from "node:stream";
import { gunzipSync, gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { eventually, listen, plainGateway, RawClient, upstream } from "./support.ts";

const complete = (text: string) => text.includes("\r\n\r\n");

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** An upstream of raw bytes: keeps what it gets, answers with what it is told once a head is complete. */
async function rawUpstream(answer: (received: string) => string | undefined) {
  let received = "";
  const sockets: Socket[] = [];
  const server = createNetServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1");
      const text = answer(received);
      if (text !== undefined) socket.write(text, "latin1");
    });
  });
  const port = await listen(server);
  return {
    url: new URL(`http://127.0.0.1:${port}`),
    received: () => received,
    sockets,
  };
}

test("a request head passes with its order, case, duplicates and Host", async () => {
  const origin = await rawUpstream((text) =>
    complete(text) ? "HTTP/1.1 204 No Content\r\n\r\n" : undefined,
  );
  const gateway = await plainGateway(origin.url);
  const client = new RawClient(gateway.port);
  const head =
    "GET /a%2Fb/../c//d?x=%7e&y=+&x HTTP/1.1\r\n" +
    "hOsT: cognito-idp.us-east-1.amazonaws.com\r\n" +
    "X-Twice: one\r\n" +
    "accept: */*\r\n" +
    "x-twice: two\r\n" +
    "Content-Type: a/b\r\n" +
    "content-type: c/d\r\n" +
    "Connection: keep-alive\r\n" +
    "X-Latin: \xe9\xff\r\n" +
    "Authorization: AWS4-HMAC-SHA256 Credential=x\r\n\r\n";
  client.write(head);
  await client.until(complete);
  expect(origin.received()).toBe(head);
});

test("an answer's head passes with its status text, order, case and duplicates", async () => {
  const origin = await rawUpstream((text) =>
    complete(text)
      ? "HTTP/1.1 299 Very Fine\r\nset-COOKIE: a=1\r\nX-A: 1\r\nSet-Cookie: b=2\r\nx-a: 2\r\nContent-Length: 2\r\nDate: yesterday\r\n\r\nok"
      : undefined,
  );
  const gateway = await plainGateway(origin.url);
  const client = new RawClient(gateway.port);
  client.write("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  expect(await client.untilClosed()).toBe(
    "HTTP/1.1 299 Very Fine\r\nset-COOKIE: a=1\r\nX-A: 1\r\nSet-Cookie: b=2\r\nx-a: 2\r\nContent-Length: 2\r\nDate: yesterday\r\nConnection: close\r\n\r\nok",
  );
});

test("headers of one hop stay on it, unless they are signed", async () => {
  const origin = await rawUpstream((text) =>
    complete(text)
      ? "HTTP/1.1 204 No Content\r\nKeep-Alive: timeout=9\r\nX-Hop: 1\r\nConnection: X-Hop\r\n\r\n"
      : undefined,
  );
  const gateway = await plainGateway(origin.url);
  const client = new RawClient(gateway.port);
  client.write(
    "GET / HTTP/1.1\r\nHost: h\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nTE: gzip\r\nX-Amz-Date: 20260101T000000Z\r\n" +
      "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/iam/aws4_request, SignedHeaders=host;te;x-amz-date, Signature=00\r\n\r\n",
  );
  const answer = await client.untilClosed();
  expect(origin.received()).not.toMatch(/X-Mine|Keep-Alive: 5|close/);
  expect(origin.received()).toContain("TE: gzip\r\n");
  expect(answer).not.toMatch(/X-Hop|timeout=9/);
});

test("a body of 100 MB streams through in both directions without being held", async () => {
  const origin = await upstream((request, response) => {
    response.writeHead(200, { "content-type": "application/octet-stream" });
    request.pipe(response);
  });
  const gateway = await plainGateway(origin.url, { recording: true });
  const chunk = Buffer.alloc(1024 * 1024, "x");
  const sent = createHash("sha256");
  let produced = 0;
  const source = new Readable({
    read() {
      if (produced === 100) this.push(null);
      else {
        produced++;
        sent.update(chunk);
        this.push(chunk);
      }
    },
  });
  const before = process.memoryUsage().rss;
  let peak = 0;
  const got = createHash("sha256");
  let gotBytes = 0;
  await new Promise<void>((resolve, reject) => {
    const outgoing = httpRequest(
      { host: "127.0.0.1", port: gateway.port, method: "PUT", path: "/big" },
      (answer) => {
        answer.on("data", (part: Buffer) => {
          got.update(part);
          gotBytes += part.length;
          peak = Math.max(peak, process.memoryUsage().rss);
        });
        answer.on("end", resolve);
      },
    );
    outgoing.on("error", reject);
    source.pipe(outgoing);
  });
  expect(gotBytes).toBe(100 * 1024 * 1024);
  expect(got.digest("hex")).toBe(sent.digest("hex"));
  // Client, gateway and upstream share this process; 100 MB held anywhere would show.
  expect(peak - before).toBeLessThan(90 * 1024 * 1024);
});

test("a slow reader slows the upstream down instead of filling the memory", async () => {
  let written = 0;
  let full = false;
  const origin = await upstream((_request, response) => {
    const block = Buffer.alloc(64 * 1024);
    const more = () => {
      while (written < 512 * 1024 * 1024) {
        written += block.length;
        if (!response.write(block)) {
          full = true;
          response.once("drain", more);
          return;
        }
      }
    };
    more();
  });
  const gateway = await plainGateway(origin.url);
  const client = new RawClient(gateway.port);
  client.socket.pause();
  client.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  let last = -1;
  await eventually("the upstream to stall", async () => {
    const stalled = full && written === last;
    last = written;
    await new Promise((resolve) => setTimeout(resolve, 200));
    return stalled;
  });
  expect(written).toBeLessThan(64 * 1024 * 1024);
});

test("the body waits for the upstream's 100, which is passed on", async () => {
  const origin = await rawUpstream((text) => {
    if (text.endsWith("hello")) return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    return text.endsWith("\r\n\r\n") ? "HTTP/1.1 100 Continue\r\n\r\n" : undefined;
  });
  const gateway = await plainGateway(origin.url);
  const client = new RawClient(gateway.port);
  client.write("PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  expect(await client.until(complete)).toBe("HTTP/1.1 100 Continue\r\n\r\n");
  expect(origin.received()).toContain("Expect: 100-continue\r\n");
  client.write("hello");
  expect(await client.until(complete)).toMatch(/^HTTP\/1\.1 200 OK/);
});

test("an upstream that refuses the expectation is heard before any body is sent", async () => {
  const origin = await rawUpstream((text) =>
    text.endsWith("\r\n\r\n")
      ? "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n"
      : undefined,
  );
  const gateway = await plainGateway(origin.url);
  const client = new RawClient(gateway.port);
  client.write("PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  expect(await client.until(complete)).toMatch(/^HTTP\/1\.1 417 /);
});

test("an answer that comes during the upload reaches the client at once, and the upload goes on", async () => {
  let uploaded = 0;
  let ended = false;
  const origin = await upstream((request, response) => {
    response.writeHead(200);
    response.end("early");
    request.on("data", (chunk: Buffer) => (uploaded += chunk.length));
    request.on("end", () => (ended = true));
  });
  const gateway = await plainGateway(origin.url);
  const client = new RawClient(gateway.port);
  client.write("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf,");
  await client.until((text) => text.includes("early"));
  client.write("half.");
  await eventually("the upload's end", () => ended);
  expect(uploaded).toBe(10);
});

test("an upstream that answers and closes during an upload is heard", async () => {
  const origin = await upstream((_request, response) => {
    response.writeHead(413, { connection: "close" });
    response.end("too large");
  });
  const gateway = await plainGateway(origin.url);
  const client = new RawClient(gateway.port);
  client.write("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n");
  client.write(Buffer.alloc(100_000));
  const text = await client.until((got) => got.includes("too large"));
  expect(text).toMatch(/^HTTP\/1\.1 413 /);
});

test("a client that goes away cancels the call at the upstream", async () => {
  let arrived = false;
  let cancelled = false;
  const origin = await upstream((request, response) => {
    arrived = true;
    response.on("close", () => (cancelled = !response.writableFinished));
    request.resume();
  });
  const gateway = await plainGateway(origin.url);
  const client = new RawClient(gateway.port);
  client.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  await eventually("the call to arrive", () => arrived);
  client.socket.destroy();
  await eventually("the upstream to notice", () => cancelled);
  expect(cancelled).toBe(true);
});

test("an upstream that breaks off in the middle leaves the client with a broken answer, not a short one", async () => {
  const origin = await upstream((_request, response) => {
    response.writeHead(200);
    response.write("part", () => response.socket?.destroy());
  });
  const gateway = await plainGateway(origin.url);
  const client = new RawClient(gateway.port);
  client.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  const text = await client.untilClosed();
  expect(text).toContain("part");
  expect(text).not.toContain("\r\n0\r\n\r\n");
});

test("connections are kept on both sides", async () => {
  const sockets = new Set<unknown>();
  const origin = await upstream((request, response) => {
    sockets.add(request.socket);
    response.end("ok");
  });
  const gateway = await plainGateway(origin.url);
  const client = new RawClient(gateway.port);
  for (let round = 0; round < 20; round++) {
    client.write("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
    await client.until((text) => text.includes("ok"));
  }
  expect(sockets.size).toBe(1);
  expect(client.closed).toBe(false);
});

test("pipelined requests are answered in their order", async () => {
  const origin = await upstream((request, response) => {
    const slow = request.url === "/1";
    setTimeout(() => response.end(`<${request.url}>`), slow ? 50 : 0);
  });
  const gateway = await plainGateway(origin.url);
  const client = new RawClient(gateway.port);
  client.write("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
  const text = await client.until((got) => got.includes("</2>"));
  expect(text.indexOf("</1>")).toBeLessThan(text.indexOf("</2>"));
});

test.each([
  ["HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"],
  ["HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"],
  ["GET", "HTTP/1.1 204 No Content\r\n\r\n"],
  ["GET", 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 99\r\n\r\n'],
])("an answer without a body ends with its head: %s %j", async (method, answer) => {
  const origin = await rawUpstream((text) => (complete(text) ? answer : undefined));
  const gateway = await plainGateway(origin.url);
  const client = new RawClient(gateway.port);
  client.write(`${method} / HTTP/1.1\r\nHost: h\r\n\r\n`);
  const first = await client.until(complete);
  for (const line of answer.trim().split("\r\n")) expect(first).toContain(line);
  expect(first.endsWith("\r\n\r\n")).toBe(true);
  // The connection still works: nothing of a body was left on it.
  client.write(`${method} / HTTP/1.1\r\nHost: h\r\n\r\n`);
  expect(await client.until(complete)).toMatch(/^HTTP\/1\.1 /);
});

test("trailers pass in both directions", async () => {
  let trailers: string[] = [];
  const origin = await upstream((request, response) => {
    request.resume();
    request.on("end", () => {
      trailers = request.rawTrailers;
      response.writeHead(200, { Trailer: "X-Sum" });
      response.write("body");
      response.addTrailers({ "X-Sum": "99" });
      response.end();
    });
  });
  const gateway = await plainGateway(origin.url);
  const client = new RawClient(gateway.port);
  client.write(
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-Amz-Check\r\n\r\n3\r\nabc\r\n0\r\nX-Amz-Check: abc\r\n\r\n",
  );
  const text = await client.until((got) => got.includes("X-Sum: 99"));
  expect(trailers).toEqual(["X-Amz-Check", "abc"]);
  expect(text).toContain("Trailer: X-Sum\r\n");
});

test("what came with a length leaves with a length, what came in chunks leaves in chunks", async () => {
  const origin = await upstream((request, response) => {
    const { "content-length": length, "transfer-encoding": coding } = request.headers;
    void bodyOf(request).then((body) => response.end(`${length}|${coding}|${body.toString()}|`));
  });
  const gateway = await plainGateway(origin.url);
  const client = new RawClient(gateway.port);
  const ask = async (head: string) => {
    client.write(head);
    return /[^\r\n|]*\|[^|]*\|[^|]*\|/.exec(
      await client.until((got) => /\|.*\|.*\|/.test(got)),
    )?.[0];
  };
  expect(await ask("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc")).toBe(
    "3|undefined|abc|",
  );
  expect(
    await ask(
      "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ),
  ).toBe("undefined|chunked|abc|");
  expect(await ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")).toBe(
    "0|undefined||",
  );
  expect(await ask("DELETE / HTTP/1.1\r\nHost: h\r\n\r\n")).toBe("undefined|undefined||");
  // A POST that says nothing has no body; it is not made a chunked one.
  expect(await ask("POST / HTTP/1.1\r\nHost: h\r\n\r\n")).toBe("0|undefined||");
});

test("compressed bodies pass compressed", async () => {
  const zipped = gzipSync("hello");
  const origin = await upstream((_request, response) => {
    response.writeHead(200, { "content-encoding": "gzip", "content-length": zipped.length });
    response.end(zipped);
  });
  const gateway = await plainGateway(origin.url);
  const agent = new Agent();
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    httpRequest({ host: "127.0.0.1", port: gateway.port, agent }, resolve)
      .on("error", reject)
      .end();
  });
  expect(gunzipSync(await bodyOf(answer)).toString()).toBe("hello");
  agent.destroy();
});

test("an HTTP/1.0 client gets an answer that it can read", async () => {
  const origin = await upstream((_request, response) => {
    response.write("no length");
    response.end();
  });
  const gateway = await plainGateway(origin.url);
  const client = new RawClient(gateway.port);
  client.write("GET / HTTP/1.0\r\n\r\n");
  const text = await client.untilClosed();
  expect(text).not.toMatch(/chunked/i);
  expect(text.endsWith("\r\n\r\nno length")).toBe(true);
});

test("an upstream behind a path gets that path in front", async () => {
  let asked = "";
  const origin = await upstream((request, response) => {
    asked = request.url ?? "";
    response.end();
  });
  const gateway = await plainGateway(new URL("/base/", origin.url));
  const client = new RawClient(gateway.port);
  client.write("GET http://elsewhere.example/x?y HTTP/1.1\r\nHost: h\r\n\r\n");
  await client.until(complete);
  expect(asked).toBe("/base/x?y");
});

test("an upstream that closed a kept connection is asked again for a read, on a new one", async () => {
  let connections = 0;
  const server = createNetServer((socket) => {
    connections++;
    let requests = 0;
    socket.on("error", () => undefined);
    socket.on("data", () => {
      requests++;
      // The second request on a connection meets its end, as when a server's idle time has just run out.
      if (requests > 1) socket.destroy();
      else socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
  });
  const port = await listen(server);
  const gateway = await plainGateway(new URL(`http://127.0.0.1:${port}`));
  const client = new RawClient(gateway.port);
  for (let round = 0; round < 3; round++) {
    client.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    expect(await client.until((text) => text.endsWith("ok"))).toMatch(/^HTTP\/1\.1 200 /);
  }
  expect(connections).toBe(3);
});

test("an upstream that is not there, does not answer, or hangs up gives an answer that says so", async () => {
  const closed = createNetServer();
  const port = await listen(closed);
  await new Promise((resolve) => closed.close(resolve));
  const refused = await plainGateway(new URL(`http://127.0.0.1:${port}`));
  const first = new RawClient(refused.port);
  first.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  expect(await first.until((text) => text.includes("}"))).toMatch(
    /^HTTP\/1\.1 502 Bad Gateway[^]*Server: cairn-gateway[^]*Cairn gateway: [^]*ECONNREFUSED/,
  );

  const silent = await rawUpstream(() => undefined);
  const impatient = await plainGateway(silent.url, { timeouts: { upstreamIdleMs: 100 } });
  const second = new RawClient(impatient.port);
  second.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  expect(await second.until((text) => text.includes("}"))).toMatch(/^HTTP\/1\.1 504 /);
  expect(impatient.counters.failedHops).toBe(1);

  const abrupt = await upstream((request: IncomingMessage, _response: ServerResponse) => {
    request.socket.destroy();
  });
  const hungUp = await plainGateway(abrupt.url);
  const third = new RawClient(hungUp.port);
  third.write("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
  expect(await third.until((text) => text.includes("}"))).toMatch(/^HTTP\/1\.1 502 /);
});

test("no upstream at all is a clear answer that names the setting", async () => {
  const gateway = await plainGateway(undefined);
  const client = new RawClient(gateway.port);
  client.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  expect(await client.until((text) => text.includes("}"))).toMatch(
    /^HTTP\/1\.1 400 [^]*CAIRN_GATEWAY_UPSTREAM/,
  );
});
