// What a command is, and how it reads its arguments.
import { type ParseArgsConfig, parseArgs } from "node:util";
import { systemClock } from "../base/clock.ts";
import { Client, findCredentials } from "./client.ts";

/** The world as a command sees it: tests give their own. */
export interface Terminal {
  environment: Readonly<Record<string, string | undefined>>;
  write(text: string): void;
  /** To standard error. */
  warn(text: string): void;
  output: NodeJS.WritableStream;
  isInteractive: boolean;
}

export interface Command {
  /** `events`, `user create`. */
  name: string;
  summary: string;
  help: string;
  /** The exit code. */
  run(words: string[], terminal: Terminal): Promise<number>;
}

/** Used wrongly: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

type Options = NonNullable<ParseArgsConfig["options"]>;

export interface Arguments {
  values: Record<string, string | boolean | (string | boolean)[] | undefined>;
  positionals: string[];
}

/** Long options and words; throws UsageError for what the command does not know. */
export function readArguments(words: string[], options: Options, positionals = false): Arguments {
  try {
    const read = parseArgs({ args: words, options, allowPositionals: positionals, strict: true });
    return { values: read.values, positionals: read.positionals };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

export function textOption(given: Arguments, name: string): string | undefined {
  const value = given.values[name];
  return typeof value === "string" ? value : undefined;
}

/** `--json`: the answer as the AWS CLI prints it. */
export const jsonOption = { json: { type: "boolean" } } as const;

export function wantsJson(given: Arguments): boolean {
  return given.values["json"] === true;
}

export function only(positionals: readonly string[], name: string): string {
  const [first, ...more] = positionals;
  if (first === undefined || more.length > 0) throw new UsageError(`give one ${name}`);
  return first;
}

export const jsonText = (value: unknown) => `${JSON.stringify(value, undefined, 4)}\n`;

/** The running server, as the environment names it. */
export function connect(terminal: Terminal): Client {
  const { environment } = terminal;
  const url = environment["CAIRN_URL"] ?? "http://127.0.0.1:4780";
  if (!URL.canParse(url)) throw new UsageError(`CAIRN_URL ${JSON.stringify(url)} is no URL`);
  return new Client({
    url: new URL(url),
    region: environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"] ?? "us-east-1",
    credentials: findCredentials(environment, environment["CAIRN_DATA"] ?? "./cairn-data"),
    clock: systemClock,
  });
}

/** Lines of columns, as wide as their widest cell. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return `${[header, ...rows].map(line).join("\n")}\n`;
}
