'use strict';
// Limits of the collector that no other test shows, at a running one. docs/limits.md names these tests.

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { once } = require('node:events');
const { ROOT, tempDir } = require('../js/helper.js');
const { collectorFlags } = require('../../scripts/check-limits.js');
const { line, post, uuid7 } = require('./pipe-events.js');
const { startCollector, stored, until } = require('./pipe-support.js');

const BINARY = path.join(ROOT, 'build', 'release', 'candor-central');
const DAY_MS = 86_400_000;

/** @param {string[]} args @param {Record<string, string>} [env] */
function serve(args, env = {}) {
  return spawnSync(BINARY, ['serve', ...args], { encoding: 'utf8', timeout: 20_000, env: { PATH: process.env.PATH, ...env } });
}

test('every number flag refuses what lies beyond its bounds, and says both', () => {
  const flags = collectorFlags();
  assert.ok(flags.size >= 20);
  for (const [flag, { min, max }] of flags) {
    for (const value of [max + 1, min - 1]) {
      const { status, stderr, stdout } = serve([flag, String(value)]);
      assert.equal(status, 2, `${flag} ${value}: ${stderr}`);
      assert.ok(stderr.includes(`${flag} is "${value}"`) && stderr.includes(`from ${min} to ${max}`), stderr);
      assert.equal(stdout, '');
    }
  }
});

test('a variable of the environment has the bounds of its flag', () => {
  const { status, stderr } = serve([], { CANDOR_CENTRAL_MAX_EVENTS: '0' });
  assert.equal(status, 2);
  assert.match(stderr, /CANDOR_CENTRAL_MAX_EVENTS is "0"; it takes a whole number from 1 to 100000/);
});

test('the collector runs as many loops as asked for', async (t) => {
  const collector = await startCollector(t, { args: ['--threads', '3'] });
  assert.match(collector.log, /"threads":3/);
});

/** A request that is sent in part. Resolves with what comes back when the collector answers or closes. */
function rawRequest(t, port, text) {
  const socket = net.connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.on('error', () => {});
  let got = '';
  socket.on('data', (data) => { got += data; });
  socket.write(text);
  return { socket, text: () => got, closed: once(socket, 'close').then(() => got) };
}

function head(collector, length) {
  return 'POST /api/v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n' +
    `Authorization: Bearer ${collector.token}\r\nContent-Length: ${length}\r\n\r\n`;
}

async function metric(collector, name) {
  const response = await fetch(`${collector.url}/metrics`, { headers: { authorization: `Bearer ${collector.token}` } });
  const match = new RegExp(`^candor_central_${name} ([0-9.e+]+)$`, 'm').exec(await response.text());
  return match === null ? undefined : Number(match[1]);
}

test('a body of just the limit is taken, one byte more gets 413', async (t) => {
  const collector = await startCollector(t, { args: ['--max-body-bytes', '2000'] });
  const event = line('ToolCall', '{}');
  const padded = (n) => event + ' '.repeat(n - event.length);
  assert.equal((await post(collector, padded(2000))).status, 202);
  const refused = await post(collector, padded(2001));
  assert.equal(refused.status, 413);
  assert.match(refused.text, /larger than 2000 bytes/);
});

test('a request of just max-events is taken, one more gets 413 and nothing of it is stored', async (t) => {
  const collector = await startCollector(t, { args: ['--max-events', '5'] });
  const events = (n) => Array.from({ length: n }, () => line('ToolCall', '{}')).join('\n');
  assert.equal((await post(collector, events(5))).json.accepted, 5);
  const refused = await post(collector, events(6));
  assert.equal(refused.status, 413);
  assert.match(refused.text, /more than 5 events/);
  assert.equal((await stored(collector)).length, 5);
});

test('bodies over buffer-bytes together get 503 with Retry-After, and are taken later', async (t) => {
  const collector = await startCollector(t, { args: ['--buffer-bytes', '1048576'] });
  const part = line('ToolCall', `{"unknown":"${'x'.repeat(400_000)}"}`).slice(0, 400_000);
  const held = [1, 2].map(() => rawRequest(t, collector.port, head(collector, 400_010) + part));
  await until('two bodies are held', async () => await metric(collector, 'buffered_bytes') >= 800_000);
  const third = rawRequest(t, collector.port, head(collector, 400_010) + part);
  assert.match(await third.closed, /^HTTP\/1\.1 503 [^]*Retry-After: \d/);
  for (const { socket } of held) socket.destroy();
  await until('the bodies are gone', async () => await metric(collector, 'buffered_bytes') < 100_000);
  assert.equal((await post(collector, line('ToolCall', '{}'))).status, 202);
});

