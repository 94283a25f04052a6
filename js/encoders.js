'use strict';
// One encoder an event type, made of one closure a field from the compiled schema's description. Only
// allowlisted fields are ever read, each of them once, into the staging area; native code applies the
// rules. Closures and no generated code: hosts run with code generation from strings switched off.
// They are made when an event type is first emitted, and what few types need is loaded then.

const { SLOTS, HEAP_AT, CORRELATION_AT, CORRELATION_LEN, CUT } = require('./area');
const { GROUP, readerFor } = require('./readers');

/** @typedef {import('./area').Area} Area */
/**
 * @typedef {object} FieldDescription
 * @property {string} name
 * @property {string} kind
 * @property {string} [of]
 * @property {string[]} [values]
 * @property {number} [maxLength]
 * @property {number} [maxItems]
 *
 * @typedef {object} EventDescription
 * @property {string} name
 * @property {string} category
 * @property {string} level
 * @property {FieldDescription[]} fields
 *
 * @typedef {object} SchemaDescription
 * @property {string} name
 * @property {number} version
 * @property {number} notice
 * @property {string} hash
 * @property {FieldDescription[]} [attributes]
 * @property {EventDescription[]} events
 */

// As in native/contract/limits.h.
const HASH_INPUT_MAX = 8192;
const RAW_TEXT_MAX = 65536;
const BASE_ID_MAX = 128;
const NUMBER_MAX = 1e12;

/** One whole character more than the limit, so that native sees what is over-long. */
const OVER = 4;

/** List elements past the limit that are passed on to be counted. */
const EXTRA_MAX = 64;

/**
 * Writes a value (never undefined or null) into slot `at`; false: refused and counted.
 * @typedef {(value: unknown, at: number) => boolean} Writer
 */

/** The bytes of a raw text that redaction may need to see: it shortens, but not by more than this.
 * @param {number} maxLength */
function rawCap(maxLength) {
  return Math.min(RAW_TEXT_MAX, 4 * maxLength + 1024);
}

/** A number as the text that is hashed, the same as native makes of a JSON number; undefined: none.
 * @param {number} n */
function numberText(n) {
  if (!(Math.abs(n) <= Number.MAX_SAFE_INTEGER)) return undefined;
  if (Number.isInteger(n)) return String(n);
  if (Math.abs(n) > NUMBER_MAX) return String(Math.trunc(n));
  const text = n.toFixed(6).replace(/\.?0+$/, '');
  return text === '-0' ? '0' : text;
}

/** @type {Record<string, (area: Area, field: FieldDescription) => Writer>} */
const WRITERS = {
  number: (area) => (v, at) => {
    const n = typeof v === 'bigint' ? Number(v) : v;
    if (typeof n !== 'number') return area.refuse();
    area.f64[at] = n; // NaN is counted by native
    return true;
  },

  bool: (area) => (v, at) => {
    if (typeof v !== 'boolean') return area.refuse();
    area.f64[at] = v ? 1 : 0;
    return true;
  },

  time: (area) => {
    const { parseTime } = require('./time');
    return (v, at) => {
      let ms = NaN;
      if (typeof v === 'number') ms = v;
      else if (typeof v === 'string') ms = parseTime(v);
      else if (typeof v === 'bigint') ms = Number(v);
      else if (v instanceof Date) ms = v.getTime();
      area.f64[at] = ms;
      return true;
    };
  },

  nanos: (area) => require('./attributes').nanosWriter(area),

  enum: (area, field) => {
    const index = new Map((field.values ?? []).map((value, i) => [value, i]));
    return (v, at) => {
      if (typeof v !== 'string') return area.refuse();
      area.f64[at] = index.get(v) ?? -1;
      return true;
    };
  },

  hash: (area) => (v, at) => {
    let text;
    if (typeof v === 'string') text = v;
    else if (typeof v === 'number') text = numberText(v);
    else if (typeof v === 'bigint') text = String(v);
    return text === undefined ? area.refuse() : area.writeString(text, 2 * at, HASH_INPUT_MAX + OVER);
  },

  // Never read beyond "is there something": content does not travel in ordinary events.
  content: (area) => (_, at) => {
    area.u32[2 * at] = HEAP_AT;
    area.u32[2 * at + 1] = 0;
    return true;
  },
};

/** @param {(field: FieldDescription) => number} capOf */
function stringWriter(capOf) {
  return (/** @type {Area} */ area, /** @type {FieldDescription} */ field) => {
    const cap = capOf(field);
    return (/** @type {unknown} */ v, /** @type {number} */ at) =>
      (typeof v === 'string' ? area.writeString(v, 2 * at, cap) : area.refuse());
  };
}

WRITERS.int = WRITERS.duration = WRITERS.bucket = WRITERS.number;
WRITERS.id = stringWriter((field) => (field.maxLength ?? BASE_ID_MAX) + OVER);
WRITERS.text = WRITERS.stack = stringWriter((field) => rawCap(field.maxLength ?? RAW_TEXT_MAX));

/** How much of an attribute's string decides about it. @param {FieldDescription} field */
function attributeCap(field) {
  if (field.kind === 'text') return rawCap(field.maxLength ?? RAW_TEXT_MAX);
  return field.kind === 'hash' ? HASH_INPUT_MAX + OVER : BASE_ID_MAX + OVER;
}

