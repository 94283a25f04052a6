'use strict';
// The privacy ratchet: compares two versions of a schema. What is collected may shrink freely; what
// widens needs a higher version, and what says more about a person a higher notice as well. What this
// code cannot judge counts as wider.

const { isDeepStrictEqual } = require('node:util');
const { compareValues } = require('./compare');
const { words } = require('./kinds');

/** @typedef {import('./model').Model} Model */
/** @typedef {import('./model').Event} Event */
/**
 * @typedef {object} Change
 * @property {string} at  "Event", "Event.field", or "" for the schema
 * @property {'widened' | 'narrowed' | 'same'} direction
 * @property {boolean} person  says more about a person: the notice must be raised
 * @property {string} text  a sentence without its subject
 *
 * @typedef {object} Verdict
 * @property {boolean} ok
 * @property {Change[]} changes
 * @property {string[]} missing  sentences: what must be done
 */

/** From the one that lets out most to the one that lets out least. */
const LEVELS = ['crash', 'error', 'usage', 'content'];
const DOCUMENTATION = /** @type {const} */ (['category', 'owner', 'purpose', 'governance_id', 'chart']);

/** @param {boolean} wider @returns {Change['direction']} */
const direction = (wider) => (wider ? 'widened' : 'narrowed');

/** @param {Event} a @param {Event} b @returns {Omit<Change, 'at'>[]} */
function compareRollup(a, b) {
  if (isDeepStrictEqual(a.rollup, b.rollup)) return [];
  if (b.rollup === undefined) return [{ direction: 'widened', person: true, text: 'is sent one by one, no longer as daily counts' }];
  if (a.rollup === undefined) return [{ direction: 'narrowed', person: false, text: 'is sent as daily counts, no longer one by one' }];
  return [{ direction: 'widened', person: true, text: 'is counted in another way' }];
}

/** Members that this code does not know. @param {Record<string, unknown>} a @param {Record<string, unknown>} b @returns {Omit<Change, 'at'>[]} */
function compareUnknown(a, b) {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((key) => !isDeepStrictEqual(a[key], b[key]))
    .map((key) => ({ direction: 'widened', person: true, text: `changes "${key}", which this check cannot judge` }));
}

/** @param {Event} a @param {Event} b @returns {Omit<Change, 'at'>[]} */
function compareMembers(a, b) {
  /** @type {Omit<Change, 'at'>[]} */
  const found = [];
  if (a.level !== b.level) {
    const wider = LEVELS.indexOf(b.level) < LEVELS.indexOf(a.level);
    found.push({
      direction: direction(wider), person: wider,
      text: `has level "${b.level}" instead of "${a.level}": ${wider ? 'people who allowed less send it too' : 'fewer people send it'}`,
    });
  }
  if (a.sample !== b.sample) {
    found.push({ direction: direction(b.sample > a.sample), person: false, text: `is recorded with a share of ${b.sample} instead of ${a.sample}` });
  }
  if (a.expires !== b.expires) { // dates compare as text
    found.push({ direction: direction(b.expires > a.expires), person: false, text: `expires on ${b.expires} instead of ${a.expires}` });
  }
  for (const key of DOCUMENTATION) {
    if (!isDeepStrictEqual(a[key], b[key])) found.push({ direction: 'same', person: false, text: `has another ${key}` });
  }
  return [...found, ...compareRollup(a, b), ...compareUnknown(a.more, b.more)];
}

/** @typedef {import('./model').Field} Field */

/** @param {string} owner  what the fields belong to @param {Field[]} a @param {Field[]} b @param {string} noun @returns {Change[]} */
function compareFields(owner, a, b, noun) {
  const old = new Map(a.map((field) => [field.name, field]));
  const now = new Set(b.map((field) => field.name));
  /** @type {Change[]} */
  const found = [];
  for (const field of b) {
    const before = old.get(field.name);
    const at = `${owner}.${field.name}`;
    if (before === undefined) found.push({ at, direction: 'widened', person: true, text: `is a new ${noun}: ${words(field)}` });
    else found.push(...compareValues(before, field).map((change) => ({ at, ...change })));
  }
  for (const field of a) {
    if (!now.has(field.name)) found.push({ at: `${owner}.${field.name}`, direction: 'narrowed', person: false, text: 'is no longer collected' });
  }
  return found;
}

/** @param {Event} a @param {Event} b @returns {Change[]} */
function compareEvents(a, b) {
  return [
    ...compareMembers(a, b).map((change) => ({ at: a.name, ...change })),
    ...compareFields(b.name, a.fields, b.fields, 'field'),
  ];
}

/** @param {Model} a @param {Model} b @returns {Change[]} */
function changesOf(a, b) {
  const old = new Map(a.events.map((event) => [event.name, event]));
  const now = new Set(b.events.map((event) => event.name));
  /** @type {Change[]} */
  const found = compareUnknown(a.more, b.more).map((change) => ({ at: '', ...change }));
  if (a.name !== b.name) found.push({ at: '', direction: 'same', person: false, text: `is called "${b.name}" instead of "${a.name}"` });
  found.push(...compareFields('attributes', a.attributes, b.attributes, 'attribute'));
  for (const event of b.events) {
    const before = old.get(event.name);
    if (before !== undefined) found.push(...compareEvents(before, event));
    else found.push({ at: event.name, direction: 'widened', person: true, text: `is a new event with ${event.fields.length} fields` });
  }
  for (const event of a.events) {
    if (!now.has(event.name)) found.push({ at: event.name, direction: 'narrowed', person: false, text: 'is no longer collected' });
  }
  return found;
}

/** @param {'version' | 'notice'} key @param {Model} a @param {Model} b @param {number} wider @param {string} why */
function demand(key, a, b, wider, why) {
  if (b[key] < a[key]) return [`"${key}" goes back from ${a[key]} to ${b[key]}: it may only rise`];
  if (wider > 0 && b[key] === a[key]) {
    return [`"${key}" must be raised above ${a[key]}: ${wider} ${wider === 1 ? 'change' : 'changes'} ${why}`];
  }
  return [];
}

/**
 * @param {Model} a  the old one
 * @param {Model} b  the new one
 * @returns {Verdict}
 */
function compare(a, b) {
  const changes = changesOf(a, b);
  const wider = changes.filter((change) => change.direction === 'widened');
  const person = wider.filter((change) => change.person);
  const missing = [
    ...demand('version', a, b, wider.length, 'to collect more'),
    ...demand('notice', a, b, person.length, 'to learn more about people, who must be told again'),
  ];
  return { ok: missing.length === 0, changes, missing };
}

module.exports = { compare };
