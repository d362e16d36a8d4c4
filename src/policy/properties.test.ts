// What holds of every set of policies: a Deny never widens access, an Allow never narrows it.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type AuthorizationRequest, evaluate, type PrincipalPolicies } from "./evaluate.ts";
import { parsePolicy } from "./parse.ts";
import type { Policy, PolicyKind } from "./policy.ts";
import type { Principal } from "./principal.ts";
import { principalKeys } from "./principal-keys.ts";

const accountId = "111122223333";
const otherAccountId = "444455556666";
const userArn = `arn:aws:iam::${accountId}:user/Alice`;
const roleArn = `arn:aws:iam::${accountId}:role/Reader`;
const sessionArn = `arn:aws:sts::${accountId}:assumed-role/Reader/one`;
const federatedArn = `arn:aws:sts::${accountId}:federated-user/Carol`;
const provider = `arn:aws:iam::${accountId}:oidc-provider/idp.example.com`;

const principals: Principal[] = [
  { kind: "root", accountId, arn: `arn:aws:iam::${accountId}:root` },
  { kind: "user", accountId, arn: userArn, userName: "Alice", userId: "AIDAEXAMPLEALICE00000" },
  {
    kind: "assumedRole",
    accountId,
    arn: sessionArn,
    roleArn,
    roleId: "AROAEXAMPLEREADER0000",
    sessionName: "one",
  },
  {
    kind: "federatedUser",
    accountId,
    arn: federatedArn,
    name: "Carol",
    issuer: { arn: userArn, userId: "AIDAEXAMPLEALICE00000" },
  },
  { kind: "federatedUser", accountId, arn: federatedArn, name: "Carol", issuer: undefined },
  { kind: "federated", provider },
  { kind: "service", name: "config.amazonaws.com" },
  { kind: "anonymous" },
];

const actions = ["*", "s3:*", "s3:GetObject", "s3:Put*", "sts:*"];
const resources = [
  "*",
  "arn:aws:s3:::a/*",
  "arn:aws:s3:::a/${aws:username}",
  "arn:aws:s3:::b/x",
  "arn:aws:s3:::${aws:PrincipalTag/team}/*",
];
const values = ["Alice", "blue", "${aws:username}", "${aws:PrincipalTag/none}", "b*", ""];
const someOf = (list: readonly string[]) => fc.subarray([...list], { minLength: 1 });

const asking = fc.dictionary(
  fc.constantFrom(
    "StringEquals",
    "StringNotEquals",
    "StringLikeIfExists",
    "StringNotLike",
    "ForAllValues:StringLike",
    "ForAllValues:StringNotEquals",
    "ForAnyValue:StringNotLike",
    "Null",
    "ArnNotLike",
  ),
  fc.dictionary(
    fc.constantFrom("aws:username", "aws:PrincipalTag/team", "aws:TagKeys", "aws:none"),
    someOf(values),
    { maxKeys: 2 },
  ),
  { maxKeys: 2 },
);

/** Most ask nothing, so that not everything is denied. */
const condition = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: asking },
);

const principalElement = fc.oneof(
  fc.constant("*"),
  fc.record({
    AWS: someOf([accountId, otherAccountId, userArn, roleArn, sessionArn, federatedArn]),
  }),
  fc.constant({ Federated: provider }),
  fc.constant({ Service: "config.amazonaws.com" }),
);

function statement(kind: PolicyKind, effect: "Allow" | "Deny"): fc.Arbitrary<object> {
  const names = kind === "resource" || kind === "trust";
  return fc
    .record({
      not: fc.record({ action: fc.boolean(), resource: fc.boolean(), principal: fc.boolean() }),
      action: kind === "trust" ? fc.constant(["sts:AssumeRole"]) : someOf(actions),
      resource: someOf(resources),
      principal: principalElement,
      condition,
    })
    .map(({ not, action, resource, principal, condition: asks }) => ({
      Effect: effect,
      [not.action && kind !== "trust" ? "NotAction" : "Action"]: action,
      ...(kind === "trust" ? {} : { [not.resource ? "NotResource" : "Resource"]: resource }),
      ...(names ? { [not.principal ? "NotPrincipal" : "Principal"]: principal } : {}),
      Condition: asks,
    }));
}

const effects = fc.constantFrom(...(["Allow", "Allow", "Allow", "Allow", "Deny"] as const));
const policy = (kind: PolicyKind) =>
  fc
    .array(
      effects.chain((effect) => statement(kind, effect)),
      { minLength: 1, maxLength: 3 },
    )
    .map((statements): [PolicyKind, object[]] => [kind, statements]);
type Written = [PolicyKind, object[]];

interface Sets {
  identity: Written[];
  boundary: Written | undefined;
  session: Written[] | undefined;
  serviceControl: Written[][] | undefined;
  resource: Written[];
}

const several = (kind: PolicyKind, minLength = 0) =>
  fc.array(policy(kind), { minLength, maxLength: 2 });
