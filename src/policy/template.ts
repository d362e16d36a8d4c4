// A text of a policy that may hold policy variables: `${aws:username}`, `${aws:userid, 'anonymous'}`, `${*}`.
// Source: IAM user guide, "IAM policy elements: Variables and tags".
import { addLiteral, addPattern, Glob, type GlobMode } from "./glob.ts";

/**
 * What is known about a request: condition keys in lower case. A list is a key of several values; such a key cannot be
 * used as a variable.
 */
export type RequestContext = ReadonlyMap<string, string | readonly string[]>;

type Part =
  /** Text in which `*` and `?` are wildcards, where the template is a pattern. */
  | { readonly kind: "pattern"; readonly text: string }
  /** Text as it is. */
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "variable"; readonly key: string; readonly fallback: string | undefined };

const variable = /\$\{(?:([*?$])|([^,'${}]+)(?:,\s*'([^']*)')?)\}/y;
/** Variables stand only in the last part of a Resource: behind the fifth colon. */
const resourceColons = 5;

/** Where variables are: nowhere in version 2008-10-17, behind the fifth colon in a Resource. */
export type VariableScope = "none" | "resource" | "all";

function partsOf(text: string, scope: VariableScope): Part[] {
  const parts: Part[] = [];
  let colons = 0;
  let pattern = "";
  const close = () => {
    if (pattern !== "") parts.push({ kind: "pattern", text: pattern });
    pattern = "";
  };
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (character === ":") colons++;
    if (
      character === "$" &&
      (scope === "all" || (scope === "resource" && colons >= resourceColons))
    ) {
      variable.lastIndex = at;
      const found = variable.exec(text);
      if (found !== null) {
        const [whole, special, key, fallback] = found;
        close();
        if (special !== undefined) parts.push({ kind: "literal", text: special });
        else parts.push({ kind: "variable", key: (key ?? "").trim().toLowerCase(), fallback });
        at += whole.length - 1;
        continue;
      }
    }
    pattern += character;
  }
  close();
  return parts;
}

/** The value of each part; undefined when a variable has none and no default. */
function valuesOf(parts: readonly Part[], context: RequestContext): string[] | undefined {
  const values: string[] = [];
  for (const part of parts) {
    if (part.kind !== "variable") values.push(part.text);
    else {
      const value = context.get(part.key);
      const resolved = typeof value === "string" ? value : part.fallback;
      if (resolved === undefined) return undefined;
      values.push(resolved);
    }
  }
  return values;
}

/** A text to compare with: nothing in it is a wildcard. */
export class TextTemplate {
  readonly #parts: readonly Part[];
  readonly #fixed: string | undefined;

  constructor(text: string, scope: VariableScope) {
    this.#parts = partsOf(text, scope);
    this.#fixed = this.#parts.some((part) => part.kind === "variable")
      ? undefined
      : this.#parts.map((part) => (part.kind === "variable" ? "" : part.text)).join("");
  }

  /** Undefined: a variable of it has no value in this request. */
  resolve(context: RequestContext): string | undefined {
    return this.#fixed ?? valuesOf(this.#parts, context)?.join("");
  }
}

/** A pattern to match. What a variable stands for is text: a `*` in a user's name or tag matches only itself. */
export class PatternTemplate {
  readonly #parts: readonly Part[];
  readonly #mode: GlobMode;
  readonly #fixed: Glob | undefined;
  /** The last pattern made, for the next request of the same principal. */
  #recent: { readonly values: readonly string[]; readonly glob: Glob } | undefined;

  constructor(text: string, scope: VariableScope, mode: GlobMode) {
    this.#parts = partsOf(text, scope);
    this.#mode = mode;
    this.#fixed = this.#parts.some((part) => part.kind === "variable")
      ? undefined
      : this.#compile(this.#parts.map((part) => (part.kind === "variable" ? "" : part.text)));
  }

  /** Undefined: a variable of it has no value in this request. */
  resolve(context: RequestContext): Glob | undefined {
    if (this.#fixed !== undefined) return this.#fixed;
    const values = valuesOf(this.#parts, context);
    if (values === undefined) return undefined;
    const recent = this.#recent;
    if (recent?.values.every((value, i) => value === values[i])) return recent.glob;
    const glob = this.#compile(values);
    this.#recent = { values, glob };
    return glob;
  }

  #compile(values: readonly string[]): Glob {
    const tokens: number[] = [];
    this.#parts.forEach((part, i) => {
      if (part.kind === "pattern") addPattern(tokens, part.text);
      else addLiteral(tokens, values[i] ?? "");
    });
    return new Glob(tokens, this.#mode);
  }
}
