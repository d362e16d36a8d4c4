// Worker threads that start from source (under tsx and vitest) and from the build alike.
import { Worker, type WorkerOptions } from "node:worker_threads";

/** Starts the sibling module `name` (no extension) of the module at `parentUrl` as a worker thread. */
export function startWorker(parentUrl: string, name: string, options: WorkerOptions = {}): Worker {
  if (!parentUrl.endsWith(".ts")) return new Worker(new URL(`./${name}.js`, parentUrl), options);
  // From source: a worker whose parent already has a loader ignores one given by `--import`, so it asks for tsx itself
  // (found from the working folder, which is the project's in development).
  const url = JSON.stringify(new URL(`./${name}.ts`, parentUrl).href);
  const start = `import("tsx/esm/api").then(({ tsImport }) => tsImport(${url}, ${url}));`;
  return new Worker(start, { ...options, eval: true, execArgv: [] });
}
