'use strict';
// Tables of ClickHouse as the collector leaves them: partitions that retention drops, and tables of older versions that
// give way while several collectors start at once.
const assert = require('node:assert/strict');
const test = require('node:test');
const { Central, event, toolCall, uuid7 } = require('../e2e/central-support.js');
const { until } = require('../support/until.js');
const { createOld, insertOld } = require('./clickhouse-old.js');
const { Server, askClickhouse } = require('./servers.js');

const DAY_MS = 86_400_000;
const PATIENCE_MS = 120_000;
const skip = Server.missing('clickhouse') ?? false;
/** @type {Server | null} */
let server = null;
let databases = 0;
test.after(() => server?.remove());

/** An empty database; the server is the same for all tests. @param {import('node:test').TestContext} t */
async function freshDatabase(t) {
  server ??= await Server.start('clickhouse');
  databases += 1;
  const name = `tables_${databases}`;
  const url = await server.create(name);
  return {
    ask: (/** @type {string} */ sql) => askClickhouse(new URL(url).origin, sql, name),
    serve: (/** @type {string[]} */ args = []) => Central.start(t, { args: ['--sink', 'clickhouse', ...args], env: { CANDOR_CENTRAL_SINK_URL: url } }),
  };
}

/** @param {number} days */
function at(days) {
  const ms = Date.now() - days * DAY_MS;
  return { event_id: uuid7(ms), timestamp: new Date(ms).toISOString() };
}

/** One of each of three categories. @param {number} days */
const three = (days) => [toolCall('grep', 1, at(days)), event('ui.render_time', { view: 'chat', durationMs: 1 }, at(days)),
  event('Error', { errorType: 'TypeError' }, at(days))];

/** @param {Central} central @param {any[]} events */
async function store(central, events) {
  const { status, json } = await central.post(events);
  assert.deepEqual([status, json.accepted], [202, events.length], JSON.stringify(json));
}

/** @param {number} days */
const dayText = (days) => new Date(Date.now() - days * DAY_MS).toISOString().slice(0, 10);
/** @param {number} days */
const dayNumber = (days) => dayText(days).replaceAll('-', '');

test('a category that goes sooner lies in a partition of its own, which retention drops', { skip }, async (t) => {
  const { ask, serve } = await freshDatabase(t);
  const partitions = async () => (await ask("SELECT DISTINCT partition FROM system.parts WHERE active AND database=currentDatabase() AND table='candor_events' ORDER BY partition")).split('\n');
  const before = await serve(['--retention-days', '30', '--retention', 'ui=10', '--retention', 'error=60']);
  const old = three(6);
  await store(before, [...old, ...three(3)]);
  await before.end('SIGTERM');
  assert.deepEqual(await partitions(), [6, 3].flatMap((days) => [10, 30, 60].map((keep) => `(${dayNumber(days)},${keep})`)));
  const central = await serve(['--retention-days', '30', '--retention', 'ui=5', '--retention', 'error=60']);
  await until('the ui event never went', async () => (await central.ids()).length === 5, PATIENCE_MS);
  assert.deepEqual((await central.ids()).filter((id) => id === old[1].event_id), []);
  assert.deepEqual((await central.get('/api/v1/health')).retention, { deleted: { ui: 1 } });
  assert.equal((await partitions()).includes(`(${dayNumber(6)},10)`), false);
  assert.equal(await ask('SELECT count() FROM system.mutations WHERE database=currentDatabase()'), '0');
});

test('rows of one partition that are kept for different times since a rule was changed: those that are due are deleted', { skip }, async (t) => {
  const { ask, serve } = await freshDatabase(t);
  const before = await serve(['--retention-days', '30']);
  await store(before, three(6));
  await before.end('SIGTERM');
  const central = await serve(['--retention-days', '30', '--retention', 'ui=5']);
  await until('the ui event never went', async () => (await central.ids()).length === 2, PATIENCE_MS);
  assert.notEqual(await ask('SELECT count() FROM system.mutations WHERE database=currentDatabase()'), '0');
});

test('tables of version 2: collectors that start at once show all of it, know it again, and drop the old table when it has expired', { skip }, async (t) => {
  const { ask, serve } = await freshDatabase(t);
  const days = ['--retention-days', '30'];
  await createOld(ask);
  const old = Array.from({ length: 40 }, (_, i) => toolCall('grep', 1, at(i % 20)));
  await insertOld(ask, old);
  const centrals = await Promise.all(Array.from({ length: 4 }, () => serve(days)));
  const ids = old.map(({ event_id: id }) => id).sort().reverse();
  for (const central of centrals) assert.deepEqual(await central.ids(), ids);
  assert.equal(await ask('SELECT count() FROM candor_events_2'), '40');
  const again = await centrals[0].post(old);
  assert.equal(again.json.duplicates, 40);
  await store(centrals[1], three(0));
  for (const central of centrals) assert.equal((await central.ids()).length, 43);
  assert.equal(await ask('SELECT count() FROM candor_events'), '3');
  for (const central of centrals) await central.end('SIGTERM');
  const later = await serve(['--retention-days', '1']);
  // What is of yesterday and today stays, in the old table.
  await until('the old days never went', async () => (await later.ids()).length === 3 + ids.length - 36, PATIENCE_MS);
  await later.end('SIGTERM');
  await ask(`ALTER TABLE candor_events_2 DROP PARTITION ${dayNumber(0)}`);
  await ask(`ALTER TABLE candor_events_2 DROP PARTITION ${dayNumber(1)}`);
  const last = await serve(days);
  await until('the old table never went', async () => await ask("SELECT count() FROM system.tables WHERE database=currentDatabase() AND name='candor_events_2'") === '0', PATIENCE_MS);
  assert.equal((await last.ids()).length, 3);
});

test('a collector that was killed between the two renames: the next one does the rest', { skip }, async (t) => {
  const { ask, serve } = await freshDatabase(t);
  await createOld(ask);
  await ask('RENAME TABLE candor_events TO candor_events_2');
  const central = await serve();
  await store(central, three(0));
  assert.equal((await central.ids()).length, 3);
  assert.equal(await ask("SELECT count() FROM system.columns WHERE database=currentDatabase() AND table='candor_events' AND name='keep'"), '1');
});

test('rows that lie twice until a merge count once in every chart, sum and session', { skip }, async (t) => {
  const { ask, serve } = await freshDatabase(t);
  const central = await serve(['--retention-days', '30', '--retention', 'error=60']);
  const API = '/api/telemetry';
  const routes = [`${API}/stats`, `${API}/aggregate/category`, `${API}/aggregate/timeline`, `${API}/aggregate/users`, `${API}/errors/slo`,
    `${API}/aggregate/version`, `${API}/aggregate/latency`, `${API}/errors/groups`, `${API}/sessions`];
  const answers = async () => {
    const all = [];
    for (const route of routes) {
      const json = await central.get(`${route}?from=${dayText(9)}`);
      all.push([route, JSON.stringify(json, (key, value) => (key === 'to' ? undefined : value))]); // to: now
    }
    return all;
  };
  await store(central, [...three(3), ...three(2), ...three(2), event('SessionStart', { os: 'linux' }, at(2)), event('SessionEnd', { duration: 1000 }, at(2))]);
  await ask('SYSTEM STOP MERGES candor_events');
  const before = await answers();
  await ask('INSERT INTO candor_events SELECT * FROM candor_events');
  assert.equal(await ask('SELECT count() FROM candor_events'), '22');
  assert.deepEqual(await answers(), before);
  assert.equal(await ask('SELECT count() FROM candor_events'), '22');
});
