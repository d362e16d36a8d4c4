// Bytes on a socket, for what no HTTP client would send.
import { connect, type Socket } from "node:net";

export interface Spoken {
  text: string;
  /** The other side closed the connection. */
  closed: boolean;
}

function addressOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}

export function open(url: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(addressOf(url), () => resolve(socket));
    socket.once("error", reject);
  });
}

/** Sends bytes and collects what comes back, until the other side closes, `until` is heard, or the time is up. */
export async function speak(
  url: string,
  bytes: Uint8Array | string,
  options: { withinMs: number; until?: RegExp },
): Promise<Spoken> {
  const socket = await open(url);
  socket.removeAllListeners("error");
  return new Promise((resolve) => {
    let text = "";
    const finish = (closed: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ text, closed });
    };
    const timer = setTimeout(() => finish(false), options.withinMs);
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      if (options.until?.test(text) === true) finish(false);
    });
    // A reset after the answer is as good as an end.
    socket.on("error", () => finish(true));
    socket.on("close", () => finish(true));
    socket.write(bytes);
  });
}
