'use strict';

const { debuglog } = require('node:util');
const { createArea, UNKNOWN_EVENT, BAD_PAYLOAD } = require('./area');
const context = require('./context');
const { makeEncoders } = require('./encoders');
const { translated } = require('./errors');
const exit = require('./exit');
const { setInternals } = require('./internals');
const { readOptions } = require('./options');

const debug = debuglog('candor');
/** Loaded when it is asked for: most hosts emit and nothing else. @type {typeof import('./trace') | undefined} */
let traceModule;
const trace = () => (traceModule ??= require('./trace'));
const capture = () => require('./capture');
const calls = () => require('./calls');

/** Options that only open looks at. @type {readonly (keyof import('./options').Options)[]} */
const ONCE = ['schema', 'requireNative', 'configFile', 'keyProvider'];

/** @typedef {import('./native').Native} Native */
/** @typedef {import('./encoders').SchemaDescription} SchemaDescription */
/** @typedef {import('./calls').Report} Report */
/** @typedef {import('./calls').UploadReport} UploadReport */
/** @typedef {import('./calls').UploadOptions} UploadOptions */
/** @typedef {import('./calls').UploadPlan} UploadPlan */
/** @typedef {import('./calls').ExportReport} ExportReport */
/** @typedef {import('./calls').PurgeReport} PurgeReport */

/**
 * @typedef {object} EmitMeta
 * @property {string} [correlationId]  Ties events together end to end
 */

/** Deepest emit inside a getter of a payload that is being emitted. */
const NESTED_MAX = 1;

/** A worker thread may have an environment of its own. @param {Record<string, unknown>} settings */
function forThisThread(settings) {
  const { DO_NOT_TRACK, TELEMETRY_ENABLED } = process.env;
  if (DO_NOT_TRACK === undefined && TELEMETRY_ENABLED === undefined) return settings;
  return require('./thread').narrowed(settings);
}

/** @template {object} [Events=import('./catalogue').Events] */
class Client {
  #native;
  #handle;
  #area;
  #result;
  #encoders;
  #schema;
  /** Made when content is first emitted. @type {Map<string, (payload: any) => string> | undefined} */
  #contentReaders;
  /** Of event types with content, for as long as full content is off. @type {Map<string, import('./encoders').Encoder>} */
  #contentEncoders = new Map();
  #closed = false;
  #captures = false;
  /** The host's options, for configure. @type {Record<string, unknown>} */
  #settings;
  /** The last configure, settled. @type {Promise<unknown>} */
  #configuring = Promise.resolve();
  /** @type {import('./config').ConfigFile | undefined} */
  #config;
  #depth = 0;
  /** The encoder that the last emit used: hosts emit in runs of one type. @type {unknown} */
  #lastType;
  /** @type {import('./encoders').Encoder | undefined} */
  #lastEncoder;

