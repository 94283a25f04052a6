'use strict';
// Where events go besides the collector: files, standard output, an OTLP receiver.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { test } = require('node:test');
const { openClient, pendingText, quiet, ROOT, run, schemaOf, tempDir } = require('./helper');
const { attribute, checkShape, records, startReceiver } = require('./otlp-support');

const TRACE = '0af7651916cd43dd8448eb211c80319c';

/** Events of the three signals. */
function signals() {
  const schema = schemaOf({ n: { kind: 'int', min: 0, max: 1e9 }, ms: { kind: 'duration' }, note: { kind: 'text', maxLength: 4096 } });
  const event = (fields) => ({ ...schema.events.Sample, fields });
  const id = { kind: 'id', maxLength: 64 };
  schema.events.metric = event({ metric: id, value: { kind: 'number', decimals: 3 }, unit: id, type: { kind: 'enum', values: ['gauge', 'counter', 'histogram'] } });
  schema.events.span = event({ traceId: id, spanId: id, name: id, startNs: id, endNs: id });
  return schema;
}

function emitAll(client) {
  assert.ok(client.emit('Sample', { n: 7, ms: 2, note: 'wörd "quoted"' }, { correlationId: TRACE }));
  assert.ok(client.emit('metric', { metric: 'heap', value: 1.5, unit: 'By', type: 'gauge' }));
  assert.ok(client.emit('span', { traceId: TRACE, spanId: 'b7ad6b7169203331', name: 'GET', startNs: '12', endNs: '34' }));
}

function linesOf(file) {
  const whole = fs.readFileSync(file, 'utf8');
  assert.ok(whole.endsWith('\n'), 'the last line is whole');
  return whole.split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

function checkAll(docs) {
  for (const doc of docs) checkShape(doc);
  const { logs, metrics, spans } = records(docs);
  assert.equal(logs.length, 1);
  assert.equal(logs[0].eventName, 'Sample');
  assert.equal(logs[0].traceId, TRACE);
  assert.equal(attribute(logs[0].attributes, 'n'), '7');
  assert.equal(attribute(logs[0].attributes, 'ms'), 2);
  assert.equal(attribute(logs[0].attributes, 'note'), 'wörd "quoted"');
  assert.match(attribute(logs[0].attributes, 'event_id'), /^[0-9a-f]{8}-/);
  assert.equal(metrics.length, 1);
  assert.equal(metrics[0].gauge.dataPoints[0].asDouble, 1.5);
  assert.equal(spans.length, 1);
  assert.equal(spans[0].endTimeUnixNano, '34');
  const [{ resource }] = docs[0].resourceLogs;
  assert.equal(attribute(resource.attributes, 'service.name'), 'js-test');
  assert.equal(attribute(resource.attributes, 'os.type'), { linux: 'linux', darwin: 'darwin', win32: 'windows' }[process.platform]);
  assert.match(attribute(resource.attributes, 'host.id'), /^[0-9a-f]{32}$/, 'hashed');
}

// --- file ---

test('file: flush resolves to the file that holds every event as OTLP JSON lines', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  const client = openClient(t, { directory, exporter: 'file', schema: signals() });
  emitAll(client);
  const { path: file, events } = await client.flush();
  assert.equal(events, 3);
  assert.match(path.relative(directory, file), /^otlp\/\d{4}-\d\d-\d\d\.jsonl$/);
  assert.equal(fs.statSync(file).mode & 0o777, 0o600);
  checkAll(linesOf(file));
  assert.deepEqual(fs.readdirSync(path.join(directory, 'spool')), []);
  const status = client.status();
  assert.deepEqual(status.exporter, { name: 'file', written: 3, dropped: 0 });
  assert.equal(status.kept, 3);
  assert.equal(status.sent.events, 3);
  assert.equal(status.spool.batches, 0);
});

