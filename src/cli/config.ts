// `cairn config`: the effective settings and where each comes from.
import {
  configSources,
  readConfig,
  type SettingName,
  settings,
  upstreamSettings,
} from "../config.ts";
import { type Command, readArguments, table, textOption } from "./command.ts";

/** Every setting as a long option, for the commands that take them. */
export const settingOptions = Object.fromEntries([
  ["config", { type: "string" as const }],
  ...Object.values(settings).map(({ flag, kind }) => [
    flag,
    { type: kind === "flag" ? ("boolean" as const) : ("string" as const) },
  ]),
]) as Record<string, { type: "string" | "boolean" }>;

/** The configuration that the given words, the environment and the file make. */
export function readConfiguration(words: string[]) {
  const given = readArguments(words, settingOptions);
  const flags = Object.fromEntries(
    Object.keys(settingOptions).map((flag) => [
      flag,
      given.values[flag] === true ? "true" : textOption(given, flag),
    ]),
  );
  return readConfig(configSources(flags));
}

export const settingsHelp = Object.values(settings)
  .map((setting: { flag: string; kind: string; doc: string; default?: string }) => {
    const value = setting.kind === "flag" ? "" : ` ${setting.kind.toUpperCase()}`;
    const fallback = setting.default === undefined ? "" : ` (default ${setting.default})`;
    return `  --${setting.flag}${value}\n        ${setting.doc}${fallback}`;
  })
  .join("\n");

export const configCommand: Command = {
  name: "config",
  summary: "print the effective settings and where each comes from",
  help: `Usage: cairn config [SETTINGS]\n\n${settingsHelp}\n`,
  run(words, terminal) {
    const { config, origins } = readConfiguration(words);
    const rows = Object.entries(origins).map(([name, { value, from }]) => {
      const setting = settings[name as SettingName];
      const shown = value === undefined ? "" : setting.kind === "secret" ? "(hidden)" : value;
      return [setting.flag, shown, value === undefined ? "" : from];
    });
    for (const [name, value] of upstreamSettings(config)) rows.push([name, value, "file"]);
    terminal.write(table(["SETTING", "VALUE", "FROM"], rows));
    return Promise.resolve(0);
  },
};
