// Merges each month of a resting store into one part. Argument: the engine's folder. Run in a process of its own.
import { Session } from "chdb";

const [folder = ""] = process.argv.slice(2);
const session = new Session(folder);
session.query("OPTIMIZE TABLE events_v1 FINAL");
session.close();
process.exit(0);
