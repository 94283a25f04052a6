'use strict';
// Which span is active, also across awaits and callbacks; trace and span ids; W3C Trace Context.

/**
 * @typedef {object} SpanContext
 * @property {string} traceId  32 lower-case hex digits
 * @property {string} spanId  16 lower-case hex digits
 */
/** @typedef {SpanContext & {correlation?: {correlationId: string}}} ActiveSpan */

/** `used` keeps the cost away from hosts that make no spans: emit reads it and nothing else. */
const state = { used: false };

/** @type {import('node:async_hooks').AsyncLocalStorage<ActiveSpan> | undefined} */
let storage;

/** Loaded at the first span: following async calls costs every promise of the process a little. */
function openStorage() {
  if (storage === undefined) {
    const { AsyncLocalStorage } = require('node:async_hooks');
    storage = new AsyncLocalStorage();
    state.used = true;
  }
  return storage;
}

/** @returns {ActiveSpan | undefined} */
function activeSpan() {
  return storage?.getStore();
}

/**
 * Call fn with the span active, also for what it starts and awaits.
 * @template T @param {ActiveSpan} span @param {() => T} fn @returns {T}
 */
function runWith(span, fn) {
  return openStorage().run(span, fn);
}

/**
 * The meta of an emit: the active span's trace id is the correlation id where none is given.
 * @template {{correlationId?: unknown} | null | undefined} M
 * @param {M} meta
 * @returns {M | {correlationId: string} | undefined}
 */
function correlated(meta) {
  if (meta !== undefined && meta !== null && meta.correlationId !== undefined && meta.correlationId !== null) return meta;
  return activeSpan()?.correlation ?? meta;
}

/** Random bytes are drawn in blocks: one draw an id would cost more than the span. */
const POOL_BYTES = 1024;
/** Made at the first span, like node:crypto, which a host without spans need not pay for. @type {Buffer | undefined} */
let pool;
let drawn = POOL_BYTES;

/** @param {number} bytes */
function randomHex(bytes) {
  for (;;) {
    if (pool === undefined || drawn + bytes > POOL_BYTES) {
      pool = require('node:crypto').randomFillSync(pool ?? Buffer.alloc(POOL_BYTES));
      drawn = 0;
    }
    const hex = pool.toString('hex', drawn, drawn + bytes);
    drawn += bytes;
    if (/[a-f]/.test(hex)) return hex; // see plainId; also never all zeros
  }
}

const newTraceId = () => randomHex(16);
const newSpanId = () => randomHex(8);

/**
 * An id as the schema's `id` takes it. One of digits only reads like the number of a card, which no id
 * may: its first digit becomes a letter, always the same one.
 * @param {string} hex
 */
function plainId(hex) {
  return /^\d+$/.test(hex) ? String.fromCharCode(97 + Number(hex[0]) % 6) + hex.slice(1) : hex;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/**
 * W3C Trace Context, level 1: `00-<trace id>-<span id>-<flags>`. A later version may have more parts.
 * @param {unknown} text
 * @returns {(SpanContext & {sampled: boolean}) | undefined} undefined: not a valid header
 */
function parseTraceparent(text) {
  const m = typeof text === 'string' && text.length <= 512 ? TRACEPARENT.exec(text.trim()) : null;
  if (m === null || m[1] === 'ff' || (m[1] === '00' && m[5] !== undefined)) return undefined;
  if (/^0+$/.test(m[2]) || /^0+$/.test(m[3])) return undefined;
  return { traceId: m[2], spanId: m[3], sampled: (parseInt(m[4], 16) & 1) === 1 };
}

/** @param {SpanContext & {sampled?: boolean}} context */
function formatTraceparent({ traceId, spanId, sampled = true }) {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
}

module.exports = {
  state, activeSpan, runWith, correlated, newTraceId, newSpanId, plainId, parseTraceparent, formatTraceparent,
};
