'use strict';
// A schema file as the generators and the ratchet read it: checked by the C compiler, the one that
// both ends use, then taken from the JSON with the defaults written out.

const { TelemetryError, translated } = require('../errors');
const { load } = require('../native');

/**
 * A value's own definition: a field, or what a list holds. Members as in docs/schema.md.
 * @typedef {object} Value
 * @property {string} kind
 * @property {number} [min]
 * @property {number} [max]  of a list: elements
 * @property {number} [decimals]
 * @property {string} [unit]
 * @property {string[]} [values]  with `other`
 * @property {string} [other]
 * @property {number} [maxLength]  bytes
 * @property {number} [maxBytes]
 * @property {number[]} [bounds]
 * @property {string} [note]
 * @property {Value} [of]
 * @property {number} [maxItems]  of attrs
 * @property {Field[]} [attributes]  of attrs: the schema's table
 *
 * @typedef {Value & {name: string}} Field
 *
 * @typedef {object} Event
 * @property {string} name
 * @property {string} category
 * @property {'crash' | 'error' | 'usage' | 'content'} level
 * @property {string} owner
 * @property {string} purpose
 * @property {string} expires
 * @property {number} sample
 * @property {string} governance_id
 * @property {unknown} [chart]
 * @property {unknown} [rollup]
 * @property {Field[]} fields
 * @property {Record<string, unknown>} more  members that this version of the code does not know
 *
 * @typedef {object} Model
 * @property {string} name
 * @property {number} version
 * @property {number} notice
 * @property {string} hash
 * @property {Field[]} attributes
 * @property {Event[]} events
 * @property {Record<string, unknown>} more  members that this version of the code does not know
 */

const NUMBER_MAX = 1e12;

/** As native/contract/schema_field.c has them; a test compiles both spellings and compares the hash. @type {Record<string, Partial<Value>>} */
const DEFAULTS = {
  int: { min: -Number.MAX_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER },
  number: { min: -NUMBER_MAX, max: NUMBER_MAX, decimals: 3 },
  duration: { unit: 'ms', decimals: 3 },
  id: { maxLength: 64 },
  text: { maxLength: 512 },
  stack: { maxLength: 4096 },
  content: { maxBytes: 262144 },
  list: { max: 64 },
  attrs: { maxItems: 32 },
};

/** @param {Value} given @returns {Value} */
function complete(given) {
  const value = { ...DEFAULTS[given.kind], ...given };
  if (value.of !== undefined) value.of = complete(value.of);
  if (value.values !== undefined && value.other !== undefined && !value.values.includes(value.other)) {
    value.values = [...value.values, value.other];
  }
  return value;
}

/** @param {Record<string, Value>} given @returns {Field[]} */
function readFields(given) {
  return Object.entries(given).map(([name, value]) => ({ name, ...complete(value) }));
}

/** @param {string} name @param {any} given @param {any} file @param {Field[]} attributes @returns {Event} */
function readEvent(name, given, file, attributes) {
  const {
    category, level, owner, purpose, expires, sample = 1, governance_id = file.governance_id, chart, rollup, fields = {}, ...more
  } = given;
  const list = readFields(fields).map((field) => (field.kind === 'attrs' ? { ...field, attributes } : field));
  return { name, category, level, owner, purpose, expires, sample, governance_id, chart, rollup, fields: list, more };
}

/**
 * Throws TelemetryError ERR_CANDOR_SCHEMA with file, line and column for a schema that is wrong, and
 * ERR_CANDOR_NATIVE where there is no native binary to check it.
 * @param {string} text
 * @param {string} origin  what messages call the file
 * @returns {Model}
 */
function readModel(text, origin) {
  const { native, reason } = load();
  if (native === null) throw new TelemetryError(`the schema cannot be checked: ${reason}`, 'ERR_CANDOR_NATIVE');
  const described = JSON.parse(translated(() => native.describeSchema(text, origin)));
  const file = JSON.parse(text);
  const { $schema, schema, version, notice, governance_id, attributes = {}, events, ...more } = file;
  const table = readFields(attributes);
  return {
    name: schema, version, notice, hash: described.hash, more, attributes: table,
    events: Object.entries(events).map(([name, event]) => readEvent(name, event, file, table)),
  };
}

module.exports = { readModel };
