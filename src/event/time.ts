// Times as real records write them, read into milliseconds since the Unix epoch.

const iso =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)?\s?(Z|z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?$/;

/**
 * Reads `2025-02-19T20:13:49Z`, `2025-02-19 20:13:49.000000000`, offsets such as `+02:00`, and epoch numbers (seconds
 * below 1e11, milliseconds above). A time without a zone is UTC; fractions finer than a millisecond are cut.
 * Undefined: this is no time, or none that the calendar has.
 */
export function readTimeMs(text: string): number | undefined {
  return plainIsoMs(text) ?? isoMs(text) ?? epochMs(text);
}

/** The form that nearly every record has, read without a regular expression: `2025-02-19T20:13:49Z`. */
function plainIsoMs(text: string): number | undefined {
  if (
    text.length !== 20 ||
    text.charCodeAt(4) !== 0x2d ||
    text.charCodeAt(7) !== 0x2d ||
    text.charCodeAt(10) !== 0x54 ||
    text.charCodeAt(13) !== 0x3a ||
    text.charCodeAt(16) !== 0x3a ||
    text.charCodeAt(19) !== 0x5a
  )
    return undefined;
  const two = (at: number) => {
    const tens = text.charCodeAt(at) - 0x30;
    const ones = text.charCodeAt(at + 1) - 0x30;
    return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
  };
  return calendarMs(two(0) * 100 + two(2), two(5), two(8), two(11), two(14), two(17), 0);
}

function isoMs(text: string): number | undefined {
  const match = iso.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second = "0", fraction = "", zone = "Z"] = match;
  const ms = calendarMs(
    Number(year),
    Number(month),
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
    Number(fraction.padEnd(3, "0").slice(0, 3)),
  );
  if (ms === undefined || !/^[+-]/.test(zone)) return ms;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(3).replace(":", "") || "0");
  if (hours > 23 || minutes > 59) return undefined;
  return ms - (zone.startsWith("-") ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

function epochMs(text: string): number | undefined {
  if (!/^\d{9,13}(\.\d{1,9})?$/.test(text)) return undefined;
  const value = Number(text);
  return Math.floor(value < 1e11 ? Math.round(value * 1e6) / 1e3 : value);
}

function calendarMs(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
  ms: number,
): number | undefined {
  // A leap second (60) counts as the second after it; every other value must be one that clocks show.
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month))) return undefined;
  if (!(hour <= 23 && minute <= 59 && second <= 60)) return undefined;
  const time = new Date(0);
  // Not Date.UTC: it takes the years 0 to 99 for 1900 to 1999.
  time.setUTCFullYear(year, month - 1, day);
  return time.setUTCHours(hour, minute, second, ms);
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
