'use strict';
// OpenTelemetry out: what the collector hands on arrives at receivers that are not ours, all of it, also when they are
// away for a while: a gRPC server of @grpc/grpc-js, and HTTP servers of Node.
const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const test = require('node:test');
const zlib = require('node:zlib');
const grpc = require('@grpc/grpc-js');
const protobuf = require('protobufjs');
const { Central, event, run, toolCall, uuid7 } = require('../e2e/central-support.js');
const { makeCa, makeServer } = require('../support/pki.js');
const { until } = require('../support/until.js');
const { tempDir } = require('../js/helper');

const root = protobuf.loadSync(path.join(__dirname, '..', '..', 'central', 'otlp', 'otlp.proto'));
const type = (name) => root.lookupType(`otlp.${name}`);
const SIGNALS = {
  logs: { request: 'LogsRequest', service: 'opentelemetry.proto.collector.logs.v1.LogsService', records: (m) => m.resourceLogs.flatMap((r) => r.scopeLogs.flatMap((s) => s.logRecords)) },
  metrics: { request: 'MetricsRequest', service: 'opentelemetry.proto.collector.metrics.v1.MetricsService', records: (m) => m.resourceMetrics.flatMap((r) => r.scopeMetrics.flatMap((s) => s.metrics)) },
  traces: { request: 'TracesRequest', service: 'opentelemetry.proto.collector.trace.v1.TraceService', records: (m) => m.resourceSpans.flatMap((r) => r.scopeSpans.flatMap((s) => s.spans)) },
};
const attribute = (list, key) => list?.find((one) => one.key === key)?.value.stringValue;
const eventId = (record) => attribute(record.attributes, 'event_id')
  ?? attribute((record.gauge ?? record.sum ?? record.histogram)?.dataPoints[0].exemplars[0].filteredAttributes, 'event_id');

/** What a receiver got: records by event id, in how many copies. */
class Received {
  ids = new Map();
  requests = 0;
  /** @param {'logs' | 'metrics' | 'traces'} signal @param {Buffer} bytes */
  take(signal, bytes) {
    const { request, records } = SIGNALS[signal];
    this.requests++;
    for (const record of records(type(request).toObject(type(request).decode(bytes), { longs: String, bytes: String }))) {
      const id = eventId(record);
      this.ids.set(id, { copies: (this.ids.get(id)?.copies ?? 0) + 1, signal, record });
    }
  }
}

/** A gRPC server of the three services. fail: a status to answer with instead. */
async function grpcServer(t, received, { port = 0, credentials = grpc.ServerCredentials.createInsecure(), fail = () => undefined } = {}) {
  const server = new grpc.Server();
  for (const [signal, { service }] of Object.entries(SIGNALS)) {
    const buffer = (bytes) => bytes;
    server.addService({ Export: {
      path: `/${service}/Export`, requestStream: false, responseStream: false,
      requestSerialize: buffer, requestDeserialize: buffer, responseSerialize: buffer, responseDeserialize: buffer,
    } }, { Export: (call, done) => {
      const code = fail(call, signal);
      if (code !== undefined) {
        done({ code, details: 'as the test says' });
        return;
      }
      received.take(signal, call.request);
      done(null, Buffer.alloc(0));
    } });
  }
  const bound = await new Promise((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, credentials, (error, at) => (error ? reject(error) : resolve(at)));
  });
  t.after(() => server.forceShutdown());
  return { port: bound, stop: () => server.forceShutdown() };
}

const span = (ms = Date.now()) => event('span', { traceId: 'ab'.repeat(16), spanId: uuid7().replaceAll('-', '').slice(16), name: 'step', kind: 'client', startNs: `${ms}000000`, endNs: `${ms}000000`, durationMs: 0, status: 'ok' });
const metric = () => event('metric', { metric: 'calls', value: 1, type: 'counter', labels: { 'gen_ai.tool.name': 'grep' } });
/** Some of each signal. */
const mixed = (n) => Array.from({ length: n }, (_, i) => [toolCall, span, metric][i % 3]());
const follower = async (central) => (await (await fetch(`${central.url}/api/v1/health`)).json()).followers[0];

