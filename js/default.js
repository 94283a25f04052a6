'use strict';
// One client for the whole process, for hosts that would otherwise hand one around. Until it is
// configured it does nothing, so that libraries may emit without knowing whether their host listens.

/** Of any schema. @typedef {import('./client').Client<any> | import('./noop').NoopClient<any>} TelemetryClient */
/** @typedef {import('./options').Options} Options */

/** @type {TelemetryClient | undefined} */
let current;

/** Set by index.js. @type {(options: Options) => TelemetryClient} */
let opener;

/** @param {(options: Options) => TelemetryClient} open */
function useOpener(open) {
  opener = open;
}

/**
 * Open the process's default client; one that was configured before is closed.
 * @param {Options} options
 * @returns {TelemetryClient}
 */
function configureDefault(options) {
  const next = opener(options);
  const before = current;
  current = next;
  before?.close();
  return next;
}

/** The default client; before configureDefault, one that does nothing. @returns {TelemetryClient} */
function getDefault() {
  if (current === undefined) {
    const { NoopClient } = require('./noop'); // most hosts hold a client of their own
    current = new NoopClient('there is no default client: call configureDefault first');
  }
  return current;
}

/** @type {TelemetryClient['emit']} */
const emit = (type, payload, meta) => getDefault().emit(type, payload, meta);
/** @returns {Promise<import('./client').Report>} */
const flush = () => getDefault().flush();
/** @type {TelemetryClient['metric']} */
const metric = (name, value, labels, options) => getDefault().metric(name, value, labels, options);
/** @type {TelemetryClient['startSpan']} */
const startSpan = (name, options) => getDefault().startSpan(name, options);
/**
 * @template T
 * @param {string} name
 * @param {import('./trace').SpanOptions | null | undefined | ((span: import('./trace').Span) => T)} options
 * @param {(span: import('./trace').Span) => T} [fn]
 * @returns {T}
 */
const withSpan = (name, options, fn) => getDefault().withSpan(name, options, fn);
/** @type {TelemetryClient['recordEvent']} */
const recordEvent = (record) => getDefault().recordEvent(record);

module.exports = { useOpener, configureDefault, getDefault, emit, flush, metric, startSpan, withSpan, recordEvent };
