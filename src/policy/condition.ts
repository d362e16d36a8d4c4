// Conditions: what a statement asks of the request's context keys, read once and then only compared.
// Source: IAM user guide, "IAM JSON policy elements: Condition operators" and "Multivalued context keys".
import { compareDecimals, type Decimal, parseDecimal } from "./decimal.ts";
import { parseInstant } from "./instant.ts";
import { type IpRange, inRange, parseIpAddress, parseIpRange } from "./ip-range.ts";
import { malformed, malformedTexts } from "./malformed.ts";
import {
  PatternTemplate,
  type RequestContext,
  TextTemplate,
  type VariableScope,
} from "./template.ts";

/**
 * Whether one value of the request agrees with any of the policy's. Undefined: it agrees with none that could be
 * read, and a variable in another has no value.
 */
type Matcher = (value: string, context: RequestContext) => boolean | undefined;

/** Makes the matcher for the values of a policy. */
type Compile = (values: readonly string[], scope: VariableScope) => Matcher;

function anyOf(matches: readonly Matcher[]): Matcher {
  if (matches.length === 1) return matches[0] as Matcher;
  return (value, context) => {
    let result: boolean | undefined = false;
    for (const match of matches) {
      const matched = match(value, context);
      if (matched === true) return true;
      if (matched === undefined) result = undefined;
    }
    return result;
  };
}

function texts(equal: (wanted: string, value: string) => boolean): Compile {
  return (values, scope) =>
    anyOf(
      values.map((each) => {
        const template = new TextTemplate(each, scope);
        return (value, context) => {
          const wanted = template.resolve(context);
          return wanted === undefined ? undefined : equal(wanted, value);
        };
      }),
    );
}

function patterns(mode: "text" | "arn"): Compile {
  return (values, scope) =>
    anyOf(
      values.map((each) => {
        const template = new PatternTemplate(each, scope, mode);
        return (value, context) => template.resolve(context)?.matches(value);
      }),
    );
}

/** Values that are read when the policy is: IAM takes no variables in them, and a value that is none is refused. */
function parsed<T>(
  parse: (text: string) => T | undefined,
  what: string,
  agree: (value: T, wanted: T) => boolean,
): Compile {
  return (values) => {
    const wanted = values.map((text) => {
      const value = parse(text);
      if (value === undefined)
        throw malformed(malformedTexts.legacy, `${JSON.stringify(text)} is not ${what}`);
      return value;
    });
    return (text) => {
      const value = parse(text);
      return value !== undefined && wanted.some((each) => agree(value, each));
    };
  };
}

const ranges: Compile = (values) => {
  const wanted: IpRange[] = values.map((text) => {
    const range = parseIpRange(text);
    if (range === undefined)
      throw malformed(malformedTexts.legacy, `${JSON.stringify(text)} is no IP address or range`);
    return range;
  });
  return (text) => {
    const address = parseIpAddress(text);
    return address !== undefined && wanted.some((range) => inRange(address, range));
  };
};

/** The bytes that a base64 text stands for, in one spelling; undefined: not base64. */
function bytesOf(text: string): string | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return undefined;
  return Buffer.from(text, "base64").toString("base64");
}

const binary: Compile = (values) => {
  const wanted = new Set(values.map(bytesOf).filter((bytes) => bytes !== undefined));
  return (text) => {
    const bytes = bytesOf(text);
    return bytes !== undefined && wanted.has(bytes);
  };
};

const numbers = (agree: (order: number) => boolean) =>
  parsed<Decimal>(parseDecimal, "a number", (value, wanted) =>
    agree(compareDecimals(value, wanted)),
  );
const dates = (agree: (order: number) => boolean) =>
  // Not the difference: between two dates beyond the clock that would be no number.
  parsed<number>(parseInstant, "a date", (value, wanted) =>
    agree(value === wanted ? 0 : value < wanted ? -1 : 1),
  );

const exactly = texts((wanted, value) => wanted === value);
const ignoringCase = texts((wanted, value) => wanted.toLowerCase() === value.toLowerCase());
const sameBoolean = texts((wanted, value) => {
  const lower = value.toLowerCase();
  return (lower === "true" || lower === "false") && wanted.toLowerCase() === lower;
});
const like = patterns("text");
const arnLike = patterns("arn");
const equal = (order: number) => order === 0;
const less = (order: number) => order < 0;
const lessOrEqual = (order: number) => order <= 0;
const greater = (order: number) => order > 0;
const greaterOrEqual = (order: number) => order >= 0;

interface Operator {
  readonly compile: Compile;
  /** True when no value of the policy may agree. */
  readonly negated: boolean;
}
const is = (compile: Compile): Operator => ({ compile, negated: false });
const not = (compile: Compile): Operator => ({ compile, negated: true });

