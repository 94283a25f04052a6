'use strict';
// The app of durable.js: a tracer provider of the OpenTelemetry SDK, a processor, our exporter. Makes
// spans, tells its parent how many, and waits to be killed.
const { BasicTracerProvider, BatchSpanProcessor, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base');
const { CandorSpanExporter } = require('../../js/otel');

const [directory, endpoint, wanted, processor] = process.argv.slice(2);

const exporter = new CandorSpanExporter({
  app: 'otel-durable', directory, endpoint, notice: 'none', minFreeDiskBytes: 0, machineId: 'otel-test',
  connectTimeoutMs: 200, retryBaseMs: 10, retryMaxMs: 50, uploadIntervalMs: 20,
});

/** Ids of the spans that our exporter has called back for with success. */
const done = new Set();
let failed = 0;
const counting = {
  /** @param {any[]} spans @param {(result: {code: number}) => void} callback */
  export(spans, callback) {
    exporter.export(spans, (result) => {
      if (result.code === 0) for (const span of spans) done.add(span.spanContext().spanId);
      else failed += spans.length;
      callback(result);
    });
  },
  forceFlush: () => exporter.forceFlush(),
  shutdown: () => exporter.shutdown(),
};

const provider = new BasicTracerProvider({
  spanProcessors: [processor === 'batch'
    ? new BatchSpanProcessor(counting, { maxQueueSize: 20000, scheduledDelayMillis: 10 })
    : new SimpleSpanProcessor(counting)],
});
const tracer = provider.getTracer('durable');

for (let i = 0; i < Number(wanted); i++) {
  const span = tracer.startSpan(`step ${i % 10}`, { kind: i % 5, attributes: { 'gen_ai.usage.input_tokens': i, 'enduser.id': 'anna' } });
  if (i % 100 === 0) span.recordException(new Error('at /home/anna/plan.md'));
  span.end();
}

/** A batch processor exports in its own time: the parent kills only what was called back. */
function report() {
  if (done.size + failed < Number(wanted)) setTimeout(report, 5);
  else process.send?.({ ids: [...done], failed });
}
report();
setInterval(() => {}, 1000);
