'use strict';
// The collector as a process: first start, tokens, TLS, stopping, being killed, a full queue, no disk.
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const https = require('node:https');
const path = require('node:path');
const test = require('node:test');
const { makeCa, makeServer } = require('../support/pki.js');
const { until } = require('../support/until.js');
const { BINARY, Central, Load, TOKEN, event, raw, run, scratch, toolCall, uuid7 } = require('./central-support.js');

test('the first start makes a token, shows it once, and keeps files private', async (t) => {
  const first = await Central.start(t, { token: false });
  const [token] = /cnd_[0-9a-f]{8}_[0-9a-f]{64}/.exec(first.stdout);
  assert.equal((await first.post([toolCall()], { token })).status, 202);
  assert.equal((await first.fetch('/api/telemetry/stats', { token })).status, 200);
  assert.ok(!first.log.includes(token));
  assert.equal(fs.statSync(first.data).mode & 0o777, 0o700);
  for (const name of fs.readdirSync(first.data)) assert.equal(fs.statSync(path.join(first.data, name)).mode & 0o077, 0, name);
  for (const name of fs.readdirSync(first.data)) {
    assert.ok(!fs.readFileSync(path.join(first.data, name)).includes(token.slice(13)), `${name} holds the secret`);
  }
  await first.end('SIGTERM');
  const second = await Central.start(t, { token: false, dir: first.dir });
  assert.equal(second.stdout, '');
  assert.equal((await second.post([], { token })).status, 202);
});

test('tokens are made, listed and revoked while the server runs', async (t) => {
  const central = await Central.start(t);
  const made = await run(['token', 'create', '--scopes', 'ingest', '--app', 'demo', '--json', '--data', central.data]);
  assert.equal(made.code, 0, made.stderr);
  const { id, token } = JSON.parse(made.stdout);
  const until = async (status) => {
    for (let i = 0; i < 400; i += 1) {
      if ((await central.post([], { token })).status === status) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.fail(`never ${status}`);
  };
  await until(202);
  assert.equal((await central.fetch('/api/telemetry/stats', { token })).status, 403);
  const { json } = await central.post([toolCall(), toolCall('grep', 1, { app: 'other' })], { token });
  assert.deepEqual([json.accepted, json.results[0].reason], [1, 'wrong_app']);
  const listed = JSON.parse((await run(['token', 'list', '--json', '--data', central.data])).stdout);
  assert.deepEqual([listed.length, listed[0].id, listed[0].scopes, listed[0].app, listed[0].revoked], [1, id, 'ingest', 'demo', null]);
  assert.equal((await run(['token', 'revoke', id, '--data', central.data])).code, 0);
  await until(401);
  assert.match((await run(['token', 'list', '--data', central.data])).stdout, /revoked/);
  assert.equal((await run(['token', 'revoke', '00000000', '--data', central.data])).code, 1);
});

test('a read token bound to an app sees that app alone', async (t) => {
  const central = await Central.start(t);
  const { token } = JSON.parse((await run(['token', 'create', '--scopes', 'read', '--app', 'one', '--json', '--data', central.data])).stdout);
  await central.post([toolCall('grep', 1, { app: 'one' }), toolCall('grep', 1, { app: 'two' })]);
  await central.end('SIGTERM');
  const again = await Central.start(t, { dir: central.dir });
  const page = (await again.fetch('/api/telemetry/events', { token })).json;
  assert.deepEqual(page.events.map((e) => e.app), ['one']);
  assert.equal((await again.fetch('/api/telemetry/stats', { token })).json.events.total, 1);
  assert.equal((await again.fetch('/api/telemetry/events?source=two', { token })).status, 403);
});

test('wrong flags end with 2 and a sentence, trouble with 1', async (t) => {
  const dir = scratch(t);
  for (const args of [['serve', '--bogus'], ['serve', '--listen', '0.0.0.0:0'], ['serve', '--max-events', 'x'], ['frobnicate'], [],
    ['token'], ['token', 'create', '--data', dir], ['token', 'create', '--scopes', 'all', '--data', path.join(dir, 'd')], ['serve', '--tls-cert', 'x']]) {
    const { code, stderr, stdout } = await run(args);
    assert.equal(code, 2, args.join(' '));
    assert.ok(stderr.length > 20 && stdout === '', args.join(' '));
  }
  assert.match((await run(['serve', '--listen', '0.0.0.0:0'])).stderr, /loopback.*--insecure-http/s);
  fs.writeFileSync(path.join(dir, 'broken.json'), '{"schema":');
  const broken = await run(['serve', '--data', path.join(dir, 'a'), '--schema', path.join(dir, 'broken.json')]);
  assert.equal(broken.code, 1);
  assert.match(broken.stderr, /broken\.json/);
  fs.mkdirSync(path.join(dir, 'open'), { mode: 0o755 });
  fs.chmodSync(path.join(dir, 'open'), 0o755);
  assert.match((await run(['serve', '--data', path.join(dir, 'open')])).stderr, /chmod 700/);
});

test('help and version', async () => {
  const help = await run(['--help']);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /--uploads-per-minute N[^]*CANDOR_CENTRAL_UPLOADS_PER_MINUTE, default 120/);
  assert.match((await run(['--version'])).stdout, /^candor-central \d+\.\d+\.\d+\n$/);
  assert.ok(JSON.parse((await run(['--version', '--json'])).stdout).version);
});

