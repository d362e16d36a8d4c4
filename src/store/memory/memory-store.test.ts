// The memory store keeps what every store keeps.

import { describeStore } from "../store.contract.ts";
import type { Store } from "../store.ts";
import { createMemoryStore, type MemoryStore } from "./memory-store.ts";

describeStore({
  open: async () => createMemoryStore(),
  // What it holds goes with the process; the contract asks only that nothing changes.
  reopen: async (store: Store) => store,
  crashed: async (store, watermark, lost) => {
    (store as MemoryStore).rewind(watermark, lost);
    return store;
  },
  clear: async () => {},
});
