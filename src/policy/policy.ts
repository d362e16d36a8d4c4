// A policy that has been read: what the evaluation works with.
import type { Condition, Effect } from "./condition.ts";
import type { Glob } from "./glob.ts";
import type { PrincipalElement } from "./principal.ts";
import type { PatternTemplate } from "./template.ts";

/**
 * What a policy is for; it decides what may stand in it.
 *
 * - `identity`: attached to a user, group or role. `boundary` and `session` have the same form.
 * - `resource`: attached to a resource. `trust`: a role's, which says who may assume it.
 * - `serviceControl`: an organization's, for its accounts.
 */
export type PolicyKind =
  | "identity"
  | "boundary"
  | "session"
  | "resource"
  | "trust"
  | "serviceControl";

export interface Policy {
  readonly kind: PolicyKind;
  readonly version: "2008-10-17" | "2012-10-17";
  readonly id: string | undefined;
  /** In the order of the document. */
  readonly statements: readonly Statement[];
  readonly allows: readonly Statement[];
  readonly denies: readonly Statement[];
}

export interface Statement {
  /** Its place in the document, from 0. */
  readonly index: number;
  readonly sid: string | undefined;
  readonly effect: Effect;
  readonly actions: ActionElement;
  /** Undefined in a trust policy: the role itself. */
  readonly resources: ResourceElement | undefined;
  /** Undefined where the policy hangs on its principal. */
  readonly principals: PrincipalElement | undefined;
  readonly conditions: readonly Condition[];
}

/** Patterns in lower case, by the service that they are about. */
export interface ActionElement {
  /** True for NotAction. */
  readonly excludes: boolean;
  /** `*` is among them. */
  readonly every: boolean;
  /** Patterns for the part behind the colon. */
  readonly byService: ReadonlyMap<string, readonly Glob[]>;
  /** Patterns that begin with `*:`. */
  readonly ofAnyService: readonly Glob[];
}

export interface ResourceElement {
  /** True for NotResource. */
  readonly excludes: boolean;
  /** `*` is among them. */
  readonly every: boolean;
  readonly patterns: readonly PatternTemplate[];
}
