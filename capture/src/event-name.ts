// Event names made from routes: `GET /users/:id` is `GetUsersById`.
//
// The rule: the method in PascalCase, then each segment of the route in PascalCase; a parameter is `By` and its name, a
// wildcard is `ByPath`, the root alone is `Root`. `:id`, `{id}`, `<id>` and `*rest` are parameters.

/** CloudTrail names none longer; it also keeps a strange route from filling the index. */
const nameLengthMax = 128;

/** The name of a call that no route answered: its path is the caller's invention and makes no name. */
export const unmatchedRouteName = "UnmatchedRoute";

export function nameOfRoute(method: string, route: string): string {
  const segments = route.split("/").filter((segment) => segment !== "");
  const words = segments.length === 0 ? ["Root"] : segments.map(nameOfSegment);
  const verb = pascalCase(method.toLowerCase());
  return `${verb}${words.join("")}`.slice(0, nameLengthMax);
}

/** A parameter in a segment, with its expression (`:id(\\d+)`) and its mark (`:id?`). */
const parameter = /[:{<]\+?([A-Za-z_$][\w$]*)[}>]?(\([^)]*\))?[?+*]?/g;

function nameOfSegment(segment: string): string {
  const wildcard = /^\*+(\w*)/.exec(segment);
  if (wildcard !== null) return `By${pascalCase(wildcard[1] || "path")}`;
  // Text around stays: `report.{format}` is `ReportByFormat`, `:from-:to` is `ByFromTo`.
  const names = [...segment.matchAll(parameter)].map((match) => pascalCase(match[1] ?? ""));
  const text = pascalCase(segment.replaceAll(parameter, " "));
  return names.length === 0 ? text : `${text}By${names.join("")}`;
}

/** `list-users`, `list_users`, `listUsers` and `ListUsers` are all `ListUsers`. */
export function pascalCase(text: string): string {
  return text
    .split(/[^A-Za-z0-9]+/)
    .map((word) => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`)
    .join("");
}

/**
 * A route guessed from a path, for servers without a router: a segment that holds a digit, an `@` or a `%`, or is very
 * long, is taken for an id, so that one operation has one name.
 */
export function guessRoute(path: string): string {
  return path
    .split("/")
    .map((segment) => (/[\d@%]/.test(segment) || segment.length > 40 ? ":id" : segment))
    .join("/");
}

/** What a route's parameters are in this path, for servers whose router does not tell. */
export function routeParameters(route: string, path: string): Record<string, string> {
  const values = path.split("/");
  const found: Record<string, string> = {};
  for (const [index, segment] of route.split("/").entries()) {
    const name = /^[:{<]([A-Za-z_$][\w$]*)[^:{<]*$/.exec(segment)?.[1];
    const value = values[index];
    if (name !== undefined && value !== undefined) found[name] = decode(value);
  }
  return found;
}

/** A path that is no valid encoding is shown as it came. */
export function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** HTTP's safe methods only read. */
export function isReadMethod(method: string): boolean {
  return method === "GET" || method === "HEAD" || method === "OPTIONS";
}
