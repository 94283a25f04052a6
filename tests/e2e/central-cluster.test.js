'use strict';
// One collector of several before a ClickHouse of shards and replicas: what an acknowledgement means while replicas
// lag, die and come back, and what --stateless refuses. Over a ClickHouse in memory; the real one: tests/cluster.
const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const { Central, TOKEN, run, scratch, toolCall } = require('./central-support.js');
const { fakeCluster, urlOf } = require('./fake-clickhouse.js');
const { until } = require('../support/until.js');

/** A directory with the keys of all collectors. @param {import('node:test').TestContext} t */
function sharedKeys(t) {
  const dir = scratch(t);
  for (const name of ['pepper', 'receipt.key']) fs.writeFileSync(path.join(dir, name), crypto.randomBytes(32));
  return dir;
}

/** @param {import('node:test').TestContext} t @param {string} url @param {string[]} [args] */
const serve = (t, url, args = []) => Central.start(t, { args: ['--sink', 'clickhouse', ...args], env: { CANDOR_CENTRAL_SINK_URL: url } });
const calls = (/** @type {number} */ n) => Array.from({ length: n }, () => toolCall());
/** @param {Central} central */
const states = async (central) => (await central.fetch('/api/v1/health')).json.shards;

test('each event is on both replicas of one shard, and any collector goes on with the pages of another', async (t) => {
  const { shards, url } = await fakeCluster(t, 3);
  const keys = sharedKeys(t);
  const one = await serve(t, url, ['--stateless', '--keys', keys]);
  const two = await serve(t, url, ['--stateless', '--keys', keys]);
  const events = calls(300);
  assert.equal((await one.post(events)).json.accepted, 300);
  assert.deepEqual((await two.post(events)).json.duplicates, 300);
  for (const [a, b] of shards) {
    assert.deepEqual([...a.rows.keys()].sort(), [...b.rows.keys()].sort());
    assert.ok(a.rows.size > 50, `a shard has ${a.rows.size} of 300 events`);
  }
  assert.equal(shards.reduce((sum, [a]) => sum + a.rows.size, 0), 300);
  const first = await one.get('/api/telemetry/events?limit=120');
  const second = await two.get(`/api/telemetry/events?limit=500&cursor=${first.next_cursor}`);
  const seen = [...first.events, ...second.events].map((event) => event.event_id);
  assert.deepEqual(seen, events.map((event) => event.event_id).sort().reverse());
});

test('an upload is not acknowledged before the other replica has fetched it', async (t) => {
  const { shards: [[, b]], url } = await fakeCluster(t, 1);
  const central = await serve(t, url);
  b.hold();
  let answered = false;
  const answer = central.post(calls(10)).then((got) => { answered = true; return got; });
  await until('the other replica is asked again and again', () => b.asked >= 3);
  assert.equal(answered, false);
  b.release();
  assert.equal((await answer).status, 202);
  assert.equal(b.rows.size, 10);
});

test('a replica that dies after an insert, before the other one has fetched it: the events go to the other one', async (t) => {
  const { shards: [[a, b]], url } = await fakeCluster(t, 1);
  const central = await serve(t, url);
  b.hold();
  const events = calls(10);
  const answer = central.post(events);
  await until('the other replica is asked', () => b.asked >= 1);
  a.down();
  assert.equal((await answer).status, 202);
  assert.deepEqual([...b.rows.keys()].sort(), events.map((event) => event.event_id.replaceAll('-', '')).sort());
  await until('health does not say so', async () => (await states(central))[0][0] === 'away');
});

test('of a replica that dies with an insert that it told nobody of, everything goes to the next one', async (t) => {
  const { shards: [[a, b]], url } = await fakeCluster(t, 1);
  const central = await serve(t, url);
  a.dieAfterInsert = true;
  const answer = await central.post(calls(10));
  assert.deepEqual([answer.status, answer.json.accepted], [202, 10]);
  assert.equal(b.rows.size, 10);
  assert.equal(new Set(await central.ids()).size, 10);
});

test('what a dead replica left on one server alone is copied before it counts as a duplicate', async (t) => {
  const { shards: [[a, b]], url } = await fakeCluster(t, 1);
  const central = await serve(t, url);
  const events = calls(10);
  b.hold();
  const lost = central.post(events).catch(() => null);
  await until('the first replica has it', () => a.rows.size === 10);
  await central.end('SIGKILL');
  assert.equal(await lost, null);
  const next = await serve(t, url);
  const before = b.asked;
  const answer = next.post(events);
  await until('the other replica is asked', () => b.asked > before + 1);
  b.release();
  assert.deepEqual((await answer).json.duplicates, 10);
  assert.equal(b.rows.size, 10);
});