test('file: nothing is uploaded, and upload says why', async (t) => {
  const receiver = await startReceiver(t);
  const client = openClient(t, { exporter: 'file', endpoint: receiver.endpoint, mode: 'auto', uploadIntervalMs: 10 });
  client.emit('ChatTurn', {});
  const report = await client.upload();
  assert.equal(report.uploaded, 0);
  assert.match(report.error, /nothing is uploaded/);
  assert.equal(receiver.requests.length, 0);
});

test('file: what a killed process accepted is in the file after the next start', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  const options = quiet(directory, { exporter: 'file' });
  const script = `const { open } = require(${JSON.stringify(path.join(ROOT, 'js'))});
    const client = open(${JSON.stringify(options)});
    for (let i = 0; i < 50; i++) client.emit('ChatTurn', { attempts: i });
    process.kill(process.pid, 'SIGKILL');`;
  assert.equal((await run(['-e', script], { dir: path.dirname(directory) })).signal, 'SIGKILL');
  const client = openClient(t, { directory, exporter: 'file' });
  await client.flush(); // recovery is over
  const [name] = fs.readdirSync(path.join(directory, 'otlp'));
  const { logs } = records(linesOf(path.join(directory, 'otlp', name)));
  assert.equal(new Set(logs.map((log) => attribute(log.attributes, 'event_id'))).size, 50);
});

test('file: a line that a crash left unfinished does not spoil the next', async (t) => {
  const client = openClient(t, { exporter: 'file' });
  client.emit('ChatTurn', {});
  const { path: file } = await client.flush();
  fs.appendFileSync(file, '{"resourceLogs":[{"reso');
  client.emit('ChatTurn', {});
  assert.equal((await client.flush()).path, file);
  const lines = fs.readFileSync(file, 'utf8').trimEnd().split('\n');
  assert.equal(lines.length, 3);
  assert.equal(lines[1], '{"resourceLogs":[{"reso');
  checkShape(JSON.parse(lines[2]));
});

test('file: a full file is followed by the next, and the oldest go when it is too much', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  const otlp = path.join(directory, 'otlp');
  fs.mkdirSync(otlp, { recursive: true, mode: 0o700 });
  fs.chmodSync(directory, 0o700);
  const today = new Date().toISOString().slice(0, 10);
  const put = (name, bytes) => fs.writeFileSync(path.join(otlp, name), `${'x'.repeat(bytes - 1)}\n`, { mode: 0o600 });
  put(`${today}.jsonl`, 16 * 1024 * 1024);
  put('2020-01-01.jsonl', 10);
  put('2020-01-01.1.jsonl', 10);
  put('notes.txt', 10);
  const client = openClient(t, { directory, exporter: 'file', spoolMaxBytes: 20 << 20 });
  client.emit('ChatTurn', {});
  const { path: file } = await client.flush();
  assert.equal(path.basename(file), `${today}.1.jsonl`);
  const old = ['2020-01-01.jsonl', '2020-01-01.1.jsonl']; // too old, but by one look at the clock only
  assert.deepEqual(fs.readdirSync(otlp).sort(), ['notes.txt', ...old, `${today}.1.jsonl`, `${today}.jsonl`].sort());
  client.close();
  const small = openClient(t, { directory, exporter: 'file', spoolMaxBytes: 65536 });
  small.emit('ChatTurn', {});
  await small.flush();
  assert.deepEqual(fs.readdirSync(otlp).sort(), ['notes.txt', `${today}.1.jsonl`].sort());
});

test('file: turning off silences, and deletes what was written', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  const client = openClient(t, { directory, exporter: 'file' });
  client.emit('ChatTurn', {});
  await client.flush();
  await client.setEnabled(false);
  assert.equal(client.emit('ChatTurn', {}), false);
  assert.deepEqual(fs.readdirSync(path.join(directory, 'otlp')), []);
});

