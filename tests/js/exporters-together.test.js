'use strict';
// Exporters beside spans and metrics, the ledger, packages, the notice and GDPR mode.

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { openClient, tempDir } = require('./helper');
const { attribute, checkShape, records, startReceiver } = require('./otlp-support');
const { verifyLedger } = require('../../js');

const linesOf = (file) => fs.readFileSync(file, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));

/** One event of each signal, through the API. */
function useAll(client) {
  const span = client.startSpan('load', { kind: 'client', attrs: { 'http.request.method': 'GET', 'enduser.id': 'anna' } });
  span.setAttribute('http.response.status_code', 204).setStatus('ok');
  span.end();
  assert.ok(client.metric('queue.length', 3, { 'cache.hit': true, 'not.allowed': 'x' }, { unit: 'ms', type: 'counter' }));
  assert.ok(client.emit('ChatTurn', { promptLength: 2 }));
  return span;
}

test('file: a span, a metric and an event of the API are the three signals of OTLP', async (t) => {
  const client = openClient(t, { exporter: 'file' });
  const span = useAll(client);
  const { path: file, events } = await client.flush();
  assert.equal(events, 3);
  const docs = linesOf(file);
  for (const doc of docs) checkShape(doc);
  const { logs, metrics, spans } = records(docs);
  assert.deepEqual([logs.length, metrics.length, spans.length], [1, 1, 1]);
  assert.equal(logs[0].eventName, 'ChatTurn');
  assert.deepEqual(
    { traceId: spans[0].traceId, spanId: spans[0].spanId, name: spans[0].name, kind: spans[0].kind, status: spans[0].status },
    { traceId: span.traceId, spanId: span.spanId, name: 'load', kind: 3, status: { code: 1 } },
  );
  assert.match(spans[0].startTimeUnixNano, /^\d{19}$/);
  assert.ok(BigInt(spans[0].endTimeUnixNano) >= BigInt(spans[0].startTimeUnixNano));
  assert.equal(attribute(spans[0].attributes, 'http.request.method'), 'GET');
  assert.equal(attribute(spans[0].attributes, 'enduser.id'), undefined);
  assert.equal(metrics[0].name, 'queue.length');
  assert.equal(metrics[0].unit, 'ms');
  const [point] = metrics[0].sum.dataPoints;
  assert.equal(point.asDouble, 3);
  assert.deepEqual(point.attributes, [{ key: 'cache.hit', value: { boolValue: true } }]);
});

test('file: a log record keeps its severity, its body and its trace', async (t) => {
  const client = openClient(t, { exporter: 'file' });
  const span = client.startSpan('load');
  assert.ok(client.emit('log', { severity: 'warn', body: 'slow', traceId: span.traceId, spanId: span.spanId, attrs: { 'cache.hit': false } }));
  const docs = linesOf((await client.flush()).path);
  for (const doc of docs) checkShape(doc);
  const [log] = records(docs).logs;
  assert.deepEqual(
    { severity: log.severityNumber, body: log.body, traceId: log.traceId, spanId: log.spanId, hit: attribute(log.attributes, 'cache.hit') },
    { severity: 13, body: { stringValue: 'slow' }, traceId: span.traceId, spanId: span.spanId, hit: false },
  );
});

test('otlp_http: the ledger has a line for each document that was taken, with the digest of its body', async (t) => {
  const receiver = await startReceiver(t);
  receiver.answers['/v1/metrics'] = [{ status: 400 }];
  const client = openClient(t, { exporter: 'otlp_http', endpoint: receiver.endpoint });
  useAll(client);
  await client.upload();
  const entries = client.ledger();
  assert.deepEqual(entries.map((entry) => [entry.endpoint, entry.events, entry.accepted, entry.http]), [
    [`${receiver.endpoint}/v1/logs`, 1, 1, 200], [`${receiver.endpoint}/v1/traces`, 1, 1, 200],
  ]);
  const digests = receiver.requests.map((request) => crypto.createHash('sha256').update(request.body).digest('hex'));
  assert.deepEqual(entries.map((entry) => entry.sha256), [digests[0], digests[2]]);
  assert.equal(entries[0].batch_id, entries[1].batch_id);
  const { directory } = client.status();
  assert.equal(fs.existsSync(path.join(directory, 'sent')), false, 'what was posted is not the spool file');
  const proof = verifyLedger(directory);
  assert.deepEqual([proof.ok, proof.entries], [true, 2]);
});