test('with one replica of a shard away uploads go on, are counted, and wait for it again when it is back', async (t) => {
  const { shards: [[a, b]], url } = await fakeCluster(t, 1);
  const central = await serve(t, url);
  a.down();
  assert.equal((await central.post(calls(10))).status, 202);
  assert.deepEqual(await states(central), [['away', 'up']]);
  assert.equal((await central.metrics()).get('candor_central_sink_fewer_copies_total'), 10);
  await a.up();
  await until('it is seen', async () => (await states(central))[0][0] === 'up');
  b.hold();
  const answer = central.post(calls(5));
  await until('the other replica is asked', () => b.asked >= 2);
  b.release();
  assert.equal((await answer).status, 202);
  assert.match(central.log, /"event":"sink_server_away"/);
  assert.match(central.log, /"event":"sink_server_up"/);
  assert.equal((await central.metrics()).get('candor_central_sink_fewer_copies_total'), 10);
});

test('a replica that catches up is neither read nor waited for until it has', async (t) => {
  const { shards: [[a, b]], url } = await fakeCluster(t, 1);
  a.lag = 100;
  a.hold();
  const central = await serve(t, url);
  assert.equal((await central.post(calls(10))).status, 202);
  assert.equal((await central.ids()).length, 10);
  assert.deepEqual([(await states(central))[0], b.rows.size], [['behind', 'up'], 10]);
  a.release();
  a.lag = 0;
  await until('it has caught up', async () => (await states(central))[0][0] === 'up');
});

test('copies=2: while one replica is away nothing is acknowledged, and health says so until it is back', async (t) => {
  const { shards } = await fakeCluster(t, 1);
  const [[a, b]] = shards;
  const central = await serve(t, urlOf(shards, '?copies=2'));
  b.down();
  const events = calls(10);
  assert.equal((await central.post(events)).status, 503);
  assert.equal((await central.fetch('/api/v1/health')).status, 503);
  await b.up();
  await until('it takes events again', async () => (await central.post(events)).status === 202);
  assert.deepEqual([a.rows.size, b.rows.size], [10, 10]);
});

test('without ZooKeeper nothing is acknowledged, and reading goes on', async (t) => {
  const { shards, url } = await fakeCluster(t, 2);
  const central = await serve(t, url);
  assert.equal((await central.post(calls(20))).status, 202);
  for (const replica of shards.flat()) replica.readOnly = true;
  assert.equal((await central.post(calls(20))).status, 503);
  assert.equal((await central.ids()).length, 20);
  for (const replica of shards.flat()) replica.readOnly = false;
  await until('it takes events again', async () => (await central.post(calls(1))).status === 202);
});

test('a shard without any server that answers refuses uploads and queries; the start needs one of each', async (t) => {
  const { shards, url } = await fakeCluster(t, 2);
  const central = await serve(t, url);
  for (const replica of shards[1]) replica.down();
  assert.equal((await central.post(calls(50))).status, 503);
  assert.equal((await central.fetch('/api/telemetry/events')).status, 500);
  const { code, stderr } = await run(['serve', '--data', `${scratch(t)}/data`, '--listen', '127.0.0.1:0', '--sink', 'clickhouse'], { CANDOR_CENTRAL_SINK_URL: url });
  assert.equal(code, 1);
  assert.match(stderr, /ClickHouse/);
  await shards[1][1].up();
  await until('it takes events again', async () => (await central.post(calls(50))).status === 202);
});