/** @param {Area} area @param {FieldDescription} field @returns {Writer} */
function listWriter(area, field) {
  const make = WRITERS[field.of ?? ''];
  if (make === undefined) return () => area.refuse();
  const write = make(area, field);
  const max = field.maxItems ?? 0;
  return (v, at) => {
    if (!Array.isArray(v)) return area.refuse();
    const length = v.length;
    const inside = Math.min(length, max);
    const first = area.takeSlots(inside + Math.min(length - inside, EXTRA_MAX));
    if (first < 0) return true; // the whole event is refused
    let n = 0;
    for (let i = 0; i < inside; i++) {
      const element = v[i];
      if (element !== undefined && element !== null && write(element, first + n)) n++;
    }
    // Native counts elements by position: those over the limit may not move into a gap.
    if (n === inside && n > 0) {
      for (let i = inside; i < length && i < inside + EXTRA_MAX; i++, n++) {
        area.f64.copyWithin(first + n, first, first + 1);
      }
    }
    return area.writeList(2 * at, first, n);
  };
}

/**
 * @param {Area} area
 * @param {{correlationId?: unknown} | undefined} meta
 */
function writeCorrelation(area, meta) {
  const id = meta === undefined || meta === null ? undefined : meta.correlationId;
  area.u32[CORRELATION_LEN] = 0;
  if (id === undefined || id === null) return;
  if (typeof id !== 'string') {
    area.refuse();
    return;
  }
  area.writeString(id, CORRELATION_AT, BASE_ID_MAX + OVER);
  area.u32[CORRELATION_LEN] &= ~CUT; // a plain length: what is over-long is no id and left out
}

/**
 * Encodes one event into the area. Throws what a getter or a Proxy throws.
 * @typedef {(payload: any, meta: {correlationId?: unknown} | undefined) => void} Encoder
 */

/** @typedef {(area: Area) => Writer} MakeAttributes */

/** @param {Area} area @param {FieldDescription} field @param {MakeAttributes} attributes @returns {Writer} */
function makeWriter(area, field, attributes) {
  if (field.kind === 'attrs') return attributes(area);
  const make = field.kind === 'list' ? listWriter : WRITERS[field.kind];
  // A kind of a newer schema: the allowlist has no rule for it here.
  return make === undefined ? () => area.refuse() : make(area, field);
}

/**
 * The fields first.. of an event, up to GROUP of them; the result encodes them and says as bits, the
 * lowest for the first, which are present.
 * @param {Area} area @param {FieldDescription[]} fields @param {number} first @param {MakeAttributes} attributes
 * @returns {(payload: any) => number}
 */
function makeGroup(area, fields, first, attributes) {
  const { f64 } = area;
  const group = fields.slice(first, first + GROUP);
  const keys = group.map((field) => field.name);
  const writers = group.map((field) => makeWriter(area, field, attributes));
  const numeric = group.map((field) => WRITERS[field.kind] === WRITERS.number);
  const read = readerFor(keys);
  const count = group.length;
  /** @type {unknown[]} */
  const values = new Array(GROUP).fill(undefined);
  return (payload) => {
    let present = 0;
    read(payload, keys, values, count);
    for (let i = 0; i < count; i++) {
      const v = values[i];
      if (numeric[i] && typeof v === 'number') { // the common case without a call
        f64[SLOTS + first + i] = v;
      } else if (v === undefined || v === null) {
        continue;
      } else {
        values[i] = undefined; // holds on to nothing of the host's
        if (!writers[i](v, SLOTS + first + i)) continue;
      }
      present |= 1 << i;
    }
    return present;
  };
}

/**
 * @param {Area} area @param {EventDescription} event @param {number} index @param {MakeAttributes} attributes
 * @returns {Encoder}
 */
function makeEncoder(area, event, index, attributes) {
  /** @type {((payload: any) => number)[] | undefined} */
  let groups; // made at the first use: readers are few
  const begin = () => {
    const made = [];
    for (let at = 0; at < event.fields.length; at += GROUP) made.push(makeGroup(area, event.fields, at, attributes));
    return made;
  };
  return (payload, meta) => {
    let lo = 0;
    let hi = 0;
    area.reset();
    if (payload !== undefined && payload !== null) {
      if (groups === undefined) groups = begin();
      for (let g = 0; g < groups.length; g++) {
        const present = groups[g](payload);
        if (g < 4) lo |= present << (GROUP * g);
        else hi |= present << (GROUP * (g - 4));
      }
    }
    writeCorrelation(area, meta);
    area.finish(index, lo, hi);
  };
}

/**
 * @param {SchemaDescription} schema
 * @param {Area} area
 * @returns {Map<string, Encoder>}
 */
function makeEncoders(schema, area) {
  /** @type {MakeAttributes | undefined} */
  let made;
  /** @type {MakeAttributes} */
  const attributes = (own) => (made ??= require('./attributes').attributesWriter(schema.attributes ?? [], attributeCap))(own);
  return new Map(schema.events.map((event, index) => [event.name, makeEncoder(area, event, index, attributes)]));
}

module.exports = { makeEncoders };