test('a full queue gets 503 with Retry-After; what was acknowledged is stored, and the rest on a retry', async (t) => {
  const collector = await startCollector(t, { args: ['--queue-bytes', '65536', '--commit-rows', '1'] });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  t.after(() => agent.destroy());
  const bodies = [];
  const send = (body) => new Promise((resolve, reject) => {
    const request = http.request(`${collector.url}/api/v1/events`, {
      method: 'POST', agent, headers: { authorization: `Bearer ${collector.token}`, 'content-type': 'application/x-ndjson' },
    }, (response) => {
      response.resume();
      response.on('end', () => resolve(response));
    });
    request.on('error', reject);
    request.end(body);
  });
  let shed = 0;
  const counted = async (reason) => metric(collector, `shed_total{reason="${reason}"}`);
  const refused = await until('the queue is full', async () => {
    const round = Array.from({ length: 64 }, () => Array.from({ length: 150 }, () => line('Error', `{"message":"${'word '.repeat(60)}"}`)).join('\n'));
    bodies.push(...round);
    const answers = await Promise.all(round.map(send));
    for (const { statusCode } of answers) assert.ok(statusCode === 202 || statusCode === 503, String(statusCode));
    for (const { statusCode } of answers) if (statusCode === 503) shed++;
    return answers.find(({ statusCode }) => statusCode === 503);
  });
  assert.match(refused.headers['retry-after'], /^\d+$/);
  assert.ok(await counted('queue') > 0);
  // Those that came within the moment after it was full were refused unread.
  assert.equal(await counted('queue') + await counted('unread'), shed);
  for (const body of bodies) await until('a retry is taken', async () => (await send(body)).statusCode === 202);
  assert.equal(await metric(collector, 'events_accepted_total'), bodies.length * 150);
});

test('a body that arrives at 16 KiB a second or faster outlives the read timeout, a slower one does not', async (t) => {
  const collector = await startCollector(t, { args: ['--read-timeout-ms', '300'] });
  const pieces = 6;
  const event = line('ToolCall', '{}');
  const body = event + ' '.repeat(pieces * 16_384 - event.length);
  const fast = rawRequest(t, collector.port, head(collector, body.length));
  for (let i = 0; i < pieces; i++) {
    fast.socket.write(body.slice(i * 16_384, (i + 1) * 16_384));
    await new Promise((resolve) => setTimeout(resolve, 100)); // the rate is what is tested
  }
  await until('an answer', () => fast.text() !== '');
  assert.match(fast.text(), /^HTTP\/1\.1 202 /);
  const slow = rawRequest(t, collector.port, head(collector, body.length) + body.slice(0, 10));
  assert.match(await slow.closed, /^HTTP\/1\.1 408 /);
});

test('a stop waits for a request that never ends no longer than the stop timeout', async (t) => {
  const collector = await startCollector(t, { args: ['--stop-timeout-ms', '200', '--read-timeout-ms', '3600000'] });
  // A collector that has not read all of it when it stops ends it with a reset.
  const ended = rawRequest(t, collector.port, `${head(collector, 100)}half`).closed.catch((error) => assert.equal(error.code, 'ECONNRESET'));
  await until('the connection is taken', async () => await metric(collector, 'connections') >= 2);
  const child = collector.child;
  await collector.stop();
  assert.equal(child.exitCode, 0);
  await ended;
});

/** POST without Content-Length, so that the size shows only while the body arrives. */
function postChunked(collector, pieces) {
  return new Promise((resolve, reject) => {
    const request = http.request(`${collector.url}/api/v1/events`, {
      method: 'POST', headers: { authorization: `Bearer ${collector.token}`, 'content-type': 'application/x-ndjson' },
    }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
    });
    request.on('error', reject);
    for (const piece of pieces) request.write(piece);
    request.end();
  });
}

test('a chunked body has the same limit', async (t) => {
  const collector = await startCollector(t, { args: ['--max-body-bytes', '2000'] });
  const event = line('ToolCall', '{}');
  const rest = ' '.repeat(2000 - event.length);
  assert.equal(await postChunked(collector, [event, rest]), 202);
  assert.equal(await postChunked(collector, [event, rest, ' ']), 413);
});

