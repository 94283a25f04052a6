'use strict';
// Metrics and spans: the events `metric` and `span` of the schema, with the bookkeeping that a span needs
// between its start and its end. Nothing here throws at the host.

const context = require('./context');
const { errorFields } = require('./capture');
const { internalsOf } = require('./internals');
const { nanosOf } = require('./attributes');

/** @typedef {import('./context').SpanContext} SpanContext */
/** A client of any schema. @typedef {{emit: (type: any, payload?: any, meta?: any) => boolean}} Emitter */
/** @typedef {string | number | boolean | bigint | null | undefined} AttributeValue */
/** @typedef {Readonly<Record<string, AttributeValue>>} Attributes  Those of the schema are kept */
/** @typedef {'internal' | 'server' | 'client' | 'producer' | 'consumer'} SpanKind */
/** @typedef {'unset' | 'ok' | 'error'} SpanStatus */
/**
 * @typedef {object} SpanOptions
 * @property {Attributes} [attrs]
 * @property {SpanKind} [kind]  default: internal
 * @property {SpanContext | string | null} [parent]  A span, its context or a traceparent header; null: a new trace.
 *   Default: the active span
 *
 * @typedef {SpanOptions & {ids?: {traceId?: string, spanId?: string}, startNs?: bigint}} GivenSpan
 *
 * @typedef {object} MetricOptions
 * @property {string} [unit]
 * @property {'gauge' | 'counter' | 'histogram'} [type]  default: gauge
 */

/** Longest string that an attribute holds on to, in code units: one more than is ever looked at. */
const VALUE_MAX = 65537;
/** Spans begun by recordEvent and not ended; beyond it the oldest is recorded without an end. */
const OPEN_MAX = 4096;

const MS = 1000000n; // nanoseconds

/** @param {unknown} v @returns {v is Exclude<AttributeValue, null | undefined>} */
function isScalar(v) {
  return typeof v === 'string' || typeof v === 'number' || typeof v === 'boolean' || typeof v === 'bigint';
}

/** @param {unknown} parent @returns {SpanContext | undefined} */
function parentOf(parent) {
  if (parent === undefined) return context.activeSpan();
  if (typeof parent === 'string') return context.parseTraceparent(parent);
  if (parent === null || typeof parent !== 'object') return undefined;
  const { traceId, spanId } = /** @type {any} */ (parent);
  if (idOf(traceId, /^[0-9a-f]{32}$/) === undefined || idOf(spanId, /^[0-9a-f]{16}$/) === undefined) return undefined;
  return parent instanceof Span ? parent : { traceId, spanId };
}

/** Spans of one trace in one process share a clock: setting the system's does not tear them apart. */
class Clock {
  #wall = BigInt(Date.now()) * MS;
  #mono = performance.now();

  /** Nanoseconds since 1970. */
  now() {
    return this.#wall + BigInt(Math.round((performance.now() - this.#mono) * 1e6));
  }
}

class Span {
  /** @type {Emitter} */
  #client;
  #allowed;
  #name;
  #kind;
  /** @type {Record<string, unknown>} */
  #attrs = {};
  /** @type {SpanStatus} */
  #status = 'unset';
  /** @type {Clock} */
  #clock;
  /** @type {bigint} */
  #startNs;
  #ended = false;

  /**
   * Use `client.startSpan`.
   * @param {Emitter} client @param {string} name @param {GivenSpan} options
   */
  constructor(client, name, { attrs, kind, parent, ids, startNs }) {
    const above = parentOf(parent);
    this.#client = client;
    this.#allowed = internalsOf(client).attributes;
    this.#name = name;
    this.#kind = kind ?? 'internal';
    this.#clock = above instanceof Span ? above.#clock : new Clock();
    this.#startNs = typeof startNs === 'bigint' ? startNs : this.#clock.now();
    /** @readonly */
    this.traceId = context.plainId(ids?.traceId ?? above?.traceId ?? context.newTraceId());
    /** @readonly */
    this.spanId = context.plainId(ids?.spanId ?? context.newSpanId());
    /** @readonly @type {string | undefined} */
    this.parentId = above === undefined ? undefined : context.plainId(above.spanId);
    /** What emits inside the span are correlated with. @readonly */
    this.correlation = { correlationId: this.traceId };
    this.setAttributes(attrs);
  }

  /** What a callee needs to make its spans children of this one. @returns {SpanContext} */
  get context() {
    return { traceId: this.traceId, spanId: this.spanId };
  }

  /** The same as a W3C traceparent header. */
  get traceparent() {
    return context.formatTraceparent(this);
  }

