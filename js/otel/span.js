'use strict';

const { plainId } = require('../context');
const { Exporter, nanosText } = require('./shared');

/** @typedef {import('./shared').HrTime} HrTime */

/** SpanKind and SpanStatusCode of @opentelemetry/api, by number. */
const KINDS = ['internal', 'server', 'client', 'producer', 'consumer'];
const STATUSES = ['unset', 'ok', 'error'];

/**
 * What is read of an SDK's ReadableSpan; 1.x names the parent by id, 2.x by context.
 * @typedef {object} ReadableSpan
 * @property {string} name
 * @property {number} kind
 * @property {() => {traceId: string, spanId: string}} spanContext
 * @property {{spanId: string}} [parentSpanContext]
 * @property {string} [parentSpanId]
 * @property {HrTime} startTime
 * @property {HrTime} endTime
 * @property {HrTime} duration
 * @property {{code: number}} status
 * @property {Readonly<Record<string, unknown>>} attributes
 * @property {readonly {name: string, attributes?: Readonly<Record<string, unknown>>}[]} events
 * @property {import('./shared').Resource} resource
 * @property {import('./shared').Scope} [instrumentationScope]
 */

/** Exports spans as events `span`: durable when export calls back. Links and events other than exceptions are left out. */
class CandorSpanExporter {
  #exporter;

  /** @param {{client: import('./shared').TelemetryClient} | import('../index').Options} options */
  constructor(options) {
    this.#exporter = new Exporter(options);
  }

  get client() {
    return this.#exporter.client;
  }

  /** @param {readonly ReadableSpan[]} spans @param {import('./shared').ExportCallback} resultCallback */
  export(spans, resultCallback) {
    this.#exporter.send(spans, (span) => this.#emit(span), resultCallback);
  }

  /** @param {ReadableSpan} span */
  #emit(span) {
    const { traceId, spanId } = span.spanContext();
    const parentId = span.parentSpanContext?.spanId ?? span.parentSpanId;
    const correlation = { correlationId: plainId(traceId) };
    const attrs = this.#exporter.attributesOf(span.resource, span.instrumentationScope, span.attributes);
    for (const event of span.events) {
      if (event.name === 'exception') this.#emitException(event.attributes ?? {}, attrs, correlation);
    }
    return this.client.emit('span', {
      traceId: correlation.correlationId,
      spanId: plainId(spanId),
      parentId: parentId ? plainId(parentId) : undefined,
      name: span.name,
      kind: KINDS[span.kind],
      startNs: nanosText(span.startTime),
      endNs: nanosText(span.endTime),
      durationMs: span.duration[0] * 1e3 + span.duration[1] / 1e6,
      status: STATUSES[span.status.code],
      attrs,
    }, correlation);
  }

  /** @param {Readonly<Record<string, unknown>>} exception @param {Record<string, unknown>} attrs @param {{correlationId: string}} correlation */
  #emitException(exception, attrs, correlation) {
    attrs['error.type'] ??= exception['exception.type'];
    this.client.emit('Error', {
      errorType: exception['exception.type'],
      message: exception['exception.message'],
      stackTrace: exception['exception.stacktrace'],
    }, correlation);
  }

  forceFlush() {
    return this.#exporter.forceFlush();
  }

  shutdown() {
    return this.#exporter.shutdown();
  }
}

module.exports = { CandorSpanExporter };
