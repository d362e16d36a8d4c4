// An HTTP request as the doors take it: raw path and query, headers by lower-case name, nothing interpreted.
import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";
import { clientAddress } from "../base/client-address.ts";

export interface HttpRequest {
  method: string;
  /** As sent, without the query. */
  path: string;
  /** As sent, without `?`. */
  query: string;
  /** Lower-case names; repeated headers joined by `, `. */
  headers: Record<string, string>;
  rawHeaders: string[];
  body: Buffer;
  remoteAddress: string;
  /** It came over TLS, here or, as a trusted proxy says, before it. */
  isSecure: boolean;
}

export interface HttpResponse {
  status: number;
  headers: Record<string, string>;
  body: Buffer | string;
}

export function httpRequest(
  message: IncomingMessage,
  body: Buffer,
  trustProxy: boolean,
): HttpRequest {
  const url = message.url ?? "/";
  const mark = url.indexOf("?");
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headersDistinct))
    headers[name] = (value ?? []).join(", ");
  return {
    method: message.method ?? "GET",
    path: mark === -1 ? url : url.slice(0, mark),
    query: mark === -1 ? "" : url.slice(mark + 1),
    headers,
    rawHeaders: message.rawHeaders,
    body,
    isSecure:
      message.socket instanceof TLSSocket ||
      (trustProxy && headers["x-forwarded-proto"]?.toLowerCase() === "https"),
    remoteAddress: clientAddress(
      message.socket.remoteAddress ?? "",
      trustProxy ? headers["x-forwarded-for"] : undefined,
    ),
  };
}

/** The service in the credential scope of a signed request, before anything is verified: it only picks the door. */
export function claimedService(message: IncomingMessage): string | undefined {
  const header = /Credential=[^/,]*\/\d*\/[^/,]*\/([^/,]+)\/aws4_request/.exec(
    message.headers.authorization ?? "",
  );
  if (header !== null) return header[1];
  const query =
    /[?&]X-Amz-Credential=[^&]*?(?:%2F|\/)\d+(?:%2F|\/)[^&/]*?(?:%2F|\/)([^&/%]+)(?:%2F|\/)aws4_request/i;
  return query.exec(message.url ?? "")?.[1];
}
