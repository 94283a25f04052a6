'use strict';
// What the dashboard stands on: its files, sessions by cookie, and the questions that only it asks.
const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const test = require('node:test');
const zlib = require('node:zlib');
const { Central, event: made, raw, run, uuid7 } = require('./central-support.js');

const DAY = 86400000;

/** A ToolCall, unless told otherwise. */
const event = (more = {}) => ({ ...made(more.event_type ?? 'ToolCall', more.payload ?? { toolName: 'grep', durationMs: 1 }), ...more });

/** A request whose headers are just those given. */
function ask(central, method, route, headers = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request(central.url + route, { method, headers }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) }));
    });
    request.on('error', reject);
    request.end();
  });
}

/** The cookie of a new session. */
async function login(central, token, headers = {}) {
  const answer = await ask(central, 'POST', '/api/v1/session', { authorization: `Bearer ${token}`, ...headers });
  assert.equal(answer.status, 200, answer.body.toString());
  return { setCookie: answer.headers['set-cookie'][0], cookie: answer.headers['set-cookie'][0].split(';')[0] };
}

async function makeToken(central, scopes, app) {
  const { stdout } = await run(['token', 'create', '--scopes', scopes, ...(app ? ['--app', app] : []), '--data', central.data]);
  const token = stdout.trim();
  const deadline = Date.now() + 60000;
  while ((await central.fetch('/api/v1/session', { token })).status === 401) assert.ok(Date.now() < deadline, 'the token is never taken');
  return token;
}

/* --- files ------------------------------------------------------------------------------------------ */

test('the page comes compressed or plain, with a policy that lets nothing in from elsewhere', async (t) => {
  const central = await Central.start(t);
  const zipped = await ask(central, 'GET', '/dashboard', { 'accept-encoding': 'br, gzip' });
  assert.equal(zipped.status, 200);
  const plain = await ask(central, 'GET', '/dashboard');
  assert.equal(plain.headers['content-encoding'], undefined);
  assert.match(plain.body.toString(), /<!doctype html>/i);
  assert.equal(plain.headers['content-type'], 'text/html; charset=utf-8');
  const policy = plain.headers['content-security-policy'];
  for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"]) assert.ok(policy.includes(part), part);
  assert.doesNotMatch(policy, /unsafe|https?:|\*/);
  assert.equal(plain.headers['x-content-type-options'], 'nosniff');
  assert.equal(plain.headers['referrer-policy'], 'no-referrer');
  if (/No dashboard/.test(plain.body.toString())) {
    t.skip('the collector is built without its dashboard: run sh scripts/setup.sh, then npm run build');
    return;
  }
  assert.equal(zipped.headers['content-encoding'], 'gzip');
  assert.deepEqual(zlib.gunzipSync(zipped.body), plain.body);
  assert.equal((await ask(central, 'GET', '/dashboard', { 'accept-encoding': 'gzip', 'if-none-match': zipped.headers.etag })).status, 304);
  const script = /src="(\/dashboard\/assets\/[^"]+\.js)"/.exec(plain.body.toString())[1];
  const file = await ask(central, 'GET', script, { 'accept-encoding': 'gzip' });
  assert.equal(file.headers['cache-control'], 'public, max-age=31536000, immutable');
  assert.match(file.headers['content-type'], /^text\/javascript/);
  assert.equal((await ask(central, 'GET', '/dashboard/../etc/passwd')).status, 404);
  assert.equal((await ask(central, 'GET', '/dashboard/none.js')).status, 404);
  assert.equal((await ask(central, 'POST', '/dashboard')).status, 405);
});

/* --- sessions --------------------------------------------------------------------------------------- */

