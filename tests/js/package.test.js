'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { once } = require('node:events');
const { verifyLedger } = require('../../js');
const { openClient, runScript, tempDir } = require('./helper');
const { receipt, reply, serve } = require('../support/http.js');

const sha256 = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');

/** An endpoint that keeps the bodies as they came. answer(n) -> {code, body}. */
async function endpoint(t, answer) {
  const got = [];
  const url = await serve(t, (one, response) => {
    got.push(one);
    const { code = 202, body = receipt(one) } = answer?.(got.length) ?? {};
    reply(response, code, body);
  });
  return { got, url };
}

/** One batch of n events. */
async function batch(client, n, more = {}) {
  for (let i = 0; i < n; i++) client.emit('ToolCall', { toolName: 'read', durationMs: i, ...more }, { correlationId: `c-${i}` });
  return client.flush();
}

/* --- export -------------------------------------------------------------------------------- */

test('export writes what waits as one package, mode 600, and takes nothing out of the spool', async (t) => {
  const client = openClient(t);
  const file = path.join(tempDir(t), 'rc-metrics.json');
  await batch(client, 3);
  client.emit('Error', { errorType: 'TypeError', message: 'cannot open /home/alice/x.txt' }); // still in the journal
  const report = await client.export(file);
  const bytes = fs.readFileSync(file);
  assert.deepEqual(report, { path: file, bytes: bytes.length, events: 4, sha256: sha256(bytes) });
  assert.equal(fs.statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(fs.readdirSync(path.dirname(file)), ['rc-metrics.json'], 'a temporary file is left');
  const found = JSON.parse(bytes.toString());
  assert.deepEqual(Object.keys(found), ['schema_version', 'package_id', 'export_timestamp', 'app', 'app_version', 'platform',
    'machine_id', 'schema', 'governance_id', 'correlation_ids', 'correlation_ids_more', 'events', 'performance_metrics',
    'usage_statistics', 'errors']);
  assert.equal(found.schema_version, '1.0.0');
  assert.deepEqual(found.correlation_ids, ['c-0', 'c-1', 'c-2']);
  assert.equal(found.events.length, 4);
  assert.equal(found.events[3].payload.message, 'cannot open <path>');
  assert.equal(found.performance_metrics[0].name, 'read');
  assert.equal(found.performance_metrics[0].count, 3);
  assert.equal(found.usage_statistics.events, 4);
  assert.equal(found.errors[0].code, 'TypeError');
  assert.match(found.errors[0].message_hash, /^[0-9a-f]{32}$/);
  assert.equal(bytes.includes('alice'), false);
  assert.equal(client.status().spool.events, 4);
});

test('export of a time leaves out what was before, and an empty one is a package too', async (t) => {
  const client = openClient(t);
  const file = path.join(tempDir(t), 'p.json');
  await batch(client, 2);
  const none = await client.export(file, { since: Date.now() + 60_000 });
  assert.equal(none.events, 0);
  assert.deepEqual(JSON.parse(fs.readFileSync(file, 'utf8')).events, []);
  assert.equal((await client.export(file, { since: new Date(Date.now() - 60_000) })).events, 2);
});

test('export to a place that cannot be written is rejected with a sentence, and leaves nothing', async (t) => {
  const client = openClient(t);
  const dir = tempDir(t);
  client.emit('ToolCall', {});
  await assert.rejects(client.export(path.join(dir, 'missing', 'p.json')), /cannot open/);
  await assert.rejects(client.export(''), { code: 'ERR_CANDOR_INVALID_OPTION' });
  await assert.rejects(client.export(path.join(dir, 'p.json'), { since: /** @type {any} */ ('soon') }), { code: 'ERR_CANDOR_INVALID_OPTION' });
  assert.deepEqual(fs.readdirSync(dir), []);
});

test('export while emit goes on is whole: sums and events agree', async (t) => {
  const client = openClient(t, { batchEvents: 20 });
  const file = path.join(tempDir(t), 'p.json');
  for (let i = 0; i < 400; i++) client.emit('ToolCall', { toolName: 'read', durationMs: 1 });
  const pending = client.export(file);
  for (let i = 0; i < 400; i++) client.emit('ToolCall', { toolName: 'read', durationMs: 1 });
  const report = await pending;
  const found = JSON.parse(fs.readFileSync(file, 'utf8'));
  assert.ok(report.events >= 400);
  assert.equal(found.events.length, report.events);
  assert.equal(found.usage_statistics.events, report.events);
  assert.equal(new Set(found.events.map((event) => event.event_id)).size, report.events);
});

/* --- upload of a file ------------------------------------------------------------------------ */

const PACKAGE_ANSWER = { code: 202, body: { package_id: 'x', accepted: 3, duplicates: 0, rejected: 0 } };

test('upload of a file posts the package as it is, and the spool stays', async (t) => {
  const server = await endpoint(t, () => PACKAGE_ANSWER);
  const client = openClient(t, { endpoint: server.url, token: 'tok' });
  const file = path.join(tempDir(t), 'p.json');
  await batch(client, 3);
  await client.export(file);
  const result = await client.upload({ file });
  assert.deepEqual(result, { uploaded: 1, events: 3, pending: 3, error: null });
  const [request] = server.got;
  assert.equal(request.url, '/api/telemetry/upload');
  assert.equal(request.headers['content-type'], 'application/json');
  assert.equal(request.headers.authorization, 'Bearer tok');
  assert.match(request.headers['candor-consent'], /default/);
  assert.equal(request.text, fs.readFileSync(file, 'utf8'));
  const [line] = client.ledger();
  assert.equal(line.batch_id, JSON.parse(request.text).package_id);
  assert.equal(line.sha256, sha256(request.raw));
  assert.equal(fs.existsSync(file), true);
});

test('a package that was edited to hold a path is not sent, and the sentence says where', async (t) => {
  const server = await endpoint(t);
  const client = openClient(t, { endpoint: server.url });
  const file = path.join(tempDir(t), 'p.json');
  await batch(client, 2);
  await client.export(file);
  fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('"toolName":"read"', '"toolName":"/home/alice/read"'));
  const result = await client.upload({ file });
  assert.match(result.error, /events\[0\] \(ToolCall\): payload\.toolName holds a path/);
  assert.equal(result.uploaded, 0);
  fs.writeFileSync(file, '{"schema_version":"9"}');
  assert.match((await client.upload({ file })).error, /schema_version is not "1\.0\.0"/);
  assert.match((await client.upload({ file: `${file}.missing` })).error, /cannot open/);
  assert.equal(server.got.length, 0);
});

