'use strict';
// What a client is asked besides emit: arguments are checked, native code is asked, its answer is parsed.
// Loaded by the first such call: many hosts emit and nothing else.

const path = require('node:path');
const { TelemetryError, translate, translated } = require('./errors');

/** @typedef {import('./native').Native} Native */
/** @typedef {import('./native').Handle} Handle */

/**
 * @typedef {Record<string, any>} Report  Parsed JSON; members in docs/api.md
 *
 * @typedef {object} UploadReport
 * @property {number} uploaded  batches sent
 * @property {number} events  events in them
 * @property {number} pending  events that still wait
 * @property {string | null} error  why the last attempt failed
 *
 * @typedef {object} UploadOptions
 * @property {boolean} [dryRun]  Send nothing, open no socket: say what would be sent
 * @property {number | Date} [since]  Unix milliseconds; only batches made since
 * @property {string} [file]  A package that `export` has written: it is checked, then sent instead of what waits
 *
 * @typedef {object} UploadPlan  What an upload would send
 * @property {true} dry_run
 * @property {number} batches
 * @property {number} events
 * @property {number} attachments  texts of full content behind them
 * @property {number} bytes  compressed, of both
 * @property {string | null} error  why nothing can be sent now
 *
 * @typedef {object} ExportReport
 * @property {string} path
 * @property {number} bytes
 * @property {number} events
 * @property {string} sha256  of the file
 *
 * @typedef {object} PurgeReport
 * @property {number} purged  events deleted
 */

/** Lines of the ledger that are given unless told otherwise. */
const LEDGER_LIMIT = 100;

/** @param {string} problem */
function invalid(problem) {
  return new TelemetryError(problem, 'ERR_CANDOR_INVALID_OPTION');
}

/** @param {number | Date | undefined} since @param {string} who @returns {number} Unix milliseconds */
function unixMs(since, who) {
  const ms = Number(since ?? 0);
  if (!Number.isFinite(ms)) throw invalid(`${who} needs a time: Unix milliseconds or a Date`);
  return ms;
}

/** @param {unknown} file @param {string} name @returns {string} absolute */
function filePath(file, name) {
  if (typeof file !== 'string' || file === '') throw invalid(`${name} must be the path of a file`);
  return path.resolve(file);
}

/** @param {unknown} value @param {string} method */
function checkBoolean(value, method) {
  if (typeof value !== 'boolean') throw invalid(`${method} needs true or false`);
}

/** @param {unknown} source @returns {boolean} the host's, not the user's */
function isHost(source) {
  if (source !== 'user' && source !== 'host') throw invalid('source must be "user" or "host"');
  return source === 'host';
}

/** A promise that nobody awaits must not bring the host down. @template T @param {Promise<T>} promise */
function harmless(promise) {
  promise.catch(() => {});
  return promise;
}

/** @param {() => Promise<string>} call @returns {Promise<any>} */
async function settle(call) {
  try {
    const text = await call();
    return text === '' ? {} : JSON.parse(text);
  } catch (error) {
    throw translate(error);
  }
}

/** @param {() => Promise<string>} call @returns {Promise<any>} */
function ask(call) {
  return harmless(settle(call));
}

/** @param {Native} native @param {Handle} handle @param {UploadOptions | null} [options] */
function upload(native, handle, options) {
  return ask(() => {
    if (options === undefined || options === null) return native.upload(handle);
    const { dryRun = false, since, file } = options;
    if (typeof dryRun !== 'boolean') throw invalid('dryRun must be true or false');
    const name = file === undefined ? '' : filePath(file, 'file');
    return native.uploadWith(handle, dryRun, unixMs(since, 'since'), name);
  });
}

/** @param {Native} native @param {Handle} handle @param {string} file @param {{since?: number | Date}} options */
function exportTo(native, handle, file, options) {
  return ask(() => {
    const name = filePath(file, 'the first argument of export');
    return native.export(handle, name, unixMs(options?.since, 'since'));
  });
}

/** @param {Native} native @param {Handle} handle @param {boolean} enabled @param {{source?: 'user' | 'host'} | null} [options] */
function setEnabled(native, handle, enabled, options) {
  return ask(() => {
    checkBoolean(enabled, 'setEnabled');
    return native.setEnabled(handle, enabled, isHost(options?.source ?? 'user'));
  });
}

/** @param {Native} native @param {Handle} handle @param {boolean} on @param {'user' | 'host'} source */
function setFullContent(native, handle, on, source) {
  return ask(() => {
    checkBoolean(on, 'setFullContent');
    return native.setFullContent(handle, on, isHost(source));
  });
}

/** @param {Native} native @param {Handle} handle @param {boolean} on */
function setGdpr(native, handle, on) {
  return ask(() => {
    checkBoolean(on, 'setGdpr');
    return native.setGdpr(handle, on);
  });
}

/** @param {Native} native @param {Handle} handle @param {import('./vault').Key[]} keys */
function setKeys(native, handle, keys) {
  const { ids, bytes } = require('./vault').checkKeys(keys);
  try {
    translated(() => native.setKeys(handle, ids, bytes));
  } finally {
    bytes.fill(0);
  }
}

/** @param {Native} native @param {Handle} handle @param {{limit?: number}} options @returns {Report[]} */
function ledger(native, handle, options) {
  const limit = options?.limit ?? LEDGER_LIMIT;
  if (!Number.isInteger(limit) || limit < 0) throw invalid('limit must be a whole number');
  return JSON.parse(translated(() => native.ledger(handle, Math.min(limit, 0xffffffff)))).entries;
}

/** @param {Native} native @param {Handle} handle @param {number | Date} since @returns {Report} */
function stats(native, handle, since) {
  const ms = unixMs(since, 'stats');
  return JSON.parse(translated(() => native.stats(handle, ms)));
}

module.exports = { ask, settle, harmless, isHost, upload, exportTo, setEnabled, setFullContent, setGdpr, setKeys, ledger, stats };
