'use strict';
// OpenTelemetry in: the SDKs' own OTLP exporters, in JSON and protobuf, against a real collector.
const assert = require('node:assert/strict');
const path = require('node:path');
const test = require('node:test');
const zlib = require('node:zlib');
const protobuf = require('protobufjs');
const { SpanKind, SpanStatusCode } = require('@opentelemetry/api');
const { LoggerProvider, SimpleLogRecordProcessor } = require('@opentelemetry/sdk-logs');
const { AggregationType, MeterProvider, PeriodicExportingMetricReader } = require('@opentelemetry/sdk-metrics');
const { BasicTracerProvider, BatchSpanProcessor } = require('@opentelemetry/sdk-trace-base');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const { Central, TOKEN, run, uuid7 } = require('../e2e/central-support.js');

const EXPORTERS = {
  json: {
    traces: require('@opentelemetry/exporter-trace-otlp-http').OTLPTraceExporter,
    metrics: require('@opentelemetry/exporter-metrics-otlp-http').OTLPMetricExporter,
    logs: require('@opentelemetry/exporter-logs-otlp-http').OTLPLogExporter,
  },
  protobuf: {
    traces: require('@opentelemetry/exporter-trace-otlp-proto').OTLPTraceExporter,
    metrics: require('@opentelemetry/exporter-metrics-otlp-proto').OTLPMetricExporter,
    logs: require('@opentelemetry/exporter-logs-otlp-proto').OTLPLogExporter,
  },
};
const RESOURCE = {
  'service.name': 'my agent', 'service.version': '1.2.3', 'service.instance.id': 'instance-1', 'host.name': 'annas-laptop', 'host.arch': 'amd64', 'os.type': 'linux',
  'process.owner': 'anna',
};
const SHARED = { 'otel.scope.name': 'scope', 'service.version': '1.2.3', 'os.type': 'linux', 'host.arch': 'amd64' };
const root = protobuf.loadSync(path.join(__dirname, '..', '..', 'central', 'otlp', 'otlp.proto'));
const type = (name) => root.lookupType(`otlp.${name}`);

