// Cleaned values in the trail's own form: member names, times, text from the query.
import { isJsonObject, type JsonObject, type JsonValue } from "../event/json.ts";
import type { Profile } from "./profile.ts";
import { isEmpty, own, put, shapeOf } from "./protocol/shape.ts";
import type { Member, Protocol, Service, Shape } from "./service.ts";

/** `DBInstanceIdentifier` → `dBInstanceIdentifier`: the first letter and no other, as the real records have it. */
export function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

export interface RenderRules {
  style: "camel" | "wire";
  times: NonNullable<Profile["times"]>;
  names: NonNullable<Profile["names"]>;
  queryAsText: boolean;
  /** Times that are ISO text are a form of XML's own, and shown like the others; in JSON they are the service's words. */
  xmlTimes: boolean;
}

export function renderRules(profile: Profile, protocol: Protocol): RenderRules {
  return {
    style: profile.style === "wire" ? "wire" : "camel",
    times: profile.times ?? "comma",
    names: profile.names ?? {},
    queryAsText: profile.queryAsText === true,
    xmlTimes: protocol === "query" || protocol === "ec2" || protocol === "rest-xml",
  };
}

export function render(
  service: Service,
  shape: Shape,
  value: JsonValue,
  rules: RenderRules,
): JsonValue {
  switch (shape.t) {
    case "structure": {
      if (!isJsonObject(value)) return value;
      const shown: JsonObject = {};
      for (const [name, each] of Object.entries(value)) {
        const member = Object.hasOwn(shape.m, name) ? shape.m[name] : undefined;
        const shownName =
          own(rules.names, name) ?? (rules.style === "wire" ? name : lowerFirst(name));
        put(shown, shownName, renderMember(service, member, each, rules));
      }
      return shown;
    }
    case "list": {
      const element = shapeOf(service, shape.e.s);
      return Array.isArray(value)
        ? value.map((each) => render(service, element, each, rules))
        : value;
    }
    case "map": {
      if (!isJsonObject(value)) return value;
      const element = shapeOf(service, shape.v.s);
      const shown: JsonObject = {};
      for (const [key, each] of Object.entries(value)) {
        put(shown, key, render(service, element, each, rules));
      }
      return shown;
    }
    case "timestamp":
      return renderTime(value, rules);
    case "blob":
    case "boolean":
    case "document":
    case "double":
    case "float":
    case "integer":
    case "long":
    case "string":
      return value;
  }
}

function renderMember(
  service: Service,
  member: Member | undefined,
  value: JsonValue,
  rules: RenderRules,
): JsonValue {
  if (member === undefined) return value;
  const isPlain = typeof value === "number" || typeof value === "boolean";
  if (rules.queryAsText && member.loc === "query" && isPlain) return String(value);
  return render(service, shapeOf(service, member.s), value, rules);
}

function renderTime(value: JsonValue, rules: RenderRules): JsonValue {
  if (rules.times === "wire") return value;
  if (typeof value === "number") return displayTime(value * 1000, rules.times) ?? value;
  if (typeof value !== "string") return value;
  if (/^\d{1,12}(?:\.\d+)?$/.test(value)) {
    return displayTime(Number(value) * 1000, rules.times) ?? value;
  }
  if (!rules.xmlTimes || !/^\d{4}-\d\d-\d\dT/.test(value)) return value;
  return displayTime(Date.parse(value), rules.times) ?? value;
}

const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** `Nov 5, 2023, 4:29:11 AM`; older services leave the second comma out. UTC. */
export function displayTime(timeMs: number, form: "comma" | "space"): string | undefined {
  const time = new Date(timeMs);
  if (Number.isNaN(time.getTime())) return undefined;
  const hours = time.getUTCHours();
  const day = `${months[time.getUTCMonth()]} ${time.getUTCDate()}, ${time.getUTCFullYear()}`;
  const clock = `${hours % 12 || 12}:${two(time.getUTCMinutes())}:${two(time.getUTCSeconds())}`;
  return `${day}${form === "comma" ? "," : ""} ${clock} ${hours < 12 ? "AM" : "PM"}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

/** Nothing to show is null in the record. */
export function orNull(value: JsonValue | undefined): JsonObject | null {
  return isJsonObject(value) && !isEmpty(value) ? value : null;
}
