// What a client certificate says of its bearer: names from its subject and its alternative names, and its fingerprint.
import type { X509Certificate } from "node:crypto";
import { socketOf } from "./request-parts.ts";

interface TlsSocket {
  /** The certificate is of an authority that the server trusts. */
  authorized?: boolean;
  getPeerX509Certificate?: () => X509Certificate | undefined;
}

/** The certificate that the client of this connection has shown. */
export function peerCertificate(
  request: unknown,
): { certificate: X509Certificate; isTrusted: boolean } | undefined {
  const socket: TlsSocket | undefined = socketOf(request);
  const certificate = socket?.getPeerX509Certificate?.();
  return certificate === undefined
    ? undefined
    : { certificate, isTrusted: socket?.authorized === true };
}

/** SHA-256 of the certificate, in hex. */
export function fingerprintOf({ fingerprint256 }: X509Certificate): string {
  return fingerprint256.replaceAll(":", "").toLowerCase();
}

/**
 * The one URI among the alternative names (a SPIFFE id), else the one e-mail address, else the subject's common name,
 * else the one DNS name. Where a kind has several, it does not say which of them calls.
 */
export function nameIn(certificate: X509Certificate): string | undefined {
  const names = alternativeNames(certificate.subjectAltName);
  const only = (kind: string) => {
    const [first, ...others] = names.filter((each) => each.kind === kind);
    return others.length === 0 ? first?.value : undefined;
  };
  const { CN: commonName } = attributesOf(certificate, "subject");
  return (
    only("URI") ??
    only("email") ??
    (typeof commonName === "string" ? commonName : undefined) ??
    only("DNS")
  );
}

/** As RFC 4514 writes it, the most particular first: `CN=Example Devices,O=Example,C=DE`. */
export function issuerName(certificate: X509Certificate): string | undefined {
  const attributes = Object.entries(attributesOf(certificate, "issuer"));
  if (attributes.length === 0) return undefined;
  return attributes
    .toReversed()
    .flatMap(([type, value]) => [value].flat().map((each) => `${type}=${escaped(each)}`))
    .join(",");
}

function attributesOf(
  certificate: X509Certificate,
  whose: "subject" | "issuer",
): Record<string, string | string[]> {
  const { [whose]: attributes } = certificate.toLegacyObject() as unknown as Record<
    string,
    Record<string, string | string[]> | undefined
  >;
  return attributes ?? {};
}

/** `URI:spiffe://example/a, DNS:"a, DNS:b"`: what could be taken for two names is quoted as JSON. */
function alternativeNames(text: string | undefined): { kind: string; value: string }[] {
  const names: { kind: string; value: string }[] = [];
  for (const [, kind = "", value = ""] of (text ?? "").matchAll(
    /(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?=, |$)/g,
  )) {
    names.push({ kind, value: value.startsWith('"') ? (JSON.parse(value) as string) : value });
  }
  return names;
}

function escaped(value: string): string {
  return value.replace(/[,+"\\<>;=]|^[ #]| $/g, (character) => `\\${character}`);
}
