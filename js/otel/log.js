'use strict';

const { plainId } = require('../context');
const { Exporter } = require('./shared');

const SEVERITIES = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

/**
 * What is read of an SDK's ReadableLogRecord.
 * @typedef {object} ReadableLogRecord
 * @property {{traceId: string, spanId: string}} [spanContext]
 * @property {number} [severityNumber]  1 to 24, four for each severity
 * @property {unknown} [body]
 * @property {string} [eventName]
 * @property {Readonly<Record<string, unknown>>} attributes
 * @property {import('./shared').Resource} resource
 * @property {import('./shared').Scope} [instrumentationScope]
 */

/** @param {number | undefined} n */
function severityOf(n) {
  return typeof n === 'number' && n >= 1 && n <= 24 ? SEVERITIES[Math.floor((n - 1) / 4)] : undefined;
}

/** Exports log records as events `log`. A body that is no text is left out. */
class CandorLogRecordExporter {
  #exporter;

  /** @param {{client: import('./shared').TelemetryClient} | import('../index').Options} options */
  constructor(options) {
    this.#exporter = new Exporter(options);
  }

  get client() {
    return this.#exporter.client;
  }

  /** @param {readonly ReadableLogRecord[]} logs @param {import('./shared').ExportCallback} resultCallback */
  export(logs, resultCallback) {
    this.#exporter.send(logs, (log) => this.#emit(log), resultCallback);
  }

  /** @param {ReadableLogRecord} log */
  #emit(log) {
    const attrs = this.#exporter.attributesOf(log.resource, log.instrumentationScope, log.attributes);
    if (log.eventName) attrs['event.name'] = log.eventName;
    const traceId = log.spanContext === undefined ? undefined : plainId(log.spanContext.traceId);
    return this.client.emit('log', {
      severity: severityOf(log.severityNumber),
      body: typeof log.body === 'string' ? log.body : undefined,
      traceId,
      spanId: log.spanContext === undefined ? undefined : plainId(log.spanContext.spanId),
      attrs,
    }, traceId === undefined ? undefined : { correlationId: traceId });
  }

  forceFlush() {
    return this.#exporter.forceFlush();
  }

  shutdown() {
    return this.#exporter.shutdown();
  }
}

module.exports = { CandorLogRecordExporter };