/** Every stored event. @param {Central} central @returns {Promise<any[]>} */
async function stored(central) {
  const events = [];
  let cursor = null;
  do {
    const page = await central.get(`/api/telemetry/events?limit=500${cursor === null ? '' : `&cursor=${cursor}`}`);
    events.push(...page.events);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return events;
}

/** @param {Central} central @param {string} kind @param {'traces' | 'metrics' | 'logs'} signal @param {string} [compression] */
const exporterFor = (central, kind, signal, compression) => new EXPORTERS[kind][signal]({
  url: `${central.url}/v1/${signal}`, headers: { authorization: `Bearer ${TOKEN}` }, compression,
});

for (const kind of ['json', 'protobuf']) {
  for (const compression of ['none', 'gzip']) {
    test(`spans of the SDK arrive complete and sanitised, ${kind}, ${compression}`, async (t) => {
      const central = await Central.start(t);
      const provider = new BasicTracerProvider({
        resource: resourceFromAttributes(RESOURCE),
        spanProcessors: [new BatchSpanProcessor(exporterFor(central, kind, 'traces', compression), { maxExportBatchSize: 100 })],
      });
      const tracer = provider.getTracer('scope');
      const ids = new Set();
      for (let i = 0; i < 250; i++) {
        const span = tracer.startSpan(`step ${i}`);
        ids.add(span.spanContext().spanId);
        span.end();
      }
      const start = Date.now();
      const failed = tracer.startSpan('call bob@example.com', {
        kind: SpanKind.CLIENT, startTime: start, attributes: { 'http.request.method': 'GET', 'http.response.status_code': 500, 'enduser.id': 'anna', 'url.scheme': ['a', 'list'] },
      });
      ids.add(failed.spanContext().spanId);
      failed.recordException(new RangeError('mail bob@example.com'));
      failed.setStatus({ code: SpanStatusCode.ERROR, message: 'anna did it' });
      failed.end(start + 1500);
      await provider.shutdown();
      const events = await stored(central);
      const spans = events.filter((event) => event.event_type === 'span');
      assert.deepEqual([events.length, spans.length], [252, 251]);
      assert.deepEqual(new Set(spans.map((event) => event.payload.spanId)), ids);
      const { traceId, spanId } = failed.spanContext();
      const one = spans.find((event) => event.payload.spanId === spanId);
      assert.deepEqual(one.payload, {
        traceId, spanId, name: 'call <email>', kind: 'client', startNs: `${start}000000`, endNs: `${start + 1500}000000`, durationMs: 1500, status: 'error',
        attrs: { 'http.request.method': 'GET', 'http.response.status_code': 500, 'error.type': 'RangeError', ...SHARED },
      });
      assert.deepEqual([one.app, one.app_version, one.session_id, one.platform, one.user_id, one.correlation_id], ['my_agent', '1.2.3', 'instance-1', 'linux-x64', 'anonymous', traceId]);
      const error = events.find((event) => event.event_type === 'Error');
      assert.deepEqual([error.payload.errorType, error.payload.message, error.correlation_id], ['RangeError', 'mail <email>', traceId]);
      assert.ok(!JSON.stringify(events).includes('anna') && !JSON.stringify(events).includes('bob'));
      const metrics = await central.metrics();
      assert.equal(metrics.get('candor_central_otlp_records_total{signal="traces"}'), 252);
      assert.ok(metrics.get('candor_central_otlp_attributes_dropped_total') > 0);
    });
  }

  test(`log records of the SDK arrive complete and sanitised, ${kind}`, async (t) => {
    const central = await Central.start(t);
    const provider = new LoggerProvider({
      resource: resourceFromAttributes(RESOURCE), processors: [new SimpleLogRecordProcessor({ exporter: exporterFor(central, kind, 'logs', 'gzip') })],
    });
    const logger = provider.getLogger('scope');
    logger.emit({ severityNumber: 17, body: 'failed for bob@example.com \u{1F600}', eventName: 'mail.failed', attributes: { 'error.type': 'Timeout', 'user.name': 'anna' } });
    logger.emit({ severityNumber: 1, body: { not: { a: 'text' } } });
    for (let i = 0; i < 20; i++) logger.emit({ severityNumber: 9, body: `line ${i}` });
    await provider.shutdown();
    const events = await stored(central);
    assert.equal(events.length, 22);
    const first = events.find((event) => event.payload.severity === 'error');
    assert.deepEqual(first.payload, { severity: 'error', body: 'failed for <email> \u{1F600}', attrs: { 'error.type': 'Timeout', 'event.name': 'mail.failed', ...SHARED } });
    assert.deepEqual(events.find((event) => event.payload.severity === 'trace').payload, { severity: 'trace', attrs: SHARED });
    assert.deepEqual(events.map((event) => event.payload.body).filter((body) => body?.startsWith('line')).length, 20);
    assert.ok(!JSON.stringify(events).includes('anna'));
  });

  test(`metrics of the SDK arrive complete and sanitised, ${kind}`, async (t) => {
    const central = await Central.start(t);
    const reader = new PeriodicExportingMetricReader({ exporter: exporterFor(central, kind, 'metrics'), exportIntervalMillis: 1e8 });
    const provider = new MeterProvider({
      resource: resourceFromAttributes(RESOURCE), readers: [reader],
      views: [{ instrumentName: 'exp', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } }],
    });
    const meter = provider.getMeter('scope');
    meter.createCounter('tool/calls', { unit: '{call}' }).add(2, { 'gen_ai.tool.name': 'read_file', path: '/home/anna' });
    meter.createUpDownCounter('files.open').add(-5);
    const latency = meter.createHistogram('latency', { unit: 'ms', advice: { explicitBucketBoundaries: [10, 100] } });
    for (const ms of [5, 50, 500]) latency.record(ms, { 'cache.hit': true });
    meter.createHistogram('exp').record(7.5);
    meter.createObservableGauge('heap', { unit: 'By' }).addCallback((result) => result.observe(1234.5, { 'user.name': 'anna' }));
    await provider.forceFlush();
    const events = await stored(central);
    const of = (name) => {
      const { startNs, timeNs, ...rest } = events.find((event) => event.payload.metric === name).payload;
      assert.ok(BigInt(timeNs) >= BigInt(startNs));
      return rest;
    };
    assert.equal(events.length, 5);
    assert.deepEqual(of('tool.calls'), { metric: 'tool.calls', value: 2, unit: 'call', type: 'counter', labels: { 'gen_ai.tool.name': 'read_file', ...SHARED }, temporality: 'cumulative' });
    assert.deepEqual(of('files.open'), { metric: 'files.open', value: -5, type: 'gauge', labels: SHARED, temporality: 'cumulative' });
    assert.deepEqual(of('heap'), { metric: 'heap', value: 1234.5, unit: 'By', type: 'gauge', labels: SHARED });
    assert.deepEqual(of('latency'), {
      metric: 'latency', value: 555, unit: 'ms', type: 'histogram', labels: { 'cache.hit': true, ...SHARED }, count: 3, min: 5, max: 500, bounds: [10, 100], bucketCounts: [1, 1, 1], temporality: 'cumulative',
    });
    assert.deepEqual(of('exp'), { metric: 'exp', value: 7.5, type: 'histogram', labels: SHARED, count: 1, min: 7.5, max: 7.5, temporality: 'cumulative' });
    assert.ok(!JSON.stringify(events).includes('anna'));
    await provider.shutdown();
  });
}