test('a read token is traded for a cookie that reads, and does nothing else', async (t) => {
  const central = await Central.start(t);
  const { cookie, setCookie } = await login(central, await makeToken(central, 'admin'));
  assert.match(setCookie, /^candor=[0-9a-f]{64}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/);
  const who = await ask(central, 'GET', '/api/v1/session', { cookie: `other=1; ${cookie}; more=2` });
  assert.equal(who.status, 200);
  const { app, expires_s: left } = JSON.parse(who.body.toString());
  assert.equal(app, '');
  assert.ok(left > 43000 && left <= 43200);
  for (const route of ['/api/telemetry/stats', '/api/telemetry/events', '/api/telemetry/quality', '/metrics']) assert.equal((await ask(central, 'GET', route, { cookie })).status, 200, route);
  for (const route of ['/api/v1/events', '/api/v1/erasures', '/api/telemetry/upload', '/api/v1/session']) assert.equal((await ask(central, 'POST', route, { cookie })).status, 401, route);
  assert.equal((await ask(central, 'GET', '/api/telemetry/stats', { cookie: `candor=${'0'.repeat(64)}` })).status, 401);
  assert.equal((await ask(central, 'GET', '/api/telemetry/stats', { cookie, authorization: 'Bearer cnd_nonsense' })).status, 401, 'a bad token is not covered by a good cookie');
});

test('signing out ends the session; the cookie is worth nothing after', async (t) => {
  const central = await Central.start(t);
  const token = await makeToken(central, 'read');
  const { cookie } = await login(central, token);
  const other = (await login(central, token)).cookie;
  const out = await ask(central, 'DELETE', '/api/v1/session', { cookie });
  assert.equal(out.status, 200);
  assert.match(out.headers['set-cookie'][0], /^candor=; Path=\/; Max-Age=0;/);
  assert.equal((await ask(central, 'GET', '/api/telemetry/stats', { cookie })).status, 401);
  assert.equal((await ask(central, 'GET', '/api/telemetry/stats', { cookie: other })).status, 200, 'other sessions go on');
});

test('a session ends with its token', async (t) => {
  const central = await Central.start(t);
  const token = await makeToken(central, 'read');
  const { cookie } = await login(central, token);
  await run(['token', 'revoke', token.split('_')[1], '--data', central.data]);
  const deadline = Date.now() + 60000;
  while ((await ask(central, 'GET', '/api/telemetry/stats', { cookie })).status !== 401) assert.ok(Date.now() < deadline, 'the session outlives its token');
});

test('a session of a token in a file ends when the file no longer has it', async (t) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'candor-tokens-'));
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  const file = path.join(dir, 'tokens');
  fs.writeFileSync(file, 'one-of-the-file-0001\nother-of-the-file-02\n', { mode: 0o600 });
  const central = await Central.start(t, { args: ['--token-file', file] });
  const one = (await login(central, 'one-of-the-file-0001')).cookie;
  const other = (await login(central, 'other-of-the-file-02')).cookie;
  fs.writeFileSync(file, 'other-of-the-file-02\n');
  central.child.kill('SIGHUP');
  const deadline = Date.now() + 60000;
  while ((await ask(central, 'GET', '/api/telemetry/stats', { cookie: one })).status !== 401) assert.ok(Date.now() < deadline, 'the session outlives its token');
  assert.equal((await ask(central, 'GET', '/api/telemetry/stats', { cookie: other })).status, 200);
});

test('a token for noised aggregates gets no session', async (t) => {
  const central = await Central.start(t);
  const { stdout } = await run(['token', 'create', '--scopes', 'read', '--dp-epsilon', '0.5', '--dp-budget', '10', '--data', central.data]);
  const deadline = Date.now() + 60000;
  let answer;
  do {
    assert.ok(Date.now() < deadline, 'the token is never known');
    answer = await ask(central, 'GET', '/api/v1/session', { authorization: `Bearer ${stdout.trim()}` });
  } while (answer.status === 401);
  assert.equal(answer.status, 403);
  const refused = await ask(central, 'POST', '/api/v1/session', { authorization: `Bearer ${stdout.trim()}` });
  assert.equal(refused.status, 403);
  assert.equal(JSON.parse(refused.body.toString()).code, 'aggregates_only');
  assert.equal(refused.headers['set-cookie'], undefined);
});

test('the session of an app sees that app', async (t) => {
  const central = await Central.start(t);
  await central.post([event(), event({ app: 'second' })]);
  const { cookie } = await login(central, await makeToken(central, 'read', 'second'));
  const page = JSON.parse((await ask(central, 'GET', '/api/telemetry/events', { cookie })).body.toString());
  assert.deepEqual(page.events.map((one) => one.app), ['second']);
  assert.equal((await ask(central, 'GET', '/api/telemetry/events?app=demo', { cookie })).status, 403);
  for (const route of ['/api/telemetry/quality', '/metrics']) assert.equal((await ask(central, 'GET', route, { cookie })).status, 403, `${route} counts every app`);
});

