'use strict';
// Erasure: what is left looks as if the person had never been there, and the receipt can be checked.
const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const { Central, event, run, uuid7 } = require('./central-support.js');
const { attach } = require('./attachments-support.js');

const DAY = 86400000;
const ADMIN = ['token', 'create', '--scopes', 'admin', '--data'];

/** A token with the admin scope that the collector knows. @param {Central} central */
async function adminToken(central) {
  const token = (await run([...ADMIN, central.data])).stdout.trim();
  const deadline = Date.now() + 60000;
  while ((await central.fetch('/api/telemetry/events', { token })).status !== 200) assert.ok(Date.now() < deadline);
  return token;
}

const ask = (central, token, body) => central.fetch('/api/v1/erasures', {
  method: 'POST', token, body: typeof body === 'string' ? body : JSON.stringify(body), headers: { 'content-type': 'application/json' },
});

/** Events of a person over some days: tools, turns, decisions whose turn comes before or after, errors. */
function life(user, machine, app, seed) {
  const events = [];
  for (let day = 0; day < 3; day += 1) {
    const more = { user_id: user, machine_id: machine.repeat(32), app, session_id: uuid7() };
    const put = (type, payload, extra = {}) => {
      const ms = Date.now() - day * DAY - events.length;
      events.push(event(type, payload, { ...more, event_id: uuid7(ms), timestamp: new Date(ms).toISOString(), ...extra }));
    };
    put('SessionStart', { os: 'linux' });
    for (let i = 0; i < 5 + seed; i += 1) put('ToolCall', { toolName: i % 2 === 0 ? 'grep' : `tool${seed}`, durationMs: 3 * (i + seed) + 0.5, success: true });
    const [first, second] = [crypto.randomUUID(), crypto.randomUUID()];
    const model = seed % 2 === 0 ? 'gpt-4o' : 'llama-3';
    put('ChatTurn', { model, latencyMs: 100 * seed + 7 }, { correlation_id: first });
    put('ProposalDecision', { proposalId: 'p', decision: 'approved' }, { correlation_id: first });
    put('ProposalDecision', { proposalId: 'q', decision: 'rejected' }, { correlation_id: second });
    put('ChatTurn', { model, latencyMs: 50 }, { correlation_id: second });
    if (day === 1) put('Error', { errorType: 'E', message: 'm' });
  }
  return events;
}

/** Everything that the read side says, but for machine ids, which each collector hashes anew. */
async function seen(central) {
  const out = {};
  for (const route of ['stats', 'aggregate/category', 'aggregate/source', 'aggregate/timeline?bucket=hour&from=2020-01-01&to=2020-01-02',
    'aggregate/timeline', 'errors/slo', 'events?limit=500', 'sessions?limit=500', 'errors/recent?limit=500']) {
    const { text } = await central.fetch(`/api/telemetry/${route}`);
    out[route] = JSON.parse(text.replace(/"machine_id":"[^"]*"/g, '"machine_id":""').replace(/"next_cursor":"[^"]*"/g, ''));
    // A value of a chart without events has no group; zero counts say the same.
    for (const chart of out[route].charts ?? []) chart.groups.sort((a, b) => (a.value < b.value ? -1 : 1));
    out[route].tools?.sort((a, b) => (a.tool < b.tool ? -1 : 1));
    if (out[route].charts) out[route].charts = out[route].charts.filter((chart) => chart.groups.length > 0).sort((a, b) => (a.type < b.type ? -1 : 1));
  }
  return out;
}

test('after an erasure every query answers as if the person had never sent anything', async (t) => {
  const people = [['u-a', 'a', 'demo', 1], ['u-b', 'b', 'demo', 2], ['u-a', 'c', 'second', 3], ['u-c', 'c', 'demo', 4]];
  const lives = people.map((one) => life(...one));
  const [central, other] = [await Central.start(t), await Central.start(t)];
  const token = await adminToken(central);
  for (const events of lives) {
    assert.equal((await central.post(events)).json.accepted, events.length);
    if (events[0].user_id !== 'u-a') await other.post(events);
  }
  const answer = await ask(central, token, { user_id: 'u-a' });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json.events, lives[0].length + lives[2].length);
  assert.equal(answer.json.sessions, 6);
  assert.deepEqual(await seen(central), await seen(other));
  const again = await ask(central, token, { user_id: 'u-a' });
  assert.deepEqual([again.status, again.json.events, again.json.sessions], [200, 0, 0]);
  assert.equal((await central.post(life('u-d', 'd', 'demo', 5))).status, 202, 'ingest goes on');
});