/* --- the protocol ----------------------------------------------------------------------------------- */

const nanos = (ms) => `${ms}000000`;
const log = (body, ms = Date.now(), more = {}) => ({ timeUnixNano: nanos(ms), severityNumber: 9, body: { stringValue: body }, ...more });
const logs = (records, attributes = []) => ({
  resourceLogs: [{ resource: { attributes: [{ key: 'service.name', value: { stringValue: 'demo' } }, ...attributes] }, scopeLogs: [{ scope: { name: 's' }, logRecords: records }] }],
});

/** @param {Central} central @param {string} signal @param {unknown} body @param {Record<string, any>} [options] */
async function post(central, signal, body, options = {}) {
  const response = await fetch(`${central.url}/v1/${signal}`, {
    method: 'POST', body: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
    headers: { authorization: `Bearer ${options.token ?? TOKEN}`, 'content-type': 'application/json', ...options.headers },
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const media = response.headers.get('content-type');
  return { status: response.status, media, headers: response.headers, bytes, json: media === 'application/json' ? JSON.parse(bytes.toString()) : undefined };
}
const PROTOBUF = { 'content-type': 'application/x-protobuf' };
const packed = (name, json) => Buffer.from(type(name).encode(type(name).fromObject(json)).finish());

test('a request that is sent again, in JSON or protobuf, stores nothing twice; the same record twice in one request is two', async (t) => {
  const central = await Central.start(t);
  const now = Date.now();
  const request = logs([log('same', now), log('same', now), log('other', now, { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8) })]);
  for (let i = 0; i < 2; i++) assert.deepEqual([(await post(central, 'logs', request)).status, (await stored(central)).length], [200, 3]);
  const same = structuredClone(request);
  for (const record of same.resourceLogs[0].scopeLogs[0].logRecords) {
    if (record.traceId) [record.traceId, record.spanId] = [Buffer.from(record.traceId, 'hex'), Buffer.from(record.spanId, 'hex')];
  }
  const again = await post(central, 'logs', zlib.gzipSync(packed('LogsRequest', same)), { headers: { ...PROTOBUF, 'content-encoding': 'gzip' } });
  assert.deepEqual([again.status, again.media, again.bytes.length], [200, 'application/x-protobuf', 0]);
  assert.equal((await stored(central)).length, 3);
  const span = (name) => ({ resourceSpans: [{ scopeSpans: [{ spans: [{ traceId: 'ab'.repeat(16), spanId: 'ef'.repeat(8), name, startTimeUnixNano: nanos(now), endTimeUnixNano: nanos(now) }] }] }] });
  for (const name of ['first', 'second']) assert.equal((await post(central, 'traces', span(name))).status, 200);
  assert.deepEqual((await stored(central)).filter((event) => event.event_type === 'span').map((event) => event.payload.name), ['first'], 'trace and span id name a span');
  const id = uuid7(now);
  await post(central, 'logs', logs([log('of ours', now, { attributes: [{ key: 'event_id', value: { stringValue: id } }] })]));
  assert.ok((await central.ids()).includes(id), 'an event id that the sender knows is kept');
});

test('a partial success says what was refused and left out', async (t) => {
  const central = await Central.start(t);
  assert.deepEqual((await post(central, 'logs', logs([log('good')]))).json, {});
  const old = Date.now() - 400 * 86400000;
  const partly = logs([log('good'), log('old', old)], [{ key: 'process.owner', value: { stringValue: 'anna' } }]);
  const { status, json } = await post(central, 'logs', partly);
  assert.equal(status, 200);
  assert.deepEqual(json, { partialSuccess: { rejectedLogRecords: '1', errorMessage: '1 of 2 records were refused: 1 clock_skew; 1 attributes are not in the schema and were left out' } });
  const answer = await post(central, 'logs', packed('LogsRequest', logs([log('old', old)])), { headers: PROTOBUF });
  assert.deepEqual(type('Response').toObject(type('Response').decode(answer.bytes), { longs: Number }), {
    partialSuccess: { rejected: 1, errorMessage: '1 of 1 records were refused: 1 clock_skew' } });
  const spans = await post(central, 'traces', { resourceSpans: [{ scopeSpans: [{ spans: [{ name: 'without ids' }] }] }] });
  assert.equal(spans.json.partialSuccess.rejectedSpans, '1');
  const points = await post(central, 'metrics', { resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'a', gauge: { dataPoints: [{ timeUnixNano: nanos(Date.now()) }] } }, { name: 'later' }] }] }] });
  assert.equal(points.json.partialSuccess.rejectedDataPoints, '2');
  const token = (await run(['token', 'create', '--scopes', 'ingest', '--app', 'another', '--data', central.data])).stdout.trim();
  const deadline = Date.now() + 60000;
  let wrong;
  do wrong = await post(central, 'logs', logs([log('x')]), { token }); while (wrong.status === 401 && Date.now() < deadline);
  assert.match(wrong.json.partialSuccess.errorMessage, /1 wrong_app/);
  const metrics = await central.metrics();
  assert.equal(metrics.get('candor_central_otlp_records_total{signal="logs"}'), 2);
  assert.equal(metrics.get('candor_central_otlp_attributes_dropped_total'), 1);
  assert.equal(metrics.get('candor_central_fields_adjusted_total{kind="unknown_field"}'), 1);
});

