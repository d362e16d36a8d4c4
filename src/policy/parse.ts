// Reads a policy document: refuses in IAM's words what IAM refuses, and compiles the rest.
//
// The checks run in the order in which IAM makes them, so that a document with several faults gets IAM's answer:
//
//   syntax ─► version ─► principals ─► "legacy parsing" ─► statement ids ─► actions there ─► resources' form
//          ─► actions' form ─► what this kind of policy forbids or wants ─► compiled
//
// No step looks deeper into a document than a policy is, so neither nesting nor a value that holds itself can hurt.
import { isCairnError } from "../base/errors.ts";
import { policyCharactersMax } from "../base/limits.ts";
import { JsonDocument } from "../event/document.ts";
import { compileCondition, type Effect, type OperatorName, parseOperator } from "./condition.ts";
import { checkActions, checkResources, checkTrustAction, compileActions } from "./elements.ts";
import { malformed, malformedTexts } from "./malformed.ts";
import type { Policy, PolicyKind, ResourceElement, Statement } from "./policy.ts";
import { compilePrincipal, principalTypes } from "./principal.ts";
import { PatternTemplate } from "./template.ts";

export interface ParseOptions {
  /** A managed policy's document: IAM wants version 2012-10-17 of those. */
  readonly managed?: boolean;
}

/**
 * Reads `document`, its JSON text or the value that such a text holds. Refuses with `MalformedPolicyDocument` in IAM's
 * words, with the place and the reason in the error's detail; throws nothing else.
 */
export function parsePolicy(
  kind: PolicyKind,
  document: unknown,
  options: ParseOptions = {},
): Policy {
  if (kind !== "serviceControl") return parseKnown(kind, document, options);
  try {
    return parseKnown(kind, document, options);
  } catch (error) {
    if (!isCairnError(error, "MalformedPolicyDocument")) throw error;
    const why = `${error.message} ${String(error.detail["why"])}`;
    throw malformed(malformedTexts.serviceControl, why);
  }
}

type Json = Readonly<Record<string, unknown>>;

/** A statement as it is written. */
interface Written {
  readonly at: string;
  readonly sid: string | undefined;
  readonly effect: string;
  readonly actions: readonly string[] | undefined;
  readonly notAction: boolean;
  readonly resources: readonly string[] | undefined;
  readonly notResource: boolean;
  readonly principals: "*" | ReadonlyMap<string, readonly string[]> | undefined;
  readonly notPrincipal: boolean;
  readonly conditions: readonly WrittenCondition[];
}

interface WrittenCondition {
  readonly name: OperatorName;
  readonly key: string;
  readonly values: readonly string[];
}

function parseKnown(kind: PolicyKind, document: unknown, options: ParseOptions): Policy {
  const root = readDocument(document);
  const version = optionalString(root, "Version", "the document") ?? "2008-10-17";
  if (version !== "2008-10-17" && version !== "2012-10-17")
    throw syntax(`Version is ${JSON.stringify(version)}, which is no version of the language`);
  const id = optionalString(root, "Id", "the document");
  const written = readStatements(root["Statement"]);

  const recent = options.managed === true || kind === "serviceControl";
  if (recent && version !== "2012-10-17")
    throw malformed(
      malformedTexts.version,
      `Version is ${root["Version"] === undefined ? "missing" : version}`,
    );
  const named = kind === "resource" || kind === "trust";
  for (const { at, principals } of written)
    if (!named && principals !== undefined)
      throw malformed(malformedTexts.principal, `${at} has a principal`);
  for (const { at, effect } of written)
    if (effect !== "Allow" && effect !== "Deny")
      throw malformed(malformedTexts.legacy, `${at}.Effect is ${JSON.stringify(effect)}`);
  const scope = version === "2012-10-17";
  // Here because IAM reads dates as early as this.
  const conditions = written.map(({ conditions }) =>
    conditions.map(({ name, key, values }) =>
      compileCondition(name, key, values, scope ? "all" : "none"),
    ),
  );
  const resourceProblem = checkResources(written);
  checkSids(kind, written);
  for (const { at, actions } of written)
    if (actions === undefined || actions.length === 0)
      throw malformed(malformedTexts.noActions, `${at} has no Action and no NotAction`);
  if (resourceProblem !== undefined) throw resourceProblem;
  checkActions(written);
  for (const statement of written) checkKind(kind, statement);

  const statements = written.map(
    (each, index): Statement => ({
      index,
      sid: each.sid,
      effect: each.effect as Effect,
      actions: compileActions(each.actions ?? [], each.notAction),
      resources: compileResources(each, scope),
      principals:
        each.principals === undefined
          ? undefined
          : compilePrincipal(each.principals, each.notPrincipal),
      conditions: conditions[index] ?? [],
    }),
  );
  return {
    kind,
    version,
    id,
    statements,
    allows: statements.filter(({ effect }) => effect === "Allow"),
    denies: statements.filter(({ effect }) => effect === "Deny"),
  };
}

