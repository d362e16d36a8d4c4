// `cairn import`: CloudTrail log files of any age into the store, with every file and line accounted for.
import { SingleBar } from "cli-progress";
import { eventImportBytesMax, ingestRejectedLinesMax } from "../base/limits.ts";
import type { FileRecord } from "../event/log-file.ts";
import type { Client } from "./client.ts";
import { type Command, connect, readArguments, type Terminal, UsageError } from "./command.ts";
import { type ListedFile, listFiles, readParts } from "./import-files.ts";

/** Bytes of records in one request: far below the server's limit, far above the cost of a request. */
const requestBytesMax = 4 * 1024 * 1024;
/** Marks the start of each JSON text (RFC 7464): a record may span lines, and no JSON holds this byte. */
const recordSeparator = Buffer.from([0x1e]);

interface Rejected {
  file: string;
  line: number;
  reason: string;
}

/** The closing report; `--json` prints it as it is. */
export interface ImportReport {
  filesListed: number;
  filesRead: number;
  filesSkipped: number;
  /** Records found in the files that were read. */
  events: number;
  stored: number;
  /** Already there with the same bytes. */
  duplicates: number;
  /** Stored, flagged: the same identity as another event, other bytes. */
  variants: number;
  rejected: Rejected[];
  skipped: { file: string; reason: string }[];
  /** Files that could not be read to their end. */
  failed: { file: string; reason: string }[];
}

export const importCommand: Command = {
  name: "import",
  summary: "bring in CloudTrail log files",
  help: `Usage: cairn import PATH… [--json] [--strict]

Reads files, and folders to any depth, of CloudTrail log files (.json, .json.gz) and NDJSON (.ndjson, .jsonl,
compressed or not) in name order. Links are followed. Every file and every line is accounted for in the closing
report. Importing again stores nothing twice.

  --json     print the report as JSON
  --strict   exit 1 when any record was rejected

Exit code: 0 when everything is accounted for, rejected records included; 1 when something could not be read or
stored.
`,
  async run(words, terminal) {
    const options = { json: { type: "boolean" }, strict: { type: "boolean" } } as const;
    const given = readArguments(words, options, true);
    if (given.positionals.length === 0)
      throw new UsageError("give at least one file or folder to import");
    const files = await listFiles(given.positionals);
    const report = await importFiles(connect(terminal), files, terminal);
    terminal.write(
      given.values["json"] === true ? `${JSON.stringify(report, null, 2)}\n` : reportText(report),
    );
    if (report.failed.length > 0) return 1;
    return given.values["strict"] === true && report.rejected.length > 0 ? 1 : 0;
  },
};

async function importFiles(
  client: Client,
  files: ListedFile[],
  terminal: Terminal,
): Promise<ImportReport> {
  const report: ImportReport = {
    filesListed: files.length,
    filesRead: 0,
    filesSkipped: 0,
    events: 0,
    stored: 0,
    duplicates: 0,
    variants: 0,
    rejected: [],
    skipped: [],
    failed: [],
  };
  const bar = terminal.isInteractive
    ? new SingleBar({
        format: "{bar} {percentage}% | {value}/{total} files | {events} events | {eta_formatted}",
      })
    : undefined;
  bar?.start(files.length, 0, { events: 0 });
  const sender = new Sender(client, report);
  try {
    for (const [index, file] of files.entries()) {
      if (sender.stoppedBy === undefined) {
        await importFile(file, sender, report, () => bar?.update(index, { events: report.events }));
      } else report.failed.push({ file: file.path, reason: "not read: the import had stopped" });
    }
    await sender.finish();
    bar?.update(files.length, { events: report.events });
  } finally {
    bar?.stop();
  }
  report.filesRead = files.length - report.filesSkipped - failedCount(report);
  const place = new Map(files.map(({ path }, index) => [path, index]));
  report.rejected.sort(
    (a, b) => (place.get(a.file) ?? 0) - (place.get(b.file) ?? 0) || a.line - b.line,
  );
  return report;
}

/** Files; one may have failed in two ways. */
function failedCount(report: ImportReport): number {
  return new Set(report.failed.map(({ file }) => file)).size;
}

async function importFile(
  file: ListedFile,
  sender: Sender,
  report: ImportReport,
  onProgress: () => void,
): Promise<void> {
  const reject = (line: number, reason: string) =>
    report.rejected.push({ file: file.path, line, reason });
  for await (const part of readParts(file)) {
    switch (part.kind) {
      case "records":
        report.events += part.records.length;
        for (const record of part.records) {
          const reason = refusalOf(record.bytes);
          if (reason === undefined) await sender.add(file.path, record);
          else reject(record.line, reason);
        }
        break;
      case "refused":
        report.events += 1;
        reject(part.line, part.reason);
        break;
      case "skipped":
        report.filesSkipped += 1;
        report.skipped.push({ file: file.path, reason: part.reason });
        break;
      case "failed":
        report.failed.push({ file: file.path, reason: part.reason });
        break;
    }
    onProgress();
    if (sender.stoppedBy !== undefined) break;
  }
}

/** Why a record cannot even be sent, in the server's words; all else is for the server to judge. */
function refusalOf(bytes: Buffer): string | undefined {
  if (bytes.length > eventImportBytesMax)
    return `TooLarge: the record has ${bytes.length} bytes; at most ${eventImportBytesMax} are allowed`;
  const at = bytes.indexOf(recordSeparator);
  if (at !== -1) return `ControlCharacter: the control character 0x1e stands raw at byte ${at}`;
  return undefined;
}