test('another site can neither sign in nor sign out', async (t) => {
  const central = await Central.start(t);
  const token = await makeToken(central, 'read');
  const own = { origin: central.url };
  const { cookie } = await login(central, token, own);
  for (const origin of ['https://evil.example', 'null', `http://127.0.0.1:${central.port}0`, `http://x@127.0.0.1:${central.port}`, 'http:/']) {
    assert.equal((await ask(central, 'POST', '/api/v1/session', { authorization: `Bearer ${token}`, origin })).status, 403, origin);
    assert.equal((await ask(central, 'DELETE', '/api/v1/session', { cookie, origin })).status, 403, origin);
  }
  assert.equal((await ask(central, 'GET', '/api/telemetry/stats', { cookie })).status, 200);
});

test('behind a proxy that speaks TLS the cookie is one for TLS', async (t) => {
  const central = await Central.start(t);
  const token = await makeToken(central, 'read');
  const { setCookie, cookie } = await login(central, token, { origin: 'https://telemetry.example', host: 'telemetry.example' });
  assert.match(setCookie, /^__Host-candor=[0-9a-f]{64}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure$/);
  assert.equal((await ask(central, 'GET', '/api/telemetry/stats', { cookie })).status, 200);
});

test('logins of one address are counted; too many get 429 with Retry-After', async (t) => {
  const central = await Central.start(t);
  const answers = [];
  for (let i = 0; i < 60; i += 1) answers.push(await ask(central, 'POST', '/api/v1/session', { authorization: 'Bearer cnd_nonsense' }));
  const refused = answers.filter((one) => one.status === 429);
  assert.ok(refused.length > 0 && refused.length <= 30, `${refused.length} refused`);
  assert.ok(Number(refused[0].headers['retry-after']) > 0);
  assert.equal(answers[0].status, 401);
});

test('a token that may not read cannot sign in, and two cookies in one request are refused', async (t) => {
  const central = await Central.start(t);
  const answer = await ask(central, 'POST', '/api/v1/session', { authorization: `Bearer ${await makeToken(central, 'ingest')}` });
  assert.equal(answer.status, 403);
  assert.equal(JSON.parse(answer.body.toString()).code, 'scope_missing');
  assert.match(await raw(central.port, ['GET /api/v1/session HTTP/1.1\r\nHost: x\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n']), /^HTTP\/1\.1 400 /);
});

/* --- questions -------------------------------------------------------------------------------------- */

const at = (ms, more) => event({ event_id: uuid7(ms), timestamp: new Date(ms).toISOString(), ...more });

test('events, errors and sessions are counted by version, folded or not', async (t) => {
  const central = await Central.start(t);
  const now = Date.now();
  const mine = (version, type, payload) => at(now, { app_version: version, event_type: type, payload });
  await central.post([mine('1.0.0', 'SessionStart', {}), mine('1.0.0', 'Error', { errorType: 'TypeError' }), mine('1.1.0', 'SessionStart', {}), mine('1.1.0', 'ToolCall', { toolName: 'grep' })]);
  for (let i = 0; i < 300; i += 1) await central.post([mine('1.1.0', 'ToolCall', { toolName: 'grep' })]);
  const versions = await central.get('/api/telemetry/aggregate/version');
  assert.equal(versions.total, 304);
  assert.deepEqual(versions.groups.map(({ version, count, errors, sessions }) => [version, count, errors, sessions]), [['1.1.0', 302, 0, 1], ['1.0.0', 2, 1, 1]]);
  assert.deepEqual((await central.get('/api/telemetry/aggregate/version?app=nobody')).groups, []);
});