function compileResources(written: Written, variables: boolean): ResourceElement | undefined {
  const { resources, notResource } = written;
  if (resources === undefined) return undefined;
  return {
    excludes: notResource,
    every: resources.includes("*"),
    patterns: resources.map(
      (text) => new PatternTemplate(text, variables ? "resource" : "none", "resource"),
    ),
  };
}

function checkSids(kind: PolicyKind, written: readonly Written[]): void {
  const seen = new Set<string>();
  for (const { at, sid } of written) {
    if (sid === undefined || sid === "") continue;
    // Services with resource policies have their own rules for these ids.
    if (kind !== "resource" && !/^[0-9A-Za-z]*$/.test(sid))
      throw malformed(malformedTexts.sidCharacters, `${at}.Sid is ${JSON.stringify(sid)}`);
    if (seen.has(sid))
      throw malformed(malformedTexts.sidUnique, `${at}.Sid is ${JSON.stringify(sid)} again`);
    seen.add(sid);
  }
}

/** What this kind of policy forbids or wants, beyond what all have in common. */
function checkKind(kind: PolicyKind, written: Written): void {
  const { at, principals, resources, actions, notAction } = written;
  if (kind === "trust") {
    if (resources !== undefined)
      throw malformed(malformedTexts.resource, `${at} has a Resource or NotResource`);
    checkTrustAction(at, actions ?? [], notAction);
  } else if (resources === undefined || resources.length === 0)
    throw malformed(malformedTexts.noResources, `${at} has no Resource and no NotResource`);
  if ((kind === "trust" || kind === "resource") && principals === undefined)
    throw malformed(malformedTexts.noPrincipal, `${at} has no Principal and no NotPrincipal`);
}

// The document's form. Everything here is a syntax error to IAM.

