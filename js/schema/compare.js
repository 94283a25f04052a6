'use strict';
// Two definitions of one field: what became wider, what narrower.

const { isDeepStrictEqual } = require('node:util');
const { element, kindOf, number } = require('./kinds');

/** @typedef {import('./model').Value} Value */
/**
 * @typedef {object} ValueChange
 * @property {'widened' | 'narrowed' | 'same'} direction
 * @property {boolean} person
 * @property {string} text
 */

/** Length of a duration's unit. @type {Record<string, number>} */
const NANOSECONDS = { ns: 1, us: 1e3, ms: 1e6, s: 1e9 };

/** Numeric members of which more is wider. */
const MORE = /** @type {const} */ ({ maxLength: 'bytes', maxBytes: 'bytes', maxItems: '', max: '', decimals: 'decimals' });

/** Members that are judged below, or only document. */
const KNOWN = new Set(['name', 'kind', 'note', 'unit', 'of', 'min', 'max', 'decimals', 'values', 'other', 'maxLength', 'maxBytes', 'bounds', 'maxItems', 'attributes']);

/** @param {boolean} wider @param {string} text @param {boolean} [person] @returns {ValueChange} */
function change(wider, text, person = false) {
  return { direction: wider ? 'widened' : 'narrowed', person: wider && person, text };
}

/** @param {Value} a @param {Value} b @returns {ValueChange[]} */
function compareKind(a, b) {
  const before = kindOf(a).rank;
  const after = kindOf(b).rank;
  const text = `is of kind "${b.kind}" instead of "${a.kind}"`;
  if (after === before) return [change(true, `${text}: something else is collected`)];
  return [change(after > before, `${text}: ${after > before ? 'more' : 'less'} revealing`, true)];
}

/** One scalar is a list of one. @param {Value} value */
const items = (value) => (value.kind === 'list' ? value.max ?? 0 : 1);

/** @param {Value} a @param {Value} b @returns {ValueChange[]} */
function compareItems(a, b) {
  if (a.kind !== 'list' && b.kind !== 'list') return [];
  if (items(a) !== items(b)) return [change(items(b) > items(a), `holds up to ${items(b)} values instead of ${items(a)}`)];
  return a.kind === b.kind ? [] : [{ direction: 'same', person: false, text: 'is a list of one value, or no longer one' }];
}

/** @param {Value} a @param {Value} b @returns {ValueChange[]} */
function compareWords(a, b) {
  const old = a.values ?? [];
  const now = b.values ?? [];
  const added = now.filter((value) => !old.includes(value));
  const removed = old.filter((value) => !now.includes(value));
  /** @type {ValueChange[]} */
  const found = [];
  if (added.length > 0) found.push(change(true, `takes more words: ${added.join(', ')}`));
  if (removed.length > 0) found.push(change(false, `takes fewer words: without ${removed.join(', ')}`));
  if (a.other !== b.other && b.other !== undefined && !added.includes(b.other)) {
    found.push(change(true, `counts unknown words as "${b.other}" instead of ${a.other === undefined ? 'dropping them' : `"${a.other}"`}`));
  }
  if (a.other !== undefined && b.other === undefined && !removed.includes(a.other)) found.push(change(false, 'drops unknown words'));
  return found;
}

/** @param {Value} a @param {Value} b @returns {ValueChange[]} */
function compareBounds(a, b) {
  const old = a.bounds ?? [];
  const now = b.bounds ?? [];
  const added = now.filter((bound) => !old.includes(bound));
  const removed = old.filter((bound) => !now.includes(bound));
  /** @type {ValueChange[]} */
  const found = [];
  if (added.length > 0) found.push(change(true, `has finer classes: new bounds ${added.map(number).join('; ')}`));
  if (removed.length > 0) found.push(change(false, `has coarser classes: without the bounds ${removed.map(number).join('; ')}`));
  return found;
}