test('forwarding to a gRPC server loses nothing across restarts of that server, and of the collector', async (t) => {
  const received = new Received();
  let server = await grpcServer(t, received);
  const { port } = server;
  const args = ['--sink', 'sqlite', '--sink', 'otlp_grpc', '--sink-url', `otlp+grpc://127.0.0.1:${port}`];
  let central = await Central.start(t, { args });
  const sent = new Set();
  const post = async (n) => {
    const events = mixed(n);
    assert.equal((await central.post(events)).status, 202);
    for (const one of events) sent.add(one.event_id);
  };
  await post(300);
  await until('all arrived', () => received.ids.size === 300, 60_000);
  server.stop(); // in the middle of the next ones
  for (let i = 0; i < 5; i++) await post(120);
  await until('health says so', async () => (await follower(central)).status === 'unavailable', 60_000);
  await central.end('SIGKILL');
  central = await Central.start(t, { args, dir: central.dir });
  await post(60);
  assert.ok((await follower(central)).queued_events >= 60);
  server = await grpcServer(t, received, { port });
  await post(60);
  await until('all arrived', () => [...sent].every((id) => received.ids.has(id)), 60_000);
  await until('health says so', async () => (await follower(central)).queued_events === 0, 60_000);
  assert.equal(received.ids.size, sent.size);
  const health = await follower(central);
  assert.deepEqual([health.sink, health.status, health.dropped, health.refused, health.damaged], ['otlp_grpc', 'ok', 0, 0, 0]);
  const kinds = [...received.ids.values()].map((one) => one.signal);
  assert.deepEqual(new Set(kinds), new Set(['logs', 'metrics', 'traces']));
});

test('gRPC over TLS, with a token; what the server will never take is counted, what it cannot take now comes again', async (t) => {
  const received = new Received();
  const dir = tempDir(t);
  makeCa(dir, 'ca');
  makeServer(dir, 'ca', 'server');
  const [key, cert, ca] = ['server.key', 'server.pem', 'ca.pem'].map((name) => path.join(dir, name));
  let bad;
  let busy = 3;
  const credentials = grpc.ServerCredentials.createSsl(null, [{ private_key: fs.readFileSync(key), cert_chain: fs.readFileSync(cert) }]);
  const { port } = await grpcServer(t, received, { credentials, fail: (call) => {
    if (call.metadata.get('authorization')[0] !== 'Bearer s3cret') return grpc.status.UNAUTHENTICATED;
    if (busy-- > 0) return grpc.status.UNAVAILABLE;
    return call.request.includes(bad) ? grpc.status.INVALID_ARGUMENT : undefined;
  } });
  const central = await Central.start(t, { args: ['--sink', 'sqlite', '--sink', 'otlp_grpc'], env: { CANDOR_CENTRAL_SINK_URL: `otlp+grpcs://bearer:s3cret@127.0.0.1:${port}?ca=${encodeURIComponent(ca)}` } });
  const events = mixed(90);
  bad = Buffer.from(events[30].event_id);
  await central.post(events);
  await until('all arrived', () => received.ids.size === 89, 60_000);
  await until('health says so', async () => (await follower(central)).queued_events === 0, 60_000);
  assert.ok(!received.ids.has(events[30].event_id));
  const health = await follower(central);
  assert.deepEqual([health.stored, health.refused, health.duplicates], [89, 1, 0]);
});

test('forwarding over HTTP: protobuf, gzip, a header of the receiver; partial success is counted', async (t) => {
  const received = new Received();
  const asked = [];
  let partial = false;
  const server = http.createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    asked.push([request.url, request.headers['x-api-key'], request.headers['content-type'], request.headers['content-encoding']]);
    received.take(request.url.split('/').pop(), zlib.gunzipSync(Buffer.concat(parts)));
    const body = partial ? type('Response').encode({ partialSuccess: { rejected: 2, errorMessage: 'no' } }).finish() : Buffer.alloc(0);
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end(body);
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => server.close());
  const central = await Central.start(t, { args: ['--sink', 'sqlite', '--sink', 'otlp', '--sink-url', `otlp+http://x-api-key:k1@127.0.0.1:${server.address().port}/base`] });
  const [log, one] = [event('Error', { errorType: 'E', message: 'x' }), span()];
  await central.post([log, one]);
  await until('all arrived', () => received.ids.size === 2, 60_000);
  const { record } = received.ids.get(one.event_id);
  assert.deepEqual([record.name, record.kind, Buffer.from(record.traceId, 'base64').toString('hex')], ['step', 3, 'ab'.repeat(16)]);
  assert.equal(received.ids.get(log.event_id).record.eventName, 'Error');
  assert.deepEqual(asked.sort(), [['/base/v1/logs', 'k1', 'application/x-protobuf', 'gzip'], ['/base/v1/traces', 'k1', 'application/x-protobuf', 'gzip']]);
  partial = true;
  await central.post([toolCall(), toolCall(), toolCall()]);
  await until('health says so', async () => (await follower(central)).refused === 2, 60_000);
  assert.equal((await follower(central)).stored, 3);
});

