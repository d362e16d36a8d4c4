// `cairn key rotate-master`: another sealing key for the running server, shown while it seals everything anew.
import { readFileSync } from "node:fs";
import { systemClock } from "../base/clock.ts";
import { type Client, Refusal } from "./client.ts";
import {
  type Arguments,
  type Command,
  connect,
  jsonOption,
  jsonText,
  readArguments,
  type Terminal,
  textOption,
  UsageError,
  wantsJson,
} from "./command.ts";

interface MasterKeyAnswer {
  keyId: string;
  source: "file" | "given";
  path?: string;
  former?: {
    keyId: string;
    isHere: boolean;
    path?: string;
    startedTime: string;
    endedTime?: string;
    sessionsRevoked: boolean;
    sessionsEndTime: string;
  };
  progress?: {
    state: "running" | "finished" | "failed";
    sealedCount: number;
    totalCount: number;
    commitCount: number;
    why?: string;
  };
}

const pollMs = 100;
/** Answers that stay away while the server starts again, before we give up on it. */
const awayMsMax = 30_000;

export const rotateMasterCommand: Command = {
  name: "key rotate-master",
  summary: "put another master key in place and seal every secret anew",
  help: `Usage: cairn key rotate-master [--new-key-file FILE] [--revoke-sessions] [--json]
       cairn key rotate-master --status [--json]
       cairn key rotate-master --forget-old

Puts another master key in place of the present one and seals every secret of the registry anew, while the server runs
and serves. It is asked of the running server, signed by the root user of its first account. Both keys are kept until
everything is under the new one; when the server dies on the way, its next start goes on by itself, and so does this
command when it is given again.

  --new-key-file FILE   use this key, 32 bytes in base64 or hex, instead of a new one; - reads standard input.
                        Without it the environment's CAIRN_NEW_MASTER_KEY is used where there is one
  --revoke-sessions     refuse every session token from before; otherwise they are good until they end, at most 36 h.
                        Do this when somebody may know the old key: they could make tokens of their own with it
  --status              only say what is, and how far a rotation has come
  --forget-old          remove the old key, master.key.old in the data folder. Backups from before the rotation cannot
                        be read without it, and session tokens from before end
  --json                say everything as one JSON object

A master key that the server was given (CAIRN_MASTER_KEY) is changed where it is given: start the server with
CAIRN_MASTER_KEY as the new key and CAIRN_FORMER_MASTER_KEY as the old one. It seals everything anew by itself;
--status says when the old one is no longer needed.

Secrets that were known to whoever had the old key and the data folder stay known: give users new access keys as well.
`,
  async run(words, terminal) {
    const given = readArguments(words, {
      ...jsonOption,
      "new-key-file": { type: "string" },
      "revoke-sessions": { type: "boolean" },
      status: { type: "boolean" },
      "forget-old": { type: "boolean" },
    });
    const { status: isStatus, "forget-old": isForgetting } = given.values;
    const isRotating = isStatus !== true && isForgetting !== true;
    const asksMore =
      given.values["new-key-file"] !== undefined || given.values["revoke-sessions"] !== undefined;
    if ((isStatus === true && isForgetting === true) || (!isRotating && asksMore)) {
      throw new UsageError("--status, --forget-old and a rotation are asked for one at a time");
    }
    const client = connect(terminal);
    if (isStatus === true) return report(await statusOf(client), given, terminal);
    if (isForgetting === true) return forget(client, given, terminal);
    return rotate(client, given, terminal);
  },
};

async function rotate(client: Client, given: Arguments, terminal: Terminal): Promise<number> {
  const newKey = newKeyOf(given, terminal);
  if (newKey !== undefined) checkCarriesKeys(client.url);
  const startedMs = systemClock.monotonicMs();
  const body = JSON.stringify({
    ...(newKey === undefined ? {} : { newKey }),
    ...(given.values["revoke-sessions"] === true ? { revokeSessions: true } : {}),
  });
  let status = await client.json<MasterKeyAnswer>({
    method: "POST",
    path: "/v1/master-key/rotation",
    body,
  });
  if (!wantsJson(given)) {
    terminal.warn(`Sealing anew: from key ${status.former?.keyId} to key ${status.keyId}.\n`);
  }
  let shown = "";
  while (status.former !== undefined && status.former.endedTime === undefined) {
    if (status.progress?.state === "failed") break;
    const { sealedCount = 0, totalCount = 0 } = status.progress ?? {};
    const line = `  ${sealedCount} of ${totalCount} secrets`;
    if (line !== shown && !wantsJson(given)) terminal.warn(`${line}\n`);
    shown = line;
    await systemClock.sleep(pollMs);
    status = await patiently(() => statusOf(client));
  }
  return report(status, given, terminal, systemClock.monotonicMs() - startedMs);
}

