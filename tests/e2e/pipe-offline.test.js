'use strict';
// The pipe when the other end is away, refuses, hangs, lies or dies: what was kept waits, arrives, and
// arrives once.

const test = require('node:test');
const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { openClient, tempDir } = require('../js/helper.js');
const { App, assertOnce, emitMany, fakeCollector, receipt, relay, startCollector, stored, until } = require('./pipe-support.js');

function sha256(text) {
  return crypto.createHash('sha256').update(text).digest('hex');
}

function spoolDir(t) {
  return path.join(tempDir(t), 'spool');
}

test('while the collector is down events wait; when it comes back they arrive once', async (t) => {
  const collector = await startCollector(t);
  await collector.stop();
  const client = openClient(t, { endpoint: collector.url, token: collector.token, batchEvents: 10 });
  assert.equal(emitMany(client, 35), 35);
  for (let i = 0; i < 3; i++) {
    const { uploaded, pending, error } = await client.upload();
    assert.equal(uploaded, 0);
    assert.equal(pending, 35);
    assert.match(error, /cannot connect/);
  }
  await collector.start();
  assert.equal((await client.upload()).error, null);
  assertOnce(await stored(collector), 35);
  assert.equal(client.status().sent.events, 35);
});

test('mode auto finds the collector by itself after it was down', async (t) => {
  const collector = await startCollector(t);
  await collector.stop();
  const app = new App(t, spoolDir(t), {
    endpoint: collector.url, token: collector.token, mode: 'auto', batchEvents: 5, batchIntervalMs: 10,
    uploadIntervalMs: 10, retryBaseMs: 10, retryMaxMs: 50, notice: 'stderr',
  });
  assert.equal(await app.ask('emitMany', 20), 20);
  await until('a failed attempt', async () => (await app.ask('status')).last_upload?.ok === false);
  await collector.start();
  await until('all sent', async () => (await app.ask('status')).sent.events === 20);
  assertOnce(await stored(collector), 20);
  await app.exit();
  assert.match(app.stderr, /^[^\n]*sends anonymous usage data to 127\.0\.0\.1:\d+\.[^\n]*\n$/, 'the notice, once');
});

test('503 with Retry-After: no request comes before it has passed', async (t) => {
  const waitS = 1;
  const server = await fakeCollector(t, (got, response, n) => {
    if (n === 1) response.writeHead(503, { 'retry-after': String(waitS) }).end('{}');
    else receipt(response, got);
  });
  const client = openClient(t, { endpoint: server.url, mode: 'auto', uploadIntervalMs: 10, batchIntervalMs: 10, retryBaseMs: 1, retryMaxMs: 1 });
  emitMany(client, 3);
  const first = await server.arrived(1);
  await until('the refusal', () => client.status().last_upload?.http === 503);
  const asked = await client.upload();
  assert.match(asked.error, /asked to wait for another \d+ second/);
  assert.equal(server.requests.length, 1, 'a manual upload obeys Retry-After too');
  assert.notEqual(client.status().next_attempt_at, null);
  const second = await server.arrived(2);
  assert.ok(second.at - first.at >= waitS * 1000 - 20, `${second.at - first.at} ms`); // the clocks' grain
  await until('all sent', () => client.status().sent.events === 3);
});

test('401 keeps everything and names the token; with the right token all arrive once', async (t) => {
  const collector = await startCollector(t);
  const directory = spoolDir(t);
  const wrong = openClient(t, { directory, endpoint: collector.url, token: `cnd_00000000_${'0'.repeat(64)}`, batchEvents: 10 });
  emitMany(wrong, 30);
  const { error, uploaded } = await wrong.upload();
  assert.equal(uploaded, 0);
  assert.match(error, /refused the token.*TELEMETRY_TOKEN.*401/);
  const { spool, dropped, last_upload: last } = wrong.status();
  assert.equal(spool.events, 30);
  assert.equal(dropped.refused, 0);
  assert.equal(last.http, 401);
  wrong.close();
  const right = openClient(t, { directory, endpoint: collector.url, token: collector.token });
  assert.equal((await right.upload()).error, null);
  assertOnce(await stored(collector), 30);
});

test('400 quarantines that batch and sends the others', async (t) => {
  let refused = 0;
  const server = await fakeCollector(t, (got, response) => {
    if (got.text.includes('"c-7"')) {
      refused += 1;
      response.writeHead(400).end('{"type":"about:blank","title":"Bad Request","status":400}');
    } else receipt(response, got);
  });
  const directory = spoolDir(t);
  const app = new App(t, directory, { endpoint: server.url, batchEvents: 5, batchIntervalMs: 86_400_000 });
  for (let i = 0; i < 3; i++) {
    await app.ask('emitMany', 5, i * 5);
    await app.ask('flush');
  }
  const { uploaded, events } = await app.ask('upload');
  assert.deepEqual([uploaded, events], [2, 10]);
  const status = await app.ask('status');
  assert.equal(status.dropped.refused, 5);
  assert.equal(status.sent.events, 10);
  assert.equal(status.spool.events, 0);
  assert.equal(status.spool.quarantined, 1);
  assert.equal(fs.readdirSync(path.join(directory, 'quarantine')).length, 1);
  await app.ask('upload');
  assert.equal(refused, 1, 'a refused batch is not sent again');
  await app.exit();
});

