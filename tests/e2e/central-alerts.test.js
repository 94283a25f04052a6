'use strict';
// Alerts about the service level: a real webhook that refuses, is away, and checks signatures.
const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const test = require('node:test');
const { until } = require('../support/until.js');
const { Central, event, run, scratch, uuid7 } = require('./central-support.js');

const PATIENCE_MS = 60_000;
const RULES = ['fast_burn', 'medium_burn', 'slow_burn'];

/** Answers with `status` and remembers what came. */
class Webhook {
  /** @param {import('node:test').TestContext} t */
  static async start(t) {
    const hook = new Webhook();
    hook.status = 204;
    /** @type {{id: string, timestamp: string, signature: string, body: string, taken: boolean}[]} */
    hook.calls = [];
    const server = http.createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = request.headers;
      hook.calls.push({ id: String(id), timestamp: String(timestamp), signature: String(signature), body, taken: hook.status < 300 });
      response.writeHead(hook.status).end();
    });
    await new Promise((resolve) => { server.listen(0, '127.0.0.1', () => resolve(undefined)); });
    t.after(() => { server.closeAllConnections(); server.close(); });
    hook.url = `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}/hook`;
    return hook;
  }

  /** Type and rule of each alert that was taken. */
  get taken() {
    return this.calls.filter(({ taken }) => taken).map(({ body }) => JSON.parse(body)).map(({ type, data }) => `${type} ${data.rule}`).sort();
  }
}

const flags = (/** @type {Webhook} */ hook, ...more) => ['--alert-url', hook.url, '--alert-interval-s', '1', ...more];
const each = (/** @type {string} */ type) => RULES.map((rule) => `${type} ${rule}`);

/** Sessions that begin now; the first `failed` of them have an error. @param {Central} central @param {number} n @param {number} failed */
async function sessions(central, n, failed) {
  const batch = [];
  for (let i = 0; i < n; i += 1) {
    const session_id = uuid7();
    batch.push(event('SessionStart', {}, { session_id }));
    if (i < failed) batch.push(event('Error', { errorType: 'TypeError' }, { session_id }));
  }
  for (let i = 0; i < batch.length; i += 500) {
    const { status, json } = await central.post(batch.slice(i, i + 500));
    assert.equal(status, 202);
    assert.equal(json.rejected, 0);
  }
}

/** Wait until the collector has looked `n` more times. @param {Central} central @param {number} n */
async function looks(central, n) {
  const told = async () => (await central.metrics()).get('candor_central_slo_looks_total') ?? 0;
  const from = await told();
  await until('it does not look', async () => await told() >= from + n, PATIENCE_MS);
}

test('each rule alerts once, signed, and once more when it is over; a restart repeats nothing', async (t) => {
  const hook = await Webhook.start(t);
  const dir = scratch(t);
  let central = await Central.start(t, { dir, args: flags(hook) });
  await sessions(central, 40, 20);
  await until('no alert came', () => hook.taken.length === RULES.length, PATIENCE_MS);
  assert.deepEqual(hook.taken, each('slo.breached'));
  await looks(central, 2);
  await central.end('SIGTERM');
  central = await Central.start(t, { dir, args: flags(hook) });
  await looks(central, 4);
  assert.deepEqual(hook.taken, each('slo.breached'));
  assert.equal((await central.metrics()).get('candor_central_alert_firing{rule="fast_burn"}'), 1);

  await sessions(central, 4000, 0);
  await until('the end was not told', () => hook.taken.length === 2 * RULES.length, PATIENCE_MS);
  assert.deepEqual(hook.taken, [...each('slo.breached'), ...each('slo.recovered')].sort());
  assert.equal(new Set(hook.calls.map(({ id }) => id)).size, hook.calls.length);
  await until('metrics still say firing', async () => (await central.metrics()).get('candor_central_alert_firing{rule="slow_burn"}') === 0, PATIENCE_MS);

  const { code, stdout } = await run(['alert', 'secret', '--data', path.join(dir, 'data')]);
  assert.equal(code, 0);
  const key = Buffer.from(/^whsec_(\S+)\n$/.exec(stdout)?.[1] ?? '', 'base64');
  assert.equal(key.length, 32);
  for (const { id, timestamp, signature, body } of hook.calls) {
    assert.equal(signature, `v1,${crypto.createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`);
    assert.ok(Math.abs(Date.now() / 1000 - Number(timestamp)) < 300);
  }
  const first = JSON.parse(hook.calls.find(({ body }) => body.includes('fast_burn'))?.body ?? '');
  assert.equal(first.type, 'slo.breached');
  assert.deepEqual({ ...first.data, since: null, message: null },
    { rule: 'fast_burn', window_hours: 1, sessions: 40, failed_sessions: 20, target: 0.99, burn_rate: 50, threshold: 14.4, since: null, message: null });
  assert.equal(first.data.message, '20 of 40 sessions of the last 1 h had an error: 50 times what the target allows (alert from 14.4)');
});

