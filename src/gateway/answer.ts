// What the gateway itself answers: an error in the words of the protocol that the caller speaks, saying whose it is.
import type { ServerResponse } from "node:http";
import { encode } from "cbor-x";
import { type CairnError, type ErrorCode, isCairnError } from "../base/errors.ts";
import type { Protocol } from "../catalog/service.ts";
import type { Upstream } from "./upstream.ts";

export interface GatewayError {
  status: number;
  /** As the caller reads it, and as `errorCode` of the event has it. */
  code: string;
  message: string;
}

/** AWS's names differ by protocol: `InvalidClientTokenId` here is `UnrecognizedClientException` there. */
interface Words {
  status: number;
  json: string;
  query: string;
  s3: string;
  /** Where S3 says it otherwise than all others. */
  inS3?: { status?: number; message?: string };
}

const refusals: Partial<Record<ErrorCode, Words>> = {
  MissingAuthenticationToken: {
    status: 403,
    json: "MissingAuthenticationTokenException",
    query: "MissingAuthenticationToken",
    s3: "AccessDenied",
  },
  IncompleteSignature: {
    status: 403,
    json: "IncompleteSignatureException",
    query: "IncompleteSignature",
    s3: "AuthorizationHeaderMalformed",
  },
  InvalidClientTokenId: {
    status: 403,
    json: "UnrecognizedClientException",
    query: "InvalidClientTokenId",
    s3: "InvalidAccessKeyId",
    inS3: { message: "The AWS Access Key Id you provided does not exist in our records." },
  },
  ExpiredToken: {
    status: 403,
    json: "ExpiredTokenException",
    query: "ExpiredToken",
    s3: "ExpiredToken",
    inS3: { status: 400, message: "The provided token has expired." },
  },
  RequestTooLarge: {
    status: 413,
    json: "RequestEntityTooLargeException",
    query: "RequestEntityTooLarge",
    s3: "EntityTooLarge",
  },
  IncompleteBody: {
    status: 400,
    json: "IncompleteBodyException",
    query: "IncompleteBody",
    s3: "IncompleteBody",
  },
  PayloadHashMismatch: {
    status: 400,
    json: "InvalidSignatureException",
    query: "SignatureDoesNotMatch",
    s3: "XAmzContentSHA256Mismatch",
  },
  RequestTimeTooSkewed: {
    status: 403,
    json: "InvalidSignatureException",
    query: "SignatureDoesNotMatch",
    s3: "RequestTimeTooSkewed",
  },
  AccessDenied: {
    status: 403,
    json: "AccessDeniedException",
    query: "AccessDenied",
    s3: "AccessDenied",
  },
};
const badSignature: Words = {
  status: 403,
  json: "InvalidSignatureException",
  query: "SignatureDoesNotMatch",
  s3: "SignatureDoesNotMatch",
};

export function refusal(error: CairnError, protocol: Protocol): GatewayError {
  const words = refusals[error.code] ?? badSignature;
  const { status } = words;
  const { message } = error;
  if (protocol === "rest-xml") return { status, code: words.s3, message, ...words.inS3 };
  const isQuery = protocol === "query" || protocol === "ec2";
  return { status, code: isQuery ? words.query : words.json, message };
}

/** The protocol by the request alone, for services that the catalog does not know. */
export function protocolOf(headers: Readonly<Record<string, string>>): Protocol {
  if (headers["smithy-protocol"] === "rpc-v2-cbor") return "rpc-v2-cbor";
  const type = headers["content-type"] ?? "";
  if (type.startsWith("application/x-amz-json-1.0")) return "json1.0";
  if (headers["x-amz-target"] !== undefined || type.startsWith("application/x-amz-json")) {
    return "json1.1";
  }
  if (type.startsWith("application/x-www-form-urlencoded")) return "query";
  return "rest-json";
}