/** What the collector says of an event whose id and time are so many days from now. */
async function resultAt(collector, days) {
  const ms = Date.now() + days * DAY_MS;
  const { json } = await post(collector, line('ToolCall', '{}', { event_id: uuid7(ms), timestamp: new Date(ms).toISOString() }));
  return json.results[0].reason ?? json.results[0].status;
}

test('events older than max-age-days or further ahead than max-ahead-days are refused as clock_skew', async (t) => {
  const collector = await startCollector(t, { args: ['--max-age-days', '3', '--max-ahead-days', '2'] });
  assert.equal(await resultAt(collector, -2.9), 'accepted');
  assert.equal(await resultAt(collector, -3.1), 'clock_skew');
  assert.equal(await resultAt(collector, 1.9), 'accepted');
  assert.equal(await resultAt(collector, 2.1), 'clock_skew');
});

test('what is older than retention-days is deleted, and not taken again', async (t) => {
  const collector = await startCollector(t);
  assert.equal(await resultAt(collector, -10), 'accepted');
  assert.equal(await resultAt(collector, -1), 'accepted');
  await collector.stop();
  collector.options.args.push('--retention-days', '5');
  await collector.start();
  await until('the old event is gone', async () => (await stored(collector)).length === 1);
  assert.equal(await resultAt(collector, -10), 'clock_skew');
});

test('--retention deletes a category sooner, takes it no more, and health counts it', async (t) => {
  const collector = await startCollector(t);
  assert.equal(await resultAt(collector, -10), 'accepted');
  await post(collector, line('ui.render_time', '{"view":"chat","durationMs":1}', { event_id: uuid7(Date.now() - 10 * DAY_MS), timestamp: new Date(Date.now() - 10 * DAY_MS).toISOString() }));
  assert.equal((await stored(collector)).length, 2);
  await collector.stop();
  collector.options.args.push('--retention-days', '20', '--retention', 'ui=5', '--retention', 'error=30');
  await collector.start();
  await until('the ui event is gone', async () => (await stored(collector)).length === 1);
  assert.deepEqual((await collector.get('/api/v1/health')).retention, { deleted: { ui: 1 } });
  assert.equal(await resultAt(collector, -10), 'accepted');
  const late = await post(collector, line('ui.render_time', '{"view":"chat","durationMs":1}', { event_id: uuid7(Date.now() - 6 * DAY_MS), timestamp: new Date(Date.now() - 6 * DAY_MS).toISOString() }));
  assert.equal(late.json.results[0].reason, 'clock_skew');
});

test('the smallest transactions and cache lose nothing', async (t) => {
  const collector = await startCollector(t, { args: ['--commit-rows', '1', '--cache-kib', '256'] });
  const batches = Array.from({ length: 20 }, () => Array.from({ length: 20 }, () => line('ToolCall', '{}')).join('\n'));
  const answers = await Promise.all(batches.map((batch) => post(collector, batch)));
  assert.equal(answers.reduce((sum, { json }) => sum + json.accepted, 0), 400);
  assert.equal((await stored(collector)).length, 400);
});

test('a page gives 100 events unless told, and 500 at most', async (t) => {
  const collector = await startCollector(t);
  await post(collector, Array.from({ length: 600 }, () => line('ToolCall', '{}')).join('\n'));
  assert.equal((await collector.get('/api/telemetry/events')).events.length, 100);
  assert.equal((await collector.get('/api/telemetry/events?limit=500')).events.length, 500);
  await assert.rejects(collector.get('/api/telemetry/events?limit=501'), /400.*limit takes 1 to 500/);
});

test('a query parameter takes 255 bytes', async (t) => {
  const collector = await startCollector(t);
  assert.deepEqual((await collector.get(`/api/telemetry/events?type=${'x'.repeat(255)}`)).events, []);
  await assert.rejects(collector.get(`/api/telemetry/events?type=${'x'.repeat(256)}`), /400.*longer than 255 bytes/);
});