test('an answer that hangs in the middle times out, and the retry stores nothing twice', async (t) => {
  const collector = await startCollector(t);
  const url = await relay(t, () => collector.port, (data, client, n) => client.write(n === 1 ? data.subarray(0, 20) : data));
  const client = openClient(t, { endpoint: url, token: collector.token, stallTimeoutMs: 150 });
  emitMany(client, 8);
  const first = await client.upload();
  assert.equal(first.uploaded, 0);
  assert.match(first.error, /no byte moved/);
  assert.equal(client.status().spool.events, 8);
  const second = await client.upload();
  assert.equal(second.error, null);
  assertOnce(await stored(collector), 8);
  assert.equal(client.status().spool.events, 0);
});

test('an endpoint that drips an answer is cut by the request timeout', async (t) => {
  const server = await fakeCollector(t, (got, response, n) => {
    if (n > 1) return receipt(response, got);
    response.writeHead(202, { 'content-type': 'application/json' });
    const drip = setInterval(() => response.write(' '), 20);
    response.on('close', () => clearInterval(drip));
    return undefined;
  });
  const client = openClient(t, { endpoint: server.url, requestTimeoutMs: 300 });
  emitMany(client, 2);
  const first = await client.upload();
  assert.match(first.error, /no complete answer in time/);
  assert.equal((await client.upload()).events, 2);
});

test('a collector that committed, and whose answer is lost on the way, stores once', async (t) => {
  const collector = await startCollector(t);
  const url = await relay(t, () => collector.port, (data, client, n) => (n <= 2 ? client.destroy() : client.write(data)));
  const client = openClient(t, { endpoint: url, token: collector.token });
  emitMany(client, 40);
  for (let i = 0; i < 2; i++) {
    assert.notEqual((await client.upload()).error, null);
    assert.equal((await stored(collector)).length, 40, 'committed before the cut');
    assert.equal(client.status().spool.events, 40, 'the client cannot know');
  }
  assert.equal((await client.upload()).error, null);
  assertOnce(await stored(collector), 40);
  assert.equal(client.status().dropped.refused, 0);
});

test('a collector killed right after its commit stores once', async (t) => {
  const collector = await startCollector(t);
  let killed = null;
  const url = await relay(t, () => collector.port, (data, client) => {
    if (killed === null) killed = collector.kill().then(() => client.destroy());
    else client.write(data);
  });
  const client = openClient(t, { endpoint: url, token: collector.token });
  emitMany(client, 25);
  assert.notEqual((await client.upload()).error, null);
  await killed;
  await collector.start();
  assert.equal((await client.upload()).error, null);
  assertOnce(await stored(collector), 25);
});

test('two processes on one spool: one request at a time, every event once', async (t) => {
  let inFlight = 0;
  let most = 0;
  const server = await fakeCollector(t, (got, response) => {
    inFlight += 1;
    most = Math.max(most, inFlight);
    setTimeout(() => { inFlight -= 1; receipt(response, got); }, 15);
  });
  const directory = spoolDir(t);
  const options = { endpoint: server.url, mode: 'auto', batchEvents: 10, batchIntervalMs: 10, uploadIntervalMs: 10 };
  const apps = [new App(t, directory, options), new App(t, directory, options)];
  await Promise.all(apps.map((app, i) => app.ask('emitMany', 100, i * 100)));
  const done = async () => (await apps[0].ask('status')).sent.events === 200;
  await Promise.all([until('all sent', done), apps[0].ask('upload'), apps[1].ask('upload')]);
  assert.equal(most, 1);
  assert.ok(server.requests.length > 1);
  const ids = server.requests.flatMap(({ text }) => text.split('\n').filter(Boolean).map((line) => JSON.parse(line)));
  assertOnce(ids, 200);
  assert.equal(new Set(server.requests.map(({ headers }) => headers['candor-batch-id'])).size, server.requests.length);
  for (const app of apps) await app.exit();
});

