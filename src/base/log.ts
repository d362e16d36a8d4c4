// The log: one pino logger, made at the roof and passed down.
import { type DestinationStream, type Logger, pino } from "pino";

export type Log = Logger;

export function makeLog(level: string, destination?: DestinationStream): Log {
  // Secrets never reach the log on purpose; these paths are the belt to those braces.
  const options = {
    level,
    redact: [
      "secret",
      "*.secret",
      "secretAccessKey",
      "*.secretAccessKey",
      "authorization",
      "*.authorization",
    ],
    base: null,
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

export const silentLog: Log = pino({ level: "silent" });