test('errors that are the same are one group, whatever their numbers, and are found by it', async (t) => {
  const central = await Central.start(t);
  const now = Date.now();
  const oops = (message, ms = now) => at(ms, { event_type: 'Error', payload: { errorType: 'RangeError', message } });
  await central.post([oops('index 12 of 40'), oops('index 7 of 4'), oops('index 7 of 4', now - DAY), oops('another'), event()]);
  const { total, groups } = await central.get('/api/telemetry/errors/groups');
  assert.equal(total, 4);
  assert.deepEqual(groups.map(({ type, title, count, days }) => [type, title, count, days.length]), [['Error', 'RangeError', 3, 2], ['Error', 'RangeError', 1, 1]]);
  const page = await central.get(`/api/telemetry/errors/recent?group=${groups[0].group}&limit=2`);
  assert.equal(page.events.length, 2);
  const rest = await central.get(`/api/telemetry/errors/recent?group=${groups[0].group}&limit=2&cursor=${page.next_cursor}`);
  assert.deepEqual([...page.events, ...rest.events].map((one) => one.error_group), Array(3).fill(groups[0].group));
  assert.equal((await central.fetch(`/api/telemetry/errors/recent?limit=2&cursor=${page.next_cursor}`)).status, 400, 'the cursor belongs to the group');
});

test('an answer lists the largest groups and versions, and counts the others', async (t) => {
  const central = await Central.start(t);
  const many = Array.from({ length: 501 }, (_, i) => event({ event_type: 'Error', app_version: `1.0.${i}`, payload: { errorType: `Error${'abcdefghijklmnopqrstuvwxyz'[i % 26]}${'abcdefghijklmnopqrstuvwxyz'[Math.floor(i / 26)]}` } }));
  await central.post([...many, many[7], event({ ...many[7], event_id: uuid7(Date.now()) })]);
  const groups = await central.get('/api/telemetry/errors/groups');
  assert.deepEqual([groups.total, groups.groups.length, groups.omitted], [502, 200, 301]);
  assert.deepEqual([groups.groups[0].title, groups.groups[0].count], [many[7].payload.errorType, 2]);
  const versions = await central.get('/api/telemetry/aggregate/version');
  assert.deepEqual([versions.total, versions.groups.length, versions.omitted, versions.groups[0].version], [502, 500, 1, '1.0.7']);
});

test('what an erased person sent is gone from versions and groups of errors, too', async (t) => {
  const central = await Central.start(t);
  const gone = { user_id: 'u-gone', session_id: uuid7(Date.now()), app_version: '9.9.9' };
  await central.post([event({ ...gone, event_type: 'Error', payload: { errorType: 'OnlyMine' } }), event({ ...gone }), event()]);
  const token = await makeToken(central, 'admin');
  const erased = await central.fetch('/api/v1/erasures', { method: 'POST', token, headers: { 'content-type': 'application/json' }, body: '{"user_id":"u-gone"}' });
  assert.equal(erased.status, 200, erased.text);
  assert.equal((await central.get('/api/telemetry/errors/groups')).total, 0);
  const versions = await central.get('/api/telemetry/aggregate/version');
  assert.equal(versions.total, 1);
  assert.ok(versions.groups.every((one) => one.version !== '9.9.9'));
  const bytes = fs.readFileSync(path.join(central.data, 'events.db')).toString('latin1');
  assert.ok(!bytes.includes('OnlyMine'), 'its name is not in the file');
});

test('sessions by day and week, with those that had an error', async (t) => {
  const central = await Central.start(t);
  const day = Math.floor(Date.now() / DAY) * DAY - 9 * DAY;
  const start = (ms, session) => at(ms, { event_type: 'SessionStart', session_id: session, payload: {} });
  const oops = (ms, session) => at(ms, { event_type: 'Error', session_id: session, payload: { errorType: 'X' } });
  const [a, b, c] = [uuid7(day), uuid7(day + 1), uuid7(day + DAY)];
  await central.post([start(day + 1000, a), start(day + 2000, b), oops(day + 3000, b), oops(day + DAY + 1000, b), start(day + DAY + 2000, c)]);
  const range = `from=${day}&to=${day + 2 * DAY}`;
  const days = (await central.get(`/api/telemetry/aggregate/sessions?${range}`)).buckets;
  assert.deepEqual(days.map(({ sessions, failed }) => [sessions, failed]), [[2, 1], [1, 1]]);
  const weeks = (await central.get(`/api/telemetry/aggregate/sessions?${range}&bucket=week`)).buckets;
  assert.equal(weeks.reduce((sum, one) => sum + one.sessions, 0), 3);
  if (weeks.length === 1) assert.equal(weeks[0].failed, 1, 'one session, though it failed on two days');
  assert.equal((await central.fetch('/api/telemetry/aggregate/sessions?from=0')).status, 400);
});

