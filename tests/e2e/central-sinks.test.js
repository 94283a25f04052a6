'use strict';
// `serve --sink`: the same doors over other sinks, and what is said where one cannot work. Sinks that need a
// server: tests/sinks.
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const zlib = require('node:zlib');
const { until } = require('../support/until.js');
const { Central, Load, run, scratch, toolCall } = require('./central-support.js');

const PATIENCE_MS = 30_000;

/** Event lines of a JSONL sink's directory. @param {string} dir */
function linesOf(dir) {
  if (!fs.existsSync(dir)) return [];
  return fs.readdirSync(dir).filter((name) => /^\d{4}-\d\d-\d\d$/.test(name))
    .flatMap((day) => zlib.gunzipSync(fs.readFileSync(path.join(dir, day, 'events.jsonl.gz'))).toString().split('\n'))
    .filter((line) => line !== '').map((line) => JSON.parse(line));
}

for (const sink of ['jsonl', 'memory']) {
  test(`--sink ${sink} stores, knows duplicates, and answers pages`, async (t) => {
    const central = await Central.start(t, { args: ['--sink', sink] });
    const events = Array.from({ length: 30 }, (_, i) => toolCall(`tool${i}`));
    const first = await central.post(events);
    assert.deepEqual([first.status, first.json.accepted, first.json.duplicates], [202, 30, 0]);
    const again = await central.post([...events.slice(10), toolCall('one more')]);
    assert.deepEqual([again.json.accepted, again.json.duplicates], [1, 20]);
    assert.equal(new Set(await central.ids()).size, 31);
    const page = await central.get('/api/telemetry/events?limit=10&type=ToolCall');
    assert.equal(page.events.length, 10);
    assert.ok(page.events.every(({ event_type: type, category }) => type === 'ToolCall' && category === 'tool'));
    const stats = await central.get('/api/telemetry/stats');
    assert.deepEqual(stats.tools.map(({ count }) => count), Array.from({ length: 31 }, () => 1));
    const health = await central.get('/api/v1/health');
    assert.deepEqual([health.status, health.sink], ['ok', sink]);
  });
}

test('--retention with a category that the schema has not is refused with those it has', async (t) => {
  const refused = await run(['serve', '--data', scratch(t), '--listen', '127.0.0.1:0', '--retention', 'errors=5']);
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /--retention names the category "errors", which the schema has not; it has .*chat/);
});

test('--sink jsonl: erase and import work on it from the command line', async (t) => {
  const central = await Central.start(t, { args: ['--sink', 'jsonl'] });
  const theirs = Array.from({ length: 5 }, () => toolCall('grep', 1, { user_id: 'u-gone' }));
  const others = Array.from({ length: 5 }, () => toolCall());
  assert.equal((await central.post([...theirs, ...others])).json.accepted, 10);
  await central.end('SIGTERM');
  const args = ['--data', central.data, '--sink', 'jsonl', '--json'];
  const erased = await run(['erase', '--user', 'u-gone', ...args]);
  assert.equal(erased.code, 0, erased.stderr);
  assert.deepEqual(linesOf(path.join(central.data, 'jsonl')).map((line) => line.event_id).sort(), others.map((one) => one.event_id).sort());
  const file = path.join(central.dir, 'events.ndjson');
  fs.writeFileSync(file, [...others, toolCall()].map((one) => JSON.stringify(one)).join('\n'));
  const imported = await run(['import', file, ...args]);
  assert.equal(imported.code, 0, imported.stderr);
  assert.equal(linesOf(path.join(central.data, 'jsonl')).length, 6);
});

test('--sink jsonl: what is acknowledged survives SIGKILL under load, once', async (t) => {
  const central = await Central.start(t, { args: ['--sink', 'jsonl'] });
  const load = new Load(central);
  await load.first;
  await central.end('SIGKILL');
  await load.stop();
  const again = await Central.start(t, { dir: central.dir, args: ['--sink', 'jsonl'] });
  const ids = await again.ids();
  assert.equal(new Set(ids).size, ids.length);
  const stored = new Set(ids);
  assert.deepEqual(load.acknowledged.filter((id) => !stored.has(id)), []);
  const sent = new Set(load.sent);
  assert.deepEqual(ids.filter((id) => !sent.has(id)), []);
  assert.equal((await again.post([toolCall()])).json.accepted, 1); // overwrites what SIGKILL left unfinished
  await again.end('SIGTERM');
  assert.equal(linesOf(path.join(again.data, 'jsonl')).length, ids.length + 1);
});

