// Folders whose names survive the loss of power: a file's own flush does not flush the name that leads to it.
import { mkdir, open } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/** Files made, renamed and removed in the folder before this call stay so after the loss of power. */
export async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes the folder and those above it where they are missing, readable by their owner only. */
export async function makeFolder(folder: string): Promise<void> {
  const topmost = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (topmost === undefined) return;
  for (let made = resolve(folder); ; made = dirname(made)) {
    await flushFolder(dirname(made));
    if (made === resolve(topmost) || made === dirname(made)) return;
  }
}
