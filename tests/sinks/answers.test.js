'use strict';
// What the API answers is the same whatever sink is first: every route of charts, sums and sessions, held
// against a collector on SQLite that got the same uploads.
const assert = require('node:assert/strict');
const test = require('node:test');
const { Central, event, uuid7 } = require('../e2e/central-support.js');
const { Server, SERVERS } = require('./servers.js');

const HOUR = 3600000;
const DAY = 24 * HOUR;
const API = '/api/telemetry';
const LOCAL = ['memory', 'jsonl'];
const MODELS = ['gpt-4o', 'o3', 'claude-opus-4'];

/** What some people do on three days, in the order of time. @param {number} start */
function uploads(start) {
  const people = ['u-1', 'u-2', 'u-3'].map((user, i) => ({
    user_id: user, session_id: uuid7(start + i), app: i === 2 ? 'second' : 'demo', app_version: i === 0 ? '1.0.0' : '2.0.0',
  }));
  const all = [];
  for (let hour = 0; hour < 60; hour += 1) {
    const who = people[hour % 3];
    const turn = uuid7(start + hour * HOUR);
    let at = start + hour * HOUR;
    const add = (/** @type {string} */ type, /** @type {object} */ payload, /** @type {object} */ more = {}) => {
      at += 1000;
      all.push(event(type, payload, { ...who, event_id: uuid7(at), timestamp: new Date(at).toISOString(), ...more }));
    };
    if (hour < 3) add('SessionStart', { os: 'linux' });
    add('ChatTurn', { model: MODELS[hour % 3], latencyMs: 10 * hour }, { correlation_id: turn });
    for (let i = 0; i < 3; i += 1) add('ToolCall', { toolName: `tool${(hour + i) % 5}`, durationMs: hour * i, success: i > 0 });
    add('ProposalDecision', { decision: hour % 4 === 0 ? 'rejected' : 'approved' }, hour % 5 === 0 ? {} : { correlation_id: turn });
    if (hour % 7 === 0) add('Error', { errorType: hour % 2 === 0 ? 'Timeout' : 'TypeError', message: `after ${hour} s` });
    if (hour > 56) add('SessionEnd', { duration: 5, proposalsCreated: 2, proposalsApproved: 1 });
  }
  return all;
}

/** @param {number} start */
function questions(start) {
  const iso = (/** @type {number} */ ms) => encodeURIComponent(new Date(ms).toISOString());
  const ranges = ['', `&from=${iso(start + DAY)}&to=${iso(start + 2 * DAY)}`, '&source=demo', '&source=nobody'];
  const routes = ['stats', 'aggregate/category', 'aggregate/source', 'aggregate/timeline?bucket=hour', 'aggregate/timeline?bucket=week&tz=Asia/Kolkata',
    'aggregate/timeline?category=tool', 'aggregate/users', 'aggregate/version', 'aggregate/sessions?bucket=day', 'aggregate/latency',
    'aggregate/latency?type=ChatTurn&by=day', 'errors/recent', 'errors/groups', 'errors/slo', 'sessions', 'sessions?user=u-2',
    'sessions?version=2.0.0&limit=1', 'sessions?limit=2'];
  // without from and to, an hour's timeline of all time has too many cells
  const within = `&from=${iso(start - DAY)}&to=${iso(start + 4 * DAY)}`;
  return routes.flatMap((route) => ranges.map((range) => `${API}/${route}${route.includes('?') ? '' : '?'}${
    route.includes('hour') && !range.includes('from') ? within : ''}${range}`));
}

/** Without what differs between two collectors, and where the order of equal ones is free.
 * @param {any} value @returns {any} */
function plain(value) {
  if (Array.isArray(value)) return value.map(plain).map((one) => JSON.stringify(one)).sort();
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value)
    .filter(([key]) => !['machine_id', 'next_cursor', 'received'].includes(key)).map(([key, one]) => [key, plain(one)]));
}

/** The sessions of all pages, in their order. @param {Central} central @param {string} query */
async function sessions(central, query) {
  const ids = [];
  let cursor = '';
  do {
    const page = await central.get(`${API}/sessions?${query}${cursor}`);
    ids.push(...page.sessions.map((/** @type {any} */ one) => `${one.session_id} ${one.errors} ${one.ended}`));
    cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`;
  } while (cursor !== '');
  return ids;
}

for (const name of [...LOCAL, ...SERVERS]) {
  const skip = (SERVERS.includes(/** @type {any} */ (name)) && Server.missing(/** @type {any} */ (name))) || false;

  test(`--sink ${name} first: every chart, sum and session is as on sqlite`, { skip }, async (t) => {
    /** @type {{env?: Record<string, string>}} */
    const options = {};
    if (!LOCAL.includes(name)) {
      const server = await Server.start(/** @type {any} */ (name));
      t.after(() => server.remove());
      options.env = { CANDOR_CENTRAL_SINK_URL: await server.create('candor') };
    }
    const start = Math.floor(Date.now() / DAY) * DAY - 4 * DAY;
    const central = await Central.start(t, { args: ['--sink', name], ...options });
    const oracle = await Central.start(t);
    const events = uploads(start);
    for (let at = 0; at < events.length; at += 100) {
      for (const one of [central, oracle]) {
        const answer = await one.post(events.slice(at, at + 100));
        assert.deepEqual([answer.status, answer.json.accepted], [202, Math.min(100, events.length - at)]);
      }
    }
    for (const question of questions(start)) {
      assert.deepEqual(plain(await central.get(question)), plain(await oracle.get(question)), question);
    }
    for (const query of ['limit=1', 'limit=2&source=demo']) {
      const ids = await sessions(oracle, query);
      assert.ok(ids.length > 1);
      assert.deepEqual(await sessions(central, query), ids);
    }
  });
}

test('of several sinks the first one answers', async (t) => {
  const central = await Central.start(t, { args: ['--sink', 'memory', '--sink', 'jsonl'] });
  const start = Date.now() - HOUR;
  assert.equal((await central.post(uploads(start - 3 * DAY))).status, 202);
  const { charts, approvals_by_model: approvals } = await central.get(`${API}/stats`);
  assert.ok(charts.some((/** @type {any} */ chart) => chart.type === 'ToolCall'));
  assert.deepEqual(approvals.map((/** @type {any} */ one) => one.model), [...MODELS].sort());
  assert.equal((await central.get(`${API}/sessions`)).sessions.length, 3);
});
