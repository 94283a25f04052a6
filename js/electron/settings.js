'use strict';
// What a settings page shows, and the two options that only the host can keep: endpoint and user id.
// Everything else that a user chooses is stored by the client itself.

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { isPlain } = require('./bounds');

/** @typedef {'endpoint' | 'userId'} Configurable */

/**
 * @typedef {object} TelemetrySettings
 * @property {boolean} enabled  whether anything is recorded now
 * @property {string} decidedBy  who decided: docs/consent.md
 * @property {string} reason  the same as a sentence
 * @property {boolean} locked  somebody above the user has decided: the toggle cannot change it
 * @property {'off' | 'crash' | 'error' | 'all'} level  in force
 * @property {string} mode
 * @property {boolean} fullContent
 * @property {string} fullContentDecidedBy
 * @property {{version: number, acknowledged: number, waiting: boolean} | null} notice
 * @property {string | null} endpoint
 * @property {string | null} userId  as the user gave it; null: an anonymous one
 * @property {Configurable[]} configurable  what `configure` takes
 * @property {Configurable[]} needsRestart  changed, and in force from the next start on
 */

/** @type {readonly Configurable[]} */
const CONFIGURABLE = ['endpoint', 'userId'];
/** Who stands above the user's own choice. */
const ABOVE_USER = new Set(['DO_NOT_TRACK', 'TELEMETRY_ENABLED', 'gdpr', 'host', 'telemetry.toml', 'native']);
/** A settings file is two short texts. */
const SETTINGS_FILE_MAX = 16384;

/**
 * What was stored by `configure`, for `open`: `open({ app, ...storedOptions(file) })`. A file that is
 * missing, or is not what was written, gives nothing.
 * @param {string} file
 * @returns {{endpoint?: string, userId?: string}}
 */
function storedOptions(file) {
  /** @type {{endpoint?: string, userId?: string}} */
  const options = {};
  try {
    if (fs.statSync(file).size > SETTINGS_FILE_MAX) return options;
    const stored = JSON.parse(fs.readFileSync(file, 'utf8'));
    for (const name of CONFIGURABLE) if (typeof stored[name] === 'string' && stored[name] !== '') options[name] = stored[name];
  } catch {
    // Never written, or damaged: what the app says holds.
  }
  return options;
}

/**
 * Write a file whole, readable by its owner alone.
 * @param {string} file @param {unknown} content
 * @param {{replace?: boolean}} [options]  replace: false leaves a file that is there as it is
 */
function writeJson(file, content, { replace = true } = {}) {
  const temporary = `${file}.${crypto.randomBytes(6).toString('hex')}.tmp`;
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  try {
    fs.writeFileSync(temporary, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
    if (replace) fs.renameSync(temporary, file);
    else fs.linkSync(temporary, file); // fails where there is one
  } catch (error) {
    if (replace || /** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
  } finally {
    fs.rmSync(temporary, { force: true });
  }
}

/**
 * What a page wants to change, or a sentence that says why not.
 * @param {unknown} changes @param {readonly Configurable[]} configurable
 * @returns {{changes: Partial<Record<Configurable, string | null>>} | {error: string}}
 */
function readChanges(changes, configurable) {
  if (typeof changes !== 'object' || changes === null || Array.isArray(changes) || !isPlain(changes)) return { error: 'configure needs an object, e.g. { endpoint: "https://..." }' };
  /** @type {Partial<Record<Configurable, string | null>>} */
  const read = {};
  for (const [name, value] of Object.entries(changes)) {
    const known = configurable.find((candidate) => candidate === name);
    if (known === undefined) return { error: `"${name.slice(0, 64)}" cannot be changed by a page; this app allows ${configurable.join(', ') || 'nothing'}` };
    if (value !== null && typeof value !== 'string') return { error: `"${known}" must be a string, or null for the app's own` };
    read[known] = value === '' ? null : value;
  }
  return { changes: read };
}

module.exports = { CONFIGURABLE, ABOVE_USER, storedOptions, writeJson, readChanges };