test('a package over maxUploadBytes is refused with a sentence and kept', async (t) => {
  const server = await endpoint(t);
  const client = openClient(t, { endpoint: server.url, maxUploadBytes: 1024 });
  const file = path.join(tempDir(t), 'p.json');
  for (let i = 0; i < 200; i++) client.emit('ToolCall', { toolName: `tool${Math.random()}`, durationMs: i });
  await client.export(file);
  const result = await client.upload({ file });
  assert.match(result.error, /compressed bytes are more than maxUploadBytes \(1024\)/);
  assert.equal(server.got.length, 0);
  assert.equal(fs.existsSync(file), true);
  await client.configure({ maxUploadBytes: null }); // holds from here on, without a restart
  assert.equal((await client.upload({ file })).uploaded, 1);
});

test('a package over 32 MiB is refused with a sentence', async (t) => {
  const server = await endpoint(t);
  const client = openClient(t, { endpoint: server.url });
  const file = path.join(tempDir(t), 'p.json');
  fs.writeFileSync(file, '');
  fs.truncateSync(file, 32 * 1024 * 1024 + 1);
  assert.match((await client.upload({ file })).error, /larger than 33554432 bytes/);
  fs.truncateSync(file, 32 * 1024 * 1024);
  assert.match((await client.upload({ file })).error, /line 1, column 1/); // read, and found to be no package
  assert.equal(server.got.length, 0);
});

test('a failed upload of a package shows the error and keeps the file', async (t) => {
  const server = await endpoint(t, () => ({ code: 503, body: {} }));
  const client = openClient(t, { endpoint: server.url });
  const file = path.join(tempDir(t), 'p.json');
  await batch(client, 1);
  await client.export(file);
  const result = await client.upload({ file });
  assert.match(result.error, /HTTP 503/);
  assert.equal(fs.existsSync(file), true);
  assert.deepEqual(client.ledger(), []);
});

test('with telemetry off a package is not sent', async (t) => {
  const server = await endpoint(t);
  const client = openClient(t, { endpoint: server.url });
  const file = path.join(tempDir(t), 'p.json');
  await batch(client, 1);
  await client.export(file);
  await client.setEnabled(false);
  await assert.rejects(client.upload({ file }), /telemetry is off/);
  assert.equal(server.got.length, 0);
});

/* --- cap, dry run, window --------------------------------------------------------------------- */

