// `cairn start`: runs the server until it is told to stop.
import { systemClock } from "../base/clock.ts";
import type { Config } from "../config.ts";
import { type Running, start } from "../start.ts";
import type { Command, Terminal } from "./command.ts";
import { readConfiguration, settingsHelp } from "./config.ts";

/** How long answers under way may take once we are told to stop. */
const stopGraceMs = 10_000;

export const startCommand: Command = {
  name: "start",
  summary: "run the server",
  help: `Usage: cairn start [SETTINGS]

Works with nothing configured. One signal stops it cleanly, a second one at once.

${settingsHelp}
`,
  async run(words, terminal) {
    const startedMs = systemClock.monotonicMs();
    const { config } = readConfiguration(words);
    const running = await start(config);
    terminal.write(banner(config, running, systemClock.monotonicMs() - startedMs));
    await stopSignal(terminal);
    await running.close(stopGraceMs);
    terminal.warn("Stopped.\n");
    return 0;
  },
};

function banner(config: Config, running: Running, readyMs: number): string {
  const upstreams = Object.keys(config.gatewayUpstreams);
  const targets = [
    ...(config.gatewayUpstream === undefined ? [] : [config.gatewayUpstream.origin]),
    ...(upstreams.length === 0 ? [] : [upstreams.join(", ")]),
  ];
  const gateway =
    targets.length === 0
      ? "give --gateway-upstream URL to send calls on"
      : `→ ${targets.join("; ")}`;
  return `Cairn is ready (${Math.round(readyMs)} ms).

  AWS API      ${running.url}
  gateway      ${running.gatewayUrl}  ${gateway}
  data         ${running.dataFolder}
  account      ${config.accountId}, region ${config.region}
  credentials  ${running.credentialsFile ?? "as given by CAIRN_ROOT_ACCESS_KEY_ID"}

Paste into another terminal:

${pasteLines(config, running)
  .map((line) => `  ${line}`)
  .join("\n")}

`;
}

function pasteLines(config: Config, running: Running): string[] {
  const credentials =
    running.credentialsFile === undefined
      ? []
      : [`export AWS_SHARED_CREDENTIALS_FILE=${quoted(running.credentialsFile)}`];
  return [
    ...credentials,
    `export AWS_ENDPOINT_URL=${running.url}`,
    `export AWS_DEFAULT_REGION=${config.region}`,
  ];
}

/** For a shell: as it is where nothing in it is special. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Resolves at the first signal; the second one ends the process at once. */
function stopSignal(terminal: Terminal): Promise<void> {
  return new Promise((resolve) => {
    let isStopping = false;
    const onSignal = () => {
      if (isStopping) process.exit(1);
      isStopping = true;
      terminal.warn("Stopping: what was accepted is safe; a second signal stops at once.\n");
      resolve();
    };
    process.on("SIGINT", onSignal);
    process.on("SIGTERM", onSignal);
  });
}
