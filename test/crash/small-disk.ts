// A disk that fills up: a tmpfs of a few MiB, where the machine lets us mount one.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface SmallDisk {
  folder: string;
  /** Takes all the room that is left. */
  fill: () => void;
  /** Gives it back. */
  empty: () => void;
  /** Makes the disk itself larger. */
  resize: (mebibytes: number) => void;
  unmount: () => void;
}

/** Undefined, with a loud reason, where mounting is not permitted. */
export function mountSmallDisk(mebibytes: number): SmallDisk | undefined {
  const folder = mkdtempSync(join(tmpdir(), "cairn-small-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${mebibytes}m`, "tmpfs", folder], {
      stdio: "pipe",
    });
  } catch (error) {
    rmSync(folder, { recursive: true });
    process.stderr.write(
      `LEFT OUT: the tests on a really full disk, because mount failed: ${String(error)}\n`,
    );
    return undefined;
  }
  let sizeMebibytes = mebibytes;
  const ballast = join(folder, "ballast");
  return {
    folder,
    fill() {
      try {
        // Appended: what the ballast has it keeps.
        writeFileSync(ballast, Buffer.alloc(sizeMebibytes * 2 ** 20), { flag: "a" });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      }
    },
    empty: () => rmSync(ballast, { force: true }),
    resize(newMebibytes) {
      sizeMebibytes = newMebibytes;
      execFileSync("mount", ["-o", `remount,size=${newMebibytes}m`, folder]);
    },
    unmount() {
      execFileSync("umount", ["--lazy", folder]);
      rmSync(folder, { recursive: true });
    },
  };
}
