// Dates as policies write them: the W3C profile of ISO 8601 at any precision, or seconds since 1970.

const isoDate =
  /^(-?\d{1,9})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?:t(?:(\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,9}))?)?)?)?(z|[+-]\d{2}(?::?\d{2})?)?)?$/i;
/** IAM reads years as its clock can hold them. */
const yearMin = -292_275_054;
const yearMax = 292_278_993;
const epochSecondsMax = 9_223_372_036_854_775_807n;

/** Milliseconds since 1970; infinite beyond what a clock shows; undefined: no date. */
export function parseInstant(text: string): number | undefined {
  // A bare number is epoch time, never a year; a minus sign makes it a year again.
  if (/^\d{1,19}$/.test(text))
    return BigInt(text) <= epochSecondsMax ? Number(text) * 1000 : undefined;
  const match = isoDate.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((part) => (part === undefined ? undefined : Number(part)));
  const inRange =
    year >= yearMin &&
    year <= yearMax &&
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= 31 &&
    hour <= 23 &&
    minute <= 59 &&
    second <= 59;
  const zoneMs = parseZone(match[8]);
  if (!inRange || zoneMs === undefined) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  const timeMs = date.getTime();
  if (Number.isNaN(timeMs)) return year < 0 ? -Infinity : Infinity;
  return timeMs + Number(`0.${match[7] ?? "0"}`) * 1000 - zoneMs;
}

function parseZone(zone: string | undefined): number | undefined {
  if (zone === undefined || zone === "z" || zone === "Z") return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(3).replace(":", "") || "0");
  if (hours > 23 || minutes > 59) return undefined;
  return (zone.startsWith("-") ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}
