// Whether a statement is about a request: its actions, resources and conditions. Its principals are principal.ts's.

import type { Effect } from "./condition.ts";
import type { ActionElement, ResourceElement, Statement } from "./policy.ts";
import type { RequestContext } from "./template.ts";

/** A request in the form that statements are compared with. */
export interface Asked {
  /** Service and operation, in lower case: `cloudtrail`, `lookupevents`. */
  readonly service: string;
  readonly operation: string;
  readonly resource: string;
  readonly context: RequestContext;
}

export function isAbout(statement: Statement, asked: Asked): boolean {
  if (!hasAction(statement.actions, asked)) return false;
  const { resources, effect, conditions } = statement;
  if (resources !== undefined && !hasResource(resources, asked, effect)) return false;
  for (const condition of conditions) if (!condition.holds(asked.context, effect)) return false;
  return true;
}

function hasAction(element: ActionElement, asked: Asked): boolean {
  const listed =
    element.every ||
    anyMatches(element.byService.get(asked.service), asked.operation) ||
    anyMatches(element.ofAnyService, asked.operation);
  return listed !== element.excludes;
}

function anyMatches(globs: ActionElement["ofAnyService"] | undefined, text: string): boolean {
  if (globs === undefined) return false;
  for (const glob of globs) if (glob.matches(text)) return true;
  return false;
}

/**
 * A pattern with a variable that has no value matches nothing. In a NotResource that would make the statement about
 * everything, so there an Allow is about nothing, and a Deny about everything else.
 */
function hasResource(element: ResourceElement, asked: Asked, effect: Effect): boolean {
  if (element.every) return !element.excludes;
  let unresolved = false;
  for (const pattern of element.patterns) {
    const glob = pattern.resolve(asked.context);
    if (glob === undefined) unresolved = true;
    else if (glob.matches(asked.resource)) return !element.excludes;
  }
  return element.excludes && !(unresolved && effect === "Allow");
}
