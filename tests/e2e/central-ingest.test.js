'use strict';
// POST /api/v1/events of a real collector: what is stored, what is refused, and what the answer says.
const assert = require('node:assert/strict');
const test = require('node:test');
const zlib = require('node:zlib');
const { Central, TOKEN, event, toolCall, uuid7 } = require('./central-support.js');

test('an array, one object and NDJSON are stored, plain and gzipped', async (t) => {
  const central = await Central.start(t);
  const lines = (n) => Array.from({ length: n }, () => JSON.stringify(toolCall())).join('\n');
  const ndjson = { headers: { 'content-type': 'application/x-ndjson' } };
  for (const [body, options, accepted] of [
    [[toolCall(), toolCall()], {}, 2], [[toolCall()], { gzip: true }, 1], [toolCall(), {}, 1], [[], {}, 0],
    [lines(3), ndjson, 3], [`${lines(2)}\n\n \n`, { ...ndjson, gzip: true }, 2], ['', ndjson, 0],
    [[toolCall()], { headers: { 'content-type': 'Application/JSON; charset=utf-8' } }, 1],
  ]) {
    const { status, json } = await central.post(body, options);
    assert.equal(status, 202);
    assert.deepEqual([json.accepted, json.duplicates, json.rejected], [accepted, 0, 0]);
    assert.deepEqual(json.results, []);
  }
  assert.equal((await central.ids()).length, 10);
});

test('each event has its own result, and reasons are named', async (t) => {
  const central = await Central.start(t);
  const good = toolCall();
  const old = toolCall('grep', 1, { event_id: uuid7(Date.now() - 100 * 86400000) });
  const batch = [good, event('Nope', {}), { ...toolCall(), event_id: 'x' }, 7, good, old, { ...toolCall(), payload: [] }];
  const { status, json } = await central.post(batch);
  assert.equal(status, 202);
  assert.deepEqual([json.accepted, json.duplicates, json.rejected], [1, 1, 5]);
  assert.deepEqual(json.results.map((r) => [r.index, r.status, r.reason]), [
    [1, 'rejected', 'unknown_event'], [2, 'rejected', 'bad_event_id'], [3, 'rejected', 'not_an_object'],
    [4, 'duplicate', undefined], [5, 'rejected', 'clock_skew'], [6, 'rejected', 'bad_payload']]);
  assert.ok(json.results.every((r) => r.status !== 'rejected' || r.detail.length > 10));
  const all = await central.post([toolCall(), good], { query: '?results=all' });
  assert.deepEqual(all.json.results, [{ index: 0, status: 'accepted' }, { index: 1, status: 'duplicate' }]);
});

test('the allowlist is enforced again and adjustments are counted', async (t) => {
  const central = await Central.start(t);
  const { json } = await central.post([event('Error', {
    errorType: 'TypeError', message: 'mail bob@example.com', secretField: 'classified-4711',
  })]);
  assert.equal(json.accepted, 1);
  assert.equal(json.adjusted.unknown_field, 1);
  assert.equal(json.adjusted.redacted, 1);
  const page = await central.fetch('/api/telemetry/events');
  assert.ok(!page.text.includes('bob@example.com') && !page.text.includes('classified-4711'));
  const metrics = await central.metrics();
  assert.equal(metrics.get('candor_central_fields_adjusted_total{kind="redacted"}'), 1);
});

test('the machine id is hashed again before it is stored, the same for one collector', async (t) => {
  const central = await Central.start(t);
  const machine = 'c0ffee'.repeat(5) + 'aa';
  await central.post([toolCall('grep', 1, { machine_id: machine }), toolCall('grep', 1, { machine_id: machine })]);
  const { events } = await central.get('/api/telemetry/events');
  assert.match(events[0].machine_id, /^[0-9a-f]{32}$/);
  assert.notEqual(events[0].machine_id, machine);
  assert.equal(events[0].machine_id, events[1].machine_id);
});

test('a batch seen before is acknowledged as duplicate, another body under its id is not', async (t) => {
  const central = await Central.start(t);
  const headers = { 'candor-batch-id': uuid7(), 'candor-sent-at': new Date().toISOString() };
  const body = JSON.stringify([toolCall(), toolCall()]);
  assert.equal((await central.post(body, { headers })).json.accepted, 2);
  const again = (await central.post(body, { headers })).json;
  assert.deepEqual([again.accepted, again.duplicates, again.duplicate_batch], [0, 2, true]);
  const other = (await central.post([toolCall()], { headers })).json;
  assert.deepEqual([other.accepted, other.duplicate_batch], [1, undefined]);
  const bad = await central.post(body, { headers: { 'candor-batch-id': 'seven' } });
  assert.equal(bad.status, 400);
});

test('malformed JSON is refused with its position and nothing of it is stored', async (t) => {
  const central = await Central.start(t);
  const good = JSON.stringify(toolCall());
  const { status, json, headers } = await central.post(`[${good},\n  {"event_id": tru}]`);
  assert.equal(status, 400);
  assert.equal(headers.get('content-type'), 'application/problem+json');
  assert.match(json.detail, /line 2, column \d+/);
  assert.deepEqual([json.status, json.title, json.type], [400, 'Bad Request', 'about:blank']);
  const deep = `[{"event_id":${'['.repeat(20)}${']'.repeat(20)}}]`;
  for (const body of ['', '[', 'null', '7', `[${good}`, `[${good}]]`, `[${good},]`, '\ufeff[]', `${good} ${good}`, deep]) {
    assert.equal((await central.post(body)).status, 400, body.slice(0, 40));
  }
  assert.deepEqual(await central.ids(), []);
});

