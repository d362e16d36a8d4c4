// Writes docs/reference/config.md from the table of settings.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { environmentName, settings } from "../src/config.ts";

interface Row {
  flag: string;
  kind: string;
  default?: string;
  choices?: readonly string[];
  doc: string;
}

export function configReference(): string {
  const rows = Object.values(settings).map((setting: Row) => {
    const kind = setting.choices === undefined ? setting.kind : setting.choices.join(" \\| ");
    const fallback = setting.default === undefined ? "" : `\`${setting.default}\``;
    return `| \`--${setting.flag}\` | \`${environmentName(setting.flag)}\` | ${kind} | ${fallback} | ${setting.doc} |`;
  });
  return `# Settings

A flag wins over the environment, that over the file, that over the default. \`cairn config\` prints the effective
values and where each comes from. The file is \`cairn.yaml\` in the working folder, or \`--config FILE\`; its names are the
flags without \`--\`. Durations are written \`2s\`, \`5m\`, \`1h\`, \`90d\`. All mistakes are reported at once.

| Flag | Environment | Kind | Default | Meaning |
|---|---|---|---|---|
${rows.join("\n")}

## Services behind the gateway

Only in the file. The names are those that \`cairn catalog list\` shows; what is not named goes to \`gateway-upstream\`.

\`\`\`yaml
gateway:
  upstreams:
    s3: http://127.0.0.1:9000
    cognito-idp:
      url: http://127.0.0.1:9229
      mode: re-sign                 # or pass-through, the default
      access-key-id: local          # re-sign: what the upstream knows
      secret-access-key: local
      account-id: "111122223333"    # whom unsigned calls are recorded for: an account that is there
      region: us-west-2             # and where, when their Host does not say it
    dynamodb:
      url: https://dynamodb.internal:8443
      ca: /etc/cairn/internal-ca.pem   # PEM file of the authorities that vouch for it, in place of the usual ones
\`\`\`

\`cairn config\` shows them as they were read, secrets hidden.
`;
}

if (import.meta.filename === process.argv[1]) {
  const path = join(import.meta.dirname, "..", "docs", "reference", "config.md");
  writeFileSync(path, configReference());
  console.log(`wrote ${path}`);
}
