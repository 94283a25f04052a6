'use strict';
// Full content and keys, the JavaScript part: what of a payload goes to the vault as JSON, and whether
// keys are keys.

const { debuglog } = require('node:util');
const { TelemetryError } = require('./errors');

const debug = debuglog('candor');

/** Bytes of a key: AES-256. */
const KEY_BYTES = 32;
/** As in native/client/vault_keys.h. */
const KEYS_MAX = 16;

/**
 * @typedef {object} Key
 * @property {string} id  1 to 64 of the characters A-Z a-z 0-9 . _ : + -; stored beside what it encrypts
 * @property {Uint8Array} key  32 random bytes
 *
 * @typedef {() => Promise<Key[]> | Key[]} KeyProvider
 *
 * @typedef {import('./encoders').SchemaDescription} SchemaDescription
 * @typedef {import('./encoders').FieldDescription} FieldDescription
 */

/** More than native looks at of any other text: RAW_TEXT_MAX of native/contract/limits.h. */
const TEXT_MAX = 65536;
/** List elements past the limit that are passed on to be counted, as in encoders.js. */
const EXTRA_MAX = 64;
/** Of a type that no field takes: counted, and its members are never read. */
const BAD = Object.freeze({});

/**
 * A value for JSON, which must not walk what the schema does not know. JSON knows no bigint; native hashes
 * and rounds what it is given.
 * @param {FieldDescription} field @param {any} v @param {readonly FieldDescription[]} attributes @returns {unknown}
 */
function plain(field, v, attributes) {
  if (typeof v === 'bigint') return field.kind === 'hash' ? String(v) : Number(v);
  // One whole character more than the limit, so that native sees what is over-long.
  if (typeof v === 'string') return v.slice(0, (field.kind === 'content' ? field.maxLength ?? 0 : TEXT_MAX) + 4);
  if (typeof v === 'number' || typeof v === 'boolean') return v;
  if (field.kind === 'time' && v instanceof Date) return v.getTime();
  if (field.kind === 'list' && Array.isArray(v)) {
    const element = { name: field.name, kind: field.of ?? '' };
    return Array.from({ length: Math.min(v.length, (field.maxItems ?? 0) + EXTRA_MAX) }, (_, i) => plain(element, v[i], attributes));
  }
  if (field.kind === 'attrs' && typeof v === 'object' && !Array.isArray(v)) return pick(attributes, v, attributes);
  return v === undefined || v === null ? null : BAD;
}

/** @param {readonly FieldDescription[]} fields @param {any} from @param {readonly FieldDescription[]} attributes */
function pick(fields, from, attributes) {
  /** @type {Record<string, unknown>} */
  const picked = Object.create(null);
  for (const field of fields) {
    const v = from[field.name];
    if (v !== undefined && v !== null) picked[field.name] = plain(field, v, attributes);
  }
  return picked;
}

/**
 * For each event type with content fields: what reads the schema's fields of a payload, once each and
 * nothing else, and gives them as JSON. Throws what a getter throws.
 * @param {SchemaDescription} schema
 * @returns {Map<string, (payload: any) => string>}
 */
function contentReaders(schema) {
  const readers = new Map();
  for (const event of schema.events) {
    if (!event.fields.some((field) => field.kind === 'content')) continue;
    readers.set(event.name, (/** @type {any} */ payload) => {
      if (payload === undefined || payload === null) return '{}';
      if (typeof payload !== 'object' || Array.isArray(payload)) return '0';
      return JSON.stringify(pick(event.fields, payload, schema.attributes ?? []));
    });
  }
  return readers;
}

/** @param {string} problem */
function invalid(problem) {
  return new TelemetryError(`setKeys: ${problem}`, 'ERR_CANDOR_INVALID_OPTION');
}

/**
 * @param {unknown} keys
 * @returns {{ids: string[], bytes: Uint8Array}} bytes: all keys, one after the other; to be wiped
 */
function checkKeys(keys) {
  if (!Array.isArray(keys)) throw invalid('a list of keys is needed, e.g. [{ id: "2026-11", key }]');
  if (keys.length > KEYS_MAX) throw invalid(`at most ${KEYS_MAX} keys can be set`);
  keys.forEach((entry, i) => {
    if (typeof entry?.id !== 'string') throw invalid(`key ${i + 1} has no id`);
    if (!(entry.key instanceof Uint8Array) || entry.key.length !== KEY_BYTES) {
      throw invalid(`key ${i + 1} must be a Buffer of ${KEY_BYTES} bytes`);
    }
  });
  const bytes = new Uint8Array(KEY_BYTES * keys.length);
  keys.forEach((entry, i) => bytes.set(entry.key, KEY_BYTES * i));
  return { ids: keys.map((entry) => entry.id), bytes };
}

/**
 * Ask the host for its keys. A provider that fails costs no event: content is counted as no_key.
 * @param {{setKeys: (keys: Key[]) => void}} client @param {KeyProvider} provider
 */
async function provideKeys(client, provider) {
  try {
    client.setKeys(await provider());
  } catch (error) {
    if (debug.enabled) debug('keyProvider gave no keys: %s', require('./capture').errorFields(error).message);
  }
}

module.exports = { KEY_BYTES, KEYS_MAX, contentReaders, checkKeys, provideKeys };