test('a machine is erased by the id that its client sends; its user stays counted where they have another', async (t) => {
  const central = await Central.start(t);
  const token = await adminToken(central);
  const [one, two] = [life('u-a', 'a', 'demo', 1), life('u-a', 'b', 'demo', 2)];
  for (const events of [one, two, life('u-b', 'b', 'second', 3)]) await central.post(events);
  const users = async () => (await central.get('/api/telemetry/stats?source=demo')).users_per_day.map((day) => day.users);
  assert.deepEqual(await users(), [1, 1, 1]);
  const { status, json } = await ask(central, token, { machine_id: 'b'.repeat(32), app: 'demo' });
  assert.deepEqual([status, json.events, json.app, json.subject], [200, two.length, 'demo', 'machine_id']);
  assert.deepEqual(await users(), [1, 1, 1]);
  assert.equal((await central.get('/api/telemetry/sessions')).sessions.length, 6);
  await ask(central, token, { machine_id: 'a'.repeat(32) });
  assert.deepEqual(await users(), []);
});

test('texts of full content go with their events, and nothing of either stays in the files', async (t) => {
  const central = await Central.start(t);
  const token = await adminToken(central);
  const mark = 'marked-4711';
  const turns = ['person-0815', 'u-b'].map((user_id) => event('ChatTurnFull', {}, { user_id }));
  await central.post(turns);
  for (const { event_id: id } of turns) assert.equal((await attach(central, `${mark}-1 of ${id}`, { id, field: 'prompt' })).status, 201);
  const noisy = Array.from({ length: 300 }, (_, i) => event('Error', { errorType: `${mark}-${i}` }, { user_id: 'person-0815', app_version: `7.7.${mark.length}-unique` }));
  await central.post(noisy);
  const { json } = await ask(central, token, { user_id: 'person-0815' });
  assert.deepEqual([json.events, json.attachments], [301, 1]);
  assert.deepEqual((await central.get(`/api/v1/attachments/${turns[0].event_id}`)).attachments, []);
  assert.equal((await central.get(`/api/v1/attachments/${turns[1].event_id}`)).attachments.length, 1);
  await central.end('SIGTERM');
  for (const name of fs.readdirSync(central.data)) {
    const bytes = fs.readFileSync(path.join(central.data, name));
    assert.equal(bytes.includes(`${mark}-2`), false, name);
    assert.equal(bytes.includes('person-0815'), false, name);
    assert.equal(bytes.includes('11-unique'), false, name);
  }
});

test('only an admin token that is bound to no app may erase, and the request must be exact', async (t) => {
  const central = await Central.start(t);
  const token = await adminToken(central);
  const bound = (await run([...ADMIN, central.data, '--app', 'demo'])).stdout.trim();
  const deadline = Date.now() + 60000;
  while ((await central.fetch('/api/telemetry/events', { token: bound })).status === 401) assert.ok(Date.now() < deadline);
  assert.equal((await ask(central, undefined, { user_id: 'u' })).json.code, 'scope_missing');
  assert.equal((await ask(central, null, { user_id: 'u' })).json.code, 'token_missing');
  assert.equal((await ask(central, bound, { user_id: 'u' })).json.code, 'wrong_app');
  for (const body of ['', '[]', '{}', '{"user_id":""}', '{"user_id":"u","machine_id":"m"}', '{"user_id":7}', '{"user_id":"u","why":"x"}',
    '{"user_id":"u","user_id":"v"}', '{"user_id":"u","app":"../x"}', `{"user_id":"${'x'.repeat(200)}"}`, '{"user_id":"u"} x', '{"user_id":"\\u0000"}']) {
    const { status, json } = await ask(central, token, body);
    assert.deepEqual([status, json.code], [400, 'bad_json'], body);
  }
  assert.equal((await ask(central, token, `{"user_id":"${' '.repeat(5000)}"}`)).status, 413);
  assert.equal((await central.fetch('/api/v1/erasures', { method: 'POST', token, body: '{}', headers: { 'content-type': 'text/plain' } })).status, 415);
});