const operators: ReadonlyMap<string, Operator> = new Map([
  ["StringEquals", is(exactly)],
  ["StringNotEquals", not(exactly)],
  ["StringEqualsIgnoreCase", is(ignoringCase)],
  ["StringNotEqualsIgnoreCase", not(ignoringCase)],
  ["StringLike", is(like)],
  ["StringNotLike", not(like)],
  ["NumericEquals", is(numbers(equal))],
  ["NumericNotEquals", not(numbers(equal))],
  ["NumericLessThan", is(numbers(less))],
  ["NumericLessThanEquals", is(numbers(lessOrEqual))],
  ["NumericGreaterThan", is(numbers(greater))],
  ["NumericGreaterThanEquals", is(numbers(greaterOrEqual))],
  ["DateEquals", is(dates(equal))],
  ["DateNotEquals", not(dates(equal))],
  ["DateLessThan", is(dates(less))],
  ["DateLessThanEquals", is(dates(lessOrEqual))],
  ["DateGreaterThan", is(dates(greater))],
  ["DateGreaterThanEquals", is(dates(greaterOrEqual))],
  ["Bool", is(sameBoolean)],
  ["BinaryEquals", is(binary)],
  ["IpAddress", is(ranges)],
  ["NotIpAddress", not(ranges)],
  // ArnEquals and ArnLike behave alike.
  ["ArnEquals", is(arnLike)],
  ["ArnLike", is(arnLike)],
  ["ArnNotEquals", not(arnLike)],
  ["ArnNotLike", not(arnLike)],
]);

/** How the values of a key that has several count. */
type Quantifier = "none" | "ForAnyValue" | "ForAllValues";

export type Effect = "Allow" | "Deny";

/** One key under one operator. */
export interface Condition {
  /** For a Deny, a variable without a value counts against the caller as it does for an Allow. */
  holds(context: RequestContext, effect: Effect): boolean;
}

/** The operator of a `Condition` block, as `ForAnyValue:StringLikeIfExists`; undefined: there is no such operator. */
export interface OperatorName {
  readonly base: string;
  readonly quantifier: Quantifier;
  readonly ifExists: boolean;
}

export function parseOperator(name: string): OperatorName | undefined {
  const match = /^(?:(ForAnyValue|ForAllValues):)?([A-Za-z]+?)(IfExists)?$/.exec(name);
  if (match === null) return undefined;
  const [, quantifier = "none", base = "", ifExists] = match;
  if (!(base === "Null" ? ifExists === undefined : operators.has(base))) return undefined;
  return { base, quantifier: quantifier as Quantifier, ifExists: ifExists !== undefined };
}

export function compileCondition(
  name: OperatorName,
  key: string,
  values: readonly string[],
  scope: VariableScope,
): Condition {
  const lowerKey = key.toLowerCase();
  const operator = operators.get(name.base);
  if (operator === undefined) return new NullCondition(lowerKey, values);
  return new ValueCondition(lowerKey, name, operator.negated, operator.compile(values, scope));
}

/** A key with an empty list of values is as absent as one that is not there. */
function isAbsent(value: string | readonly string[] | undefined): value is undefined {
  return value === undefined || (typeof value !== "string" && value.length === 0);
}

class NullCondition implements Condition {
  readonly #key: string;
  readonly #absent: boolean;
  readonly #present: boolean;

  constructor(key: string, values: readonly string[]) {
    this.#key = key;
    const lower = new Set(values.map((value) => value.toLowerCase()));
    this.#absent = lower.has("true");
    this.#present = lower.has("false");
  }

  holds(context: RequestContext): boolean {
    return isAbsent(context.get(this.#key)) ? this.#absent : this.#present;
  }
}

class ValueCondition implements Condition {
  readonly #key: string;
  readonly #quantifier: Quantifier;
  readonly #ifExists: boolean;
  readonly #negated: boolean;
  readonly #matches: Matcher;

  constructor(key: string, name: OperatorName, negated: boolean, matches: Matcher) {
    this.#key = key;
    this.#quantifier = name.quantifier;
    this.#ifExists = name.ifExists;
    this.#negated = negated;
    this.#matches = matches;
  }

  holds(context: RequestContext, effect: Effect): boolean {
    const value = context.get(this.#key);
    const quantifier = this.#quantifier;
    if (isAbsent(value)) {
      if (this.#ifExists || quantifier === "ForAllValues") return true;
      return quantifier === "none" && this.#negated;
    }
    if (quantifier === "none") {
      if (typeof value === "string") return this.#agrees(value, context, effect);
      // A key of several values wants a set operator. Without one, it agrees when any of its values does, and the
      // negated operator is the opposite of that.
      return this.#negated
        ? value.every((each) => this.#agrees(each, context, effect))
        : value.some((each) => this.#agrees(each, context, effect));
    }
    const values = typeof value === "string" ? [value] : value;
    // "Resolves to a null data set, such as an empty string."
    if (values.every((each) => each === "")) return quantifier === "ForAllValues";
    return quantifier === "ForAllValues"
      ? values.every((each) => this.#agrees(each, context, effect))
      : values.some((each) => this.#agrees(each, context, effect));
  }

  #agrees(value: string, context: RequestContext, effect: Effect): boolean {
    const matched = this.#matches(value, context);
    if (!this.#negated) return matched === true;
    // "StringNotEquals": "${aws:username}" for a caller without a name: an Allow must not come of what is not known.
    return matched === undefined ? effect === "Deny" : !matched;
  }
}