test('file: a file that cannot be written keeps the events in the journal until it can', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  const client = openClient(t, { directory, exporter: 'file' });
  await client.flush();
  fs.writeFileSync(path.join(directory, 'otlp'), 'in the way');
  client.emit('ChatTurn', {});
  await assert.rejects(client.flush(), /ERR_CANDOR|otlp/);
  assert.equal(client.status().pending_journal, 1);
  fs.rmSync(path.join(directory, 'otlp'));
  const { path: file } = await client.flush();
  assert.equal(records(linesOf(file)).logs.length, 1);
  assert.equal(client.status().kept, 1);
});

// --- stdout ---

/** A child whose standard output is a pipe that nobody reads until told. */
function child(t, body, options) {
  const directory = path.join(tempDir(t), 'spool');
  const script = `const { open } = require(${JSON.stringify(path.join(ROOT, 'js'))});
    const client = open(${JSON.stringify(quiet(directory, { exporter: 'stdout', ...options }))});
    ${body}`;
  return spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'pipe'] });
}

async function textOf(stream) {
  let whole = '';
  for await (const chunk of stream) whole += chunk;
  return whole;
}

test('stdout: each document is one line', async (t) => {
  const process_ = child(t, `
    client.emit('ChatTurn', {});
    client.flush().then(({ path }) => { console.error(JSON.stringify({ path, ...client.status().exporter })); client.close(); });`, {});
  const [out, err] = await Promise.all([textOf(process_.stdout), textOf(process_.stderr)]);
  assert.deepEqual(JSON.parse(err), { path: null, name: 'stdout', written: 1, dropped: 0 });
  const lines = out.trimEnd().split('\n').map((line) => JSON.parse(line));
  assert.equal(lines.length, 1);
  checkShape(lines[0]);
});

test('stdout: a reader that stands still costs events, counted, and never the host', async (t) => {
  const process_ = child(t, `
    const note = 'word '.repeat(800);
    (async () => {
      let kept = 0;
      for (let round = 0; round < 30; round++) {
        for (let i = 0; i < 100; i++) kept += client.emit('Sample', { note });
        await client.flush();
      }
      console.error(JSON.stringify({ kept, ...client.status().exporter }));
      process.stdin.once('data', () => { client.close(); process.exit(); });
    })();`, { schema: signals(), exitFlushMs: 20000 });
  const [said] = await once(process_.stderr, 'data'); // it came so far although nobody read a byte
  const status = JSON.parse(String(said));
  assert.equal(status.kept, 3000);
  assert.ok(status.dropped > 0, 'some found no room');
  assert.equal(status.written + status.dropped, 3000);
  process_.stdin.end('close');
  const docs = (await textOf(process_.stdout)).trimEnd().split('\n').map((line) => JSON.parse(line));
  for (const doc of docs) checkShape(doc);
  assert.equal(records(docs).logs.length, status.written, 'closing has waited for what was said to be written');
});

// --- otlp_http ---

const http = (receiver, more = {}) => ({ exporter: 'otlp_http', endpoint: receiver.endpoint, schema: signals(), retryBaseMs: 1, ...more });

test('otlp_http: a batch is posted as up to three documents, with the token', async (t) => {
  const receiver = await startReceiver(t);
  const client = openClient(t, http(receiver, { token: 'secret' }));
  emitAll(client);
  const report = await client.upload();
  assert.deepEqual({ uploaded: report.uploaded, events: report.events, error: report.error }, { uploaded: 1, events: 3, error: null });
  assert.deepEqual(receiver.requests.map((request) => request.path), ['/v1/logs', '/v1/metrics', '/v1/traces']);
  for (const { headers } of receiver.requests) {
    assert.equal(headers.authorization, 'Bearer secret');
    assert.equal(headers['content-type'], 'application/json');
    assert.equal(headers['content-encoding'], 'gzip');
  }
  checkAll(receiver.requests.map((request) => request.json));
  assert.deepEqual(client.status().exporter, { name: 'otlp_http', written: 3, dropped: 0 });
});

