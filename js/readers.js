'use strict';
// Reading up to eight properties of a payload, each once, in order, into an array.
//
// V8 keeps what it learns about a property access by the place in the source text. One loop over all
// fields of all event types learns nothing (16 ns a field, a hash lookup); a copy of the text for each
// group of fields learns that group's shape (under 5 ns). Code generated at run time would do the same,
// but hosts switch that off. Hence the copies: they are the same to the letter, and only that many event
// types get one; those that come later take the loop.

/** Properties that one reader reads. */
const GROUP = 8;

/** @typedef {(payload: any, keys: readonly string[], values: unknown[], count: number) => void} Reader */

/** @type {Reader[]} */
const COPIES = [
  (p, k, v, n) => { if (n > 0) v[0] = p[k[0]]; if (n > 1) v[1] = p[k[1]]; if (n > 2) v[2] = p[k[2]]; if (n > 3) v[3] = p[k[3]]; if (n > 4) v[4] = p[k[4]]; if (n > 5) v[5] = p[k[5]]; if (n > 6) v[6] = p[k[6]]; if (n > 7) v[7] = p[k[7]]; },
  (p, k, v, n) => { if (n > 0) v[0] = p[k[0]]; if (n > 1) v[1] = p[k[1]]; if (n > 2) v[2] = p[k[2]]; if (n > 3) v[3] = p[k[3]]; if (n > 4) v[4] = p[k[4]]; if (n > 5) v[5] = p[k[5]]; if (n > 6) v[6] = p[k[6]]; if (n > 7) v[7] = p[k[7]]; },
  (p, k, v, n) => { if (n > 0) v[0] = p[k[0]]; if (n > 1) v[1] = p[k[1]]; if (n > 2) v[2] = p[k[2]]; if (n > 3) v[3] = p[k[3]]; if (n > 4) v[4] = p[k[4]]; if (n > 5) v[5] = p[k[5]]; if (n > 6) v[6] = p[k[6]]; if (n > 7) v[7] = p[k[7]]; },
  (p, k, v, n) => { if (n > 0) v[0] = p[k[0]]; if (n > 1) v[1] = p[k[1]]; if (n > 2) v[2] = p[k[2]]; if (n > 3) v[3] = p[k[3]]; if (n > 4) v[4] = p[k[4]]; if (n > 5) v[5] = p[k[5]]; if (n > 6) v[6] = p[k[6]]; if (n > 7) v[7] = p[k[7]]; },
  (p, k, v, n) => { if (n > 0) v[0] = p[k[0]]; if (n > 1) v[1] = p[k[1]]; if (n > 2) v[2] = p[k[2]]; if (n > 3) v[3] = p[k[3]]; if (n > 4) v[4] = p[k[4]]; if (n > 5) v[5] = p[k[5]]; if (n > 6) v[6] = p[k[6]]; if (n > 7) v[7] = p[k[7]]; },
  (p, k, v, n) => { if (n > 0) v[0] = p[k[0]]; if (n > 1) v[1] = p[k[1]]; if (n > 2) v[2] = p[k[2]]; if (n > 3) v[3] = p[k[3]]; if (n > 4) v[4] = p[k[4]]; if (n > 5) v[5] = p[k[5]]; if (n > 6) v[6] = p[k[6]]; if (n > 7) v[7] = p[k[7]]; },
  (p, k, v, n) => { if (n > 0) v[0] = p[k[0]]; if (n > 1) v[1] = p[k[1]]; if (n > 2) v[2] = p[k[2]]; if (n > 3) v[3] = p[k[3]]; if (n > 4) v[4] = p[k[4]]; if (n > 5) v[5] = p[k[5]]; if (n > 6) v[6] = p[k[6]]; if (n > 7) v[7] = p[k[7]]; },
  (p, k, v, n) => { if (n > 0) v[0] = p[k[0]]; if (n > 1) v[1] = p[k[1]]; if (n > 2) v[2] = p[k[2]]; if (n > 3) v[3] = p[k[3]]; if (n > 4) v[4] = p[k[4]]; if (n > 5) v[5] = p[k[5]]; if (n > 6) v[6] = p[k[6]]; if (n > 7) v[7] = p[k[7]]; },
  (p, k, v, n) => { if (n > 0) v[0] = p[k[0]]; if (n > 1) v[1] = p[k[1]]; if (n > 2) v[2] = p[k[2]]; if (n > 3) v[3] = p[k[3]]; if (n > 4) v[4] = p[k[4]]; if (n > 5) v[5] = p[k[5]]; if (n > 6) v[6] = p[k[6]]; if (n > 7) v[7] = p[k[7]]; },
  (p, k, v, n) => { if (n > 0) v[0] = p[k[0]]; if (n > 1) v[1] = p[k[1]]; if (n > 2) v[2] = p[k[2]]; if (n > 3) v[3] = p[k[3]]; if (n > 4) v[4] = p[k[4]]; if (n > 5) v[5] = p[k[5]]; if (n > 6) v[6] = p[k[6]]; if (n > 7) v[7] = p[k[7]]; },
  (p, k, v, n) => { if (n > 0) v[0] = p[k[0]]; if (n > 1) v[1] = p[k[1]]; if (n > 2) v[2] = p[k[2]]; if (n > 3) v[3] = p[k[3]]; if (n > 4) v[4] = p[k[4]]; if (n > 5) v[5] = p[k[5]]; if (n > 6) v[6] = p[k[6]]; if (n > 7) v[7] = p[k[7]]; },
  (p, k, v, n) => { if (n > 0) v[0] = p[k[0]]; if (n > 1) v[1] = p[k[1]]; if (n > 2) v[2] = p[k[2]]; if (n > 3) v[3] = p[k[3]]; if (n > 4) v[4] = p[k[4]]; if (n > 5) v[5] = p[k[5]]; if (n > 6) v[6] = p[k[6]]; if (n > 7) v[7] = p[k[7]]; },
  (p, k, v, n) => { if (n > 0) v[0] = p[k[0]]; if (n > 1) v[1] = p[k[1]]; if (n > 2) v[2] = p[k[2]]; if (n > 3) v[3] = p[k[3]]; if (n > 4) v[4] = p[k[4]]; if (n > 5) v[5] = p[k[5]]; if (n > 6) v[6] = p[k[6]]; if (n > 7) v[7] = p[k[7]]; },
  (p, k, v, n) => { if (n > 0) v[0] = p[k[0]]; if (n > 1) v[1] = p[k[1]]; if (n > 2) v[2] = p[k[2]]; if (n > 3) v[3] = p[k[3]]; if (n > 4) v[4] = p[k[4]]; if (n > 5) v[5] = p[k[5]]; if (n > 6) v[6] = p[k[6]]; if (n > 7) v[7] = p[k[7]]; },
  (p, k, v, n) => { if (n > 0) v[0] = p[k[0]]; if (n > 1) v[1] = p[k[1]]; if (n > 2) v[2] = p[k[2]]; if (n > 3) v[3] = p[k[3]]; if (n > 4) v[4] = p[k[4]]; if (n > 5) v[5] = p[k[5]]; if (n > 6) v[6] = p[k[6]]; if (n > 7) v[7] = p[k[7]]; },
  (p, k, v, n) => { if (n > 0) v[0] = p[k[0]]; if (n > 1) v[1] = p[k[1]]; if (n > 2) v[2] = p[k[2]]; if (n > 3) v[3] = p[k[3]]; if (n > 4) v[4] = p[k[4]]; if (n > 5) v[5] = p[k[5]]; if (n > 6) v[6] = p[k[6]]; if (n > 7) v[7] = p[k[7]]; },
  (p, k, v, n) => { if (n > 0) v[0] = p[k[0]]; if (n > 1) v[1] = p[k[1]]; if (n > 2) v[2] = p[k[2]]; if (n > 3) v[3] = p[k[3]]; if (n > 4) v[4] = p[k[4]]; if (n > 5) v[5] = p[k[5]]; if (n > 6) v[6] = p[k[6]]; if (n > 7) v[7] = p[k[7]]; },
  (p, k, v, n) => { if (n > 0) v[0] = p[k[0]]; if (n > 1) v[1] = p[k[1]]; if (n > 2) v[2] = p[k[2]]; if (n > 3) v[3] = p[k[3]]; if (n > 4) v[4] = p[k[4]]; if (n > 5) v[5] = p[k[5]]; if (n > 6) v[6] = p[k[6]]; if (n > 7) v[7] = p[k[7]]; },
  (p, k, v, n) => { if (n > 0) v[0] = p[k[0]]; if (n > 1) v[1] = p[k[1]]; if (n > 2) v[2] = p[k[2]]; if (n > 3) v[3] = p[k[3]]; if (n > 4) v[4] = p[k[4]]; if (n > 5) v[5] = p[k[5]]; if (n > 6) v[6] = p[k[6]]; if (n > 7) v[7] = p[k[7]]; },
  (p, k, v, n) => { if (n > 0) v[0] = p[k[0]]; if (n > 1) v[1] = p[k[1]]; if (n > 2) v[2] = p[k[2]]; if (n > 3) v[3] = p[k[3]]; if (n > 4) v[4] = p[k[4]]; if (n > 5) v[5] = p[k[5]]; if (n > 6) v[6] = p[k[6]]; if (n > 7) v[7] = p[k[7]]; },
  (p, k, v, n) => { if (n > 0) v[0] = p[k[0]]; if (n > 1) v[1] = p[k[1]]; if (n > 2) v[2] = p[k[2]]; if (n > 3) v[3] = p[k[3]]; if (n > 4) v[4] = p[k[4]]; if (n > 5) v[5] = p[k[5]]; if (n > 6) v[6] = p[k[6]]; if (n > 7) v[7] = p[k[7]]; },
  (p, k, v, n) => { if (n > 0) v[0] = p[k[0]]; if (n > 1) v[1] = p[k[1]]; if (n > 2) v[2] = p[k[2]]; if (n > 3) v[3] = p[k[3]]; if (n > 4) v[4] = p[k[4]]; if (n > 5) v[5] = p[k[5]]; if (n > 6) v[6] = p[k[6]]; if (n > 7) v[7] = p[k[7]]; },
  (p, k, v, n) => { if (n > 0) v[0] = p[k[0]]; if (n > 1) v[1] = p[k[1]]; if (n > 2) v[2] = p[k[2]]; if (n > 3) v[3] = p[k[3]]; if (n > 4) v[4] = p[k[4]]; if (n > 5) v[5] = p[k[5]]; if (n > 6) v[6] = p[k[6]]; if (n > 7) v[7] = p[k[7]]; },
  (p, k, v, n) => { if (n > 0) v[0] = p[k[0]]; if (n > 1) v[1] = p[k[1]]; if (n > 2) v[2] = p[k[2]]; if (n > 3) v[3] = p[k[3]]; if (n > 4) v[4] = p[k[4]]; if (n > 5) v[5] = p[k[5]]; if (n > 6) v[6] = p[k[6]]; if (n > 7) v[7] = p[k[7]]; },
  (p, k, v, n) => { if (n > 0) v[0] = p[k[0]]; if (n > 1) v[1] = p[k[1]]; if (n > 2) v[2] = p[k[2]]; if (n > 3) v[3] = p[k[3]]; if (n > 4) v[4] = p[k[4]]; if (n > 5) v[5] = p[k[5]]; if (n > 6) v[6] = p[k[6]]; if (n > 7) v[7] = p[k[7]]; },
  (p, k, v, n) => { if (n > 0) v[0] = p[k[0]]; if (n > 1) v[1] = p[k[1]]; if (n > 2) v[2] = p[k[2]]; if (n > 3) v[3] = p[k[3]]; if (n > 4) v[4] = p[k[4]]; if (n > 5) v[5] = p[k[5]]; if (n > 6) v[6] = p[k[6]]; if (n > 7) v[7] = p[k[7]]; },
  (p, k, v, n) => { if (n > 0) v[0] = p[k[0]]; if (n > 1) v[1] = p[k[1]]; if (n > 2) v[2] = p[k[2]]; if (n > 3) v[3] = p[k[3]]; if (n > 4) v[4] = p[k[4]]; if (n > 5) v[5] = p[k[5]]; if (n > 6) v[6] = p[k[6]]; if (n > 7) v[7] = p[k[7]]; },
  (p, k, v, n) => { if (n > 0) v[0] = p[k[0]]; if (n > 1) v[1] = p[k[1]]; if (n > 2) v[2] = p[k[2]]; if (n > 3) v[3] = p[k[3]]; if (n > 4) v[4] = p[k[4]]; if (n > 5) v[5] = p[k[5]]; if (n > 6) v[6] = p[k[6]]; if (n > 7) v[7] = p[k[7]]; },
  (p, k, v, n) => { if (n > 0) v[0] = p[k[0]]; if (n > 1) v[1] = p[k[1]]; if (n > 2) v[2] = p[k[2]]; if (n > 3) v[3] = p[k[3]]; if (n > 4) v[4] = p[k[4]]; if (n > 5) v[5] = p[k[5]]; if (n > 6) v[6] = p[k[6]]; if (n > 7) v[7] = p[k[7]]; },
  (p, k, v, n) => { if (n > 0) v[0] = p[k[0]]; if (n > 1) v[1] = p[k[1]]; if (n > 2) v[2] = p[k[2]]; if (n > 3) v[3] = p[k[3]]; if (n > 4) v[4] = p[k[4]]; if (n > 5) v[5] = p[k[5]]; if (n > 6) v[6] = p[k[6]]; if (n > 7) v[7] = p[k[7]]; },
  (p, k, v, n) => { if (n > 0) v[0] = p[k[0]]; if (n > 1) v[1] = p[k[1]]; if (n > 2) v[2] = p[k[2]]; if (n > 3) v[3] = p[k[3]]; if (n > 4) v[4] = p[k[4]]; if (n > 5) v[5] = p[k[5]]; if (n > 6) v[6] = p[k[6]]; if (n > 7) v[7] = p[k[7]]; },
  (p, k, v, n) => { if (n > 0) v[0] = p[k[0]]; if (n > 1) v[1] = p[k[1]]; if (n > 2) v[2] = p[k[2]]; if (n > 3) v[3] = p[k[3]]; if (n > 4) v[4] = p[k[4]]; if (n > 5) v[5] = p[k[5]]; if (n > 6) v[6] = p[k[6]]; if (n > 7) v[7] = p[k[7]]; },
];

/** Readers taken, by the names they read: clients with the same schema share them. @type {Map<string, Reader>} */
const taken = new Map();

/** @type {Reader} */
function readAny(payload, keys, values, count) {
  for (let i = 0; i < count; i++) values[i] = payload[keys[i]];
}

/** For names that every object inherits, such as "constructor": the payload's own or absent. @type {Reader} */
function readOwn(payload, keys, values, count) {
  for (let i = 0; i < count; i++) {
    values[i] = Object.prototype.hasOwnProperty.call(payload, keys[i]) ? payload[keys[i]] : undefined;
  }
}

/** @param {readonly string[]} keys  at most GROUP @returns {Reader} */
function readerFor(keys) {
  if (keys.some((key) => key in Object.prototype)) return readOwn;
  const name = keys.join('\0');
  let reader = taken.get(name);
  if (reader === undefined && taken.size < COPIES.length) {
    reader = COPIES[taken.size];
    taken.set(name, reader);
  }
  return reader ?? readAny;
}

module.exports = { GROUP, readerFor };
