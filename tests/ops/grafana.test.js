'use strict';
// Every query of the product dashboards, run by the real store over rows that a real collector wrote there.
const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const { Central } = require('../e2e/central-support.js');
const { PASSWORD, Server } = require('../sinks/servers.js');
const { until } = require('../support/until.js');
const { DEPLOY, PATIENCE_MS, productEvents } = require('./support.js');

/** @param {string} name */
const load = (name) => JSON.parse(fs.readFileSync(path.join(DEPLOY, 'grafana', name), 'utf8'));

/** Grafana's own macros, as its data source would write them, over the last day. @param {string} sql @param {(ms: number) => string} moment */
function expand(sql, moment) {
  const now = Date.now();
  const text = sql.replace(/\$__timeFilter\((\w+)\)/g, (_, column) => `${column} >= ${moment(now - 86_400_000)} AND ${column} <= ${moment(now + 60_000)}`)
    .replaceAll('${app:sqlstring}', "'demo','other'");
  assert.ok(!/\$/.test(text), `a macro is left: ${text}`);
  return text;
}

/** Rows of objects. @typedef {(sql: string) => Promise<any[]>} Ask */

/** @param {URL} url @returns {Ask} */
const askPostgres = (url) => async (sql) => {
  const done = spawnSync('psql', ['-h', url.hostname, '-p', url.port, '-U', 'candor', '-d', url.pathname.slice(1), '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1',
    '-c', `SELECT coalesce(json_agg(q), '[]') FROM (${sql}) q`], { encoding: 'utf8', env: { PATH: process.env.PATH ?? '', PGPASSWORD: PASSWORD } });
  assert.equal(done.status, 0, `${sql}\n${done.stderr}`);
  return JSON.parse(done.stdout);
};

/** @param {URL} url @returns {Ask} */
const askClickhouse = (url) => async (sql) => {
  const answer = await fetch(`http://${url.host}/?database=${url.pathname.slice(1)}&wait_end_of_query=1&output_format_json_quote_64bit_integers=0`, {
    method: 'POST', body: `${sql} FORMAT JSON`, headers: { 'x-clickhouse-user': 'candor', 'x-clickhouse-key': PASSWORD },
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${sql}\n${text}`);
  return JSON.parse(text).data;
};

const STORES = [
  { name: 'postgres', file: 'candor-product-postgres.json', ask: askPostgres, moment: (/** @type {number} */ ms) => `'${new Date(ms).toISOString()}'` },
  { name: 'clickhouse', file: 'candor-product-clickhouse.json', ask: askClickhouse, moment: (/** @type {number} */ ms) => `toDateTime(${Math.floor(ms / 1000)})` },
];

for (const { name, file, ask, moment } of STORES) {
  test(`${name}: every query of the dashboard runs and shows what was stored`, { skip: Server.missing(/** @type {any} */ (name)) ?? false }, async (t) => {
    const server = await Server.start(/** @type {any} */ (name));
    t.after(() => server.remove());
    const url = await server.create('candor');
    const central = await Central.start(t, { args: ['--sink', 'sqlite', '--sink', name], env: { CANDOR_CENTRAL_SINK_URL: url } });
    const { status, json } = await central.post(productEvents());
    assert.equal(status, 202);
    assert.equal(json.rejected, 0);
    await until('the rows did not arrive', async () => (await central.get('/api/v1/health')).followers[0].queued_events === 0, PATIENCE_MS);

    const { panels, templating } = load(file);
    const query = ask(new URL(url));
    /** @type {Map<string, any[]>} */
    const shown = new Map();
    for (const { title, targets } of panels) {
      const rows = await query(expand(targets[0].rawSql, moment));
      assert.ok(rows.length > 0, `"${title}" is empty`);
      shown.set(title, rows);
    }
    const first = (/** @type {string} */ title) => Object.values(shown.get(title)?.[0] ?? {});
    assert.deepEqual((await query(templating.list[1].query)).map(({ app }) => app), ['demo']);
    assert.deepEqual(first('Sessions'), [4]);
    assert.deepEqual(first('Crash-free sessions'), [0.75]);
    assert.deepEqual(first('Users'), [2]);
    assert.deepEqual(first('Average review time'), [1000]);
    assert.deepEqual(shown.get('Approval by model')?.map((row) => Object.values(row)), [['gpt-5', 1], ['o3', 0]]);
    assert.deepEqual(shown.get('Tools')?.map((row) => Object.values(row)), [['grep', 4, 0.5]]);
    assert.deepEqual(first('Errors by type').slice(0, 3), ['TypeError', 1, 1]);
    const succeeded = (shown.get('Planner success') ?? []).map(({ success }) => success);
    assert.deepEqual(succeeded.sort(), [0, 1, 1, 1]);
    assert.equal(shown.get('Critic value')?.length, 4);
  });
}