test('otlp_http: partial success counts what was rejected and is final', async (t) => {
  const receiver = await startReceiver(t);
  receiver.answers['/v1/logs'] = [{ body: '{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"too old"}}' }];
  const client = openClient(t, http(receiver));
  emitAll(client);
  const report = await client.upload();
  assert.equal(report.events, 2);
  assert.match(report.error, /too old/);
  const status = client.status();
  assert.deepEqual(status.exporter, { name: 'otlp_http', written: 2, dropped: 1 });
  assert.equal(status.dropped.refused, 1);
  assert.equal((await client.upload()).pending, 0);
  assert.equal(receiver.requests.length, 3, 'nothing is sent again');
});

test('otlp_http: what may be tried again is, without the documents that were taken', async (t) => {
  for (const status of [429, 502, 503, 504]) {
    const receiver = await startReceiver(t);
    receiver.answers['/v1/metrics'] = [{ status }];
    const client = openClient(t, http(receiver));
    emitAll(client);
    const first = await client.upload();
    assert.equal(first.uploaded, 0);
    assert.equal(first.pending, 3);
    assert.equal((await client.upload()).uploaded, 1);
    assert.deepEqual(receiver.requests.map((request) => request.path), ['/v1/logs', '/v1/metrics', '/v1/metrics', '/v1/traces']);
    assert.deepEqual(client.status().exporter, { name: 'otlp_http', written: 3, dropped: 0 });
  }
});

test('otlp_http: Retry-After holds the endpoint', async (t) => {
  const receiver = await startReceiver(t);
  receiver.answers['/v1/logs'] = [{ status: 503, headers: { 'Retry-After': '3600' } }];
  const client = openClient(t, http(receiver));
  emitAll(client);
  await client.upload();
  assert.match((await client.upload()).error, /wait/);
  assert.equal(receiver.requests.length, 1);
});

test('otlp_http: any other refusal is final: that document is dropped and counted, the others go', async (t) => {
  const receiver = await startReceiver(t);
  receiver.answers['/v1/logs'] = [{ status: 400 }];
  const client = openClient(t, http(receiver));
  emitAll(client);
  const report = await client.upload();
  assert.equal(report.events, 2);
  assert.match(report.error, /\/v1\/logs answers HTTP 400/);
  assert.equal(client.status().dropped.refused, 1);
});

test('otlp_http: a batch of which nothing was taken goes into quarantine', async (t) => {
  const receiver = await startReceiver(t);
  for (const name of ['logs', 'metrics', 'traces']) receiver.answers[`/v1/${name}`] = [{ status: 401 }];
  const client = openClient(t, http(receiver));
  emitAll(client);
  const report = await client.upload();
  assert.equal(report.uploaded, 0);
  assert.match(report.error, /token/);
  const status = client.status();
  assert.equal(status.spool.quarantined, 1);
  assert.deepEqual(status.exporter, { name: 'otlp_http', written: 0, dropped: 3 });
});

test('otlp_http: an answer that is not OTLP keeps the batch', async (t) => {
  const receiver = await startReceiver(t);
  receiver.answers['/v1/logs'] = [{ body: '<html>log in</html>' }];
  const client = openClient(t, http(receiver));
  emitAll(client);
  const report = await client.upload();
  assert.equal(report.pending, 3);
  assert.match(report.error, /not like an OTLP receiver/);
  assert.equal((await client.upload()).uploaded, 1);
});

// --- candor ---

test('candor is the default: batches wait in the spool', async (t) => {
  const client = openClient(t);
  client.emit('ChatTurn', {});
  assert.equal((await pendingText(client)).length, 1);
  assert.equal(client.status().exporter.name, 'candor');
});

test('another word is refused with the list', (t) => {
  assert.throws(() => openClient(t, { exporter: 'kafka' }), /"exporter" must be one of candor, file, stdout, otlp_http/);
});