test('a second server on the same data or port is refused', async (t) => {
  const central = await Central.start(t);
  const same = await run(['serve', '--data', central.data, '--listen', '127.0.0.1:0'], { CANDOR_CENTRAL_TOKEN: TOKEN });
  assert.equal(same.code, 1);
  assert.match(same.stderr, /another candor-central/);
  const port = await run(['serve', '--data', path.join(central.dir, 'b'), '--listen', `127.0.0.1:${central.port}`], { CANDOR_CENTRAL_TOKEN: TOKEN });
  assert.equal(port.code, 1);
  assert.match(port.stderr, /in use/);
});

test('settings come from the environment too', async (t) => {
  const central = await Central.start(t, { env: { CANDOR_CENTRAL_MAX_EVENTS: '1' } });
  assert.equal((await central.post([toolCall(), toolCall()])).status, 413);
});

test('TLS serves HTTPS, refuses plain HTTP and old versions', async (t) => {
  const dir = scratch(t);
  const file = (name) => path.join(dir, name);
  makeCa(dir, 'ca');
  makeServer(dir, 'ca', 'server');
  const central = await Central.start(t, { args: ['--tls-cert', file('server.pem'), '--tls-key', file('server.key')] });
  const agent = new https.Agent({ ca: fs.readFileSync(file('ca.pem')), keepAlive: true });
  t.after(() => agent.destroy());
  const send = (options, body) => new Promise((resolve, reject) => {
    const request = https.request({ host: '127.0.0.1', port: central.port, agent, ...options }, (response) => {
      let text = '';
      response.on('data', (data) => { text += data; });
      response.on('end', () => resolve({ status: response.statusCode, text }));
    });
    request.on('error', reject);
    request.end(body);
  });
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
  for (let i = 0; i < 5; i += 1) {
    const big = JSON.stringify(Array.from({ length: 900 }, () => toolCall()));
    const { status, text } = await send({ method: 'POST', path: '/api/v1/events', headers }, big);
    assert.equal(status, 202, text);
    assert.equal(JSON.parse(text).accepted, 900);
  }
  const page = await send({ path: '/api/telemetry/events?limit=500', headers });
  assert.equal(JSON.parse(page.text).events.length, 500);
  await assert.rejects(send({ path: '/', agent: new https.Agent({ ca: fs.readFileSync(file('ca.pem')), maxVersion: 'TLSv1.1', minVersion: 'TLSv1' }) }));
  await assert.rejects(send({ path: '/', agent: new https.Agent() }), /self-signed|certificate/);
  assert.ok(!(await raw(central.port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n').catch(() => '')).startsWith('HTTP/1.1 200'));
  const bad = await run(['serve', '--data', path.join(dir, 'd'), '--tls-cert', file('server.key'), '--tls-key', file('server.key')]);
  assert.equal(bad.code, 1);
  assert.match(bad.stderr, /not a usable PEM certificate/);
});

/** Everything acknowledged is there, once; nothing is there that was not sent. */
async function holds(t, dir, load) {
  const again = await Central.start(t, { dir });
  const ids = await again.ids();
  const stored = new Set(ids);
  assert.equal(stored.size, ids.length, 'stored twice');
  assert.deepEqual(load.acknowledged.filter((id) => !stored.has(id)), [], 'acknowledged and lost');
  const sent = new Set(load.sent);
  assert.ok(ids.every((id) => sent.has(id)));
  const stats = await again.get('/api/telemetry/stats');
  assert.equal(stats.events.total, ids.length, 'roll-ups differ from rows');
  assert.equal(stats.tools.find((tool) => tool.tool === 'grep').count, ids.length);
  return again;
}

for (const signal of /** @type {const} */ (['SIGTERM', 'SIGKILL'])) {
  test(`${signal} under load loses no acknowledged event`, async (t) => {
    const central = await Central.start(t);
    const load = new Load(central);
    await load.first;
    const { code } = await central.end(signal);
    if (signal === 'SIGTERM') assert.equal(code, 0);
    await load.stop();
    await holds(t, central.dir, load);
  });
}

test('a stopping server answers what is in flight and closes idle connections', async (t) => {
  const central = await Central.start(t);
  const body = JSON.stringify([toolCall()]);
  const net = require('node:net');
  const idle = net.connect(central.port, '127.0.0.1');
  const busy = net.connect(central.port, '127.0.0.1');
  let text = '';
  busy.on('data', (data) => { text += data; });
  const idleClosed = new Promise((resolve) => idle.once('close', resolve));
  const busyClosed = new Promise((resolve) => busy.once('close', resolve));
  busy.write(`POST /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 10)}`);
  await central.fetch('/'); // both connections are accepted by now
  while ((await central.metrics()).get('candor_central_body_bytes_total') < 10) await new Promise((resolve) => setTimeout(resolve, 5));
  central.child.kill('SIGTERM');
  idle.resume();
  await idleClosed;
  busy.write(body.slice(10));
  await busyClosed;
  assert.match(text, /^HTTP\/1\.1 202 [^]*Connection: close[^]*"accepted":1/);
  assert.deepEqual(await central.ended, { code: 0, signal: null });
});

test('stats equal a count of the raw events, for any filter', async (t) => {
  const central = await Central.start(t);
  const now = Date.now();
  const sent = [];
  for (let i = 0; i < 600; i += 1) {
    const ms = now - Math.floor(Math.random() * 3 * 86400000);
    const more = { event_id: uuid7(ms), timestamp: new Date(ms).toISOString(), app: i % 3 ? 'one' : 'two', user_id: `u-${i % 7}` };
    sent.push(i % 2 ? toolCall(i % 4 === 1 ? 'grep' : 'shell', i, more) : event('ChatTurn', { model: 'gpt-4o', latencyMs: i }, more));
  }
  for (let at = 0; at < 600; at += 100) await central.post(sent.slice(at, at + 100));
  await central.post(sent.slice(0, 300)); // again: nothing may count twice
  const count = (list, key) => Object.fromEntries(Object.entries(Object.groupBy ? Object.groupBy(list, key) : list.reduce((all, one) => {
    (all[key(one)] ??= []).push(one);
    return all;
  }, {})).map(([name, group]) => [name, group.length]));
  const table = (rows, key) => Object.fromEntries(rows.map((row) => [row[key], row.count]));
  const stats = await central.get('/api/telemetry/stats');
  assert.equal(stats.events.total, 600);
  assert.deepEqual(table(stats.events.by_type, 'type'), count(sent, (e) => e.event_type));
  assert.deepEqual(table(stats.events.by_app, 'app'), count(sent, (e) => e.app));
  assert.deepEqual(table(stats.tools, 'tool'), count(sent.filter((e) => e.event_type === 'ToolCall'), (e) => e.payload.toolName));
  const day = (e) => e.timestamp.slice(0, 10);
  const users = count([...new Map(sent.map((e) => [`${day(e)} ${e.app} ${e.user_id}`, e])).values()], day);
  assert.deepEqual(Object.fromEntries(stats.users_per_day.map((row) => [row.day, row.users])), users);
  const from = Math.ceil((now - 40 * 3600000) / 3600000) * 3600000;
  const to = from + 30 * 3600000;
  const part = sent.filter((e) => Date.parse(e.timestamp) >= from && Date.parse(e.timestamp) < to);
  const query = `from=${new Date(from).toISOString()}&to=${new Date(to).toISOString()}`;
  assert.equal((await central.get(`/api/telemetry/stats?${query}`)).events.total, part.length);
  assert.equal((await central.get(`/api/telemetry/stats?${query}&source=two`)).events.total, part.filter((e) => e.app === 'two').length);
  const page = await central.get(`/api/telemetry/events?${query}&limit=500&source=one&type=ToolCall`);
  assert.deepEqual(page.events.map((e) => e.event_id).sort(),
    part.filter((e) => e.app === 'one' && e.event_type === 'ToolCall').map((e) => e.event_id).sort());
  const p95 = stats.tools.find((tool) => tool.tool === 'grep').p95_ms;
  const values = sent.filter((e) => e.payload.toolName === 'grep').map((e) => e.payload.durationMs).sort((a, b) => a - b);
  const exact = values[Math.ceil(values.length * 0.95) - 1];
  assert.ok(Math.abs(p95 - exact) / exact < 0.04, `${p95} against ${exact}`);
});

test('query parameters that make no sense are refused', async (t) => {
  const central = await Central.start(t);
  for (const query of ['limit=0', 'limit=501', 'limit=x', 'cursor=zz', 'from=yesterday', 'to=2026-13-01', 'type=%zz', 'from=%00']) {
    const { status, json } = await central.fetch(`/api/telemetry/events?${query}`);
    assert.equal(status, 400, query);
    assert.ok(json.detail.length > 10);
  }
  assert.equal((await central.fetch('/api/telemetry/events?from=2026-01-01&to=1790000000000&type=&limit=5')).status, 200);
});

test('metrics are Prometheus text and count what happened', async (t) => {
  const central = await Central.start(t);
  const batch = [toolCall(), toolCall(), event('Nope', {})];
  await central.post(batch);
  await central.post(batch);
  await central.fetch('/nothing');
  const metrics = await central.metrics();
  const value = (name) => metrics.get(`candor_central_${name}`);
  assert.equal(value('events_accepted_total'), 2);
  assert.equal(value('events_duplicate_total'), 2);
  assert.equal(value('events_rejected_total{reason="unknown_event"}'), 2);
  assert.equal(value('requests_total{code="202"}'), 2);
  assert.equal(value('requests_total{code="404"}'), 1);
  assert.equal(value('commit_seconds_count'), 2);
  assert.equal(value('commit_seconds_bucket{le="+Inf"}'), 2);
  assert.ok(value('db_bytes') > 0);
  assert.equal(value('requests_in_flight'), 1);
});

test('too little free disk: uploads get 503, health says so', async (t) => {
  const central = await Central.start(t, { args: ['--min-free-bytes', '1099511627776'] });
  const refused = await central.post([toolCall()]);
  assert.equal(refused.status, 503);
  assert.ok(Number(refused.headers.get('retry-after')) > 0);
  const health = await central.fetch('/api/telemetry/health', { token: null });
  assert.deepEqual([health.status, health.json.reason], [503, 'disk nearly full']);
});

test('a file size limit that stops the database is a 503 and nothing acknowledged is lost', async (t) => {
  const dir = scratch(t);
  const child = spawn('sh', ['-c', `ulimit -f 1200; trap '' XFSZ; exec "$0" serve --data ${dir}/data --listen 127.0.0.1:0 --port-file ${dir}/port`, BINARY],
    { env: { PATH: process.env.PATH, CANDOR_CENTRAL_TOKEN: TOKEN } });
  t.after(() => child.kill('SIGKILL'));
  await new Promise((resolve, reject) => {
    child.stderr.on('data', (data) => String(data).includes('"listening"') && resolve(undefined));
    child.once('exit', (code) => reject(new Error(`ended with ${code}`)));
  });
  const url = `http://127.0.0.1:${fs.readFileSync(`${dir}/port`, 'utf8').trim()}/api/v1/events`;
  const load = { acknowledged: [], sent: [] };
  let refused = 0;
  for (let i = 0; i < 40; i += 1) {
    const batch = Array.from({ length: 100 }, () => toolCall());
    load.sent.push(...batch.map((e) => e.event_id));
    const response = await fetch(url, { method: 'POST', body: JSON.stringify(batch), headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' } });
    await response.text();
    if (response.status === 202) load.acknowledged.push(...batch.map((e) => e.event_id));
    else { assert.equal(response.status, 503); refused += 1; }
  }
  assert.ok(refused > 0 && load.acknowledged.length > 0);
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('close', resolve));
  await holds(t, dir, load);
});

test('addresses of clients appear in no file and no log', async (t) => {
  const central = await Central.start(t, { args: ['--log-level', 'debug'] });
  await central.post([toolCall()]);
  await central.end('SIGTERM');
  assert.ok(!central.log.replace('"host":"127.0.0.1"', '').includes('127.0.0.1'));
  for (const name of fs.readdirSync(central.data)) assert.ok(!fs.readFileSync(path.join(central.data, name)).includes('127.0.0.1'));
});

test('each problem has an instance of its own, and the log has it with status and code', async (t) => {
  const central = await Central.start(t, { args: ['--log-level', 'debug'] });
  const answers = [
    await central.fetch('/nowhere', { token: null }),
    await central.fetch('/nowhere', { token: null }),
    await central.fetch('/api/telemetry/events?limit=0'),
    await central.post('[', { token: null }),
  ];
  const seen = answers.map(({ json: { instance, status, code } }) => ({ instance: instance.replace(/^urn:uuid:/, ''), status, code }));
  assert.deepEqual(seen.map(({ code }) => code), ['not_found', 'not_found', 'bad_parameter', 'token_missing']);
  assert.equal(new Set(seen.map(({ instance }) => instance)).size, 4);
  for (const { instance } of seen) assert.match(instance, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const logged = () => central.log.split('\n').filter((line) => line.includes('"event":"problem"')).map((line) => JSON.parse(line));
  await until('the log has them', () => logged().length === 4);
  assert.deepEqual(logged().map(({ instance, status, code }) => ({ instance, status, code })), seen);
  assert.equal((await central.fetch('/api/v1/health')).json.instance, undefined);
  const quiet = await Central.start(t);
  await quiet.fetch('/nowhere');
  await quiet.end('SIGTERM');
  assert.doesNotMatch(quiet.log, /"event":"problem"/);
});
