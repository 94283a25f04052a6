'use strict';
// The exporters behind the SDKs of OpenTelemetry as npm has them, down to what waits in the spool.

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');
const { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } = require('@opentelemetry/api');
const { BasicTracerProvider, BatchSpanProcessor, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base');
const { MeterProvider, PeriodicExportingMetricReader } = require('@opentelemetry/sdk-metrics');
const { LoggerProvider, SimpleLogRecordProcessor } = require('@opentelemetry/sdk-logs');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const { CandorLogRecordExporter, CandorMetricExporter, CandorSpanExporter } = require('../../js/otel');
const { openClient, pendingEvents, quiet, tempDir } = require('../js/helper');

const resource = resourceFromAttributes({ 'service.name': 'my-agent', 'service.version': '1.2.3', 'host.name': 'annas-laptop', 'process.owner': 'anna' });
const RESOURCE = { 'otel.scope.name': 'scope', 'service.name': 'my-agent', 'service.version': '1.2.3' };

/** Export and wait for the result. */
function exported(exporter, records) {
  return new Promise((resolve) => exporter.export(records, resolve));
}

test('package.json offers the exporters as candor/otel', () => {
  const { exports } = JSON.parse(fs.readFileSync(path.join(__dirname, '..', '..', 'package.json'), 'utf8'));
  const root = path.join(__dirname, '..', '..');
  assert.deepEqual(Object.keys(require(path.join(root, exports['./otel'].default))), ['CandorSpanExporter', 'CandorLogRecordExporter', 'CandorMetricExporter']);
  assert.ok(fs.existsSync(path.join(root, exports['./otel'].types)));
});

test('spans of the SDK become events, allowed attributes only', async (t) => {
  const client = openClient(t);
  const provider = new BasicTracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor(new CandorSpanExporter({ client }))] });
  const tracer = provider.getTracer('scope');
  const parent = tracer.startSpan('parent', { kind: SpanKind.SERVER, startTime: [1763735922, 5] });
  const child = tracer.startSpan('call /home/anna/x', {
    kind: SpanKind.CLIENT, attributes: { 'http.request.method': 'GET', 'http.response.status_code': 500, 'enduser.id': 'anna', 'gen_ai.request.model': 'gpt-4o' },
  }, trace.setSpan(ROOT_CONTEXT, parent));
  child.recordException(new RangeError('mail bob@example.com'));
  child.setStatus({ code: SpanStatusCode.ERROR, message: 'anna did it' });
  child.end();
  parent.end([1763735923, 500000005]);
  await provider.forceFlush();
  const [error, first, second] = await pendingEvents(client);
  assert.equal(error.event_type, 'Error');
  assert.deepEqual([error.payload.errorType, error.payload.message], ['RangeError', 'mail <email>']);
  assert.equal(error.correlation_id, parent.spanContext().traceId);
  const { startNs, endNs, durationMs, ...rest } = first.payload;
  assert.deepEqual(rest, {
    traceId: parent.spanContext().traceId, spanId: child.spanContext().spanId, parentId: parent.spanContext().spanId,
    name: 'call <path>', kind: 'client', status: 'error',
    attrs: { 'http.request.method': 'GET', 'http.response.status_code': 500, 'gen_ai.request.model': 'gpt-4o', 'error.type': 'RangeError', ...RESOURCE },
  });
  assert.ok(BigInt(endNs) >= BigInt(startNs) && durationMs >= 0);
  assert.deepEqual(second.payload, {
    traceId: parent.spanContext().traceId, spanId: parent.spanContext().spanId, name: 'parent', kind: 'server',
    startNs: '1763735922000000005', endNs: '1763735923500000005', durationMs: 1500, status: 'unset', attrs: RESOURCE,
  });
  assert.ok(!JSON.stringify([error, first, second]).includes('anna'));
});

