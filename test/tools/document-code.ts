// The code that stands in our pages, as a reader would copy it.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..", "..");

export interface CodeBlock {
  page: string;
  /** Of its opening fence, counted from 1. */
  line: number;
  language: string;
  code: string;
}

export function codeBlocks(page: string): CodeBlock[] {
  const text = readFileSync(join(root, page), "utf8");
  const fenced = text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm);
  return [...fenced].map(({ index, 1: language = "", 2: code = "" }) => ({
    page,
    line: text.slice(0, index).split("\n").length,
    language,
    code,
  }));
}

/** The commands of a shell block, a line that ends in `\` or `|` joined with the next. */
export function commandsOf(block: CodeBlock): string[] {
  return block.code
    .replaceAll(/\\\n\s*/g, "")
    .replaceAll(/\|\n\s*/g, "| ")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}