test('SIGKILL while the request is in flight: another process sends the batch', async (t) => {
  const server = await fakeCollector(t, (got, response, n) => { if (n > 1) receipt(response, got); });
  const directory = spoolDir(t);
  const app = new App(t, directory, { endpoint: server.url });
  assert.equal(await app.ask('emitMany', 12), 12);
  app.ask('upload').catch(() => {});
  const first = await server.arrived(1);
  await app.kill();
  const client = openClient(t, { directory, endpoint: server.url });
  await until('the batch is sent by its heir', async () => { await client.upload(); return client.status().sent.events === 12; });
  assert.equal(server.requests[1].text, first.text);
  assert.equal(server.requests[1].headers['candor-batch-id'], first.headers['candor-batch-id']);
});

test('SIGKILL between the commit and the answer: stored once', async (t) => {
  const collector = await startCollector(t);
  const directory = spoolDir(t);
  let committed;
  const answered = new Promise((resolve) => { committed = resolve; });
  const url = await relay(t, () => collector.port, () => committed());
  const app = new App(t, directory, { endpoint: url, token: collector.token });
  await app.ask('emitMany', 12);
  app.ask('upload').catch(() => {});
  await answered;
  await app.kill();
  const client = openClient(t, { directory, endpoint: collector.url, token: collector.token });
  await until('sent by its heir', async () => { await client.upload(); return client.status().spool.events === 0; });
  assertOnce(await stored(collector), 12);
});

test('turning off in one process deletes everything and silences the other', async (t) => {
  const server = await fakeCollector(t, (got, response) => receipt(response, got));
  const directory = spoolDir(t);
  const apps = [new App(t, directory, { endpoint: server.url }), new App(t, directory, { endpoint: server.url })];
  for (const [i, app] of apps.entries()) {
    assert.equal(await app.ask('emitMany', 50, i * 50), 50);
    await app.ask('flush');
    assert.equal(await app.ask('emitMany', 20, 1000 + i * 20), 20, 'these stay in the journal');
  }
  const answer = await apps[0].ask('setEnabled', false);
  assert.equal(answer.enabled, false);
  assert.equal(await apps[0].ask('emitMany', 5), 0);
  assert.equal(await apps[1].ask('emitMany', 5), 0, 'emit reads the shared choice each time');
  const left = () => ['journal', 'spool', 'quarantine'].flatMap((name) => {
    const dir = path.join(directory, name);
    return fs.existsSync(dir) ? fs.readdirSync(dir).map((file) => ({ file, bytes: fs.statSync(path.join(dir, file), { throwIfNoEntry: false })?.size ?? 0 })) : [];
  });
  await until('both have deleted their own', () => left().length === 0);
  assert.equal(left().reduce((sum, { bytes }) => sum + bytes, 0), 0);
  await apps[1].ask('upload').catch(() => {});
  assert.equal(server.requests.length, 0, 'no socket is opened while off');
  const status = await apps[1].ask('status');
  assert.equal(status.decided_by, 'stored');
  assert.equal(status.spool.events, 0);
  assert.equal(status.dropped.purged, 140);
  for (const app of apps) await app.exit();
});

test('turning off in one process aborts the upload that another has in flight', async (t) => {
  let arrived;
  const request = new Promise((resolve) => { arrived = resolve; });
  const server = await fakeCollector(t, (got, response) => arrived(response));
  const directory = spoolDir(t);
  const apps = [new App(t, directory, { endpoint: server.url }), new App(t, directory, { endpoint: server.url })];
  await apps[0].ask('emitMany', 10);
  apps[0].ask('upload').catch(() => {});
  const response = await request;
  const closed = new Promise((resolve) => response.once('close', resolve));
  await apps[1].ask('setEnabled', false);
  await closed;
  assert.equal(response.writableFinished, false, 'nobody answered');
  await until('the events are gone', async () => (await apps[0].ask('status')).spool.events === 0);
  assert.equal(fs.readdirSync(path.join(directory, 'spool')).length, 0);
  for (const app of apps) await app.exit();
});

test('preview is, byte for byte, what the server inflates next, batch after batch', async (t) => {
  const server = await fakeCollector(t, (got, response) => receipt(response, got));
  const client = openClient(t, { endpoint: server.url });
  for (const text of ['plain', 'emoji 😀 and कखग', 'lone \ud800 surrogate', '"quotes" \\ and \u0001 control']) {
    client.emit('Error', { errorType: 'TypeError', message: text });
    await client.flush();
    const shown = client.preview();
    assert.notEqual(shown, '');
    await client.upload();
    const got = server.requests.at(-1).text;
    assert.equal(sha256(got), sha256(shown));
    assert.equal(Buffer.byteLength(got), Buffer.byteLength(shown));
  }
  assert.equal(client.preview(), '');
});

test('a captive portal that answers 200 to everything gets no batch deleted', async (t) => {
  const server = await fakeCollector(t, (got, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>please log in</html>'));
  const client = openClient(t, { endpoint: server.url });
  emitMany(client, 6);
  assert.match((await client.upload()).error, /not like a collector/);
  assert.equal(client.status().spool.events, 6);
});
