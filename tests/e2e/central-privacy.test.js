'use strict';
// Differential privacy of aggregates: what such a token may ask, what its answers say and cost, and that neither many
// requests at once nor SIGKILL get more out of its budget.
const assert = require('node:assert/strict');
const test = require('node:test');
const { Central, event, run, uuid7 } = require('./central-support.js');

const DAY = 86400000;
const API = '/api/telemetry/aggregate';
const midnight = Math.floor(Date.now() / DAY) * DAY;
const yesterday = midnight - DAY + 3600000;
/** Of the past, also if it gets midnight meanwhile. */
const TO = `to=${midnight}`;

/** @param {Central} central @param {string[]} more */
async function privateToken(central, ...more) {
  const made = await run(['token', 'create', '--scopes', 'read', ...more, '--data', central.data]);
  assert.equal(made.code, 0, made.stderr);
  const token = made.stdout.trim();
  const deadline = Date.now() + 60000;
  while ((await central.fetch('/metrics', { token })).status === 401) {
    assert.ok(Date.now() < deadline, 'the server never noticed the token');
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
  return token;
}

const at = (ms, type, payload, more = {}) => event(type, payload, { event_id: uuid7(ms), timestamp: new Date(ms).toISOString(), ...more });

/** 100 tool calls of 40 users, 30 errors of one user of another app. */
async function fill(central) {
  const calls = Array.from({ length: 100 }, (_, i) => at(yesterday + i, 'ToolCall', { toolName: 'grep', durationMs: 1, success: true }, { user_id: `u-${i % 40}` }));
  const errors = Array.from({ length: 3 }, (_, i) => at(yesterday + i, 'Error', { errorType: 'E' }, { app: 'rare', user_id: 'u-77' }));
  await central.post([...calls, ...errors]);
}

for (const sink of ['sqlite', 'jsonl']) {
  test(`a private token reads noised aggregates of days that are over, and nothing else, on ${sink}`, async (t) => {
    const central = await Central.start(t, { args: ['--sink', sink] });
    await fill(central);
    const token = await privateToken(central, '--dp-epsilon', '0.5', '--dp-budget', '10', '--dp-min-group', '5');
    for (const route of ['/api/telemetry/events', '/api/telemetry/stats', '/api/telemetry/sessions', '/api/telemetry/errors/recent', '/api/telemetry/errors/slo',
      '/metrics', `/api/v1/attachments/${uuid7()}`]) {
      const { status, json } = await central.fetch(route, { token });
      assert.deepEqual([status, json.code], [403, 'aggregates_only'], route);
    }
    assert.equal((await central.post([], { token })).json.code, 'aggregates_only');

    const { json: category } = await central.fetch(`${API}/category?${TO}`, { token });
    const tool = category.groups.find((group) => group.category === 'tool');
    assert.ok(Math.abs(tool.count - 100) < 100, `${tool.count} is 100 with noise of epsilon 0.5`); // P(more) < 1e-20
    assert.ok(Number.isInteger(tool.count));
    assert.equal(category.total, category.groups.reduce((sum, group) => sum + group.count, 0));
    const { privacy } = category;
    assert.deepEqual({ ...privacy, suppressed: 0 }, {
      mechanism: 'discrete-laplace', unit: 'event', delta: 0, min_group: 5, suppressed: 0, epsilon: 0.5, charged: 0.5, spent: 0.5, budget: 10, renews: null });
    assert.ok(privacy.suppressed > 0, 'categories without events are counted as suppressed, as those with few are');
    assert.ok(category.to <= new Date(midnight).toISOString(), 'today is not over');

    const { json: users } = await central.fetch(`${API}/users?source=demo&from=${midnight - 30 * DAY}&${TO}`, { token });
    assert.deepEqual([users.privacy.unit, users.privacy.spent, users.days.length], ['user-day', 1, 30]);
    assert.ok(Math.abs(users.days.at(-1).users - 40) < 100);
    const { json: timeline } = await central.fetch(`${API}/timeline`, { token });
    assert.equal(timeline.buckets.filter((bucket) => bucket.count === null).length, timeline.privacy.suppressed);

    // A name of an app may be a secret: it has to be earned by more events than min_group says.
    const { json: source } = await central.fetch(`${API}/source`, { token });
    assert.deepEqual([source.groups.some((group) => group.source === 'rare'), source.privacy.suppressed, source.privacy.delta], [false, null, 0.000001]);
    assert.ok(source.privacy.min_group > 30);
    const exact = await central.get(`${API}/users?from=${yesterday}&to=${yesterday + 1}&source=demo`);
    assert.deepEqual(exact.days.map((day) => day.users), [40]);
    assert.equal(exact.privacy, undefined);
  });
}

test('the same question has the same answer for free, also when the data changed; another one costs', async (t) => {
  const central = await Central.start(t);
  await fill(central);
  const token = await privateToken(central, '--dp-epsilon', '1', '--dp-budget', '2');
  const first = await central.fetch(`${API}/category?${TO}`, { token });
  await fill(central);
  const { privacy: before, ...body } = first.json;
  const again = await central.fetch(`${API}/category?${TO}`, { token });
  const { privacy: after, ...same } = again.json;
  assert.deepEqual(same, body);
  assert.deepEqual([before.charged, after.charged, after.spent], [1, 0, 1]);
  // The range is whole days: all of these are one question.
  const day = new Date(yesterday).toISOString().slice(0, 10);
  const ranges = [`from=${day}&${TO}`, `from=${yesterday}&${TO}`, `from=${day}T05:00:00Z&to=${midnight - 1}`];
  const answers = [];
  for (const range of ranges) answers.push((await central.fetch(`${API}/category?${range}`, { token })).json);
  assert.deepEqual(answers.map((answer) => answer.privacy.charged), [1, 0, 0]);
  const refused = await central.fetch(`${API}/source`, { token });
  assert.deepEqual([refused.status, refused.json.code], [403, 'budget_gone']);
  assert.match(refused.json.detail, /spent for good/);
  assert.equal((await central.fetch(`${API}/category?${TO}`, { token })).status, 200);

  const renewed = await privateToken(central, '--dp-epsilon', '1', '--dp-budget', '1', '--dp-renew-days', '7');
  assert.match((await central.fetch(`${API}/users?${TO}`, { token: renewed })).json.privacy.renews, /T00:00:00\.000Z$/);
  const wait = await central.fetch(`${API}/source`, { token: renewed });
  assert.deepEqual([wait.status, wait.json.code], [429, 'budget_spent']);
  const seconds = Number(wait.headers.get('retry-after'));
  assert.ok(seconds > 0 && seconds <= 7 * 86400);
  const metrics = await central.metrics();
  assert.equal(metrics.get('candor_central_private_answers_total{result="paid"}'), 3);
  assert.equal(metrics.get('candor_central_private_answers_total{result="again"}'), 4);
  assert.equal(metrics.get('candor_central_private_answers_total{result="spent"}'), 2);
  const { stdout } = await run(['token', 'list', '--json', '--data', central.data]);
  assert.deepEqual(JSON.parse(stdout).filter((one) => one.privacy !== undefined).map((one) => [one.scopes, one.privacy.spent]), [['aggregates', 2], ['aggregates', 1]]);
});

test('requests at once and SIGKILL get no more than the budget, and no second noise', async (t) => {
  const central = await Central.start(t);
  await fill(central);
  const token = await privateToken(central, '--dp-epsilon', '0.5', '--dp-budget', '6');
  const routes = Array.from({ length: 30 }, (_, i) => `${API}/category?from=${new Date(yesterday - i * DAY).toISOString().slice(0, 10)}&${TO}`);
  const kept = new Map();
  const ask = async (route, server) => {
    const answer = await server.fetch(route, { token });
    if (answer.status !== 200) return answer.status;
    const { privacy, ...body } = answer.json;
    assert.ok(privacy.spent <= 6);
    kept.set(route, body);
    return 200;
  };
  // Five are answered for sure; the server dies with others in flight.
  for (const route of routes.slice(0, 5)) assert.equal(await ask(route, central), 200);
  const flying = routes.slice(5, 11).map((route) => ask(route, central).catch(() => 0));
  const died = ask(routes[11], central).catch(() => 0).then(() => central.end('SIGKILL'));
  await Promise.all([...flying, died]);

  const second = await Central.start(t, { dir: central.dir });
  const codes = await Promise.all(routes.map((route) => second.fetch(route, { token }).then(({ status, json }) => {
    const known = kept.get(route);
    if (known !== undefined) {
      assert.equal(status, 200, 'what was answered before is free');
      const { privacy, ...body } = json;
      assert.equal(privacy.charged, 0);
      assert.deepEqual(body, known);
    }
    return status;
  })));
  assert.equal(codes.filter((code) => code === 200).length, 12, '6 / 0.5, whoever was killed in between');
  assert.ok(codes.every((code) => code === 200 || code === 403));
});

test('users of a day are counted for 2000 days at most', async (t) => {
  const central = await Central.start(t);
  const { status, json } = await central.fetch(`${API}/users?from=2020-01-01&to=2026-01-01`);
  assert.deepEqual([status, json.code], [400, 'bad_parameter']);
  assert.match(json.detail, /2000 days apart/);
  assert.equal((await central.get(`${API}/users?from=2021-01-01&to=2026-01-01`)).days.length, 1826);
});

test('token create says what is wrong with a privacy', async (t) => {
  const central = await Central.start(t);
  const create = (...more) => run(['token', 'create', '--data', central.data, ...more]);
  for (const [args, what] of [
    [['--scopes', 'ingest,read', '--dp-epsilon', '1', '--dp-budget', '2'], /--scopes read/],
    [['--scopes', 'read', '--dp-epsilon', '1'], /--dp-budget/], [['--scopes', 'read', '--dp-budget', '1'], /--dp-epsilon/],
    [['--scopes', 'read', '--dp-epsilon', '0.0001', '--dp-budget', '1'], /three decimals/],
    [['--scopes', 'read', '--dp-epsilon', '0.001', '--dp-budget', '2'], /1000 answers/], [['--scopes', 'aggregates'], /ingest, read and admin/],
  ]) {
    const { code, stderr } = await create(...args);
    assert.equal(code, 2, args.join(' '));
    assert.match(stderr, what, args.join(' '));
  }
});
