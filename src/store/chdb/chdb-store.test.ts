// The embedded store keeps what every store keeps, on a real folder.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Session } from "chdb";
import { systemClock } from "../../base/clock.ts";
import { silentLog } from "../../base/log.ts";
import { describeStore } from "../store.contract.ts";
import { openChdbStore } from "./chdb-store.ts";
import { WatermarkFile } from "./watermark-file.ts";

let folder = "";
const open = () => openChdbStore({ folder, log: silentLog, clock: systemClock });

describeStore({
  open: async () => {
    // Such names exist, and `file()` would read them as patterns.
    folder = await mkdtemp(join(tmpdir(), "cairn store {a,b} [*] "));
    return open();
  },
  reopen: async (store) => {
    await store.close();
    return open();
  },
  crashed: async (store, watermark, lost) => {
    await store.close();
    const session = new Session(join(folder, "chdb"));
    if (lost.length > 0) session.query(`DELETE FROM events_v1 WHERE seq IN (${lost.join(", ")})`);
    session.close();
    await writeFile(join(folder, "watermark"), "");
    const file = await WatermarkFile.open(join(folder, "watermark"));
    await file.save(watermark);
    await file.close();
    return open();
  },
  clear: () => rm(folder, { recursive: true, force: true }),
});