test('a page looks at scan-rows rows; the cursor goes on to the rare event behind', async (t) => {
  const collector = await startCollector(t, { args: ['--scan-rows', '100'] });
  const old = Date.now() - 60_000;
  await post(collector, line('SessionEnd', '{"duration":1}', { event_id: uuid7(old), timestamp: new Date(old).toISOString(), app: 'rare' }));
  await post(collector, Array.from({ length: 350 }, () => line('ToolCall', '{}')).join('\n'));
  const found = [];
  let pages = 0;
  for (let cursor = ''; cursor !== null; pages++) {
    const page = await collector.get(`/api/telemetry/events?type=SessionEnd${cursor && `&cursor=${cursor}`}`);
    found.push(...page.events);
    cursor = page.next_cursor;
  }
  assert.equal(found.length, 1);
  assert.ok(pages > 1, `${pages} pages`);
});

test('tokens of 16 to 256 characters are taken, others are refused at the start', async (t) => {
  const dir = tempDir(t);
  for (const [n, taken] of [[15, false], [16, true], [256, true], [257, false]]) {
    const file = path.join(dir, `tokens-${n}`);
    fs.writeFileSync(file, `${'t'.repeat(n)}\n`, { mode: 0o600 });
    if (taken) {
      const collector = await startCollector(t, { args: ['--token-file', file] });
      const response = await fetch(`${collector.url}/api/v1/events`, {
        method: 'POST', body: '[]', headers: { authorization: `Bearer ${'t'.repeat(n)}`, 'content-type': 'application/json' },
      });
      assert.equal(response.status, 202, `${n}`);
    } else {
      const { status, stderr } = serve(['--data', path.join(dir, `data-${n}`), '--listen', '127.0.0.1:0', '--token-file', file]);
      assert.notEqual(status, 0);
      assert.match(stderr, /16 to 256 visible ASCII characters/);
    }
  }
});

test('a token file over 1 MiB is refused', async (t) => {
  const dir = tempDir(t);
  const file = path.join(dir, 'tokens');
  fs.writeFileSync(file, `${'t'.repeat(63)}\n`.repeat(16_385), { mode: 0o600 });
  const { status, stderr } = serve(['--data', path.join(dir, 'data'), '--listen', '127.0.0.1:0', '--token-file', file]);
  assert.notEqual(status, 0);
  assert.match(stderr, /limit|large|size/);
});

test('Candor-Machine-Id takes 128 bytes', async (t) => {
  const collector = await startCollector(t);
  assert.equal((await post(collector, line('ToolCall', '{}'), { 'candor-machine-id': 'm'.repeat(128) })).status, 202);
  const refused = await post(collector, line('ToolCall', '{}'), { 'candor-machine-id': 'm'.repeat(129) });
  assert.equal(refused.status, 400);
  assert.match(refused.text, /longer than 128 bytes/);
});

test('a chart shows 1000 values, what comes later is counted as (other)', async (t) => {
  const collector = await startCollector(t, { args: ['--max-events', '2000'] });
  const { json } = await post(collector, Array.from({ length: 1500 }, (_, i) => line('ToolCall', `{"toolName":"tool${i}"}`)).join('\n'));
  assert.equal(json.accepted, 1500);
  const { groups } = (await collector.get('/api/telemetry/stats')).charts.find(({ type }) => type === 'ToolCall');
  const other = groups.find(({ value }) => value === '(other)');
  assert.equal(groups.length, 1001);
  assert.equal(other.count, 500);
  assert.equal((await stored(collector)).length, 1500, 'the events themselves keep their value');
});

test('queries over the waiting line get 503 with Retry-After, and the others are answered', async (t) => {
  const collector = await startCollector(t);
  await post(collector, Array.from({ length: 1000 }, () => line('ToolCall', '{"toolName":"read_file"}')).join('\n'));
  const agent = new http.Agent({ keepAlive: true, maxSockets: 300 });
  t.after(() => agent.destroy());
  const ask = () => new Promise((resolve, reject) => {
    http.get(`${collector.url}/api/telemetry/events?limit=500`, { agent, headers: { authorization: `Bearer ${collector.token}` } }, (response) => {
      response.resume();
      response.on('end', () => resolve(response));
    }).on('error', reject);
  });
  const refused = await until('a query is refused', async () => {
    const answers = await Promise.all(Array.from({ length: 300 }, ask));
    for (const { statusCode } of answers) assert.ok(statusCode === 200 || statusCode === 503, String(statusCode));
    assert.ok(answers.filter(({ statusCode }) => statusCode === 200).length >= 64);
    return answers.find(({ statusCode }) => statusCode === 503);
  });
  assert.match(refused.headers['retry-after'], /^\d+$/);
  assert.equal((await ask()).statusCode, 200);
});
