'use strict';
// A real Prometheus with the shipped configuration scrapes a real collector; promtool checks both.
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const { Central, TOKEN, scratch } = require('../e2e/central-support.js');
const { freePort } = require('../sinks/servers.js');
const { until } = require('../support/until.js');
const { DEPLOY, PATIENCE_MS, missing, productEvents, succeeds } = require('./support.js');

const RULES = path.join(DEPLOY, 'prometheus', 'candor-alerts.yml');
const skip = missing('promtool') || missing('prometheus');

/** The shipped files, for that collector, and looking more often. @param {string} dir @param {number} port */
function configure(dir, port) {
  const text = fs.readFileSync(path.join(DEPLOY, 'prometheus', 'prometheus.yml'), 'utf8');
  const file = path.join(dir, 'prometheus.yml');
  fs.writeFileSync(file, text.replace('127.0.0.1:8797', `127.0.0.1:${port}`).replace(/interval: 15s/g, 'interval: 1s'));
  fs.copyFileSync(RULES, path.join(dir, path.basename(RULES)));
  fs.writeFileSync(path.join(dir, 'token'), TOKEN, { mode: 0o600 });
  return file;
}

/** @param {import('node:test').TestContext} t @param {string} dir @param {string} config */
async function start(t, dir, config) {
  const port = await freePort();
  const child = spawn('prometheus', [`--config.file=${config}`, `--storage.tsdb.path=${dir}/tsdb`, `--web.listen-address=127.0.0.1:${port}`], { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (data) => { log += data; });
  const gone = new Promise((resolve) => child.once('close', resolve));
  t.after(async () => { child.kill('SIGKILL'); await gone; });
  const get = async (/** @type {string} */ route) => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${route}`);
    const json = await answer.json();
    assert.equal(json.status, 'success', `${route}: ${json.error}`);
    return json.data;
  };
  await until(`Prometheus does not answer: ${log}`, () => get('status/buildinfo').catch(() => null), PATIENCE_MS);
  return get;
}

test('the metrics pass promtool, while there is nothing and after events', { skip }, async (t) => {
  const central = await Central.start(t, { args: ['--alert-interval-s', '1'] });
  const check = async () => succeeds('promtool', ['check', 'metrics'], { input: (await central.fetch('/metrics')).text });
  await check();
  assert.equal((await central.post(productEvents())).status, 202);
  await until('no burn rate', async () => (await central.metrics()).has('candor_central_slo_burn_rate{rule="fast_burn"}'), PATIENCE_MS);
  await check();
});

test('the shipped rules pass promtool and their own tests', { skip }, () => {
  const dir = path.dirname(RULES);
  succeeds('promtool', ['check', 'rules', RULES]);
  succeeds('promtool', ['test', 'rules', 'candor-alerts.test.yml'], { cwd: dir });
});

test('Prometheus scrapes with the shipped configuration, and every panel of the collector has data', { skip }, async (t) => {
  const central = await Central.start(t, { args: ['--alert-interval-s', '1'] });
  const dir = scratch(t);
  const config = configure(dir, central.port);
  succeeds('promtool', ['check', 'config', config], { cwd: dir });
  const get = await start(t, dir, config);
  const ask = (/** @type {string} */ query) => get(`query?query=${encodeURIComponent(query)}`);
  await until('it was not scraped', async () => (await ask('up{job="candor-central"}')).result[0]?.value[1] === '1', PATIENCE_MS);
  assert.equal((await central.post(productEvents())).status, 202);
  await until('no events counted', async () => Number((await ask('candor_central_events_accepted_total')).result[0]?.value[1] ?? 0) > 0, PATIENCE_MS);

  const { panels } = JSON.parse(fs.readFileSync(path.join(DEPLOY, 'grafana', 'candor-collector.json'), 'utf8'));
  for (const { title, targets } of panels) {
    const query = targets[0].expr.replaceAll('$__rate_interval', '1m');
    await until(`"${title}" has no data: ${query}`, async () => (await ask(query)).result.length > 0, PATIENCE_MS);
  }
  const { groups } = await get('rules');
  const rules = groups.flatMap((/** @type {any} */ group) => group.rules);
  assert.equal(rules.length, 8);
  await until('a rule is not healthy', async () => (await get('rules')).groups[0].rules.every((/** @type {any} */ rule) => rule.health === 'ok'), PATIENCE_MS);
});

test('livez answers whatever happens, and readyz says whether uploads would be stored', async (t) => {
  const central = await Central.start(t, { args: ['--min-free-bytes', '1099511627776'] });
  assert.deepEqual(await Promise.all(['/livez', '/readyz'].map(async (route) => (await central.fetch(route, { token: null })).status)), [200, 503]);
  const { json, headers } = await central.fetch('/readyz', { token: null });
  assert.equal(json.detail, 'disk nearly full');
  assert.equal(headers.get('retry-after'), '5');
  const ready = await Central.start(t);
  assert.equal((await ready.fetch('/readyz', { token: null })).text, 'ok\n');
});
