'use strict';
// The conformance suite of sinks against the cluster of deploy/clickhouse, and what its configuration promises to
// people who ask it themselves. Under load: npm run test:cluster.
const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const path = require('node:path');
const test = require('node:test');
const { Central, run, toolCall } = require('../e2e/central-support.js');
const { createOld, insertOld } = require('../sinks/clickhouse-old.js');
const { until } = require('../support/until.js');
const { Cluster } = require('./cluster.js');

const PROGRAM = path.join(__dirname, '..', '..', 'build', 'asan', 'test_sinks');
const PATIENCE_MS = 120_000;
const missing = Cluster.missing();

test('the ClickHouse sink keeps its promises on two shards of two replicas', { skip: missing ?? false }, async (t) => {
  const cluster = await Cluster.start();
  t.after(() => cluster.remove());
  const { code, output } = await new Promise((resolve) => {
    execFile(PROGRAM, { env: { PATH: process.env.PATH, CANDOR_SINK: 'clickhouse', CANDOR_SINK_URL: cluster.sinkUrl } }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : 1, output: stdout + stderr });
    });
  });
  assert.equal(code, 0, output);
  assert.match(output, /\[ {2}PASSED {2}\] \d+ test/);
  // People ask a Distributed table, made on every server at once.
  await cluster.ask('1a', 'CREATE TABLE candor.candor_all ON CLUSTER candor AS candor.candor_events ENGINE=Distributed(candor, candor, candor_events)');
  const sum = Number(await cluster.ask('1b', 'SELECT uniqExact(event_id) FROM candor_events')) + Number(await cluster.ask('2a', 'SELECT uniqExact(event_id) FROM candor_events'));
  assert.equal(Number(await cluster.ask('2b', 'SELECT uniqExact(event_id) FROM candor_all')), sum);
});

/** Which shard a collector puts them into, as one that stores them elsewhere does. @param {import('node:test').TestContext} t
 * @param {Cluster} cluster @param {any[]} events */
async function shardsOf(t, cluster, events) {
  const central = await Central.start(t, { args: ['--sink', 'clickhouse'], env: { CANDOR_CENTRAL_SINK_URL: cluster.sinkUrl } });
  assert.equal((await central.post(events)).json.accepted, events.length);
  await central.end('SIGTERM');
  const first = await cluster.ask('1a', 'SELECT lower(hex(event_id)) FROM candor_events');
  const isFirst = (/** @type {any} */ event) => first.includes(event.event_id.replaceAll('-', ''));
  return [events.filter(isFirst), events.filter((event) => !isFirst(event))];
}

test('tables of version 2 give way on all replicas, on one that was away, and on an empty machine in its place', { skip: missing ?? false }, async (t) => {
  const cluster = await Cluster.start();
  t.after(() => cluster.remove());
  const names = Object.keys(cluster.replicas);
  const database = 'candor_old';
  const ask = (/** @type {string} */ name) => (/** @type {string} */ sql) => cluster.ask(name, sql, database);
  const count = async (/** @type {string} */ name, /** @type {string} */ table) => Number(await ask(name)(`SELECT uniqExact(event_id) FROM ${table}`));
  for (const name of names) {
    await cluster.replicas[name].create(database);
    await createOld(ask(name), `ReplicatedReplacingMergeTree('/candor/${database}/{shard}/candor_events','{replica}')`);
  }
  const old = Array.from({ length: 40 }, () => toolCall());
  const shards = await shardsOf(t, cluster, old);
  await insertOld(ask('1a'), shards[0]);
  await insertOld(ask('2b'), shards[1]);
  await until('2a never fetched what 2b has', async () => await count('2a', 'candor_events') === shards[1].length, PATIENCE_MS);
  await cluster.replicas['2b'].end('SIGKILL');
  const serve = () => Central.start(t, { args: ['--sink', 'clickhouse', '--retention-days', '30'], env: { CANDOR_CENTRAL_SINK_URL: cluster.sinkUrlOf(database) } });
  const [one, two] = await Promise.all([serve(), serve(), serve()]);
  const ids = old.map((event) => event.event_id).sort().reverse();
  assert.deepEqual(await one.ids(), ids);
  const fresh = Array.from({ length: 30 }, () => toolCall());
  assert.equal((await two.post(fresh)).json.accepted, 30);
  await cluster.replicas['2b'].launch();
  const states = async () => (await one.fetch('/api/v1/health')).json.shards;
  const allUp = async () => (await states()).flat().every((/** @type {string} */ state) => state === 'up');
  await until('2b never came back', allUp, PATIENCE_MS);
  for (const table of ['candor_events', 'candor_events_2']) {
    await until(`2b never had what 2a has in ${table}`, async () => await count('2b', table) === await count('2a', table), PATIENCE_MS);
  }
  assert.equal(await count('1a', 'candor_events') + await count('2a', 'candor_events'), 30);
  // An empty machine in the place of 1b.
  for (const table of ['candor_events', 'candor_events_2', 'candor_meta']) await ask('1b')(`DROP TABLE ${table}`);
  await until('1b never got its tables again', async () => {
    const here = await count('1b', 'candor_events_2').catch(() => 0);
    return here === shards[0].length && await count('1b', 'candor_events') === await count('1a', 'candor_events');
  }, PATIENCE_MS);
  await until('not all are up again', allUp, PATIENCE_MS);
  assert.deepEqual((await one.post([...old, ...fresh])).json.duplicates, 70);
  assert.equal((await two.ids()).length, 70);
  const token = (await run(['token', 'create', '--scopes', 'admin', '--data', one.data])).stdout.trim();
  const erase = () => one.fetch('/api/v1/erasures', { method: 'POST', token, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ user_id: 'u-1' }) });
  await until('the erasure is never signed', async () => (await erase()).status === 200, PATIENCE_MS); // 503 while a server is busy with it
  for (const name of names) assert.equal(Number(await ask(name)("SELECT count() FROM merge('candor_old','^candor_events')")), 0);
});
