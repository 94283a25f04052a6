'use strict';
// The option --since.

const { CliError, EXIT } = require('./terminal');
const { parseTime } = require('../time');

const UNIT_MS = { m: 60e3, h: 3600e3, d: 86400e3, w: 7 * 86400e3 };

/** "24h", "7d", or an RFC 3339 time, as Unix milliseconds. @param {string} text @param {number} now */
function parseSince(text, now) {
  const span = /^(\d{1,6})([mhdw])$/.exec(text);
  if (span !== null) return now - Number(span[1]) * UNIT_MS[/** @type {keyof UNIT_MS} */ (span[2])];
  const at = parseTime(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);
  if (Number.isNaN(at)) {
    throw new CliError(`--since takes a span such as 24h or 7d (m, h, d, w) or a date such as 2026-11-21, not "${text}"`, EXIT.usage);
  }
  return at;
}

/** @param {string | undefined} text @returns {number | undefined} */
function optionalSince(text) {
  return text === undefined ? undefined : parseSince(text, Date.now());
}

module.exports = { parseSince, optionalSince };