test('a malformed NDJSON line is rejected alone', async (t) => {
  const central = await Central.start(t);
  const lines = [JSON.stringify(toolCall()), '{"broken', '{} {}', JSON.stringify(toolCall())].join('\r\n');
  const { json } = await central.post(lines, { headers: { 'content-type': 'application/x-ndjson' } });
  assert.deepEqual([json.accepted, json.rejected], [2, 2]);
  assert.deepEqual(json.results.map((r) => [r.index, r.reason]), [[1, 'bad_json'], [2, 'bad_json']]);
});

test('a line torn inside an accepted event leaves nothing of that event', async (t) => {
  const central = await Central.start(t);
  const whole = JSON.stringify(toolCall());
  const { json } = await central.post(`${whole}x\n${whole}`, { headers: { 'content-type': 'application/x-ndjson' } });
  assert.deepEqual([json.accepted, json.duplicates, json.rejected], [1, 0, 1]);
});

test('tokens: missing, wrong and lacking scope are told apart', async (t) => {
  const central = await Central.start(t);
  const none = await central.post([], { token: null });
  assert.equal(none.status, 401);
  assert.equal(none.headers.get('www-authenticate'), 'Bearer');
  assert.equal((await central.post([], { token: `${TOKEN.slice(0, -1)}e` })).status, 401);
  assert.equal((await central.fetch('/api/telemetry/stats', { token: null })).status, 401);
  assert.equal((await central.fetch('/api/telemetry/events', { token: 'nonsense' })).status, 401);
});

test('types, encodings and sizes outside the limits are refused', async (t) => {
  const central = await Central.start(t, { args: ['--max-body-bytes', '20000', '--max-inflated-bytes', '100000', '--max-events', '10'] });
  const status = async (...args) => (await central.post(...args)).status;
  assert.equal(await status('[]', { headers: { 'content-type': 'text/plain' } }), 415);
  assert.equal(await status('[]', { headers: { 'content-encoding': 'br' } }), 415);
  assert.equal(await status('[]', { headers: { 'content-encoding': 'gzip, gzip' } }), 415);
  assert.equal(await status('[]', { headers: { 'content-encoding': 'gzip' } }), 400);
  assert.equal(await status(Array.from({ length: 11 }, () => toolCall())), 413);
  assert.equal(await status(`[${' '.repeat(20000)}]`), 413);
  const bomb = zlib.gzipSync(Buffer.alloc(15_000_000, ' '));
  assert.ok(bomb.length < 20000);
  const answer = await central.post(bomb, { headers: { 'content-encoding': 'gzip' } });
  assert.equal(answer.status, 413);
  assert.match(answer.json.detail, /100000 bytes/);
  const torn = zlib.gzipSync(JSON.stringify([toolCall()])).subarray(0, -5);
  assert.equal(await status(torn, { headers: { 'content-encoding': 'gzip' } }), 400);
  assert.equal(await status([toolCall()]), 202); // none of it did harm
});

test('uploads over the rate get 429 with Retry-After, per machine', async (t) => {
  const central = await Central.start(t, { args: ['--uploads-per-minute', '3'] });
  const send = (machine) => central.post([toolCall()], { headers: { 'candor-machine-id': machine } });
  for (let i = 0; i < 3; i += 1) assert.equal((await send('one')).status, 202);
  const refused = await send('one');
  assert.equal(refused.status, 429);
  assert.ok(Number(refused.headers.get('retry-after')) >= 1);
  assert.equal((await send('two')).status, 202);
});

test('the schema hash is compared and a mismatch is said and counted', async (t) => {
  const central = await Central.start(t);
  const { schema } = await central.get('/api/v1/health');
  const match = async (hash) => (await central.post([], { headers: { 'candor-schema-hash': hash } })).json.schema.match;
  assert.equal(await match(schema.hash), true);
  assert.equal(await match('0'.repeat(64)), false);
  assert.equal((await central.post([])).json.schema.match, null);
  assert.equal((await central.metrics()).get('candor_central_schema_mismatch_total'), 1);
});

test('unknown paths and methods', async (t) => {
  const central = await Central.start(t);
  assert.equal((await central.fetch('/nothing')).status, 404);
  const put = await central.fetch('/api/v1/events', { method: 'PUT', body: 'x' });
  assert.equal(put.status, 405);
  assert.equal(put.headers.get('allow'), 'POST');
  assert.equal((await central.fetch('/api/v1/events')).status, 405);
  const head = await central.fetch('/', { method: 'HEAD', token: null });
  assert.equal(head.status, 200);
  assert.ok(Number(head.headers.get('content-length')) > 0);
  assert.equal(head.headers.get('cache-control'), 'no-store');
  assert.equal(head.headers.get('x-content-type-options'), 'nosniff');
});