test('what cannot be read is a Status in the language of the request', async (t) => {
  const central = await Central.start(t, { args: ['--max-events', '10', '--max-body-bytes', '100000'] });
  const refusals = [
    ['{', {}, 400, /line 1, column/], ['[]', {}, 400, /must be an object/], ['{"resourceLogs":{}}', {}, 400, /must be a list/],
    ['{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"soon"}]}]}]}', {}, 400, /integer/],
    ['{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"traceId":"xyz"}]}]}]}', {}, 400, /hex/], [`${'['.repeat(5000)}`, {}, 400, /object/],
    [`{"unknown":${'['.repeat(500)}${']'.repeat(500)}}`, {}, 400, /JSON/], ['x'.repeat(100001), {}, 413, /export smaller batches/],
    [JSON.stringify(logs(Array.from({ length: 11 }, () => log('x')))), {}, 413, /more than 10 events/],
    ['{}', { headers: { 'content-type': 'text/plain' } }, 415, /Content-Type/], ['{}', { headers: { 'content-encoding': 'br' } }, 415, /Content-Encoding/],
    ['{}', { token: 'nonsense-nonsense' }, 401, /token is unknown/], ['{}', { headers: { 'content-encoding': 'gzip' } }, 400, /gzip/],
  ];
  for (const [body, options, status, message] of refusals) {
    const answer = await post(central, 'logs', body, options);
    assert.deepEqual([answer.status, answer.media], [status, 'application/json'], body.slice(0, 60));
    assert.ok(Number.isInteger(answer.json.code) && answer.json.code > 0);
    assert.match(answer.json.message, message);
  }
  const bad = await post(central, 'logs', Buffer.from([0x0a, 0xff]), { headers: PROTOBUF });
  assert.deepEqual([bad.status, bad.media], [400, 'application/x-protobuf']);
  const { code, message } = type('Status').decode(bad.bytes);
  assert.deepEqual([code, /no protobuf message/.test(message)], [3, true]);
  assert.equal((await fetch(`${central.url}/v1/logs`)).status, 405);
  assert.deepEqual(await stored(central), []);
});

test('a sender chooses neither the depth of the decoder nor its memory', async (t) => {
  const central = await Central.start(t, { args: ['--max-body-bytes', '16777216'] });
  // Lists in lists, half a million deep: { arrayValue { values { arrayValue ... on the wire.
  const varint = (n) => { const out = []; for (; n > 127; n = Math.floor(n / 128)) out.push(n % 128 | 128); return [...out, n]; };
  const parts = [];
  let size = 0;
  for (let i = 0; i < 300000; i++) {
    const head = Buffer.from([0x2a, ...varint(size)]);
    const inner = Buffer.from([0x0a, ...varint(size + head.length)]);
    parts.push(head, inner);
    size += head.length + inner.length;
  }
  const value = Buffer.concat(parts.reverse());
  const wrap = (field, bytes) => Buffer.concat([Buffer.from([field << 3 | 2, ...varint(bytes.length)]), bytes]);
  const deep = wrap(1, wrap(2, wrap(2, wrap(5, wrap(5, value)))));
  const answer = await post(central, 'logs', deep, { headers: PROTOBUF });
  assert.ok([200, 400].includes(answer.status), String(answer.status));
  // Each empty record is two bytes there and some hundred here.
  const empty = Buffer.alloc(4000000);
  for (let i = 0; i < empty.length; i += 2) empty[i] = 0x12;
  const many = await post(central, 'logs', wrap(1, wrap(2, empty)), { headers: PROTOBUF });
  assert.deepEqual([many.status, /memory/.test(type('Status').decode(many.bytes).message)], [413, true]);
  const list = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[${Array(700000).fill('{}').join(',')}]}]}]}`;
  assert.equal((await post(central, 'logs', list)).status, 413);
  assert.equal((await fetch(`${central.url}/api/v1/health`)).status, 200);
});
