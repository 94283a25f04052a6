'use strict';
// POST /api/telemetry/upload of a real collector: an exported package, judged whole, its events stored once.
const assert = require('node:assert/strict');
const test = require('node:test');
const zlib = require('node:zlib');
const { Central, TOKEN, event, raw, scratch, toolCall, uuid7 } = require('./central-support.js');
const { DAY_MS, makeToken } = require('./attachments-support.js');
const { makePackage, sendPackage } = require('./package-support.js');
const { until } = require('./pipe-support.js');

const counts = ({ json }) => [json.accepted, json.duplicates, json.rejected];

test('the events of a package are stored, plain and gzipped, and the answer names it', async (t) => {
  const central = await Central.start(t);
  const sent = [];
  for (const gzip of [false, true]) {
    const pack = makePackage([toolCall(), event('ChatTurn', { model: 'gpt-4o' }), toolCall()]);
    const { status, json } = await sendPackage(central, pack, { gzip });
    assert.equal(status, 202, JSON.stringify(json));
    assert.equal(json.package_id, pack.package_id);
    assert.deepEqual([json.accepted, json.duplicates, json.rejected, json.results], [3, 0, 0, []]);
    sent.push(...pack.events.map((one) => one.event_id));
  }
  assert.deepEqual((await central.ids()).sort(), sent.sort());
  assert.equal((await central.get('/api/telemetry/stats')).events.total, 6);
  const empty = await sendPackage(central, makePackage([]));
  assert.deepEqual([empty.status, ...counts(empty)], [202, 0, 0, 0]);
});

test('the answer to events after a package is that of events', async (t) => {
  const central = await Central.start(t, { args: ['--threads', '1'] }); // one loop, which uses its memory again
  await sendPackage(central, makePackage([event('NotHere', {})]));
  assert.equal((await central.post([toolCall()])).json.package_id, undefined);
});

test('events are stored once, whether they come by batch, by package or by two packages', async (t) => {
  const central = await Central.start(t);
  const events = [toolCall(), toolCall(), toolCall()];
  await central.post([events[0]]);
  const pack = makePackage(events);
  const first = await sendPackage(central, pack);
  assert.deepEqual(counts(first), [2, 1, 0]);
  assert.deepEqual(first.json.results, [{ index: 0, status: 'duplicate' }]);
  const again = await sendPackage(central, pack, { gzip: true });
  assert.deepEqual([...counts(again), again.json.duplicate_batch], [0, 3, 0, true]);
  const other = await sendPackage(central, makePackage([...events, toolCall()]));
  assert.deepEqual([...counts(other), other.json.duplicate_batch], [1, 3, 0, undefined]);
  assert.equal((await central.ids()).length, 4);
});

test('16 uploads of one package at the same time store each event once', async (t) => {
  const central = await Central.start(t);
  const pack = makePackage(Array.from({ length: 50 }, () => toolCall()));
  const answers = await Promise.all(Array.from({ length: 16 }, () => sendPackage(central, pack)));
  assert.ok(answers.every(({ status }) => status === 202));
  assert.equal(answers.reduce((sum, { json }) => sum + json.accepted, 0), 50);
  assert.equal((await central.ids()).length, 50);
});

test('an event that the collector does not take is rejected alone, with its place in the package', async (t) => {
  const central = await Central.start(t);
  const pack = makePackage([toolCall(), event('NotHere', {}), toolCall('grep', 1, { event_id: uuid7(Date.now() - 100 * DAY_MS) }), toolCall()]);
  const answer = await sendPackage(central, pack);
  assert.deepEqual([answer.status, ...counts(answer)], [202, 2, 0, 2]);
  assert.deepEqual(answer.json.results.map(({ index, reason }) => [index, reason]), [[1, 'unknown_event'], [2, 'clock_skew']]);
  const again = await sendPackage(central, pack); // looked at again: what was rejected may be taken later
  assert.deepEqual([...counts(again), again.json.duplicate_batch], [0, 2, 2, undefined]);
});

test('a package with raw data is refused whole, with the place of it', async (t) => {
  const central = await Central.start(t);
  const bad = event('Error', { errorType: 'TypeError', message: 'cannot open /home/alice/secret/notes.txt' });
  const { status, json, headers } = await sendPackage(central, makePackage([toolCall(), bad]));
  assert.equal(status, 400);
  assert.equal(headers.get('content-type'), 'application/problem+json');
  assert.match(json.detail, /events\[1\].*path/);
  assert.match(json.detail, /nothing of this package was stored/);
  assert.ok(!json.detail.includes('alice'));
  assert.deepEqual(await central.ids(), []);
});

test('what is no package of this version is refused', async (t) => {
  const central = await Central.start(t);
  const good = makePackage([toolCall()]);
  const { events, ...without } = good;
  assert.equal(events.length, 1);
  for (const body of [{ ...good, schema_version: '2.0.0' }, { ...good, schema_version: 1 }, { ...good, package_id: 'seven' }, without,
    [good], '', '{', 'null', '"1.0.0"', `${JSON.stringify(good)}}`, `${JSON.stringify(good)} {}`, JSON.stringify(good).slice(0, -20)]) {
    const { status, json } = await sendPackage(central, body);
    assert.equal(status, 400, JSON.stringify(body).slice(0, 80));
    assert.ok(json.detail.length > 20);
  }
  assert.equal((await sendPackage(central, zlib.gzipSync(JSON.stringify(good)).subarray(0, -5), { headers: { 'content-encoding': 'gzip' } })).status, 400);
  assert.equal((await sendPackage(central, good, { headers: { 'content-type': 'application/x-ndjson' } })).status, 415);
  assert.equal((await sendPackage(central, good, { headers: { 'content-encoding': 'br' } })).status, 415);
  assert.equal((await central.fetch('/api/telemetry/upload')).status, 405);
  assert.deepEqual(await central.ids(), []);
  assert.equal((await sendPackage(central, good)).status, 202);
});

