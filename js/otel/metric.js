'use strict';

const { Exporter, nanosText } = require('./shared');

/** DataPointType and AggregationTemporality of @opentelemetry/sdk-metrics, by number. */
const HISTOGRAM = 0;
const EXPONENTIAL_HISTOGRAM = 1;
const SUM = 3;
const DELTA = 0;
const CUMULATIVE = 1;

/**
 * What is read of an SDK's metrics.
 * @typedef {object} DataPoint
 * @property {import('./shared').HrTime} startTime
 * @property {import('./shared').HrTime} endTime
 * @property {Readonly<Record<string, unknown>>} attributes
 * @property {any} value
 *
 * @typedef {object} MetricData
 * @property {{name: string, unit?: string}} descriptor
 * @property {number} dataPointType
 * @property {number} aggregationTemporality
 * @property {boolean} [isMonotonic]
 * @property {readonly DataPoint[]} dataPoints
 *
 * @typedef {object} ResourceMetrics
 * @property {import('./shared').Resource} resource
 * @property {readonly {scope?: import('./shared').Scope, metrics: readonly MetricData[]}[]} scopeMetrics
 */

/** OpenTelemetry allows '/', an id does not. @param {string} name */
function metricName(name) {
  return name.replaceAll('/', '.');
}

/** UCUM without what an id cannot hold: "{request}" is "request", "By/s" is "By.s". @param {string | undefined} unit */
function unitOf(unit) {
  const text = (unit ?? '').replace(/[{}]/g, '').replaceAll('/', '.');
  return /^[\w.:+-]+$/.test(text) ? text : undefined;
}

/** @param {MetricData} metric */
function typeOf({ dataPointType, isMonotonic }) {
  if (dataPointType === HISTOGRAM || dataPointType === EXPONENTIAL_HISTOGRAM) return 'histogram';
  return dataPointType === SUM && isMonotonic !== false ? 'counter' : 'gauge';
}

/** @param {number} type @param {any} value */
function valueOf(type, value) {
  if (type !== HISTOGRAM && type !== EXPONENTIAL_HISTOGRAM) return { value };
  const explicit = type === HISTOGRAM ? { bounds: value.buckets?.boundaries, bucketCounts: value.buckets?.counts } : {};
  return { value: value.sum, count: value.count, min: finite(value.min), max: finite(value.max), ...explicit };
}

/** An empty histogram has infinite ends. @param {unknown} n */
function finite(n) {
  return Number.isFinite(n) ? n : undefined;
}

/** Exports every data point as an event `metric`. Buckets of exponential histograms are left out; their sum, count and ends stay. */
class CandorMetricExporter {
  #exporter;

  /** @param {{client: import('./shared').TelemetryClient} | import('../index').Options} options */
  constructor(options) {
    this.#exporter = new Exporter(options);
  }

  get client() {
    return this.#exporter.client;
  }

  /** @param {ResourceMetrics} metrics @param {import('./shared').ExportCallback} resultCallback */
  export(metrics, resultCallback) {
    this.#exporter.send(this.#points(metrics), (payload) => this.client.emit('metric', payload), resultCallback);
  }

  /** @param {ResourceMetrics} metrics @returns {Generator<object>} */
  *#points(metrics) {
    const { resource, scopeMetrics } = metrics; // here: what throws is the export's failure
    for (const { scope, metrics: ofScope } of scopeMetrics) {
      for (const metric of ofScope) {
        for (const point of metric.dataPoints) {
          yield {
            metric: metricName(metric.descriptor.name),
            unit: unitOf(metric.descriptor.unit),
            type: typeOf(metric),
            labels: this.#exporter.attributesOf(resource, scope, point.attributes),
            temporality: metric.aggregationTemporality === DELTA ? 'delta' : 'cumulative',
            startNs: nanosText(point.startTime),
            timeNs: nanosText(point.endTime),
            ...valueOf(metric.dataPointType, point.value),
          };
        }
      }
    }
  }

  /**
   * Events are added up where they are read, so each must count only what is new; what goes up and down
   * has no such sum.
   * @param {string} instrumentType
   */
  selectAggregationTemporality(instrumentType) {
    return /UP_DOWN/.test(instrumentType) ? CUMULATIVE : DELTA;
  }

  forceFlush() {
    return this.#exporter.forceFlush();
  }

  shutdown() {
    return this.#exporter.shutdown();
  }
}

module.exports = { CandorMetricExporter };