/** Sends the error and nothing else. The head must not have been sent. */
export function answerError(
  response: ServerResponse,
  error: GatewayError,
  protocol: Protocol,
  requestId: string,
): void {
  const { type, body } = render(error, protocol, requestId);
  response.sendDate = true;
  response.writeHead(error.status, {
    Server: "cairn-gateway",
    "Content-Type": type,
    "Content-Length": body.length,
    "x-amzn-RequestId": requestId,
    // Where S3's clients look for it, and the only place that an answer to HEAD has.
    ...(protocol === "rest-xml" ? { "x-amz-request-id": requestId } : {}),
    ...(protocol === "rest-json" || protocol.startsWith("json")
      ? { "x-amzn-ErrorType": error.code }
      : {}),
    ...(protocol === "rpc-v2-cbor" ? { "smithy-protocol": "rpc-v2-cbor" } : {}),
    ...(protocol === "json1.0" ? { "x-amzn-query-error": `${error.code};${sideOf(error)}` } : {}),
  });
  response.end(body);
}

/** Whose fault it is, as the query protocols say it. */
function sideOf({ status }: GatewayError): "Sender" | "Receiver" {
  return status < 500 ? "Sender" : "Receiver";
}

function render(
  error: GatewayError,
  protocol: Protocol,
  requestId: string,
): { type: string; body: Buffer } {
  const { code, message } = error;
  switch (protocol) {
    case "json1.0":
    case "json1.1":
      return {
        type: protocol === "json1.0" ? "application/x-amz-json-1.0" : "application/x-amz-json-1.1",
        body: Buffer.from(JSON.stringify({ __type: code, message })),
      };
    case "rest-json":
      return { type: "application/json", body: Buffer.from(JSON.stringify({ message, code })) };
    case "rpc-v2-cbor":
      return { type: "application/cbor", body: encode({ __type: code, message }) };
    case "query":
      return xml(
        `<ErrorResponse><Error><Type>${sideOf(error)}</Type><Code>${escape(code)}</Code><Message>${escape(message)}</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`,
      );
    case "ec2":
      return xml(
        `<Response><Errors><Error><Code>${escape(code)}</Code><Message>${escape(message)}</Message></Error></Errors><RequestID>${requestId}</RequestID></Response>`,
      );
    case "rest-xml":
      return xml(
        `<Error><Code>${escape(code)}</Code><Message>${escape(message)}</Message><RequestId>${requestId}</RequestId></Error>`,
      );
  }
}

function xml(text: string): { type: string; body: Buffer } {
  return {
    type: "application/xml",
    body: Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${text}`),
  };
}

function escape(text: string): string {
  return text.replace(/[<>&"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** What the client is told when the upstream cannot be reached or breaks off. */
export function hopFailure(upstream: Upstream | undefined, error: unknown): GatewayError {
  const where = `the upstream "${upstream?.name}" (${upstream?.target.url.origin})`;
  const why = describeFailure(error);
  if (why.timedOut) {
    return {
      status: 504,
      code: "ServiceUnavailable",
      message: `Cairn gateway: ${where} did not answer in time: ${why.text}.`,
    };
  }
  return {
    status: 502,
    code: "ServiceUnavailable",
    message: `Cairn gateway: ${where} could not be reached, or broke off: ${why.text}.`,
  };
}

/** OpenSSL's words for a certificate that no authority we trust has signed. */
const untrusted = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

function describeFailure(error: unknown): { timedOut: boolean; text: string } {
  if (isCairnError(error)) return { timedOut: false, text: error.message };
  if (!(error instanceof Error)) return { timedOut: false, text: "an unknown failure" };
  const code = (error as NodeJS.ErrnoException).code;
  if (error.name === "HopTimeout") return { timedOut: true, text: error.message };
  if (code !== undefined && untrusted.has(code)) {
    return {
      timedOut: false,
      text: `${code}: its certificate is of no trusted authority (the settings ca and gateway-upstream-ca name private ones)`,
    };
  }
  // A name that resolves to several addresses fails with all of their errors; the first says enough.
  return { timedOut: code === "ETIMEDOUT", text: code ?? error.message };
}