test('forwarding from one collector to another stores everything once', async (t) => {
  const second = await Central.start(t);
  const token = (await run(['token', 'create', '--scopes', 'ingest', '--data', second.data])).stdout.trim();
  const first = await Central.start(t, { args: ['--sink', 'sqlite', '--sink', 'otlp', '--sink-url', `otlp+http://bearer:${token}@127.0.0.1:${second.port}`] });
  const events = mixed(60);
  await first.post(events);
  await until('all arrived', async () => (await second.ids()).length === 60, 60_000);
  assert.deepEqual((await second.ids()).sort(), events.map((one) => one.event_id).sort());
});

test('a capture endpoint gets each event with its uuid, in batches, and again after 503', async (t) => {
  const batches = [];
  let busy = 2;
  const server = http.createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = JSON.parse(zlib.gunzipSync(Buffer.concat(parts)).toString());
    if (request.url !== '/batch/' || body.api_key !== 'phc_key') response.writeHead(401).end('{}');
    else if (busy-- > 0) response.writeHead(503).end('{}');
    else if (body.batch.length > 100) response.writeHead(413).end('{}');
    else {
      batches.push(body.batch);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"Ok"}');
    }
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => server.close());
  const central = await Central.start(t, { args: ['--sink', 'sqlite', '--sink', 'posthog', '--sink-url', `posthog+http://:phc_key@127.0.0.1:${server.address().port}`] });
  const events = Array.from({ length: 250 }, () => toolCall());
  await central.post(events);
  await until('all arrived', () => batches.flat().length >= 250, 60_000);
  await until('health says so', async () => (await follower(central)).queued_events === 0, 60_000);
  assert.deepEqual(batches.flat().map((one) => one.uuid).sort(), events.map((one) => one.event_id).sort());
  const one = batches.flat().find((captured) => captured.uuid === events[0].event_id);
  assert.deepEqual([one.event, one.distinct_id, one.timestamp, one.properties.app, one.properties.$session_id, one.properties.$process_person_profile],
    ['ToolCall', 'u-1', events[0].timestamp, 'demo', events[0].session_id, false]);
  assert.deepEqual(one.properties.payload, events[0].payload);
});

test('chunks are bounded by their bytes too', async (t) => {
  const sizes = [];
  const server = http.createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const text = zlib.gunzipSync(Buffer.concat(parts));
    sizes.push([JSON.parse(text.toString()).batch.length, text.length]);
    response.writeHead(200).end('{}');
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => server.close());
  const central = await Central.start(t, { args: ['--sink', 'sqlite', '--sink', 'posthog', '--sink-url', `posthog+http://:phc_key@127.0.0.1:${server.address().port}`] });
  const attrs = Object.fromEntries(['gen_ai.tool.name', 'exception.type', 'error.type', 'rpc.service', 'event.name'].map((name) => [name, 'x'.repeat(60)]));
  const body = 'many words without a secret '.repeat(36);
  for (let i = 0; i < 6; i++) await central.post(Array.from({ length: 200 }, () => event('log', { severity: 'info', body, attrs })));
  const arrived = () => sizes.reduce((sum, [n]) => sum + n, 0);
  await until('all arrived', () => arrived() >= 1200, 60_000);
  assert.equal(arrived(), 1200);
  for (const [n, bytes] of sizes) assert.ok(n <= 512 && bytes < 2 * 1048576, `${n} events, ${bytes} bytes`);
});

test('a forwarder cannot be the store, and its address must be one', async () => {
  const serve = (...args) => run(['serve', '--data', '/nonexistent/x', ...args]);
  for (const [args, what] of [
    [['--sink', 'otlp', '--sink-url', 'otlp+https://host'], /hands events on and keeps none/], [['--sink', 'sqlite', '--sink', 'posthog'], /needs --sink-url posthog\+https/],
  ]) {
    const { code, stderr } = await serve(...args);
    assert.notEqual(code, 0);
    assert.match(stderr, what);
  }
});