  /** @param {string} name  One of the schema's attributes; others are not kept @param {AttributeValue} value */
  setAttribute(name, value) {
    if (!this.#ended && this.#allowed.has(name) && isScalar(value)) {
      this.#attrs[name] = typeof value === 'string' && value.length > VALUE_MAX ? value.slice(0, VALUE_MAX) : value;
    }
    return this;
  }

  /** @param {Attributes | null} [attributes] */
  setAttributes(attributes) {
    try {
      for (const name of Object.keys(attributes ?? {})) {
        if (this.#allowed.has(name)) this.setAttribute(name, /** @type {Attributes} */ (attributes)[name]);
      }
    } catch {
      // A getter or a Proxy of the host's.
    }
    return this;
  }

  /** @param {SpanStatus} status */
  setStatus(status) {
    if (!this.#ended) this.#status = status;
    return this;
  }

  /**
   * The span has failed. The error itself becomes an event `Error` of the same correlation id, once,
   * however many spans it passes through.
   * @param {unknown} error
   */
  recordError(error) {
    if (this.#ended) return this;
    const fields = errorFields(error);
    this.setStatus('error').setAttribute('error.type', fields.errorType);
    if (internalsOf(this.#client).hasEvent('Error') && !alreadySeen(this.#client, error)) {
      this.#client.emit('Error', fields, this.correlation);
    }
    return this;
  }

  /**
   * Record the span. Only the first call counts.
   * @param {{endNs?: bigint}} [options]
   * @returns {boolean} whether it was kept
   */
  end(options) {
    if (this.#ended) return false;
    let given;
    try {
      given = options?.endNs;
    } catch {
      // A getter of the host's: the span ends now.
    }
    return this.#record(typeof given === 'bigint' ? given : this.#clock.now());
  }

  /** Record it although its end is not known. */
  abandon() {
    return !this.#ended && this.#record(undefined);
  }

  /** @param {bigint | undefined} endNs */
  #record(endNs) {
    this.#ended = true;
    const start = this.#startNs;
    return this.#client.emit('span', {
      traceId: this.traceId,
      spanId: this.spanId,
      parentId: this.parentId,
      name: this.#name,
      kind: this.#kind,
      startNs: String(start), // as text: an emit inside a getter goes through JSON
      endNs: endNs === undefined ? undefined : String(endNs),
      durationMs: endNs === undefined ? undefined : Number(endNs - start) / 1e6,
      status: this.#status,
      attrs: this.#attrs,
    }, this.correlation);
  }

  [Symbol.dispose]() {
    this.end();
  }
}

/** Errors that became an event, by client. @type {WeakMap<object, WeakSet<object>>} */
const seen = new WeakMap();

/** @param {object} client @param {unknown} error */
function alreadySeen(client, error) {
  if (typeof error !== 'object' || error === null) return false;
  let errors = seen.get(client);
  if (errors === undefined) seen.set(client, errors = new WeakSet());
  if (errors.has(error)) return true;
  errors.add(error);
  return false;
}

/** @param {Emitter} client @param {string} name @param {number} value @param {Attributes | null} [labels] @param {MetricOptions | null} [options] */
function metric(client, name, value, labels, options) {
  try {
    return client.emit('metric', { metric: name, value, unit: options?.unit, type: options?.type ?? 'gauge', labels });
  } catch {
    return false; // options with a getter that throws
  }
}

/** @param {Emitter} client @param {string} name @param {GivenSpan | null} [options] */
function startSpan(client, name, options) {
  context.state.used = true;
  try {
    return new Span(client, name, { ...options });
  } catch {
    return new Span(client, name, {}); // options with a getter that throws
  }
}

/**
 * A result that settles later, as one that ends the span when it does; undefined: it is no promise.
 * @param {any} value @param {Span} span @param {(error: unknown) => never} fail
 */
function ending(value, span, fail) {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return undefined;
  try {
    if (typeof value.then !== 'function') return undefined;
    return value.then((/** @type {unknown} */ settled) => {
      span.end();
      return settled;
    }, fail);
  } catch {
    return undefined; // a then that throws is the host's result like any other
  }
}

/**
 * @template T
 * @param {Emitter} client @param {string} name
 * @param {SpanOptions | null | undefined | ((span: Span) => T)} options
 * @param {((span: Span) => T) | undefined} fn
 * @returns {T}
 */
function withSpan(client, name, options, fn) {
  const call = typeof options === 'function' ? options : fn;
  if (typeof call !== 'function') return /** @type {any} */ (undefined);
  const span = startSpan(client, name, typeof options === 'function' ? undefined : options);
  /** @param {unknown} error @returns {never} */
  const fail = (error) => {
    span.recordError(error).end();
    throw error;
  };
  let result;
  try {
    result = context.runWith(span, () => call(span));
  } catch (error) {
    return fail(error);
  }
  const later = ending(result, span, fail);
  if (later !== undefined) return later;
  span.end();
  return result;
}

/** Spans begun by recordEvent, by id, oldest first. @type {WeakMap<object, Map<string, Span>>} */
const openSpans = new WeakMap();

/** @param {Emitter} client */
function openOf(client) {
  let open = openSpans.get(client);
  if (open === undefined) openSpans.set(client, open = new Map());
  return open;
}

/** Both spellings of a member: parentId, parent_id. @param {any} from @param {string} name */
function pick(from, name) {
  return from[name] ?? from[name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)];
}

/** @param {unknown} v @returns {bigint | undefined} */
function nanos(v) {
  const n = nanosOf(v);
  return n === undefined ? undefined : BigInt(n);
}

/** @param {unknown} v @param {RegExp} form @returns {string | undefined} */
function idOf(v, form) {
  return typeof v === 'string' && form.test(v) ? v : undefined;
}

/** @param {Emitter} client @param {any} start @returns {Span} */
function beginSpan(client, start) {
  const traceId = idOf(pick(start, 'traceId'), /^[0-9a-f]{32}$/);
  const spanId = idOf(pick(start, 'spanId'), /^[0-9a-f]{16}$/);
  const above = idOf(pick(start, 'parentId'), /^[0-9a-f]{16}$/);
  const open = openOf(client);
  // A parent named by its id alone: one that is open here, else one of the same trace elsewhere.
  const inTrace = above !== undefined && traceId !== undefined ? { traceId, spanId: above } : undefined;
  const parent = above === undefined ? (traceId === undefined ? undefined : null) : open.get(context.plainId(above)) ?? inTrace;
  const span = startSpan(client, String(start.name ?? ''), {
    attrs: start.attrs, kind: start.kind, parent, ids: { traceId, spanId }, startNs: nanos(pick(start, 'startNs')),
  });
  abandon(open, open.get(span.spanId));
  if (open.size >= OPEN_MAX) abandon(open, open.values().next().value);
  open.set(span.spanId, span);
  return span;
}

/** Record a span whose end will not come. @param {Map<string, Span>} open @param {Span | undefined} span */
function abandon(open, span) {
  if (span === undefined) return;
  open.delete(span.spanId);
  span.abandon();
}

/** @param {Emitter} client @param {any} finish */
function finishSpan(client, finish) {
  const id = pick(finish, 'spanId');
  const open = openOf(client);
  const span = typeof id === 'string' ? open.get(context.plainId(id)) : undefined;
  if (span === undefined) return false;
  open.delete(span.spanId);
  span.setAttributes(finish.attrs);
  if (finish.status !== undefined) span.setStatus(finish.status);
  return span.end({ endNs: nanos(pick(finish, 'endNs')) });
}

/**
 * @typedef {object} MetricRecord
 * @property {string | (MetricOptions & {name: string, value: number, labels?: Attributes})} metric
 * @property {number} [value]
 * @property {Attributes} [labels]
 * @property {string} [unit]
 * @property {MetricOptions['type']} [type]
 *
 * @typedef {object} SpanStart
 * @property {string} name
 * @property {string} [traceId]
 * @property {string} [spanId]
 * @property {string} [parentId]
 * @property {SpanKind} [kind]
 * @property {string | number | bigint} [startNs]
 * @property {Attributes} [attrs]
 *
 * @typedef {object} SpanEnd
 * @property {string} spanId
 * @property {string | number | bigint} [endNs]
 * @property {SpanStatus} [status]
 * @property {Attributes} [attrs]
 *
 * @typedef {MetricRecord | {spanStart: SpanStart} | {spanEnd: SpanEnd}} TraceRecord
 */

/** @param {Emitter} client @param {TraceRecord} record @returns {boolean | Span} */
function recordEvent(client, record) {
  try {
    const { spanStart, spanEnd, metric: named } = /** @type {any} */ (record);
    if (spanStart !== undefined) return beginSpan(client, spanStart);
    if (spanEnd !== undefined) return finishSpan(client, spanEnd);
    const from = typeof named === 'string' ? { ...record, name: named } : named;
    return metric(client, from.name, from.value, from.labels, from);
  } catch {
    return false; // no such record, or one with getters that throw
  }
}

module.exports = { Span, metric, startSpan, withSpan, recordEvent };