const sets: fc.Arbitrary<Sets> = fc.record({
  identity: several("identity"),
  boundary: fc.option(policy("boundary"), { nil: undefined, freq: 1 }),
  session: fc.option(several("session"), { nil: undefined, freq: 1 }),
  serviceControl: fc.option(fc.array(several("serviceControl", 1), { maxLength: 2 }), {
    nil: undefined,
    freq: 1,
  }),
  resource: fc.oneof(several("resource"), several("trust")),
});

const read = ([kind, statements]: Written): Policy =>
  parsePolicy(kind, { Version: "2012-10-17", Statement: statements });

function requestOf(
  principal: Principal,
  { resource, ...of }: Sets,
  about: object,
): AuthorizationRequest {
  const policies: PrincipalPolicies = {
    identity: of.identity.map(read),
    boundary: of.boundary && read(of.boundary),
    session: of.session?.map(read),
    serviceControl: of.serviceControl?.map((level) => level.map(read)),
  };
  return {
    principal,
    policies,
    action: "s3:GetObject",
    resource: "arn:aws:s3:::a/Alice",
    context: new Map(),
    resourcePolicies: resource.map(read),
    ...about,
  };
}

const context = fc
  .record(
    {
      "aws:principaltag/team": fc.constantFrom("blue", "red", "*", "a"),
      "aws:tagkeys": fc.subarray(["blue", "Alice", ""]),
    },
    { requiredKeys: [] },
  )
  .map((keys) => Object.entries(keys));
const about = fc.record({
  action: fc.constantFrom("s3:GetObject", "s3:PutObject", "iam:GetUser", "sts:AssumeRole"),
  resource: fc.constantFrom("arn:aws:s3:::a/Alice", "arn:aws:s3:::b/x", "*"),
  resourceAccountId: fc.constantFrom(accountId, otherAccountId, undefined),
});

/** Every policy of the sets, to add a statement to. */
function each(of: Sets): Written[] {
  return [
    ...of.identity,
    ...(of.boundary === undefined ? [] : [of.boundary]),
    ...(of.session ?? []),
    ...(of.serviceControl ?? []).flat(),
    ...of.resource,
  ];
}

/**
 * Adds a statement to any of the policies, over and over. Tells how often that changed the decision and how often the
 * request was allowed to begin with: a property that never sees either shows nothing.
 */
function checkAdding(
  effect: "Allow" | "Deny",
  holds: (before: boolean, after: boolean) => boolean,
): { changed: number; allowed: number } {
  let changed = 0;
  let allowed = 0;
  const property = fc.property(
    fc.constantFrom(...principals),
    sets.filter((of) => each(of).length > 0),
    about,
    context,
    fc.nat(),
    fc.gen(),
    (principal, of, asked, keys, which, generate) => {
      const request = { ...asked, context: new Map([...principalKeys(principal), ...keys]) };
      const before = evaluate(requestOf(principal, of, request));
      const all = each(of);
      const chosen = all[which % all.length] as Written;
      chosen[1] = [...chosen[1], generate(statement, chosen[0], effect)];
      const after = evaluate(requestOf(principal, of, request));
      if (before.allowed !== after.allowed) changed++;
      if (before.allowed) allowed++;
      expect(holds(before.allowed, after.allowed)).toBe(true);
    },
  );
  fc.assert(property, { numRuns: 2000 });
  return { changed, allowed };
}

test("a Deny, wherever it is added, never widens access", () => {
  const { changed, allowed } = checkAdding("Deny", (before, after) => before || !after);
  expect(changed).toBeGreaterThan(10);
  expect(allowed).toBeGreaterThan(150);
});

test("an Allow, wherever it is added, never narrows access", () => {
  const { changed, allowed } = checkAdding("Allow", (before, after) => !before || after);
  expect(changed).toBeGreaterThan(10);
  expect(allowed).toBeGreaterThan(150);
});

test("a policy more on a principal or resource never narrows access by its Allows", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...principals),
      sets,
      about,
      fc.array(statement("identity", "Allow"), { minLength: 1, maxLength: 2 }),
      fc.array(statement("resource", "Allow"), { minLength: 1, maxLength: 2 }),
      (principal, of, asked, identity, resource) => {
        const request = { ...asked, context: principalKeys(principal) };
        const more: Sets = {
          ...of,
          identity: [...of.identity, ["identity", identity]],
          resource: [...of.resource, ["resource", resource]],
        };
        const before = evaluate(requestOf(principal, of, request));
        const after = evaluate(requestOf(principal, more, request));
        expect(after.allowed || !before.allowed).toBe(true);
      },
    ),
    { numRuns: 1000 },
  );
});

test("the same request gives the same decision, and the order of policies changes nothing", () => {
  fc.assert(
    fc.property(fc.constantFrom(...principals), sets, about, (principal, of, asked) => {
      const request = { ...asked, context: principalKeys(principal) };
      const once = requestOf(principal, of, request);
      const turned: Sets = {
        ...of,
        identity: of.identity.toReversed(),
        session: of.session?.toReversed(),
        serviceControl: of.serviceControl?.toReversed(),
        resource: of.resource.toReversed(),
      };
      const { allowed } = evaluate(once);
      expect(evaluate(once).allowed).toBe(allowed);
      expect(evaluate(requestOf(principal, turned, request)).allowed).toBe(allowed);
    }),
    { numRuns: 1000 },
  );
});
