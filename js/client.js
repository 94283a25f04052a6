'use strict';

const { debuglog } = require('node:util');
const { createArea, UNKNOWN_EVENT, BAD_PAYLOAD } = require('./area');
const { makeEncoders } = require('./encoders');
const { TelemetryError, translate, translated } = require('./errors');
const exit = require('./exit');

const debug = debuglog('candor');

/** @typedef {import('./native').Native} Native */
/** @typedef {import('./encoders').SchemaDescription} SchemaDescription */

/**
 * @typedef {object} EmitMeta
 * @property {string} [correlationId]  Ties events together end to end
 *
 * @typedef {Record<string, any>} Report  Parsed JSON; members in docs/api.md
 *
 * @typedef {object} UploadReport
 * @property {number} uploaded  batches sent
 * @property {number} events  events in them
 * @property {number} pending  events that still wait
 * @property {string | null} error  why the last attempt failed
 *
 * @typedef {object} PurgeReport
 * @property {number} purged  events deleted
 */

/** Deepest emit inside a getter of a payload that is being emitted. */
const NESTED_MAX = 1;

/** A promise that nobody awaits must not bring the host down. @template T @param {Promise<T>} promise */
function harmless(promise) {
  promise.catch(() => {});
  return promise;
}

class Client {
  #native;
  #handle;
  #area;
  #result;
  #encoders;
  #exitFlushMs;
  #closed = false;
  #depth = 0;
  /** The encoder that the last emit used: hosts emit in runs of one type. @type {unknown} */
  #lastType;
  /** @type {import('./encoders').Encoder | undefined} */
  #lastEncoder;

  /**
   * Use `open`.
   * @param {Native} native
   * @param {string} settingsJson
   * @param {string} schemaText
   * @param {SchemaDescription} schema
   * @param {number} exitFlushMs
   */
  constructor(native, settingsJson, schemaText, schema, exitFlushMs) {
    const opened = translated(() => native.open(settingsJson, schemaText));
    this.#native = native;
    this.#handle = opened.emit;
    this.#area = createArea(opened.area);
    this.#result = this.#area.u32;
    this.#encoders = makeEncoders(schema, this.#area);
    this.#exitFlushMs = exitFlushMs;
    exit.add(this);
  }

  /**
   * Record one event. Never throws, never waits for disk or network.
   * @param {string} type  Event type in the schema
   * @param {object | null} [payload]  Fields of the schema are read, once each, and nothing else
   * @param {EmitMeta} [meta]
   * @returns {boolean} true: kept, and it survives the death of this process; false: status() counts why
   */
  emit(type, payload, meta) {
    const depth = this.#depth;
    try {
      if (depth !== 0) return this.#emitNested(type, payload, meta);
      this.#depth = 1;
      try {
        const encode = type === this.#lastType ? this.#lastEncoder : this.#encoderOf(type);
        if (encode === undefined) {
          this.#refuse(UNKNOWN_EVENT);
        } else if (payload !== undefined && (typeof payload !== 'object' || Array.isArray(payload))) {
          this.#refuse(BAD_PAYLOAD);
        } else {
          encode(payload, meta);
        }
      } catch {
        this.#refuse(BAD_PAYLOAD);
      }
      this.#handle();
      if (this.#result[0] === 0) return true;
      if (debug.enabled) this.#explain(type, this.#result[0]);
    } catch {
      // No stack left for one of the calls above.
    } finally {
      this.#depth = depth;
    }
    return false;
  }

  /** @param {string} type */
  #encoderOf(type) {
    const encode = this.#encoders.get(type);
    if (encode !== undefined) {
      this.#lastType = type;
      this.#lastEncoder = encode;
    }
    return encode;
  }

