'use strict';

/** RFC 3339 section 5.6: date-time with any offset. */
const DATE_TIME =
  /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

/** Longest text worth a look: 9 digits of fraction and an offset, with room. */
const LENGTH_MAX = 64;

/**
 * Milliseconds since 1970 of an RFC 3339 date-time, or NaN. Date.parse takes much more than that, and
 * differs between engines. A leap second is taken as 59.999.
 * @param {string} text
 */
function parseTime(text) {
  const m = text.length <= LENGTH_MAX ? DATE_TIME.exec(text) : null;
  if (m === null) return NaN;
  const [year, month, day, hour, minute, second] = m.slice(1, 7).map(Number);
  const leap = second === 60;
  if (month < 1 || month > 12 || hour > 23 || minute > 59 || second > 60) return NaN;
  const ms = leap ? 999 : Number((m[7] ?? '').slice(0, 3).padEnd(3, '0'));
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day); // Date.UTC would take years 0 to 99 as 19xx
  if (day < 1 || date.getUTCDate() !== day) return NaN;
  date.setUTCHours(hour, minute, leap ? 59 : second, ms);
  const offsetHours = Number(m[9] ?? 0);
  const offsetMinutes = Number(m[10] ?? 0);
  if (offsetHours > 23 || offsetMinutes > 59) return NaN;
  const offset = (offsetHours * 60 + offsetMinutes) * 60000;
  return date.getTime() - (m[8] === '-' ? -offset : offset);
}

module.exports = { parseTime };