test('servers whose macros contradict --sink-url end the start with their names', async (t) => {
  const { shards } = await fakeCluster(t, 2);
  const start = (/** @type {any} */ url) => run(['serve', '--data', `${scratch(t)}/data`, '--listen', '127.0.0.1:0', '--sink', 'clickhouse'], { CANDOR_CENTRAL_SINK_URL: url });
  const [[a, b], [c, d]] = shards;
  for (const [mixed, what] of [[[[a, c], [b, d]], 'as replicas of a shard'], [[[a], [b]], 'as different shards'], [[[a, a]], 'as replicas of a shard']]) {
    const { code, stderr } = await start(urlOf(/** @type {any} */ (mixed)));
    assert.equal(code, 1);
    assert.ok(stderr.includes(`${what}, and their macros say otherwise`), stderr);
    assert.ok(!stderr.includes('pw@'), stderr);
  }
  for (const [url, sentence] of /** @type {const} */ ([
    ['http://candor:pw@127.0.0.1:1|,127.0.0.1:2/x', /empty host; .*bars between the replicas/],
    ['http://candor:pw@127.0.0.1:1|127.0.0.1:2/x?copies=3', /copies of --sink-url is 3; shard 1 has 2 servers/],
    [`http://candor:pw@${Array(65).fill('127.0.0.1:1').join(',')}/x`, /more than 64 ClickHouse servers/],
    ['http://candor:pw@127.0.0.1:1,127.0.0.1:2/a-b', /letters, digits and _/],
  ])) {
    const { code, stderr } = await start(url);
    assert.equal(code, 1);
    assert.match(stderr, sentence);
  }
});

test('--stateless refuses what the next collector would not have', async (t) => {
  const keys = sharedKeys(t);
  const { url } = await fakeCluster(t, 1);
  const start = (/** @type {string[]} */ args, env = {}) => run(['serve', '--data', `${scratch(t)}/data`, '--listen', '127.0.0.1:0', '--stateless', ...args],
    { CANDOR_CENTRAL_SINK_URL: url, CANDOR_CENTRAL_TOKEN: TOKEN, ...env });
  for (const [args, sentence, env] of /** @type {[string[], RegExp, any?][]} */ ([
    [['--keys', keys], /wants --sink clickhouse, postgres or mysql.*"sqlite" keeps events in the data directory/],
    [['--keys', keys, '--sink', 'clickhouse', '--sink', 'jsonl'], /"clickhouse jsonl" keeps events/],
    [['--sink', 'clickhouse'], /wants --keys/],
    [['--sink', 'clickhouse', '--alert-url', 'http://127.0.0.1:1/'], /takes no --alert-url/],
    [['--sink', 'clickhouse', '--keys', scratch(t)], /pepper is not there; make it once, for all collectors/],
    [['--sink', 'clickhouse', '--keys', keys], /wants --token-file or CANDOR_CENTRAL_TOKEN/, { CANDOR_CENTRAL_TOKEN: '' }],
  ])) {
    const { code, stderr } = await start(args, env);
    assert.notEqual(code, 0);
    assert.match(stderr, sentence);
  }
});

test('a stateless collector keeps no texts, and its token file says scopes', async (t) => {
  const keys = sharedKeys(t);
  const { url } = await fakeCluster(t, 1);
  const admin = `cnd_0badc0df_${'ad'.repeat(32)}`;
  const reader = `cnd_0badc0de_${'1e'.repeat(32)}`;
  fs.writeFileSync(path.join(keys, 'tokens'), `# ours\n${admin} admin\n${reader}\tread\n`);
  const central = await serve(t, url, ['--stateless', '--keys', keys, '--token-file', path.join(keys, 'tokens')]);
  const one = toolCall();
  const text = { method: 'POST', body: 'hello', headers: { 'content-type': 'text/plain', 'candor-consent': 'content=1' } };
  for (const [folder, options] of [['attachments', text], ['attachments', {}], ['uploads', { ...text, method: 'PATCH' }]]) {
    const answer = await central.fetch(`/api/v1/${folder}/${one.event_id}?field=prompt`, options);
    assert.deepEqual([answer.status, answer.json.code], [501, 'not_kept']);
    assert.match(answer.json.detail, /one without --stateless/);
  }
  assert.equal((await central.fetch(`/api/v1/uploads/${one.event_id}?field=prompt`, { method: 'HEAD' })).status, 501);
  assert.equal((await central.post([one], { token: reader })).status, 403);
  assert.equal((await central.post([one], { token: admin })).status, 202);
  assert.equal((await central.fetch('/api/telemetry/events', { token: reader })).status, 200);
  fs.writeFileSync(path.join(keys, 'tokens'), `${admin} everything\n`);
  const { code, stderr } = await run(['serve', '--data', `${scratch(t)}/data`, '--listen', '127.0.0.1:0', '--stateless', '--keys', keys, '--sink', 'clickhouse',
    '--token-file', path.join(keys, 'tokens')], { CANDOR_CENTRAL_SINK_URL: url });
  assert.equal(code, 1);
  assert.match(stderr, /line 1 of .* is no token with nothing or its scopes/);
});
