// Worker threads that start from source (under tsx and vitest) and from the build alike.
import { Worker, type WorkerOptions } from "node:worker_threads";

/** Starts the sibling module `name` (no extension) of the module at `parentUrl` as a worker thread. */
export function startWorker(parentUrl: string, name: string, options: WorkerOptions = {}): Worker {
  const fromSource = parentUrl.endsWith(".ts");
  const url = new URL(`./${name}.${fromSource ? "ts" : "js"}`, parentUrl);
  const execArgv = fromSource ? ["--import", "tsx"] : [];
  return new Worker(url, { ...options, execArgv });
}