async function forget(client: Client, given: Arguments, terminal: Terminal): Promise<number> {
  const { former, source } = await statusOf(client);
  await client.send({ method: "DELETE", path: "/v1/master-key/former" });
  if (wantsJson(given)) {
    terminal.write(jsonText(await statusOf(client)));
    return 0;
  }
  terminal.write(`Forgotten: key ${former?.keyId}. Session tokens from before the rotation end.\n`);
  if (source === "given") terminal.write("Take CAIRN_FORMER_MASTER_KEY out of its environment.\n");
  return 0;
}

function report(
  status: MasterKeyAnswer,
  given: Arguments,
  terminal: Terminal,
  tookMs?: number,
): number {
  const isFailed = status.progress?.state === "failed";
  if (wantsJson(given)) terminal.write(jsonText(status));
  else terminal.write(reportText(status, tookMs));
  return isFailed ? 1 : 0;
}

function reportText(status: MasterKeyAnswer, tookMs: number | undefined): string {
  const { keyId, source, path, former, progress } = status;
  const lines: string[] = [];
  if (progress?.state === "failed") {
    lines.push(
      `Not finished: ${progress.why}`,
      `${progress.sealedCount} of ${progress.totalCount} secrets are sealed anew; both keys are in use, and nothing is lost.`,
      "Give the command again to go on.",
      "",
    );
  } else if (former !== undefined && former.endedTime === undefined) {
    const { sealedCount = 0, totalCount = 0 } = progress ?? {};
    lines.push(`Under way: ${sealedCount} of ${totalCount} secrets are sealed anew.`, "");
  } else if (tookMs !== undefined && progress !== undefined) {
    lines.push(
      `Done: ${progress.sealedCount} secrets sealed anew in ${progress.commitCount} commits, ${(tookMs / 1000).toFixed(1)} s.`,
      "",
    );
  }
  const place = source === "given" ? "as given to the server" : (path ?? "");
  lines.push(`  master key  ${keyId}  ${place}`);
  if (former !== undefined) {
    lines.push(...formerLines(former, source));
  }
  return `${lines.join("\n")}\n`;
}

function formerLines(
  {
    keyId,
    isHere,
    path,
    endedTime,
    sessionsRevoked,
    sessionsEndTime,
  }: NonNullable<MasterKeyAnswer["former"]>,
  source: MasterKeyAnswer["source"],
): string[] {
  const place = isHere ? (path ?? "as given to the server") : "not here any more";
  const lines = [`  old key     ${keyId}  ${place}`];
  if (!isHere) return lines;
  lines.push(
    sessionsRevoked
      ? "  Session tokens from before the rotation are refused."
      : `  Session tokens from before the rotation end by ${sessionsEndTime}.`,
  );
  if (endedTime === undefined) return lines;
  lines.push(
    source === "given"
      ? "  Nothing is sealed under the old key any more: CAIRN_FORMER_MASTER_KEY may go."
      : "  Backups from before need the old key. cairn key rotate-master --forget-old removes it.",
  );
  return lines;
}

function newKeyOf(given: Arguments, { environment }: Terminal): string | undefined {
  const path = textOption(given, "new-key-file");
  if (path === undefined) return environment["CAIRN_NEW_MASTER_KEY"];
  try {
    return readFileSync(path === "-" ? 0 : path, "utf8").trim();
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}

/** The signature proves who sent a body; it hides nothing of it. */
function checkCarriesKeys({ protocol, hostname }: URL): void {
  const isLoopback = ["localhost", "[::1]"].includes(hostname) || /^127(\.\d+){3}$/.test(hostname);
  if (protocol === "https:" || isLoopback) return;
  throw new UsageError("a given key goes to this machine or over https: only, not in the clear");
}

function statusOf(client: Client): Promise<MasterKeyAnswer> {
  return client.json<MasterKeyAnswer>({ path: "/v1/master-key" });
}

/** A server that is away comes back and goes on. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  const untilMs = systemClock.monotonicMs() + awayMsMax;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof Refusal || systemClock.monotonicMs() > untilMs) throw error;
      await systemClock.sleep(pollMs);
    }
  }
}
