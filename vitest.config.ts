// How the tests run: one fork a file, because a process can open only one embedded store.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts", "capture/test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    // What is accepted is searchable within two seconds on an idle machine; tests share theirs.
    expect: { poll: { timeout: 20_000 } },
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
