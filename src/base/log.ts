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
  // Standard error: standard output is what a command says.
  return pino(options, destination ?? pino.destination(2));
}

export const silentLog: Log = pino({ level: "silent" });