test('a round sends at most maxUploadBytes; what is left waits for the next', async (t) => {
  const server = await endpoint(t);
  const client = openClient(t, { endpoint: server.url, maxUploadBytes: 1024 });
  for (let i = 0; i < 4; i++) await batch(client, 10, { toolName: `t${i}` });
  const { bytes } = client.status().spool;
  assert.ok(bytes > 1024, `the batches are too small for this test: ${bytes}`);
  let sent = 0;
  while (client.status().spool.batches > 0) {
    const before = server.got.length;
    const result = await client.upload();
    assert.equal(result.error, null);
    const round = server.got.slice(before);
    assert.ok(round.length >= 1);
    assert.ok(round.length === 1 || round.reduce((n, one) => n + one.raw.length, 0) <= 1024);
    sent++;
  }
  assert.ok(sent > 1);
  assert.equal(server.got.length, 4);
});

test('a dry run says what would be sent, opens no socket and keeps everything', async (t) => {
  let connections = 0;
  const server = http.createServer().listen(0, '127.0.0.1');
  server.on('connection', () => { connections++; });
  await once(server, 'listening');
  t.after(() => server.close());
  const client = openClient(t, { endpoint: `http://127.0.0.1:${server.address().port}` });
  await batch(client, 5);
  client.emit('ToolCall', {}); // in the journal: a flush comes first
  const plan = await client.upload({ dryRun: true });
  const { spool } = client.status();
  assert.deepEqual(plan, { dry_run: true, batches: 2, events: 6, attachments: 0, bytes: spool.bytes, error: null });
  assert.equal(spool.events, 6);
  const file = path.join(tempDir(t), 'p.json');
  await client.export(file);
  const filePlan = await client.upload({ dryRun: true, file });
  assert.equal(filePlan.events, 6);
  assert.equal(filePlan.error, null);
  assert.equal(connections, 0);
  assert.deepEqual(client.ledger(), []);
});

test('a dry run obeys the cap, and says why nothing can be sent', async (t) => {
  const client = openClient(t, { maxUploadBytes: 1024 });
  for (let i = 0; i < 4; i++) await batch(client, 10, { toolName: `t${i}` });
  const plan = await client.upload({ dryRun: true });
  assert.ok(plan.batches >= 1 && plan.batches < 4);
  assert.match(plan.error, /no endpoint/);
});

test('upload since a moment sends only batches made since', async (t) => {
  const server = await endpoint(t);
  const client = openClient(t, { endpoint: server.url });
  await batch(client, 2, { toolName: 'old' });
  assert.equal((await client.upload({ since: Date.now() + 60_000 })).uploaded, 0);
  assert.equal(server.got.length, 0);
  assert.equal((await client.upload({ since: new Date(Date.now() - 60_000) })).uploaded, 1);
  await assert.rejects(client.upload({ since: NaN }), { code: 'ERR_CANDOR_INVALID_OPTION' });
});

/* --- ledger ------------------------------------------------------------------------------------- */

test('each acknowledged upload is a line of the ledger, with the digest of the bytes that were sent', async (t) => {
  const server = await endpoint(t);
  const directory = path.join(tempDir(t), 'spool');
  const client = openClient(t, { endpoint: server.url, directory });
  for (let i = 0; i < 3; i++) await batch(client, i + 1);
  await client.upload();
  const lines = client.ledger();
  assert.deepEqual(lines.map((line) => line.seq), [1, 2, 3]);
  assert.deepEqual(lines.map((line) => line.events).sort(), [1, 2, 3]); // batches of one millisecond have no order
  for (const [i, line] of lines.entries()) {
    assert.equal(line.sha256, sha256(server.got[i].raw));
    assert.equal(line.bytes, server.got[i].raw.length);
    assert.equal(line.batch_id, server.got[i].headers['candor-batch-id']);
    assert.equal(line.consent, server.got[i].headers['candor-consent']);
    assert.equal(line.endpoint, server.url);
    assert.equal(line.http, 202);
    assert.deepEqual(fs.readFileSync(path.join(directory, 'sent', `${line.batch_id}.jsonl.gz`)), server.got[i].raw);
  }
  assert.deepEqual(client.ledger({ limit: 1 }).map((line) => line.seq), [3]);
  assert.deepEqual(verifyLedger(directory), { entries: 3, bodies: 3, ok: true, broken_at: null, error: null });
  const { ledger } = client.status();
  assert.equal(ledger.entries, 3);
  assert.equal(ledger.last_at, lines[2].at);
  assert.ok(ledger.bytes > server.got.reduce((n, one) => n + one.raw.length, 0));
});