test('scopes and apps: a package needs ingest, and brings events of the token\'s app alone', async (t) => {
  const central = await Central.start(t);
  const [reader, bound] = [await makeToken(central, '--scopes', 'read'), await makeToken(central, '--scopes', 'ingest', '--app', 'demo')];
  const mixed = makePackage([toolCall(), toolCall('grep', 1, { app: 'other' })]);
  await until('the tokens are known', async () => (await sendPackage(central, mixed, { token: bound })).status === 202);
  assert.equal((await sendPackage(central, mixed, { token: null })).status, 401);
  assert.equal((await sendPackage(central, mixed, { token: reader })).status, 403);
  const answer = await sendPackage(central, mixed, { token: bound });
  assert.deepEqual(counts(answer), [0, 1, 1]);
  assert.deepEqual(answer.json.results.map(({ index, reason }) => [index, reason]), [[0, undefined], [1, 'wrong_app']]);
});

test('a package of just the limits is taken, one over any of them gets 413', async (t) => {
  const pack = makePackage([toolCall(), toolCall(), toolCall()]);
  const text = JSON.stringify(pack);
  const exact = await Central.start(t, { args: ['--max-package-bytes', String(text.length), '--max-package-inflated-bytes', String(text.length), '--max-package-events', '3'] });
  const over = await sendPackage(exact, `${text} `);
  assert.equal(over.status, 413);
  assert.match(over.json.detail, new RegExp(`larger than ${text.length} bytes`));
  const bomb = await sendPackage(exact, zlib.gzipSync(Buffer.alloc(500_000, ' ')), { headers: { 'content-encoding': 'gzip' } });
  assert.equal(bomb.status, 413);
  assert.match(bomb.json.detail, new RegExp(`inflates to more than ${text.length} bytes`));
  const small = await sendPackage(exact, { ...pack, events: [] });
  assert.equal(small.status, 202);
  assert.equal((await sendPackage(exact, text)).json.accepted, 3);
  const fewer = await Central.start(t, { args: ['--max-package-events', '2'] });
  const many = await sendPackage(fewer, text);
  assert.equal(many.status, 413);
  assert.match(many.json.detail, /more than 2 events/);
  assert.deepEqual(await fewer.ids(), []);
});

test('a package is larger than what one upload of events may be', async (t) => {
  const central = await Central.start(t);
  const pack = makePackage(Array.from({ length: 5000 }, (_, i) => toolCall('grep', i)));
  const text = JSON.stringify(pack);
  assert.ok(text.length > 1_048_576);
  const answer = await sendPackage(central, text);
  assert.deepEqual([answer.status, ...counts(answer)], [202, 5000, 0, 0]);
  assert.equal((await central.get('/api/telemetry/stats')).events.total, 5000);
});

test('while a package of the largest size is read, others are answered', async (t) => {
  const central = await Central.start(t, { args: ['--threads', '1'] });
  const events = Array.from({ length: 90_000 }, (_, i) => toolCall('grep', i));
  const body = zlib.gzipSync(JSON.stringify(makePackage(events)), { level: 1 });
  const waiting = async () => (await central.metrics()).get('candor_central_packages_waiting');
  let seen = false;
  for (let i = 0; i < 20 && !seen; i++) { // the one loop has to get a turn while it lasts
    let answered = false;
    const answer = sendPackage(central, body, { headers: { 'content-encoding': 'gzip' } }).finally(() => { answered = true; });
    while (!seen && !answered) seen = (await waiting()) > 0;
    const { status, json } = await answer;
    assert.deepEqual([status, json.accepted + json.duplicates], [202, 90_000]);
  }
  assert.equal(seen, true, 'no answer came while a package was read');
  assert.equal(await waiting(), 0);
});

test('the answer lists 1000 results and counts the others', async (t) => {
  const central = await Central.start(t);
  const pack = makePackage(Array.from({ length: 1005 }, () => event('NotHere', {})));
  const { json } = await sendPackage(central, pack);
  assert.deepEqual([json.rejected, json.results.length, json.results_omitted], [1005, 1000, 5]);
  assert.equal((await sendPackage(central, makePackage([event('NotHere', {})]))).json.results_omitted, undefined);
});

test('what was answered is there after SIGKILL', async (t) => {
  const dir = scratch(t);
  const central = await Central.start(t, { dir });
  const pack = makePackage(Array.from({ length: 200 }, () => toolCall()));
  assert.equal((await sendPackage(central, pack)).json.accepted, 200);
  await central.end('SIGKILL');
  const again = await Central.start(t, { dir });
  assert.equal((await again.ids()).length, 200);
  assert.equal((await sendPackage(again, pack)).json.duplicate_batch, true);
});

test('packages share the rate of uploads, and a slow sender loses its connection', async (t) => {
  const central = await Central.start(t, { args: ['--uploads-per-minute', '2', '--read-timeout-ms', '300'] });
  const headers = { 'candor-machine-id': 'one' };
  assert.equal((await sendPackage(central, makePackage([toolCall()]), { headers })).status, 202);
  assert.equal((await central.post([toolCall()], { headers })).status, 202);
  const over = await sendPackage(central, makePackage([toolCall()]), { headers });
  assert.deepEqual([over.status, /^\d+$/.test(over.headers.get('retry-after'))], [429, true]);
  const slow = await raw(central.port, `POST /api/telemetry/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n` +
    'Content-Type: application/json\r\nCandor-Machine-Id: two\r\nContent-Length: 1000\r\n\r\n{"schema_version"');
  assert.match(slow, /^HTTP\/1\.1 408 /);
});