test('otlp_http: nothing is posted before the notice was acknowledged', async (t) => {
  const receiver = await startReceiver(t);
  const client = openClient(t, { exporter: 'otlp_http', endpoint: receiver.endpoint, notice: 'host' });
  useAll(client);
  assert.match((await client.upload()).error, /not acknowledged notice/);
  assert.equal(receiver.requests.length, 0);
  await client.acknowledgeNotice();
  assert.equal((await client.upload()).events, 3);
});

test('otlp_http: a round ends at maxUploadBytes', async (t) => {
  const receiver = await startReceiver(t);
  const client = openClient(t, { exporter: 'otlp_http', endpoint: receiver.endpoint, maxUploadBytes: 1024 });
  for (let batch = 0; batch < 4; batch++) {
    for (let i = 0; i < 40; i++) client.emit('ChatTurn', { promptLength: i });
    await client.flush();
  }
  const { uploaded, pending } = await client.upload();
  assert.ok(uploaded >= 1 && uploaded < 4, String(uploaded));
  assert.equal(pending, 160 - 40 * uploaded);
});

test('otlp_http: a package is refused: it is for a collector', async (t) => {
  const receiver = await startReceiver(t);
  const client = openClient(t, { exporter: 'otlp_http', endpoint: receiver.endpoint });
  useAll(client);
  const file = path.join(tempDir(t), 'package.json.gz');
  assert.equal((await client.export(file)).events, 3);
  const report = await client.upload({ file });
  assert.equal(report.uploaded, 0);
  assert.match(report.error, /package goes to a Candor collector/);
  assert.equal(receiver.requests.length, 0);
  assert.equal((await client.upload()).events, 3, 'the next round is an ordinary one');
});

test('GDPR mode deletes the files of the exporter, and recording begins anew behind it', async (t) => {
  const client = openClient(t, { exporter: 'file' });
  useAll(client);
  const { path: file } = await client.flush();
  const notOurs = path.join(path.dirname(file), 'mine.txt');
  fs.writeFileSync(notOurs, 'x');
  await client.setGdpr(true);
  assert.deepEqual(fs.readdirSync(path.dirname(file)), ['mine.txt']);
  fs.unlinkSync(notOurs);
  await client.setGdpr(false);
  assert.ok(client.emit('ChatTurn', { promptLength: 9 }));
  const again = await client.flush();
  const { logs } = records(linesOf(again.path));
  assert.deepEqual(logs.map((log) => attribute(log.attributes, 'promptLength')), ['9']);
});

test('turning off deletes the files of the exporter', async (t) => {
  const client = openClient(t, { exporter: 'file' });
  useAll(client);
  const { path: file } = await client.flush();
  await client.setEnabled(false);
  assert.equal(fs.existsSync(file), false);
});

test('the settings file names the exporter as a matter of a restart', { timeout: 20_000 }, async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  fs.mkdirSync(directory, { mode: 0o700 });
  const file = path.join(directory, 'telemetry.toml');
  fs.writeFileSync(file, '[telemetry]\nexporter = "file"\n');
  const client = openClient(t, { directory, configFile: file });
  assert.equal(client.status().exporter.name, 'file');
  assert.deepEqual((await client.configure({ exporter: 'stdout' })).needs_restart, [], 'the file wins');
  fs.writeFileSync(file, '[telemetry]\nexporter = "otlp_http"\n');
  while (client.status().config.needs_restart.length === 0) await new Promise((resolve) => { setTimeout(resolve, 20); });
  assert.deepEqual(client.status().config.needs_restart, ['exporter']);
  assert.equal(client.status().exporter.name, 'file');
});