test('log records of the SDK become events', async (t) => {
  const client = openClient(t);
  const provider = new LoggerProvider({ resource, processors: [new SimpleLogRecordProcessor({ exporter: new CandorLogRecordExporter({ client }) })] });
  const logger = provider.getLogger('scope');
  const spanContext = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), traceFlags: 1 };
  logger.emit({
    severityNumber: 17, severityText: 'ERROR', body: 'failed for bob@example.com', eventName: 'mail.failed',
    attributes: { 'error.type': 'Timeout', 'user.name': 'anna' }, context: trace.setSpanContext(ROOT_CONTEXT, spanContext),
  });
  logger.emit({ severityNumber: 1, body: { not: 'text' } });
  logger.emit({});
  await provider.forceFlush();
  const [first, second, third] = await pendingEvents(client);
  assert.deepEqual(first.payload, {
    severity: 'error', body: 'failed for <email>', traceId: spanContext.traceId, spanId: spanContext.spanId,
    attrs: { 'error.type': 'Timeout', 'event.name': 'mail.failed', ...RESOURCE },
  });
  assert.equal(first.correlation_id, spanContext.traceId);
  assert.deepEqual(second.payload, { severity: 'trace', attrs: RESOURCE });
  assert.deepEqual(third.payload, { attrs: RESOURCE });
});

test('metrics of the SDK become events, each counting only what is new', async (t) => {
  const directory = path.join(tempDir(t), 'candor');
  const client = openClient(t, { directory });
  const reader = new PeriodicExportingMetricReader({ exporter: new CandorMetricExporter({ client }), exportIntervalMillis: 1e8 });
  const provider = new MeterProvider({ resource, readers: [reader] });
  const meter = provider.getMeter('scope');
  const calls = meter.createCounter('tool/calls', { unit: '{call}' });
  const open = meter.createUpDownCounter('files.open');
  const latency = meter.createHistogram('latency', { unit: 'ms', advice: { explicitBucketBoundaries: [10, 100] } });
  meter.createObservableGauge('heap', { unit: 'By' }).addCallback((result) => result.observe(1234.5, { 'user.name': 'anna' }));
  calls.add(2, { 'gen_ai.tool.name': 'read_file', path: '/home/anna' });
  open.add(5);
  for (const ms of [5, 50, 500]) latency.record(ms, { 'cache.hit': true });
  await provider.forceFlush();
  calls.add(3, { 'gen_ai.tool.name': 'read_file' });
  open.add(-1);
  await provider.forceFlush();
  const events = await spooled(client, directory);
  const of = (name) => events.filter((event) => event.payload.metric === name).map((event) => event.payload);
  const bare = ({ startNs, timeNs, ...rest }) => {
    assert.ok(BigInt(timeNs) >= BigInt(startNs));
    return rest;
  };
  assert.deepEqual(of('tool.calls').map(bare), [2, 3].map((value) => ({
    metric: 'tool.calls', value, unit: 'call', type: 'counter', labels: { 'gen_ai.tool.name': 'read_file', ...RESOURCE }, temporality: 'delta',
  })));
  assert.deepEqual(of('files.open').map(({ value, type, temporality }) => [value, type, temporality]), [[5, 'gauge', 'cumulative'], [4, 'gauge', 'cumulative']]);
  assert.deepEqual(bare(of('latency')[0]), {
    metric: 'latency', value: 555, unit: 'ms', type: 'histogram', labels: { 'cache.hit': true, ...RESOURCE }, count: 3, min: 5, max: 500,
    bounds: [10, 100], bucketCounts: [1, 1, 1], temporality: 'delta',
  });
  assert.deepEqual([of('heap')[0].value, of('heap')[0].type, of('heap')[0].unit], [1234.5, 'gauge', 'By']);
  assert.ok(!JSON.stringify(events).includes('anna'));
  await provider.shutdown();
});

/** Every event of the spool's files: each flush makes one. */
async function spooled(client, directory) {
  await client.flush();
  const dir = path.join(directory, 'spool');
  const files = fs.readdirSync(dir).filter((name) => name.endsWith('.jsonl.gz')).sort();
  return files.flatMap((name) => zlib.gunzipSync(fs.readFileSync(path.join(dir, name))).toString().trim().split('\n').map((line) => JSON.parse(line)));
}

/** A span as an SDK hands it over. */
function readable(more = {}) {
  return {
    name: 'x', kind: 0, spanContext: () => ({ traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8) }), parentSpanId: 'ef'.repeat(8),
    startTime: [1, 2], endTime: [1, 3], duration: [0, 1], status: { code: 0 }, attributes: {}, events: [], links: [], resource: {}, ...more,
  };
}