test('an alert that the webhook refuses outlives SIGKILL and arrives later under its id', async (t) => {
  const hook = await Webhook.start(t);
  const dir = scratch(t);
  hook.status = 500;
  let central = await Central.start(t, { dir, args: flags(hook) });
  await sessions(central, 40, 20);
  await until('not every alert was tried', () => new Set(hook.calls.map(({ id }) => id)).size === RULES.length, PATIENCE_MS);
  await until('they do not wait', async () => (await central.metrics()).get('candor_central_alerts_waiting') === RULES.length, PATIENCE_MS);
  const ids = new Set(hook.calls.map(({ id }) => id));
  await central.end('SIGKILL');
  hook.status = 200;
  central = await Central.start(t, { dir, args: flags(hook) });
  await until('they did not come after the restart', () => hook.taken.length >= RULES.length, PATIENCE_MS);
  assert.deepEqual(hook.taken, each('slo.breached'));
  assert.deepEqual(new Set(hook.calls.filter(({ taken }) => taken).map(({ id }) => id)), ids);
  await until('they still wait', async () => (await central.metrics()).get('candor_central_alerts_waiting') === 0, PATIENCE_MS);
});

test('a few sessions alert nobody, and the burn rate is told all the same', async (t) => {
  const hook = await Webhook.start(t);
  const central = await Central.start(t, { args: flags(hook) });
  await sessions(central, 19, 19);
  await until('no burn rate', async () => (await central.metrics()).get('candor_central_slo_burn_rate{rule="fast_burn"}') === 100, PATIENCE_MS);
  await looks(central, 3);
  assert.deepEqual(hook.calls, []);
});

test('a damaged state of alerts is set aside, and they go on', async (t) => {
  const hook = await Webhook.start(t);
  const dir = scratch(t);
  let central = await Central.start(t, { dir, args: flags(hook) });
  await sessions(central, 40, 20);
  await until('no alert came', () => hook.taken.length === RULES.length, PATIENCE_MS);
  await central.end('SIGTERM');
  fs.writeFileSync(path.join(dir, 'data', 'alerts'), 'candor alerts 1\nrule fast');
  central = await Central.start(t, { dir, args: flags(hook) });
  await until('alerts did not start anew', () => hook.taken.length === 2 * RULES.length, PATIENCE_MS);
  assert.equal(fs.readFileSync(path.join(dir, 'data', 'alerts.bad'), 'utf8'), 'candor alerts 1\nrule fast');
});

test('settings of alerts that cannot work are refused at the start', async (t) => {
  const dir = scratch(t);
  for (const [args, why] of /** @type {[string[], RegExp]} */ (/** @type {unknown} */ ([
    [['--slo-target', '1'], /--slo-target is "1"; it takes a number from 0 to below 1/],
    [['--slo-target', 'most'], /--slo-target is "most"/],
    [['--alert-url', 'http://example.com/hook'], /https/],
    [['--alert-url', 'not a url'], /URL/i],
  ]))) {
    const { code, stderr } = await run(['serve', '--data', path.join(dir, 'data'), '--listen', '127.0.0.1:0', ...args]);
    assert.notEqual(code, 0, args.join(' '));
    assert.match(stderr, why);
  }
});