  /**
   * Use `open`.
   * @param {Native} native
   * @param {Record<string, unknown>} settings  the host's, checked by readOptions
   * @param {import('./options').SchemaSource} source
   * @param {import('./config').ConfigFile} [config]  followed as long as the client is open
   */
  constructor(native, settings, source, config) {
    this.#config = config;
    const opened = translated(() => native.open(this.#inForce(settings), source.text, source.origin));
    /** @type {SchemaDescription} */
    const schema = JSON.parse(opened.schema);
    this.#native = native;
    this.#handle = opened.emit;
    this.#area = createArea(opened.area);
    this.#result = this.#area.u32;
    this.#encoders = makeEncoders(schema, this.#area);
    this.#schema = schema;
    for (const { name, fields } of schema.events) {
      if (!fields.some((field) => field.kind === 'content')) continue;
      this.#contentEncoders.set(name, /** @type {import('./encoders').Encoder} */ (this.#encoders.get(name)));
      this.#encoders.delete(name);
    }
    /** @type {Set<string> | undefined} */
    let attributes;
    setInternals(this, {
      hasEvent: (type) => this.#encoders.has(type) || this.#contentEncoders.has(type),
      get attributes() { return (attributes ??= new Set((schema.attributes ?? []).map((field) => field.name))); },
      lastResult: () => native.results[this.#result[0]] ?? '',
    });
    this.#settings = settings;
    config?.watch(() => this.configure({}));
    exit.add(this);
  }

  /** What native code is given: the host's options, the settings file's, this thread's environment. @param {Record<string, unknown>} settings */
  #inForce(settings) {
    return JSON.stringify(forThisThread(this.#config?.over(settings) ?? settings));
  }

  /**
   * Record one event. Never throws, never waits for disk or network.
   * @template {keyof Events & string} Type
   * @param {Type} type  Event type in the schema
   * @param {Events[Type] | null} [payload]  Fields of the schema are read, once each, and nothing else
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
          if (this.#contentEncoders.has(type)) return this.#emitContent(type, payload, meta);
          this.#refuse(UNKNOWN_EVENT);
        } else if (payload !== undefined && (typeof payload !== 'object' || Array.isArray(payload))) {
          this.#refuse(BAD_PAYLOAD);
        } else {
          encode(payload, context.state.used ? context.correlated(meta) : meta);
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
    if (encode === undefined) { // while full content is on, its types go another way
      const plain = this.#contentEncoders.get(type);
      return plain === undefined || this.#native.fullContent(this.#handle) ? undefined : plain;
    }
    this.#lastType = type;
    this.#lastEncoder = encode;
    return encode;
  }

  /** @param {number} reason */
  #refuse(reason) {
    this.#area.reset();
    this.#area.finish(reason, 0, 0);
  }

  /**
   * An event with content, while full content is on: its texts do not fit the area.
   * @param {string} type @param {any} payload @param {EmitMeta | undefined} meta
   */
  #emitContent(type, payload, meta) {
    let json = '0'; // no object: counted as a bad payload
    let correlation = '';
    try {
      this.#contentReaders ??= require('./vault').contentReaders(this.#schema);
      const read = this.#contentReaders.get(type);
      if (read !== undefined) json = read(payload);
      const id = (context.state.used ? context.correlated(meta) : meta)?.correlationId;
      if (typeof id === 'string') correlation = id;
    } catch {
      json = '0';
    }
    const result = this.#native.emitJson(this.#handle, type, json, correlation);
    if (result !== 0 && debug.enabled) this.#explain(type, result);
    return result === 0;
  }

  /**
   * An emit from inside a getter of another event's payload: the area holds the outer event, so this one
   * goes as JSON. A payload whose getter emits itself would never end: refused from the next level on.
   * @param {string} type @param {unknown} payload @param {EmitMeta | undefined} meta
   */
  #emitNested(type, payload, meta) {
    const depth = this.#depth;
    let json = '0'; // no object: counted as a bad payload
    let correlation = '';
    this.#depth = depth + 1;
    try {
      if (depth <= NESTED_MAX) {
        json = payload === undefined ? '{}' : JSON.stringify(payload) ?? '0';
        const id = (context.state.used ? context.correlated(meta) : meta)?.correlationId;
        if (typeof id === 'string') correlation = id;
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

  /**
   * Record one value of a metric.
   * @param {string} name
   * @param {number} value
   * @param {import('./trace').Attributes | null} [labels]
   * @param {import('./trace').MetricOptions | null} [options]
   * @returns {boolean} kept, as emit
   */
  metric(name, value, labels, options) {
    return trace().metric(this, name, value, labels, options);
  }

  /**
   * Begin a span; its end() records it. It is not active: emits are not correlated with it.
   * @param {string} name
   * @param {import('./trace').SpanOptions | null} [options]
   * @returns {import('./trace').Span}
   */
  startSpan(name, options) {
    return trace().startSpan(this, name, options);
  }

  /**
   * Call fn within a span that is active for everything it starts and awaits, and that ends itself when
   * fn returns, throws, or its promise settles. What fn throws is thrown unchanged.
   * @template T
   * @param {string} name
   * @param {import('./trace').SpanOptions | null | undefined | ((span: import('./trace').Span) => T)} options
   * @param {(span: import('./trace').Span) => T} [fn]
   * @returns {T}
   */
  withSpan(name, options, fn) {
    return trace().withSpan(this, name, options, fn);
  }

  /**
   * A metric, a span's start or a span's end as a record, for hosts that pass such records on.
   * @param {import('./trace').TraceRecord} record
   * @returns {boolean | import('./trace').Span}
   */
  recordEvent(record) {
    return trace().recordEvent(this, record);
  }

  /**
   * Record uncaught errors as events `Error`. The process deals with them as it would without.
   * @param {{rethrow?: true}} [options]  says so at the call; there is no other way
   * @returns {() => void} stops it
   */
  captureUncaught(options) {
    if (this.#closed) return () => {};
    this.#captures = true;
    return capture().captureUncaught(this);
  }

  /**
   * Write what was accepted so far into synced spool files: it survives power loss afterwards.
   * @returns {Promise<Report>}
   */
  flush() {
    return calls().ask(() => this.#native.flush(this.#handle));
  }

  /**
   * Flush, then try to send every batch, up to `maxUploadBytes`. An attempt that fails is no rejection:
   * `error` says why, and what was not sent stays.
   * @overload
   * @param {UploadOptions & {dryRun: true}} options
   * @returns {Promise<UploadPlan>}
   */
  /**
   * @overload
   * @param {UploadOptions} [options]
   * @returns {Promise<UploadReport>}
   */
  /** @param {UploadOptions} [options] @returns {Promise<any>} */
  upload(options) {
    return calls().upload(this.#native, this.#handle, options);
  }

  /**
   * Write what waits as one TelemetryPackage, a JSON file for people to read: docs/package.md. Nothing is
   * taken out of the spool. Replaces the file.
   * @param {string} [file]  default: rc-metrics.json in the current directory
   * @param {{since?: number | Date}} [options]  only events from this moment on
   * @returns {Promise<ExportReport>}
   */
  export(file = 'rc-metrics.json', options = {}) {
    return calls().exportTo(this.#native, this.#handle, file, options);
  }

  /**
   * Who starts uploads, stored for every process of the directory; it wins over the option `mode`, unless
   * that is 'off'. 'off' silences emit and deletes what is buffered, as setEnabled(false) does.
   * @param {'auto' | 'manual' | 'off'} mode
   * @returns {Promise<Report>}  `mode` is what holds in this process now
   */
  setMode(mode) {
    return calls().ask(() => this.#native.setMode(this.#handle, mode));
  }

  /**
   * What was sent, when, with which consent: the last lines of the ledger, oldest first. docs/ledger.md
   * @param {{limit?: number}} [options]
   * @returns {Report[]}
   */
  ledger(options = {}) {
    return calls().ledger(this.#native, this.#handle, options);
  }

  /**
   * Delete what is stored locally and not sent.
   * @returns {Promise<PurgeReport>}
   */
  purge() {
    return calls().ask(() => this.#native.purge(this.#handle));
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
    return calls().setEnabled(this.#native, this.#handle, enabled, options);
  }

  /**
   * Whether the text of content fields is recorded, apart from events and encrypted. The user's choice is
   * stored and holds for every process of this spool; the host's holds for this process and can only
   * narrow. Turning off deletes what waits in the vault; the promise is for the deletion.
   * @param {boolean} on
   * @param {'user' | 'host'} [source]
   * @returns {Promise<Report>}
   */
  setFullContent(on, source = 'user') {
    return calls().setFullContent(this.#native, this.#handle, on, source);
  }

  /**
   * The keys of what is encrypted at rest, in place of those before: the first encrypts, all of them
   * decrypt. They are copied into memory, never written, and wiped by close.
   * @param {import('./vault').Key[]} keys
   */
  setKeys(keys) {
    calls().setKeys(this.#native, this.#handle, keys);
  }

  /**
   * Change options while the client runs. What cannot change then keeps its value and is named.
   * @param {Partial<import('./options').Options>} changes  an option that is null goes back to its default
   * @returns {Promise<{changed: string[], needs_restart: string[]}>}  rejects, and changes nothing, for an option that is wrong
   */
  configure(changes) {
    /** @type {string[]} */
    let fixed = [];
    const done = calls().settle(async () => {
      const given = { ...changes };
      const { settings } = readOptions(given);
      fixed = ONCE.filter((name) => given[name] !== undefined);
      await this.#configuring; // one that is refused leaves nothing behind for the next
      const next = { ...this.#settings, ...settings };
      const text = await this.#native.configure(this.#handle, this.#inForce(next));
      this.#settings = next;
      return text;
    }).then((report) => ({ ...report, needs_restart: [...report.needs_restart, ...fixed] }));
    this.#configuring = done.catch(() => {});
    return calls().harmless(done);
  }

  /**
   * The privacy level, as VS Code has it: 'crash' keeps events of the schema's level crash, 'error' those of
   * crash and error, 'all' every event without content, 'off' none. The lower one of user and host is in
   * force. Narrowing deletes what is buffered; the promise is for the deletion.
   * @param {'off' | 'crash' | 'error' | 'all'} level
   * @param {'user' | 'host'} [source]
   * @returns {Promise<Report>}
   */
  setLevel(level, source = 'user') {
    return calls().ask(() => this.#native.setLevel(this.#handle, level, calls().isHost(source)));
  }

  /**
   * GDPR mode, stored for every process of the directory: nothing is recorded, and every file of the
   * directory is deleted but the one that says so. The promise is for the deletion.
   * @param {boolean} on
   * @returns {Promise<Report>}
   */
  setGdpr(on) {
    return calls().setGdpr(this.#native, this.#handle, on);
  }

  /**
   * With the option `notice: 'host'`: people have read what telemetry does, and uploads may begin, in every
   * process of the directory.
   * @returns {Promise<Report>}
   */
  acknowledgeNotice() {
    return calls().ask(() => this.#native.acknowledgeNotice(this.#handle));
  }

  /**
   * Who decided about consent, what was emitted, kept, dropped by reason, sent, and what waits.
   * @returns {Report} docs/status.md
   */
  status() {
    const status = JSON.parse(translated(() => this.#native.status(this.#handle)));
    status.config = this.#config?.status() ?? null;
    return status;
  }

  /**
   * What was kept and sent since a moment, by hour and event type.
   * @param {number | Date} [since]  Unix milliseconds; default: all there is
   * @returns {Report}
   */
  stats(since = 0) {
    return calls().stats(this.#native, this.#handle, since);
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
    this.#config?.close();
    exit.remove(this);
    if (this.#captures) capture().release(this);
    translated(() => this.#native.close(this.#handle));
  }

  [Symbol.dispose]() {
    this.close();
  }
}

module.exports = { Client };