test('spans of the 1.x SDK name their parent by id', async (t) => {
  const client = openClient(t);
  const exporter = new CandorSpanExporter({ client });
  assert.deepEqual(await exported(exporter, [readable()]), { code: 0 });
  const [{ payload }] = await pendingEvents(client);
  assert.equal(payload.parentId, 'ef'.repeat(8));
  assert.equal(payload.startNs, '1000000002');
});

test('a full journal is a failed export with counted drops, and the host lives', async (t) => {
  const client = openClient(t, { journalMaxBytes: 2 << 20, minFreeDiskBytes: 2 ** 50 });
  const exporter = new CandorSpanExporter({ client });
  const spans = Array.from({ length: 20000 }, () => readable());
  const result = await exported(exporter, spans);
  assert.equal(result.code, 1);
  assert.match(result.error.message, /were not kept: journal_full/);
  const { dropped } = client.status();
  assert.ok(dropped.disk_low + dropped.journal_full > 0);
});

test('at most 16384 records wait for room in the journal, and none for ever', async (t) => {
  const client = openClient(t, { journalMaxBytes: 2 << 20, minFreeDiskBytes: 2 ** 50 });
  while (client.emit('span', { name: 'x'.repeat(100) }));
  const exporter = new CandorSpanExporter({ client });
  let answered = 0;
  const all = Array.from({ length: 70 }, () => new Promise((resolve) => {
    const spans = Array.from({ length: 256 }, () => readable({ attributes: { 'rpc.service': 'x'.repeat(100) } }));
    exporter.export(spans, (result) => {
      answered++;
      resolve(result.code);
    });
  }));
  assert.equal(answered, 6, 'the others wait');
  assert.deepEqual(new Set(await Promise.all(all)), new Set([1]));
});

test('exports of one record each, made in one loop, are all kept', async (t) => {
  const client = openClient(t);
  const exporter = new CandorSpanExporter({ client });
  const all = Array.from({ length: 15000 }, () => exported(exporter, [readable({ attributes: { 'rpc.service': 'x'.repeat(100) } })]));
  assert.deepEqual(new Set((await Promise.all(all)).map((result) => result.code)), new Set([0]));
  assert.equal(client.status().kept, 15000);
});

test('a burst that the journal cannot take at once is kept all the same', async (t) => {
  const client = openClient(t);
  const exporter = new CandorSpanExporter({ client });
  const spans = Array.from({ length: 30000 }, () => readable({ attributes: { 'rpc.service': 'x'.repeat(100) } }));
  assert.deepEqual(await exported(exporter, spans), { code: 0 });
  assert.equal(client.status().kept, 30000);
});

test('what the user has switched off is no failed export', async (t) => {
  const client = openClient(t, { hostEnabled: false });
  assert.deepEqual(await exported(new CandorSpanExporter({ client }), [readable()]), { code: 0 });
  assert.equal(client.status().dropped.disabled, 1);
});

test('spans that are none fail the export and do not throw', async (t) => {
  const exporter = new CandorSpanExporter({ client: openClient(t) });
  for (const bad of [[null], [{}], [readable({ spanContext: () => { throw new Error('mine'); } })], null, 7]) {
    assert.equal((await exported(exporter, bad)).code, 1);
  }
  assert.doesNotThrow(() => exporter.export([readable()]));
});

test('an exporter that opened its client closes it at shutdown; a client it was given stays open', async (t) => {
  const own = new CandorSpanExporter(quiet(path.join(tempDir(t), 'spool')));
  assert.deepEqual(await exported(own, [readable()]), { code: 0 });
  await own.forceFlush();
  await own.shutdown();
  await own.shutdown();
  assert.equal((await exported(own, [readable()])).code, 1);
  assert.equal(own.client.emit('command.start', {}), false);
  const client = openClient(t);
  const given = new CandorLogRecordExporter({ client });
  await given.shutdown();
  assert.equal(client.emit('command.start', {}), true);
});

test('a batch processor drains at shutdown', async (t) => {
  const client = openClient(t);
  const provider = new BasicTracerProvider({ resource, spanProcessors: [new BatchSpanProcessor(new CandorSpanExporter({ client }))] });
  for (let i = 0; i < 1000; i++) provider.getTracer('scope').startSpan('x').end();
  await provider.shutdown();
  assert.equal(client.status().kept, 1000);
});