function syntax(why: string): Error {
  return malformed(malformedTexts.syntax, why);
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readDocument(document: unknown): Json {
  let value = document;
  if (typeof document === "string") {
    if (document.length > policyCharactersMax)
      throw malformed(
        `Policy document must have length less than or equal to ${policyCharactersMax}`,
        `it has ${document.length} characters`,
      );
    // Not JSON.parse alone: of two members with one name it keeps the last, and two readers would see two policies.
    const problem = new JsonDocument().parse(Buffer.from(document));
    if (problem !== undefined) throw syntax(problem.message);
    value = JSON.parse(document) as unknown;
  }
  if (!isObject(value)) throw syntax("the document is no object");
  checkMembers(value, documentMembers, "the document");
  return value;
}

const documentMembers: ReadonlySet<string> = new Set(["Version", "Id", "Statement"]);
const statementMembers: ReadonlySet<string> = new Set([
  "Sid",
  "Effect",
  "Principal",
  "NotPrincipal",
  "Action",
  "NotAction",
  "Resource",
  "NotResource",
  "Condition",
]);

function checkMembers(value: Json, known: ReadonlySet<string>, at: string): void {
  for (const name of Object.keys(value))
    if (!known.has(name)) throw syntax(`${at} has an unknown element ${JSON.stringify(name)}`);
}

function optionalString(value: Json, name: string, at: string): string | undefined {
  const member = value[name];
  if (member === undefined || typeof member === "string") return member;
  throw syntax(`${name} of ${at} is no string`);
}

function readStatements(value: unknown): Written[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (value === undefined || list.length === 0) throw syntax("the document has no Statement");
  return Array.from(list, (each, i) => readStatement(each, `Statement[${i}]`));
}

function readStatement(value: unknown, at: string): Written {
  if (!isObject(value)) throw syntax(`${at} is no object`);
  checkMembers(value, statementMembers, at);
  const effect = optionalString(value, "Effect", at);
  if (effect === undefined || !/^(?:allow|deny)$/i.test(effect))
    throw syntax(`${at}.Effect is neither Allow nor Deny`);
  const [actions, notAction] = readOneOf(value, "Action", "NotAction", at, readTexts);
  const [resources, notResource] = readOneOf(value, "Resource", "NotResource", at, readTexts);
  const [principals, notPrincipal] = readOneOf(
    value,
    "Principal",
    "NotPrincipal",
    at,
    readPrincipals,
  );
  return {
    at,
    sid: optionalString(value, "Sid", at),
    effect,
    actions,
    notAction,
    resources,
    notResource,
    principals,
    notPrincipal,
    conditions: readConditions(value["Condition"], `${at}.Condition`),
  };
}

/** An element or its opposite, never both. */
function readOneOf<T>(
  value: Json,
  name: string,
  opposite: string,
  at: string,
  read: (value: unknown, at: string) => T,
): [value: T | undefined, opposite: boolean] {
  const isOpposite = value[opposite] !== undefined;
  if (isOpposite && value[name] !== undefined)
    throw syntax(`${at} has both ${name} and ${opposite}`);
  const present = isOpposite ? opposite : name;
  const member = value[present];
  return [member === undefined ? undefined : read(member, `${at}.${present}`), isOpposite];
}

/** A string, or a list of strings. */
function readTexts(value: unknown, at: string): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return Array.from(list, (each, i) => {
    if (typeof each !== "string") throw syntax(`${at}[${i}] is no string`);
    return each;
  });
}

function readPrincipals(value: unknown, at: string): "*" | ReadonlyMap<string, readonly string[]> {
  if (value === "*") return value;
  if (!isObject(value)) throw syntax(`${at} is neither "*" nor an object`);
  const types = new Map<string, readonly string[]>();
  for (const [type, values] of Object.entries(value)) {
    if (!principalTypes.has(type))
      throw syntax(`${at} has an unknown type ${JSON.stringify(type)}`);
    types.set(type, readTexts(values, `${at}.${type}`));
  }
  if (![...types.values()].some((values) => values.length > 0))
    throw malformed(malformedTexts.noPrincipal, `${at} names nobody`);
  return types;
}

function readConditions(value: unknown, at: string): WrittenCondition[] {
  if (value === undefined) return [];
  if (!isObject(value)) throw syntax(`${at} is no object`);
  return Object.entries(value).flatMap(([operator, keys]) => {
    if (!isObject(keys)) throw syntax(`${at}.${operator} is no object`);
    const name = parseOperator(operator);
    // IAM lets an operator that it does not know pass as long as it asks nothing.
    if (name === undefined && Object.keys(keys).length > 0)
      throw syntax(`${at} has an unknown operator ${JSON.stringify(operator)}`);
    return Object.entries(keys).flatMap(([key, values]) => {
      const texts = readScalars(values, `${at}.${operator}.${key}`);
      return name === undefined ? [] : [{ name, key, values: texts }];
    });
  });
}

/** Numbers and booleans may stand without quotes. */
function readScalars(value: unknown, at: string): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return Array.from(list, (each, i) => {
    if (typeof each === "string") return each;
    if (typeof each === "number" || typeof each === "boolean") return String(each);
    throw syntax(`${at}[${i}] is no string, number or boolean`);
  });
}