interface AcceptAnswer {
  accepted: number;
  rejected: { line: number; code: string; message: string }[];
  /** Runs of `seq`, first and last, that hold what was accepted. */
  ranges: [string, string][];
}

interface Outcome {
  stored: number;
  duplicates: number;
  variants: number;
}

interface Sent {
  file: string;
  record: FileRecord;
}

/** Sends records in order, a request at a time, so that the first of two equal records is the one that is stored. */
class Sender {
  readonly #client: Client;
  readonly #report: ImportReport;
  #pending: Sent[] = [];
  #pendingBytes = 0;
  #ranges: [string, string][] = [];
  /** Files with records in those ranges. */
  #unsettled = new Set<string>();
  #hasSent = false;
  /** What made the server stop taking records: nothing is sent any more. */
  stoppedBy: string | undefined;

  constructor(client: Client, report: ImportReport) {
    this.#client = client;
    this.#report = report;
  }

  async add(file: string, record: FileRecord): Promise<void> {
    const isFull =
      this.#pendingBytes + record.bytes.length > requestBytesMax ||
      // One request reports no more refused records than this.
      this.#pending.length === ingestRejectedLinesMax;
    if (isFull) await this.#send();
    this.#pending.push({ file, record });
    this.#pendingBytes += record.bytes.length + 2;
  }

  /** Sends the rest and asks what became of everything. */
  async finish(): Promise<void> {
    await this.#send();
    await this.#settle();
  }

  async #send(): Promise<void> {
    const sent = this.#pending;
    if (sent.length === 0) return;
    this.#pending = [];
    this.#pendingBytes = 0;
    const answer = await this.#post(sent);
    if (answer === undefined) return;
    for (const { line, code, message } of answer.rejected) {
      const refused = sent[line - 1];
      if (refused === undefined) continue;
      const { file, record } = refused;
      this.#report.rejected.push({ file, line: record.line, reason: `${code}: ${message}` });
    }
    this.#ranges.push(...answer.ranges);
    for (const { file } of sent) this.#unsettled.add(file);
    if (this.#ranges.length > 500) await this.#settle();
  }

  async #post(sent: readonly Sent[]): Promise<AcceptAnswer | undefined> {
    if (this.stoppedBy !== undefined) return undefined;
    try {
      const parts = sent.flatMap(({ record }) => [recordSeparator, record.bytes]);
      const answer = await this.#client.json<AcceptAnswer>({
        method: "POST",
        path: "/v1/events",
        query: new URLSearchParams({ origin: "import" }),
        headers: { "content-type": "application/json-seq" },
        body: Buffer.concat(parts),
      });
      this.#hasSent = true;
      return answer;
    } catch (error) {
      // Refused from the start, there is nothing to report on.
      if (!this.#hasSent) throw error;
      this.#stop(sent, (error as Error).message);
      return undefined;
    }
  }

  /** What went before is settled and reported; each file of these records is reported as failed. */
  #stop(sent: readonly Sent[], reason: string): void {
    this.stoppedBy = reason;
    const firstLines = new Map<string, number>();
    for (const { file, record } of sent)
      if (!firstLines.has(file)) firstLines.set(file, record.line);
    for (const [file, line] of firstLines) {
      this.#report.failed.push({
        file,
        reason: `from line ${line} on not known to be stored, import it again: ${reason}`,
      });
    }
  }

  /** Waits until the store has decided on what was sent: stored, duplicate or variant. */
  async #settle(): Promise<void> {
    if (this.#ranges.length === 0) return;
    const ranges = this.#ranges;
    const files = this.#unsettled;
    this.#ranges = [];
    this.#unsettled = new Set();
    const outcome = await this.#outcomeOf(ranges, files);
    if (outcome === undefined) return;
    this.#report.stored += outcome.stored;
    this.#report.duplicates += outcome.duplicates;
    this.#report.variants += outcome.variants;
  }

  async #outcomeOf(
    ranges: readonly [string, string][],
    files: ReadonlySet<string>,
  ): Promise<Outcome | undefined> {
    try {
      return await this.#client.json<Outcome>({
        method: "POST",
        path: "/v1/events/outcome",
        body: JSON.stringify({ ranges }),
      });
    } catch (error) {
      this.stoppedBy ??= (error as Error).message;
      const reason = `safe with the server, but not known whether new: ${(error as Error).message}`;
      this.#report.failed.push(...[...files].map((file) => ({ file, reason })));
      return undefined;
    }
  }
}

function reportText(report: ImportReport): string {
  const lines = [
    `files      ${report.filesListed} listed, ${report.filesRead} read, ${report.filesSkipped} skipped, ${failedCount(report)} failed`,
    `events     ${report.events} found`,
    `stored     ${report.stored} (${report.variants} of them variants: same identity, other bytes)`,
    `duplicates ${report.duplicates}`,
    `rejected   ${report.rejected.length}`,
    ...report.failed.map(({ file, reason }) => `failed: ${file}: ${reason}`),
    ...report.skipped.map(({ file, reason }) => `skipped: ${file}: ${reason}`),
    ...report.rejected.map(({ file, line, reason }) => `rejected: ${file}:${line}: ${reason}`),
  ];
  return `${lines.join("\n")}\n`;
}
