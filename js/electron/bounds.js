'use strict';
// What a renderer or utility process may send: its data is checked here before anything else looks at it,
// because a page that was taken over sends what it likes.

/** Characters of all strings and keys of one payload. The largest event of the default catalogue, a FileSnapshot, has a million. */
const PAYLOAD_CHARS_MAX = 2097152;
/** Values of one payload, lists and objects included. */
const PAYLOAD_VALUES_MAX = 2048;
/** Objects and lists in one another; a payload is flat but for lists and attributes. */
const PAYLOAD_DEPTH_MAX = 4;
/** An event type, as CANDOR_NAME_MAX. */
const TYPE_CHARS_MAX = 64;
/** Events of one sender: at once, and a second after that. */
const EMIT_BURST = 500;
const EMIT_PER_SECOND = 200;
/** Characters of one sender's events: at once, and a second after that. */
const CHARS_BURST = 8388608;
const CHARS_PER_SECOND = 1048576;
/** Calls other than emit of one sender: at once, and a second after that. Some of them read files. */
const CALL_BURST = 60;
const CALL_PER_SECOND = 10;

/** Names that reach an object's prototype where somebody merges what came in. */
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Why something was refused.
 * @typedef {'sender' | 'rate' | 'too_large' | 'too_deep' | 'too_many' | 'bad_key' | 'bad_payload' | 'event' |
 *   'unknown_method' | 'bad_argument'} Refusal
 */

/** @type {readonly Refusal[]} */
const REFUSALS = ['sender', 'rate', 'too_large', 'too_deep', 'too_many', 'bad_key', 'bad_payload', 'event', 'unknown_method', 'bad_argument'];

/** @param {object} value */
function isPlain(value) {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Array.isArray(value);
}

/**
 * Size of a payload that came by structured clone, or why it is refused.
 * @param {unknown} payload
 * @returns {{chars: number, refusal: Refusal | null}}
 */
function measure(payload) {
  let chars = 0;
  let values = 0;
  /** @type {(refusal: Refusal | null) => {chars: number, refusal: Refusal | null}} */
  const result = (refusal) => ({ chars, refusal });
  if (payload === undefined || payload === null) return result(null);
  if (payload === 'too_large') return result('too_large'); // the preload's word for what it did not send
  if (typeof payload !== 'object' || Array.isArray(payload)) return result('bad_payload');
  /** @type {{value: unknown, depth: number}[]} */
  const open = [{ value: payload, depth: 1 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, depth } = next;
    if (++values + open.length > PAYLOAD_VALUES_MAX) return result('too_many');
    if (typeof value === 'string') chars += value.length;
    if (typeof value === 'object' && value !== null && !(value instanceof Date)) {
      if (!isPlain(value)) return result('bad_payload'); // a Map, a buffer: no field takes them
      if (depth > PAYLOAD_DEPTH_MAX) return result('too_deep');
      if (Array.isArray(value)) {
        if (value.length > PAYLOAD_VALUES_MAX) return result('too_many');
        for (const inner of value) open.push({ value: inner, depth: depth + 1 });
      } else {
        for (const key in value) {
          if (FORBIDDEN_KEYS.has(key)) return result('bad_key');
          chars += key.length;
          open.push({ value: /** @type {any} */ (value)[key], depth: depth + 1 });
          if (open.length > PAYLOAD_VALUES_MAX) return result('too_many');
        }
      }
    }
    if (chars > PAYLOAD_CHARS_MAX) return result('too_large');
  }
  return result(null);
}

/** Lets `burst` through at once and `perSecond` after that. */
class Bucket {
  #burst;
  #perMs;
  #level;
  #at;
  #now;

  /** @param {number} burst @param {number} perSecond @param {() => number} now  milliseconds, for tests */
  constructor(burst, perSecond, now = () => performance.now()) {
    this.#burst = burst;
    this.#perMs = perSecond / 1000;
    this.#level = burst;
    this.#now = now;
    this.#at = now();
  }

  /** @param {number} amount @returns {boolean} false: too much for now, and nothing was taken */
  take(amount) {
    const now = this.#now();
    this.#level = Math.min(this.#burst, this.#level + (now - this.#at) * this.#perMs);
    this.#at = now;
    if (amount > this.#level) return false;
    this.#level -= amount;
    return true;
  }
}

/** The allowance of one sender. @param {() => number} [now] */
function allowance(now) {
  return {
    emits: new Bucket(EMIT_BURST, EMIT_PER_SECOND, now),
    chars: new Bucket(CHARS_BURST, CHARS_PER_SECOND, now),
    calls: new Bucket(CALL_BURST, CALL_PER_SECOND, now),
  };
}

/** @typedef {ReturnType<typeof allowance>} Allowance */

module.exports = { REFUSALS, TYPE_CHARS_MAX, FORBIDDEN_KEYS, Bucket, allowance, isPlain, measure };