test('a line that was changed, removed or moved, and a body that was changed, are found', async (t) => {
  const server = await endpoint(t);
  const directory = path.join(tempDir(t), 'spool');
  const client = openClient(t, { endpoint: server.url, directory });
  for (let i = 0; i < 4; i++) await batch(client, 1);
  await client.upload();
  client.close();
  const file = path.join(directory, 'ledger.jsonl');
  const good = fs.readFileSync(file, 'utf8');
  const lines = good.split('\n').slice(0, -1);
  const verify = (text) => { fs.writeFileSync(file, `${text.join('\n')}\n`); return verifyLedger(directory); };
  assert.equal(verify(lines).ok, true);
  assert.equal(verify([lines[0], lines[1].replace('"events":1', '"events":2'), ...lines.slice(2)]).broken_at, 2);
  assert.equal(verify([lines[0], lines[2], lines[3]]).broken_at, 2);
  assert.equal(verify([lines[0], lines[2], lines[1], lines[3]]).broken_at, 2);
  assert.equal(verify(['garbage', ...lines.slice(1)]).broken_at, 1);
  fs.writeFileSync(file, good);
  const body = path.join(directory, 'sent', fs.readdirSync(path.join(directory, 'sent')).sort()[2]);
  fs.appendFileSync(body, 'x');
  const found = verifyLedger(directory);
  assert.equal(found.broken_at, 3);
  assert.match(found.error, /body/);
});

test('a ledger that cannot be looked at, or is larger than it ever becomes, is reported, not thrown', async (t) => {
  const server = await endpoint(t);
  const directory = path.join(tempDir(t), 'spool');
  const client = openClient(t, { endpoint: server.url, directory });
  await batch(client, 1);
  await client.upload();
  const missing = verifyLedger(path.join(directory, 'not-there'));
  assert.deepEqual([missing.ok, missing.entries, missing.broken_at], [false, 0, null]);
  assert.match(missing.error, /not-there/);
  const file = path.join(directory, 'ledger.jsonl');
  assert.match(verifyLedger(file).error, /ledger\.jsonl/); // no directory
  const good = fs.readFileSync(file, 'utf8');
  fs.writeFileSync(file, `${'x'.repeat(100)}\n`.repeat(20000) + good);
  const large = verifyLedger(directory);
  assert.deepEqual([large.ok, large.broken_at], [false, null]);
  assert.match(large.error, /^ledger\.jsonl is larger than 1048576 bytes/);
  assert.deepEqual(client.ledger(), good.trim().split('\n').map((line) => JSON.parse(line)));
  await batch(client, 1);
  assert.equal((await client.upload()).error, null);
  assert.equal(client.ledger().at(-1).seq, 2); // the chain goes on, in a file of its own
  assert.ok(fs.statSync(file).size < 4096);
  fs.rmSync(file);
  fs.rmSync(path.join(directory, 'ledger.1.jsonl'));
  fs.mkdirSync(file);
  const blocked = verifyLedger(directory);
  assert.equal(blocked.ok, false);
  assert.match(blocked.error, /ledger\.jsonl/);
});

test('kept bodies stay within ledgerMaxBytes, the oldest go first; 0 keeps none', async (t) => {
  const server = await endpoint(t);
  const directory = path.join(tempDir(t), 'spool');
  const client = openClient(t, { endpoint: server.url, directory, ledgerMaxBytes: 2000 });
  for (let i = 0; i < 8; i++) await batch(client, 10);
  await client.upload();
  const kept = fs.readdirSync(path.join(directory, 'sent'));
  const size = kept.reduce((n, name) => n + fs.statSync(path.join(directory, 'sent', name)).size, 0);
  assert.ok(size <= 2000 && kept.length > 0 && kept.length < 8);
  assert.ok(kept.includes(`${client.ledger().at(-1).batch_id}.jsonl.gz`));
  assert.equal(verifyLedger(directory).ok, true);
  client.close();
  const none = openClient(t, { endpoint: server.url, directory, ledgerMaxBytes: 0 });
  await batch(none, 1);
  await none.upload();
  assert.deepEqual(fs.readdirSync(path.join(directory, 'sent')), []);
  assert.equal(none.ledger().length, 9);
});

