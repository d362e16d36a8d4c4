// The address that a request came from, as every door records it.
import { isIP } from "node:net";

/**
 * The socket's address. Behind a trusted proxy it is the last one in `X-Forwarded-For`: that proxy wrote it, and what
 * stands before it is what somebody told the proxy.
 */
export function clientAddress(socketAddress: string, forwardedFor: string | undefined): string {
  const last = forwardedFor?.split(",").at(-1)?.trim() ?? "";
  const address = isIP(last) === 0 ? socketAddress : last;
  // IPv4 over an IPv6 socket is IPv4 to everyone who reads the event.
  return address.startsWith("::ffff:") ? address.slice("::ffff:".length) : address;
}
