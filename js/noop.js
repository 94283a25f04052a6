'use strict';

const { TelemetryError } = require('./errors');
/** Loaded when it is asked for: most hosts emit and nothing else. @type {typeof import('./trace') | undefined} */
let traceModule;
const trace = () => (traceModule ??= require('./trace'));

/** @typedef {import('./client').Report} Report */
/** @typedef {import('./client').EmitMeta} EmitMeta */
/** @typedef {import('./client').UploadReport} UploadReport */
/** @typedef {import('./client').PurgeReport} PurgeReport */
/** @typedef {import('./client').UploadOptions} UploadOptions */
/** @typedef {import('./client').UploadPlan} UploadPlan */
/** @typedef {import('./client').ExportReport} ExportReport */

/** As in calls.js: a promise that nobody awaits must not bring the host down. @param {string} text */
function refused(text) {
  const promise = Promise.reject(new TelemetryError(text, 'ERR_CANDOR_NATIVE'));
  promise.catch(() => {});
  return promise;
}

/**
 * Stands in where no native binary fits: the host's code runs unchanged, and status() says why.
 * @template {object} [Events=import('./catalogue').Events]
 */
class NoopClient {
  #reason;
  #dropped = 0;
  #closed = false;

  /** @param {string} reason */
  constructor(reason) {
    this.#reason = reason;
  }

  /**
   * @template {keyof Events & string} Type
   * @param {Type} type
   * @param {Events[Type] | null} [payload]
   * @param {EmitMeta} [meta]
   * @returns {boolean} false
   */
  emit(type, payload, meta) {
    if (!this.#closed) this.#dropped++;
    return false;
  }

  /**
   * @param {string} name
   * @param {number} value
   * @param {import('./trace').Attributes | null} [labels]
   * @param {import('./trace').MetricOptions | null} [options]
   * @returns {boolean} false
   */
  metric(name, value, labels, options) {
    return trace().metric(this, name, value, labels, options);
  }

  /**
   * @param {string} name
   * @param {import('./trace').SpanOptions | null} [options]
   * @returns {import('./trace').Span}
   */
  startSpan(name, options) {
    return trace().startSpan(this, name, options);
  }

  /**
   * @template T
   * @param {string} name
   * @param {import('./trace').SpanOptions | null | undefined | ((span: import('./trace').Span) => T)} options
   * @param {(span: import('./trace').Span) => T} [fn]
   * @returns {T} what fn returns
   */
  withSpan(name, options, fn) {
    return trace().withSpan(this, name, options, fn);
  }

  /**
   * @param {import('./trace').TraceRecord} record
   * @returns {boolean | import('./trace').Span}
   */
  recordEvent(record) {
    return trace().recordEvent(this, record);
  }

  /**
   * @param {{rethrow?: true}} [options]
   * @returns {() => void}
   */
  captureUncaught(options) {
    return () => {};
  }

  /** @returns {Promise<Report>} */
  async flush() {
    return {};
  }

  /**
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
  async upload(options) {
    if (options?.dryRun === true) return { dry_run: true, batches: 0, events: 0, attachments: 0, bytes: 0, error: this.#reason };
    return { uploaded: 0, events: 0, pending: 0, error: this.#reason };
  }

  /**
   * @param {string} [file]
   * @param {{since?: number | Date}} [options]
   * @returns {Promise<ExportReport>}
   */
  export(file, options) {
    return refused(`nothing can be exported: ${this.#reason}`);
  }

  /** @param {'auto' | 'manual' | 'off'} mode @returns {Promise<Report>} */
  setMode(mode) {
    return refused(`the mode cannot be stored: ${this.#reason}`);
  }

  /** @param {{limit?: number}} [options] @returns {Report[]} */
  ledger(options) {
    return [];
  }

  /** @returns {Promise<PurgeReport>} */
  async purge() {
    return { purged: 0 };
  }

  get enabled() {
    return false;
  }

  /**
   * @param {boolean} enabled
   * @param {{source?: 'user' | 'host'} | null} [options]
   * @returns {Promise<Report>}
   */
  setEnabled(enabled, options) {
    return refused(`the choice cannot be stored: ${this.#reason}`);
  }

  /**
   * @param {'off' | 'crash' | 'error' | 'all'} level
   * @param {'user' | 'host'} [source]
   * @returns {Promise<Report>}
   */
  setLevel(level, source) {
    return refused(`the level cannot be stored: ${this.#reason}`);
  }

  /** @param {boolean} on @returns {Promise<Report>} */
  setGdpr(on) {
    return refused(`the choice cannot be stored: ${this.#reason}`);
  }

  /** @returns {Promise<Report>} */
  acknowledgeNotice() {
    return refused(`the notice cannot be noted: ${this.#reason}`);
  }

  /**
   * @param {boolean} on
   * @param {'user' | 'host'} [source]
   * @returns {Promise<Report>}
   */
  setFullContent(on, source) {
    return refused(`the choice cannot be stored: ${this.#reason}`);
  }

  /** @param {import('./vault').Key[]} keys */
  setKeys(keys) {}

  /**
   * @param {Partial<import('./options').Options>} changes
   * @returns {Promise<{changed: string[], needs_restart: string[]}>}
   */
  async configure(changes) {
    return { changed: [], needs_restart: [] };
  }

  /** @returns {Report} */
  status() {
    return {
      enabled: false,
      decided_by: 'native',
      reason: this.#reason,
      emitted: this.#dropped,
      kept: 0,
      dropped: { disabled: this.#dropped },
    };
  }

  /** @param {number | Date} [since] @returns {Report} */
  stats(since) {
    return { since: null, hours: [], types: [] };
  }

  preview() {
    return '';
  }

  close() {
    this.#closed = true;
  }

  [Symbol.dispose]() {
    this.close();
  }
}

module.exports = { NoopClient };