test('latencies come by value and by day, each call in one cell', async (t) => {
  const central = await Central.start(t);
  const now = Date.now();
  const call = (ms, toolName, durationMs) => at(ms, { event_type: 'ToolCall', payload: { toolName, durationMs } });
  await central.post([call(now, 'grep', 3), call(now, 'grep', 5), call(now, 'shell', 900), call(now - DAY, 'shell', 0)]);
  const values = await central.get('/api/telemetry/aggregate/latency');
  assert.equal(values.unit, 'ms');
  assert.deepEqual(values.rows.map((row) => [row.value, row.count]).sort(), [['grep', 2], ['shell', 2]]);
  for (const row of values.rows) {
    assert.equal(row.cells.length, values.edges.length - 1);
    assert.equal(row.cells.reduce((sum, n) => sum + n, 0), row.count);
  }
  const grep = values.rows.find((row) => row.value === 'grep');
  const in5 = values.edges.findIndex((edge, i) => edge <= 5 && values.edges[i + 1] > 5);
  assert.equal(grep.cells[in5], 1);
  assert.ok(Math.abs(grep.mean - 4) < 0.2);
  const days = await central.get('/api/telemetry/aggregate/latency?by=day');
  assert.deepEqual(days.rows.filter((row) => row.count > 0).map((row) => row.count), [1, 3]);
  assert.equal((await central.fetch('/api/telemetry/aggregate/latency?by=day&from=2026-01-01&to=2026-09-01')).status, 400);
});

test('one task: events by correlation id, spans by trace id, however rare among the others', async (t) => {
  const central = await Central.start(t, { args: ['--scan-rows', '20000'] });
  const now = Date.now();
  const task = uuid7(now);
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  await central.post([at(now - 9000, { correlation_id: task }), at(now - 8000, { event_type: 'span', payload: { traceId, spanId: 'b7ad6b7169203331', name: 'work' } })]);
  for (let i = 0; i < 3; i += 1) await central.post(Array.from({ length: 400 }, () => at(now)));
  await central.post([at(now + 1000, { correlation_id: task })]);
  assert.equal((await central.get(`/api/telemetry/events?correlation=${task}`)).events.length, 2);
  assert.deepEqual((await central.get(`/api/telemetry/events?correlation=${traceId}`)).events.map((one) => one.payload.name), ['work']);
  const first = await central.get(`/api/telemetry/events?correlation=${task}&limit=1`);
  assert.equal(first.events.length, 1);
  assert.equal((await central.get(`/api/telemetry/events?correlation=${task}&limit=1&cursor=${first.next_cursor}`)).events.length, 1);
});

test('data quality: refusals by reason, schemas seen, and what each machine last said it dropped', async (t) => {
  const central = await Central.start(t);
  const { schema } = await central.get('/api/v1/health');
  const send = (machine, drops, hash = schema.hash) => central.post([event()], { headers: { 'candor-machine-id': machine, 'candor-drops': drops, 'candor-schema-hash': hash } });
  await send('m-1', 'sampled=5;spool_full=2');
  await send('m-1', 'sampled=9;spool_full=2');
  await send('m-2', 'sampled=1', 'cd'.repeat(32));
  await send('m-3', 'Nonsense;sampled=x=1');
  await central.post([event({ event_type: 'NotInTheSchema' })]);
  const quality = await central.get('/api/telemetry/quality');
  assert.deepEqual(quality.reported.dropped, [{ reason: 'sampled', count: 10 }, { reason: 'spool_full', count: 2 }]);
  assert.equal(quality.reported.installs, 3);
  assert.deepEqual(quality.rejected, [{ reason: 'unknown_event', count: 1 }]);
  assert.deepEqual(quality.schemas.map(({ match, uploads }) => [match, uploads]), [[true, 3], [false, 1]]);
  assert.equal(quality.unnamed_schemas, 1);
  for (let i = 0; i < 100; i += 1) await send(`n-${i}`, `made_up_${'abcdefghij'[i % 10]}${'abcdefghij'[Math.floor(i / 10)]}=1`, String(i).padStart(64, '0'));
  const full = await central.get('/api/telemetry/quality');
  assert.equal(full.schemas.length, 64);
  assert.ok(full.other_schemas > 0 && full.reported.unread > 0);
});