  /** @param {number} reason */
  #refuse(reason) {
    this.#area.reset();
    this.#area.finish(reason, 0, 0);
  }

  /**
   * An emit from inside a getter of another event's payload: the area holds the outer event, so this one
   * goes as JSON. A payload whose getter emits itself would never end: refused from the next level on.
   * @param {string} type @param {object | null | undefined} payload @param {EmitMeta | undefined} meta
   */
  #emitNested(type, payload, meta) {
    const depth = this.#depth;
    let json = '0'; // no object: counted as a bad payload
    let correlation = '';
    this.#depth = depth + 1;
    try {
      if (depth <= NESTED_MAX) {
        json = payload === undefined ? '{}' : JSON.stringify(payload) ?? '0';
        if (typeof meta?.correlationId === 'string') correlation = meta.correlationId;
      }
    } catch {
      json = '0';
    }
    this.#depth = depth;
    try {
      const result = this.#native.emitJson(this.#handle, String(type), json, correlation);
      if (result !== 0 && debug.enabled) this.#explain(type, result);
      return result === 0;
    } catch {
      return false; // no memory, no stack left, or a type that cannot be a string
    }
  }

  /** @param {unknown} type @param {number} result */
  #explain(type, result) {
    try {
      debug('event %s not kept: %s', type, this.#native.results[result] ?? result);
    } catch {
      // A type whose conversion to text throws, or stderr is gone: nobody to tell.
    }
  }

  /** @param {'flush' | 'upload' | 'purge'} method @returns {Promise<any>} */
  #ask(method) {
    return harmless(this.#settle(() => this.#native[method](this.#handle)));
  }

  /** @param {() => Promise<string>} call @returns {Promise<any>} */
  async #settle(call) {
    try {
      const text = await call();
      return text === '' ? {} : JSON.parse(text);
    } catch (error) {
      throw translate(error);
    }
  }

  /**
   * Write what was accepted so far into synced spool files: it survives power loss afterwards.
   * @returns {Promise<Report>}
   */
  flush() {
    return this.#ask('flush');
  }

  /**
   * Flush, then try to send every batch that is due. An attempt that fails is no rejection: `error` says
   * why, and what was not sent stays.
   * @returns {Promise<UploadReport>}
   */
  upload() {
    return this.#ask('upload');
  }

  /**
   * Delete what is stored locally and not sent.
   * @returns {Promise<PurgeReport>}
   */
  purge() {
    return this.#ask('purge');
  }

  /** Whether events are recorded now; status() says who decided. */
  get enabled() {
    return !this.#closed && this.#native.enabled(this.#handle);
  }

  /**
   * The user's choice is stored and holds for every process of this spool; the host's holds for this
   * process and can only narrow. Turning off silences emit at once, aborts an upload in flight and
   * deletes what is buffered; the promise is for the deletion.
   * @param {boolean} enabled
   * @param {{source?: 'user' | 'host'} | null} [options]
   * @returns {Promise<Report>}
   */
  setEnabled(enabled, options) {
    return harmless(this.#settle(() => {
      const source = options?.source ?? 'user';
      if (typeof enabled !== 'boolean') {
        throw new TelemetryError('setEnabled needs true or false', 'ERR_CANDOR_INVALID_OPTION');
      }
      if (source !== 'user' && source !== 'host') {
        throw new TelemetryError('source must be "user" or "host"', 'ERR_CANDOR_INVALID_OPTION');
      }
      return this.#native.setEnabled(this.#handle, enabled, source === 'host');
    }));
  }

  /**
   * Who decided about consent, what was emitted, kept, dropped by reason, sent, and what waits.
   * @returns {Report} docs/status.md
   */
  status() {
    return JSON.parse(translated(() => this.#native.status(this.#handle)));
  }

  /**
   * What was kept and sent since a moment, by hour and event type.
   * @param {number | Date} [since]  Unix milliseconds; default: all there is
   * @returns {Report}
   */
  stats(since = 0) {
    const ms = Number(since);
    if (!Number.isFinite(ms)) {
      throw new TelemetryError('stats needs a time: Unix milliseconds or a Date', 'ERR_CANDOR_INVALID_OPTION');
    }
    return JSON.parse(translated(() => this.#native.stats(this.#handle, ms)));
  }

  /**
   * Exactly what the next upload sends, before compression: one JSON event a line.
   * @returns {string} empty when nothing waits
   */
  preview() {
    return translated(() => this.#native.preview(this.#handle));
  }

  /**
   * Stop. What was accepted stays on disk; writing it into the spool takes `exitFlushMs` at most.
   * Idempotent; also called when the process exits. Afterwards emit returns false.
   */
  close() {
    if (this.#closed) return;
    this.#closed = true;
    exit.remove(this);
    translated(() => this.#native.close(this.#handle, this.#exitFlushMs));
  }

  [Symbol.dispose]() {
    this.close();
  }
}

module.exports = { Client };
