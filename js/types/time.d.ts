/**
 * Milliseconds since 1970 of an RFC 3339 date-time, or NaN. Date.parse takes much more than that, and
 * differs between engines. A leap second is taken as 59.999.
 * @param {string} text
 */
export function parseTime(text: string): number;