test('two sinks: the second follows the first, and charts stay', async (t) => {
  const dir = scratch(t);
  const archive = path.join(dir, 'archive');
  const args = ['--sink', 'sqlite', '--sink', 'jsonl', '--sink-url', `file://${archive}`];
  const central = await Central.start(t, { dir, args });
  for (let i = 0; i < 5; i += 1) assert.equal((await central.post([toolCall(), toolCall()])).json.accepted, 2);
  await until('the archive never had 10 events', async () => {
    const [follower] = (await central.get('/api/v1/health')).followers;
    return follower.stored === 10 && follower.queued_bytes === 0;
  }, PATIENCE_MS);
  const health = await central.get('/api/v1/health');
  assert.equal(health.sink, 'sqlite');
  assert.deepEqual(health.followers, [{
    sink: 'jsonl', status: 'ok', queued_events: 0, queued_bytes: 0, stored: 10, duplicates: 0, dropped: 0, refused: 0, damaged: 0,
  }]);
  assert.equal((await central.get('/api/telemetry/stats')).events.total, 10);
  await central.end('SIGTERM');
  assert.equal(linesOf(archive).length, 10);
});

test('two sinks: after SIGKILL under load the follower has all that was acknowledged', async (t) => {
  const dir = scratch(t);
  const archive = path.join(dir, 'archive');
  const args = ['--sink', 'sqlite', '--sink', 'jsonl', '--sink-url', `file://${archive}`];
  const central = await Central.start(t, { dir, args });
  const load = new Load(central);
  await load.first;
  await central.end('SIGKILL');
  await load.stop();
  const again = await Central.start(t, { dir, args });
  await until('the queue never emptied', async () => (await again.get('/api/v1/health')).followers[0].queued_bytes === 0, PATIENCE_MS);
  await again.end('SIGTERM');
  const ids = linesOf(archive).map((line) => line.event_id);
  assert.equal(new Set(ids).size, ids.length);
  const stored = new Set(ids);
  assert.deepEqual(load.acknowledged.filter((id) => !stored.has(id)), []);
});

test('a follower that nobody can reach stops nothing, and its queue is bounded', async (t) => {
  const central = await Central.start(t, {
    args: ['--sink', 'sqlite', '--sink', 'postgres', '--sink-queue-bytes', '65536'],
    env: { CANDOR_CENTRAL_SINK_URL: 'postgresql://candor:geheim@127.0.0.1:1/none' },
  });
  for (let i = 0; i < 20; i += 1) assert.equal((await central.post(Array.from({ length: 50 }, () => toolCall()))).json.accepted, 50);
  await until('the trouble was not seen', async () => (await central.get('/api/v1/health')).followers[0].status === 'unavailable', PATIENCE_MS);
  const { status, followers: [follower] } = await central.get('/api/v1/health');
  assert.equal(status, 'ok');
  assert.ok(follower.dropped > 0 && follower.queued_bytes <= 65536, JSON.stringify(follower));
  assert.equal(follower.dropped + follower.queued_events, 1000);
  assert.match(central.log, /"sink_trouble","sink":"postgres"/);
  assert.ok(!central.log.includes('geheim'));
});

test('settings of sinks that cannot be are refused with a sentence', async (t) => {
  const dir = scratch(t);
  const cases = /** @type {[string[], RegExp][]} */ ([
    [['--sink', 'oracle'], /--sink is "oracle"; it takes sqlite, jsonl/],
    [['--sink', 'postgres'], /needs --sink-url postgresql:\/\/.*CANDOR_CENTRAL_SINK_URL/],
    [['--sink', 'mysql', '--sink-url', 'postgresql://x@y/z'], /no --sink postgres waits for it/],
    [['--sink-url', 'gopher://x'], /begins with none of postgresql:/],
    [['--sink', 'jsonl', '--sink', 'jsonl'], /two sinks of kind jsonl have the same place/],
    [['--sink', 'jsonl', '--sink', 'sqlite'], /--sink sqlite comes first/],
    [Array(9).fill(['--sink', 'jsonl']).flat(), /--sink is given more than 8 times/],
    [['--sink', 'mysql', '--sink-url', 'mysql://u:geheim@127.0.0.1:1/'], /names no database/],
    [['--sink', 'mysql', '--sink-url', 'mysql://u:geheim%@127.0.0.1:1/x'], /no usable user or password/],
    [['--sink', 'postgres', '--sink-url', 'postgresql://u:geheim@127.0.0.1:1/x'], /no connection to PostgreSQL/],
    [['--sink', 'mysql', '--sink-url', 'mysql://u:geheim@127.0.0.1:1/x'], /no connection to MySQL/],
    [['--sink', 'clickhouse', '--sink-url', 'http://u:geheim@127.0.0.1:1/x'], /ClickHouse: .*127\.0\.0\.1/],
  ]);
  for (const [args, sentence] of cases) {
    const { code, stderr, stdout } = await run(['serve', '--data', path.join(dir, 'data'), '--listen', '127.0.0.1:0', ...args]);
    assert.equal(code, 1, args.join(' '));
    assert.match(stderr, sentence);
    assert.ok(!`${stderr}${stdout}`.includes('geheim'), stderr);
  }
});
