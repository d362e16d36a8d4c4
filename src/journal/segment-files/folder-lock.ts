// One process per journal folder: a lock that the kernel takes back however its holder ends.
//
// Each process that wants the folder listens on a Unix socket of its own in it, `lock-<pid>-<random>.sock`, and then
// looks for others. One that answers is alive and has the folder: this one leaves. One that refuses has died, also by
// SIGKILL: its file is removed. Because everyone listens before looking, of two that start together at least one sees
// the other; both may leave, but never will both stay. No pids are compared: a pid says nothing in another container
// that mounts the same folder, while a socket file works there too. (Not across machines that share a network drive.)
import { createHash } from "node:crypto";
import { mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CairnError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Random } from "../../base/random.ts";
import { errorCodeOf } from "./error-code.ts";

export interface FolderLock {
  release(): Promise<void>;
}

const namePattern = /^lock-\d+-[0-9a-f]{8}\.sock$/;

export function isLockName(name: string): boolean {
  return namePattern.test(name);
}

/** What drives answer to a socket that cannot hold one. */
const noSocketCodes = new Set(["EOPNOTSUPP", "ENOTSUP", "EPERM", "EINVAL", "ENOSYS"]);

/** Rejects with DataFolderInUse, naming the process, when another one (or this one) holds the folder already. */
export async function lockFolder(folder: string, random: Random, log: Log): Promise<FolderLock> {
  try {
    return await lockWithSockets(folder, folder, random);
  } catch (error) {
    if (!noSocketCodes.has(errorCodeOf(error) ?? "")) throw error;
    // Some file systems (shared folders of desktop virtual machines) hold no sockets: lock beside, per machine.
    const { dev, ino } = await stat(folder);
    const id = createHash("sha256").update(`${dev}:${ino}`).digest("hex").slice(0, 16);
    const beside = join(tmpdir(), `cairn-lock-${id}`);
    log.warn(
      { err: error, folder, beside },
      "this drive holds no sockets: the folder is locked beside",
    );
    await mkdir(beside, { recursive: true, mode: 0o700 });
    return lockWithSockets(beside, folder, random);
  }
}

async function lockWithSockets(at: string, folder: string, random: Random): Promise<FolderLock> {
  const name = `lock-${process.pid}-${random.bytes(4).toString("hex")}.sock`;
  // A socket's path has 108 bytes at most; Linux lets us reach the folder through a short one.
  const handle = await open(at, "r");
  const viaHandle = `/proc/self/fd/${handle.fd}`;
  const short = (other: string) =>
    Buffer.byteLength(join(at, other)) < 100 ? join(at, other) : join(viaHandle, other);
  const server = createServer((socket) => socket.destroy());
  const release = async () => {
    await rm(join(at, name), { force: true });
    if (server.listening) await new Promise((resolve) => server.close(resolve));
    await handle.close();
  };
  try {
    await listen(server, short(name));
    for (const other of await readdir(at)) {
      if (!isLockName(other) || other === name) continue;
      if (await isAlive(short(other))) {
        const pid = other.split("-")[1];
        throw new CairnError("DataFolderInUse", `${folder} is in use by process ${pid}`, {
          detail: { folder, pid },
        });
      }
      await rm(join(at, other), { force: true });
    }
  } catch (error) {
    await release();
    throw error;
  }
  return { release };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.off("error", reject);
      server.unref();
      resolve();
    });
  });
}

/** Whether someone listens at the other end. */
function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", (error) => {
      const code = errorCodeOf(error);
      if (code === "ECONNREFUSED" || code === "ENOENT") resolve(false);
      else reject(error);
    });
  });
}