test('a receipt verifies only unchanged, and only with the key of its collector', async (t) => {
  const central = await Central.start(t);
  const token = await adminToken(central);
  await central.post(life('u-a', 'a', 'demo', 1));
  const { json } = await ask(central, token, { user_id: 'u-a' });
  const file = path.join(central.dir, 'receipt.json');
  const verify = (value, ...args) => {
    fs.writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value, null, 2));
    return run(['receipt', 'verify', file, ...args]);
  };
  const data = ['--data', central.data];
  const good = await verify(json, ...data, '--json');
  assert.deepEqual([good.code, JSON.parse(good.stdout).events, JSON.parse(good.stdout).valid], [0, json.events, true]);
  const key = (await run(['receipt', 'key', ...data])).stdout.trim();
  assert.equal(key, json.key);
  assert.equal((await verify(json, '--key', key)).code, 0);
  assert.equal((await verify(json, ...data, '--user', 'u-a')).code, 0);
  assert.equal((await verify(json, ...data, '--user', 'u-b')).code, 1);
  assert.equal((await verify(json, ...data, '--machine', 'u-a')).code, 1);
  assert.equal((await verify(json, '--key', key.replace(/^../, (x) => (x === '00' ? '01' : '00')))).code, 1);
  for (const change of [{ events: json.events + 1 }, { sessions: 0 }, { app: 'demo' }, { subject: 'machine_id' }, { completed: json.requested.replace('2', '1') },
    { signature: json.signature.replace(/^./, (x) => (x === '0' ? '1' : '0')) }, { extra: 1 }, { attachments: -1 }]) {
    assert.equal((await verify({ ...json, ...change }, ...data)).code, 1, JSON.stringify(change));
  }
  for (const text of [JSON.stringify(json) + ' '.repeat(16384), '', '{}', 'receipt', '[]', JSON.stringify(json).slice(0, -5)]) assert.equal((await verify(text, ...data)).code, 1);
  // The same by the standard library: the values, a line each.
  const lines = ['candor erasure receipt 1', json.receipt_id, json.requested, json.completed, json.subject, json.subject_sha256, json.app, json.events, json.sessions, json.attachments, ''];
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(json.key, 'hex')]);
  const publicKey = crypto.createPublicKey({ key: spki, format: 'der', type: 'spki' });
  assert.ok(crypto.verify(null, Buffer.from(lines.join('\n')), publicKey, Buffer.from(json.signature, 'hex')));
  assert.equal(json.subject_sha256, crypto.createHash('sha256').update('user_id\nu-a').digest('hex'));
});

test('the erase command works on a collector at rest, and says what to do while one runs', async (t) => {
  const central = await Central.start(t);
  const events = life('u-a', 'a', 'demo', 1);
  await central.post(events);
  const args = ['erase', '--user', 'u-a', '--data', central.data];
  const busy = await run(args);
  assert.equal(busy.code, 1);
  assert.match(busy.stderr, /another candor-central/);
  await central.end('SIGTERM');
  const done = await run([...args, '--json']);
  assert.equal(done.code, 0, done.stderr);
  assert.equal(done.stderr, '');
  assert.equal(JSON.parse(done.stdout).events, events.length);
  assert.equal((await run(['receipt', 'verify', '-', '--data', central.data])).code, 1, 'standard input is empty');
  for (const wrong of [['erase'], ['erase', '--user', 'a', '--machine', 'b'], ['erase', '--user'], ['erase', 'u-a'], ['receipt'], ['receipt', 'verify']]) {
    const { code, stderr } = await run([...wrong, '--data', central.data]);
    assert.equal(code, 2, wrong.join(' '));
    assert.ok(stderr.length > 20);
  }
  const again = await Central.start(t, { dir: central.dir });
  assert.deepEqual(await again.ids(), []);
});

test('an erasure that the stop interrupts is refused with 503, or done; asking again finishes it', async (t) => {
  const central = await Central.start(t);
  const token = await adminToken(central);
  for (let i = 0; i < 20; i += 1) {
    await central.post(Array.from({ length: 1000 }, () => event('ToolCall', { toolName: 'x', durationMs: 1 }, { user_id: i % 2 === 0 ? 'u-a' : 'u-b' })), { gzip: true });
  }
  const pending = ask(central, token, { user_id: 'u-a' }).catch(() => ({ status: 0 }));
  central.child.kill('SIGTERM');
  await central.ended;
  assert.ok([0, 200, 503].includes((await pending).status));
  const again = await Central.start(t, { dir: central.dir });
  const answer = await ask(again, token, { user_id: 'u-a' });
  assert.equal(answer.status, 200);
  const stats = await again.get('/api/telemetry/stats');
  assert.equal(stats.events.total, 10000);
  assert.deepEqual(stats.tools.map((one) => one.count), [10000]);
});
