// Connections that become something else: WebSockets are joined to the upstream's, byte for byte, unrecorded.
//
// Only a request that can be nothing but a WebSocket handshake goes this way, and only once the upstream has switched:
// any other answer of it is an ordinary answer to an ordinary call. A request with another `Upgrade` (h2c, say) is
// given back to the HTTP server without that header, which RFC 9110 (7.8) allows: nobody hides a call behind it.
import { type IncomingMessage, type Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Exchange } from "./exchange.ts";
import { rawHeader } from "./headers.ts";
import type { Upstream } from "./upstream.ts";

export function isWebSocket(request: IncomingMessage): boolean {
  return (
    request.method === "GET" &&
    request.headers.upgrade?.trim().toLowerCase() === "websocket" &&
    request.headers["sec-websocket-key"] !== undefined &&
    request.headers["content-length"] === undefined &&
    request.headers["transfer-encoding"] === undefined
  );
}

/** The response that node:http does not make for an upgrade; its end closes the connection. */
export function responseOn(socket: Duplex, request: IncomingMessage): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  // Every connection that the server gives us is one: the types say less.
  response.assignSocket(socket as IncomingMessage["socket"]);
  response.once("finish", () => socket.end());
  return response;
}

/** Sends the handshake as it came; joins the two connections when the upstream switches. */
export function passUpgrade(
  exchange: Exchange,
  upstream: Upstream,
  socket: Duplex,
  early: Buffer,
  onSwitched: (ends: readonly Duplex[]) => void,
): void {
  exchange.send({
    upstream,
    target: exchange.head.target,
    headers: exchange.request.rawHeaders,
    onSwitch(answer, upstreamSocket, upstreamEarly) {
      exchange.response.detachSocket(socket as IncomingMessage["socket"]);
      socket.write(headOf(answer), "latin1");
      if (upstreamEarly.length > 0) socket.write(upstreamEarly);
      if (early.length > 0) upstreamSocket.write(early);
      onSwitched([socket, upstreamSocket]);
      join(socket, upstreamSocket);
    },
  });
}

/** Gives the connection back to the HTTP server, as if the request had come without its `Upgrade`. */
export function serveWithoutUpgrade(
  server: Server,
  event: "connection" | "secureConnection",
  request: IncomingMessage,
  socket: Duplex,
  rest: Buffer,
): void {
  const closes = /\bclose\b/i.test(rawHeader(request.rawHeaders, "connection") ?? "");
  let head = `${request.method} ${request.url} HTTP/${request.httpVersion}\r\n`;
  for (let index = 0; index + 1 < request.rawHeaders.length; index += 2) {
    const name = request.rawHeaders[index] ?? "";
    if (/^(?:connection|upgrade|http2-settings)$/i.test(name)) continue;
    head += `${name}: ${request.rawHeaders[index + 1]}\r\n`;
  }
  head += closes ? "Connection: close\r\n\r\n" : "\r\n";
  socket.unshift(Buffer.concat([Buffer.from(head, "latin1"), rest]));
  server.emit(event, socket);
}

function join(client: Duplex, upstream: Duplex): void {
  client.pipe(upstream);
  upstream.pipe(client);
  for (const [one, other] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    one.on("error", () => one.destroy());
    one.once("close", () => other.destroy());
  }
}

function headOf(answer: IncomingMessage): string {
  let head = `HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\n`;
  for (let index = 0; index + 1 < answer.rawHeaders.length; index += 2) {
    head += `${answer.rawHeaders[index]}: ${answer.rawHeaders[index + 1]}\r\n`;
  }
  return `${head}\r\n`;
}