test('turning off deletes the kept bodies; the lines stay', async (t) => {
  const server = await endpoint(t);
  const directory = path.join(tempDir(t), 'spool');
  const client = openClient(t, { endpoint: server.url, directory });
  await batch(client, 1);
  await client.upload();
  await client.setEnabled(false);
  assert.deepEqual(fs.readdirSync(path.join(directory, 'sent')), []);
  assert.equal(verifyLedger(directory).entries, 1);
});

test('a refused batch and a failed upload are not in the ledger', async (t) => {
  const server = await endpoint(t, () => ({ code: 503, body: {} }));
  const client = openClient(t, { endpoint: server.url });
  await batch(client, 1);
  await client.upload();
  assert.deepEqual(client.ledger(), []);
  assert.equal(client.status().spool.events, 1);
});

test('verifyLedger of a directory without one finds nothing broken', (t) => {
  assert.deepEqual(verifyLedger(tempDir(t)), { entries: 0, bodies: 0, ok: true, broken_at: null, error: null });
});

/* --- mode ------------------------------------------------------------------------------------- */

test('the stored mode wins over the option, for every process of the directory', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  const client = openClient(t, { directory, mode: 'manual' });
  const other = openClient(t, { directory, mode: 'manual' });
  assert.equal((await client.setMode('auto')).mode, 'auto');
  assert.equal(client.status().mode, 'auto');
  assert.equal(other.status().mode, 'auto');
  const { stdout } = await runScript('const c = candor.open(options); console.log(c.status().mode); c.close();', directory);
  assert.equal(stdout.trim(), 'auto');
  await assert.rejects(client.setMode(/** @type {any} */ ('loud')), /mode must be one of/);
});

test('the option mode off is absolute for its process', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  const client = openClient(t, { directory });
  await client.setMode('auto');
  const off = openClient(t, { directory, mode: 'off' });
  assert.equal(off.status().mode, 'off');
  assert.equal(off.enabled, false);
  assert.equal((await off.setMode('auto')).mode, 'off');
});

test('stored mode off silences emit, deletes what is buffered, and ends with another mode', async (t) => {
  const client = openClient(t);
  await batch(client, 3);
  const result = await client.setMode('off');
  assert.deepEqual(result, { enabled: false, mode: 'off', purged: 3 });
  assert.equal(client.emit('ToolCall', {}), false);
  assert.equal(client.status().decided_by, 'stored');
  assert.equal(client.status().spool.events, 0);
  assert.equal((await client.setMode('manual')).enabled, true);
  assert.equal(client.emit('ToolCall', {}), true);
});

test('manual ends automatic rounds at once, also one in flight, in every process', async (t) => {
  let arrived;
  let closed;
  const request = new Promise((resolve) => { arrived = resolve; });
  const gone = new Promise((resolve) => { closed = resolve; });
  const server = http.createServer((incoming) => {
    incoming.resume();
    incoming.socket.on('close', closed);
    arrived();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { server.closeAllConnections(); server.close(); });
  const directory = path.join(tempDir(t), 'spool');
  const uploads = openClient(t, { directory, endpoint: `http://127.0.0.1:${server.address().port}`, mode: 'auto', batchEvents: 1, uploadIntervalMs: 10 });
  const decides = openClient(t, { directory });
  uploads.emit('ToolCall', {});
  await request;
  await decides.setMode('manual');
  await gone;
  assert.equal(uploads.status().next_attempt_at, null);
  assert.equal(uploads.status().spool.events, 1);
});

test('auto sends what a manual mode has left', async (t) => {
  const server = await endpoint(t);
  const client = openClient(t, { endpoint: server.url, mode: 'manual', uploadIntervalMs: 10 });
  await batch(client, 2);
  await client.setMode('auto');
  while (client.status().spool.events > 0) await new Promise((resolve) => { setTimeout(resolve, 5); });
  assert.equal(server.got.length, 1);
});

test('an export replaces a file, and never a device, a pipe or a folder', async (t) => {
  const client = openClient(t);
  client.emit('SessionStart');
  const directory = tempDir(t);
  const pipe = path.join(directory, 'pipe');
  execFileSync('mkfifo', [pipe]);
  for (const target of [pipe, directory]) {
    await assert.rejects(client.export(target), /is no regular file/);
    assert.equal(fs.statSync(target).isFile(), false);
  }
  const file = path.join(directory, 'rc-metrics.json');
  fs.writeFileSync(file, 'older');
  assert.equal((await client.export(file)).events, 1);
  assert.deepEqual(fs.readdirSync(directory).sort(), ['pipe', 'rc-metrics.json']);
});
