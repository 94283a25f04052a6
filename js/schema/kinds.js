'use strict';
// What each kind of field is, for people and for TypeScript. A new kind needs a row here.

/** @typedef {import('./model').Value} Value */
/**
 * @typedef {object} Kind
 * @property {number} rank  how much a value can reveal, for the ratchet
 * @property {(value: Value) => string} type  what emit takes, in TypeScript
 * @property {(value: Value) => string} words  what is collected
 * @property {(value: Value) => string} protection  how the person is protected
 */

const integers = new Intl.NumberFormat('en-US');
const decimals = new Intl.NumberFormat('en-US', { maximumFractionDigits: 6 });

/** @param {number} n */
const number = (n) => (Number.isInteger(n) ? integers : decimals).format(n);
/** @param {number | undefined} n */
const bytes = (n) => `${number(n ?? 0)} bytes`;
/** @param {Value} value */
const unit = (value) => (value.unit === undefined ? '' : ` in ${value.unit}`);

/** @param {Value} value @param {number} limit  beyond it the range says nothing */
function range(value, limit) {
  const { min = -limit, max = limit } = value;
  if (min <= -limit && max >= limit) return '';
  return `, ${number(min)} to ${number(max)}`;
}

/** @param {Value} value */
const rounded = (value) => (value.decimals === 0 ? 'rounded to whole numbers' : `rounded to ${value.decimals} decimals`);

/** A string in TypeScript; values hold no backslash. @param {string} word */
const literal = (word) => `'${word.replaceAll("'", "\\'")}'`;

/** @type {Record<string, Kind>} */
const KINDS = {
  bool: {
    rank: 0, type: () => 'boolean', words: () => 'yes or no', protection: () => 'one bit',
  },
  bucket: {
    rank: 1, type: () => 'number | bigint',
    words: (value) => `a size class${unit(value)}: ${(value.bounds ?? []).map(number).join('; ')}`,
    protection: () => 'only the class is kept, never the number',
  },
  enum: {
    rank: 2, type: (value) => (value.values ?? []).map(literal).join(' | '),
    words: (value) => `one of: ${(value.values ?? []).join(', ')}`,
    protection: (value) => `no other word is kept${value.other === undefined ? '' : `: anything else becomes "${value.other}"`}`,
  },
  int: {
    rank: 3, type: () => 'number | bigint',
    words: (value) => `a whole number${unit(value)}${range(value, Number.MAX_SAFE_INTEGER)}`,
    protection: () => 'numbers only, kept within the range',
  },
  number: {
    rank: 3, type: () => 'number | bigint',
    words: (value) => `a number${unit(value)}${range(value, 1e12)}`,
    protection: (value) => `numbers only, ${rounded(value)}, kept within the range`,
  },
  duration: {
    rank: 3, type: () => 'number | bigint',
    words: (value) => `a duration in ${value.unit}`,
    protection: (value) => `numbers only, ${rounded(value)}`,
  },
  time: {
    rank: 3, type: () => 'Date | number | string',
    words: () => 'a date and time', protection: () => 'UTC, without the time zone',
  },
  nanos: {
    rank: 3, type: () => 'bigint | number | string',
    words: () => 'a moment in nanoseconds since 1970', protection: () => 'numbers only',
  },
  hash: {
    rank: 4, type: () => 'string | number | bigint',
    words: () => 'a code that stands for a value',
    protection: () => "hashed on the machine with the installation's own secret; the value itself never leaves it",
  },
  id: {
    rank: 5, type: () => 'string',
    words: (value) => `a technical name, up to ${bytes(value.maxLength)}`,
    protection: () => 'letters, digits and . _ : + - only; dropped when it looks like an address, a path or a secret',
  },
  text: {
    rank: 6, type: () => 'string',
    words: (value) => `text, up to ${bytes(value.maxLength)}`,
    protection: () => 'e-mail addresses, paths, IP addresses and secrets are replaced on the machine',
  },
  attrs: {
    rank: 6, type: () => 'Attributes',
    words: (value) => `up to ${number(value.maxItems ?? 0)} of the attributes listed for this schema`,
    protection: () => 'each by its own kind; no other attribute is read',
  },
  stack: {
    rank: 7, type: () => 'string',
    words: (value) => `where in the code an error happened, up to ${bytes(value.maxLength)}`,
    protection: () => 'reduced to line and column; no file, function or source text',
  },
  content: {
    rank: 8, type: () => 'string | Uint8Array',
    words: (value) => `content, up to ${bytes(value.maxBytes)}`,
    protection: () => 'never part of an ordinary event; needs a consent of its own',
  },
};

/** A kind of a newer version: nothing is promised about it. @type {Kind} */
const UNKNOWN = {
  rank: 9, type: () => 'unknown', words: (value) => `a value of kind "${value.kind}"`, protection: () => 'see docs/schema.md',
};

/** @param {Value} value @returns {Kind} */
function kindOf(value) {
  return Object.hasOwn(KINDS, value.kind) ? KINDS[value.kind] : UNKNOWN;
}

/** @param {Value} value what the value is; of a list, its elements */
function element(value) {
  return value.kind === 'list' && value.of !== undefined ? value.of : value;
}

/** @param {Value} value */
function words(value) {
  const one = kindOf(element(value)).words(element(value));
  return value.kind === 'list' ? `a list of up to ${number(value.max ?? 0)}, each ${one}` : one;
}

/** @param {Value} value */
const protection = (value) => kindOf(element(value)).protection(element(value));

/** @param {Value} value */
function type(value) {
  const one = kindOf(element(value)).type(element(value));
  return value.kind === 'list' ? `ReadonlyArray<${one}>` : one;
}

module.exports = { KINDS, kindOf, element, words, protection, type, literal, number };