/** @param {Value} a @param {Value} b @returns {ValueChange[]} */
function compareRange(a, b) {
  /** @type {ValueChange[]} */
  const found = [];
  for (const [key, wider] of /** @type {const} */ ([['min', -1], ['max', 1]])) {
    const before = a[key] ?? 0;
    const after = b[key] ?? 0;
    if (before !== after) found.push(change(Math.sign(after - before) === wider, `has ${key} ${number(after)} instead of ${number(before)}`));
  }
  return found;
}

/** @param {Value} a @param {Value} b @returns {ValueChange[]} */
function compareDuration(a, b) {
  const step = (/** @type {Value} */ value) => Math.log10(NANOSECONDS[value.unit ?? 'ms']) - (value.decimals ?? 0);
  if (a.unit === b.unit && a.decimals === b.decimals) return [];
  const text = `is kept in ${b.unit} with ${b.decimals} decimals instead of ${a.unit} with ${a.decimals}`;
  if (Math.abs(step(b) - step(a)) > 1e-9) return [change(step(b) < step(a), text)];
  // The same step, yet a longer unit: its largest number is a longer time.
  return [change(NANOSECONDS[b.unit ?? 'ms'] > NANOSECONDS[a.unit ?? 'ms'], text)];
}

/** @param {Value} a @param {Value} b @param {keyof typeof MORE} key @param {boolean} [person] @returns {ValueChange[]} */
function compareMore(a, b, key, person = false) {
  const before = a[key] ?? 0;
  const after = b[key] ?? 0;
  return before === after ? [] : [change(after > before, `has ${key} ${number(after)} instead of ${number(before)}`, person)];
}

/** @type {Record<string, (a: Value, b: Value) => ValueChange[]>} */
const COMPARE = {
  enum: compareWords,
  bucket: compareBounds,
  int: compareRange,
  number: (a, b) => [...compareRange(a, b), ...compareMore(a, b, 'decimals')],
  duration: compareDuration,
  id: (a, b) => compareMore(a, b, 'maxLength'),
  text: (a, b) => compareMore(a, b, 'maxLength'),
  stack: (a, b) => compareMore(a, b, 'maxLength'),
  content: (a, b) => compareMore(a, b, 'maxBytes', true),
  nanos: () => [],
  attrs: (a, b) => compareMore(a, b, 'maxItems'), // the table is judged by itself
};

/** Members of a newer format. @param {Record<string, any>} a @param {Record<string, any>} b @returns {ValueChange[]} */
function compareUnknown(a, b) {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((key) => !KNOWN.has(key) && !isDeepStrictEqual(a[key], b[key]))
    .map((key) => change(true, `changes "${key}", which this check cannot judge`, true));
}

/** A kind without a row here whose members changed. @param {Value} a @param {Value} b @returns {ValueChange[]} */
function compareOther(a, b) {
  const judged = (/** @type {any} */ { name, note, unit, ...value }) => value;
  return isDeepStrictEqual(judged(a), judged(b)) ? []
    : [change(true, 'is defined in another way, which this check cannot judge', true)];
}

/** @param {Value} a @param {Value} b @returns {ValueChange[]} */
function compareDocumentation(a, b) {
  /** @type {ValueChange[]} */
  const found = [];
  if (a.note !== b.note) found.push({ direction: 'same', person: false, text: 'has another note' });
  if (a.unit !== b.unit && a.kind !== 'duration' && b.kind !== 'duration') {
    found.push({ direction: 'same', person: false, text: 'has another unit' });
  }
  return found;
}

/**
 * @param {Value} a  the old definition, defaults written out
 * @param {Value} b  the new one
 * @returns {ValueChange[]}
 */
function compareValues(a, b) {
  const before = element(a);
  const after = element(b);
  const compare = Object.hasOwn(COMPARE, after.kind) ? COMPARE[after.kind] : compareOther;
  return [
    ...compareItems(a, b),
    ...(before.kind === after.kind ? [...compare(before, after), ...compareUnknown(before, after)] : compareKind(before, after)),
    ...compareDocumentation(a, b),
    ...(a === before || b === after ? [] : compareDocumentation(before, after)),
  ];
}

module.exports = { compareValues };
