'use strict';
// Values that spans and metrics need: attributes, and nanoseconds of 64 bits.

/** @typedef {import('./area').Area} Area */
/** @typedef {import('./encoders').FieldDescription} FieldDescription */
/** @typedef {import('./encoders').Writer} Writer */

const DIGITS = /^\d{1,20}$/;
const U64_END = 2 ** 64;
const U64_MAX = 0xffffffffffffffffn;
const WORD = 0xffffffffn;
const NO_CAP = 0x7fffffff;
/** As in native/contract/rules_text.c: what is dropped where a text was cut. */
const TRIM_MAX = 256;
/** Something of a type that no attribute takes. */
const BAD = '[]';

/** @param {unknown} v @returns {bigint | number | undefined} */
function nanosOf(v) {
  if (typeof v === 'bigint') return v >= 0n && v <= U64_MAX ? v : undefined;
  if (typeof v === 'number') return Number.isInteger(v) && v >= 0 && v < U64_END ? v : undefined;
  if (typeof v !== 'string' || !DIGITS.test(v)) return undefined;
  const n = BigInt(v);
  return n <= U64_MAX ? n : undefined;
}

/** @param {Area} area @returns {Writer} */
function nanosWriter(area) {
  return (v, at) => {
    const n = nanosOf(v);
    if (n === undefined) return area.refuse();
    if (typeof n === 'number') {
      area.u32[2 * at] = n; // modulo 2^32, exactly
      area.u32[2 * at + 1] = Math.floor(n / 4294967296);
    } else {
      area.u32[2 * at] = Number(n & WORD);
      area.u32[2 * at + 1] = Number(n >> 32n);
    }
    return true;
  };
}

/** A text that is too long to be looked at as a whole: its last word may be half of a secret.
 * @param {string} s @param {number} cap  code units */
function cutText(s, cap) {
  let end = cap;
  while (end > 0 && end > cap - TRIM_MAX && !/\s/.test(s[end - 1])) end--;
  return s.slice(0, end);
}

/**
 * @param {FieldDescription} field @param {(field: FieldDescription) => number} rawCap
 * @returns {(s: string) => string} the part of a string that decides
 */
function shortener(field, rawCap) {
  const cap = rawCap(field);
  if (field.kind === 'text') return (s) => (s.length > cap ? cutText(s, cap) : s);
  return (s) => (s.length > cap ? s.slice(0, cap) : s);
}

/** @param {unknown} v @param {(s: string) => string} shorten */
function valueText(v, shorten) {
  switch (typeof v) {
    case 'string':
      return JSON.stringify(shorten(v));
    case 'number':
      if (Number.isFinite(v)) return String(v);
      return Number.isNaN(v) ? BAD : `${v < 0 ? '-' : ''}1e999`; // an infinity is clamped, as in a field
    case 'boolean':
    case 'bigint':
      return String(v);
    default:
      return BAD;
  }
}

/**
 * Attributes travel as JSON text, which native code reads as it does any payload's. Only those that the
 * schema knows are read here.
 * @param {readonly FieldDescription[]} table  the schema's attributes
 * @param {(field: FieldDescription) => number} rawCap  code units of a string that decide about it
 * @returns {(area: Area) => Writer}
 */
function attributesWriter(table, rawCap) {
  const known = new Map(table.map((field) => [field.name, { key: `${JSON.stringify(field.name)}:`, shorten: shortener(field, rawCap) }]));
  return (area) => (v, at) => {
    if (typeof v !== 'object' || v === null || Array.isArray(v)) return area.refuse();
    let text = '{';
    for (const name of Object.keys(v)) {
      const entry = known.get(name);
      if (entry === undefined) continue;
      const value = /** @type {Record<string, unknown>} */ (v)[name];
      if (value === undefined || value === null) continue;
      if (text !== '{') text += ',';
      text += entry.key + valueText(value, entry.shorten);
    }
    return area.writeString(`${text}}`, 2 * at, NO_CAP);
  };
}

module.exports = { attributesWriter, nanosWriter, nanosOf };
