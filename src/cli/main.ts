#!/usr/bin/env node
// The command line: `cairn NOUN VERB`. Exit codes: 0 good, 1 found a problem, 2 used wrongly.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isCairnError } from "../base/errors.ts";
import { accountCommands, organizationCommands, roleCommands, whoamiCommand } from "./accounts.ts";
import { catalogCommands } from "./catalog.ts";
import { type Command, type Terminal, UsageError } from "./command.ts";
import { configCommand } from "./config.ts";
import { eventsCommand } from "./events.ts";
import { importCommand } from "./import.ts";
import { keyCommands, userCommands } from "./principals.ts";
import { rotateMasterCommand } from "./rotate-master.ts";
import { startCommand } from "./start.ts";

const commands: readonly Command[] = [
  startCommand,
  eventsCommand,
  importCommand,
  whoamiCommand,
  ...userCommands,
  ...keyCommands,
  rotateMasterCommand,
  ...roleCommands,
  ...organizationCommands,
  ...accountCommands,
  ...catalogCommands,
  configCommand,
];

const help = `Cairn: a self-hosted audit trail that speaks AWS CloudTrail.

Usage: cairn COMMAND [ARGUMENTS]

${commands.map(({ name, summary }) => `  ${name.padEnd(20)} ${summary}`).join("\n")}

cairn COMMAND --help says more. The commands find the running server by CAIRN_URL
(http://127.0.0.1:4780) and sign with the usual AWS credentials.
`;

const terminal: Terminal = {
  environment: process.env,
  write: (text) => void process.stdout.write(text),
  warn: (text) => void process.stderr.write(text),
  output: process.stdout,
  isInteractive: process.stderr.isTTY,
};

/** The command that the first one or two words name. */
function findCommand(words: readonly string[]): { command: Command; rest: string[] } | undefined {
  for (const count of [2, 1]) {
    const name = words.slice(0, count).join(" ");
    const command = commands.find((each) => each.name === name);
    if (command !== undefined) return { command, rest: words.slice(count) };
  }
  return undefined;
}

/** No command was named, or none that there is. */
function helpWithout(words: readonly string[]): number {
  const [first = "--help"] = words;
  if (["--version", "-v", "version"].includes(first)) {
    terminal.write(`${readVersion()}\n`);
    return 0;
  }
  if (["--help", "-h", "help"].includes(first)) {
    terminal.write(help);
    return 0;
  }
  const likely = commands.filter(({ name }) => name.startsWith(`${first} `));
  if (likely.length === 0) {
    terminal.warn(`cairn: unknown command ${words.join(" ")}\n\n${help}`);
  } else {
    const lines = likely.map(({ name, summary }) => `  cairn ${name.padEnd(20)} ${summary}`);
    terminal.warn(`cairn: there is no ${words.join(" ")}; there are\n\n${lines.join("\n")}\n`);
  }
  return 2;
}

/** Of this package: two folders up, in the source as in what is built from it. */
function readVersion(): string {
  const path = join(import.meta.dirname, "..", "..", "package.json");
  return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
}

async function main(words: string[]): Promise<number> {
  const found = findCommand(words);
  if (found === undefined) return helpWithout(words);
  const { command, rest } = found;
  if (rest.includes("--help") || rest.includes("-h")) {
    terminal.write(command.help);
    return 0;
  }
  try {
    return await command.run(rest, terminal);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    terminal.warn(`cairn: ${error.message}\n\ncairn ${command.name} --help says more.\n`);
    return 2;
  }
}

// The reader of our output has left, as `head` does: nothing went wrong.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError || isCairnError(error, "InvalidConfiguration")) {
    terminal.warn(`cairn: ${error.message}\n`);
    process.exitCode = 2;
  } else if ((error as NodeJS.ErrnoException).code === "EPIPE") {
    process.exitCode = 0;
  } else {
    terminal.warn(`cairn: ${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}
