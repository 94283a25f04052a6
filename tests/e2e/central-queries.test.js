'use strict';
// The read side of the HTTP API: filters, pages, time zones, validators, errors.
const assert = require('node:assert/strict');
const test = require('node:test');
const { Central, TOKEN, event, run, toolCall, uuid7 } = require('./central-support.js');

const HOUR = 3600000;
const DAY = 24 * HOUR;
const API = '/api/telemetry';

/** Every page of a list. */
async function all(central, route, key) {
  const found = [];
  let cursor = null;
  do {
    const page = await central.get(`${route}${cursor === null ? '' : `&cursor=${cursor}`}`);
    found.push(...page[key]);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return found;
}

const at = (ms, type = 'ToolCall', payload = { toolName: 'grep', durationMs: 1, success: true }, more = {}) => event(type, payload, {
  event_id: uuid7(ms), timestamp: new Date(ms).toISOString(), ...more,
});

test('every refusal is a problem with type, title, status, code and a sentence', async (t) => {
  const central = await Central.start(t);
  const cases = [
    ['/nowhere', {}, 404, 'not_found'], ['/api/v1/events', {}, 405, 'method_not_allowed'],
    [`${API}/events`, { token: null }, 401, 'token_missing'], [`${API}/events`, { token: 'nonsense-nonsense' }, 401, 'token_unknown'],
    [`${API}/events?limit=0`, {}, 400, 'bad_parameter'], [`${API}/events?from=soon`, {}, 400, 'bad_parameter'],
    [`${API}/events?colour=red`, {}, 400, 'unknown_parameter'], [`${API}/events?cursor=zz`, {}, 400, 'bad_cursor'],
    [`${API}/aggregate/timeline?tz=Mars/Olympus`, {}, 400, 'bad_parameter'], [`${API}/aggregate/timeline?tz=../../etc/passwd`, {}, 400, 'bad_parameter'],
    [`${API}/aggregate/timeline?bucket=minute`, {}, 400, 'bad_parameter'],
    [`${API}/aggregate/timeline?bucket=hour&from=2000-01-01&to=2001-01-01`, {}, 400, 'bad_parameter'],
    [`${API}/errors/slo?target=2`, {}, 400, 'bad_parameter'], [`${API}/errors/slo?target=1e`, {}, 400, 'bad_parameter'],
    ['/api/v1/events', { method: 'POST', body: '[', headers: { 'content-type': 'application/json' } }, 400, 'bad_json'],
    ['/api/v1/events', { method: 'POST', body: '[]', headers: { 'content-type': 'text/plain' } }, 415, 'bad_content_type'],
  ];
  for (const [route, options, status, code] of cases) {
    const answer = await central.fetch(route, options);
    assert.deepEqual([answer.status, answer.json?.code, answer.headers.get('content-type')], [status, code, 'application/problem+json'], route);
    const { type, title, detail } = answer.json;
    assert.equal(type, 'about:blank');
    assert.equal(answer.json.status, status);
    assert.ok(title.length > 3 && detail.length > 10, route);
  }
});

test('events are filtered by type, category, source, version, session, user, machine and time', async (t) => {
  const central = await Central.start(t);
  const now = Date.now();
  const other = { session_id: uuid7(), user_id: 'u-2', app: 'second', app_version: '2.0.0', machine_id: 'b'.repeat(32) };
  await central.post([at(now), at(now - HOUR, 'ChatTurn', { model: 'gpt-4o' }), at(now, 'ToolCall', { toolName: 'x' }, other)]);
  const count = async (query) => (await central.get(`${API}/events?${query}`)).events.length;
  assert.equal(await count(''), 3);
  for (const [query, n] of [
    ['type=ChatTurn', 1], ['category=tool', 2], ['source=second', 1], ['app=demo', 2], ['version=2.0.0', 1], ['version=9', 0],
    ['user=u-1', 2], ['user=u-2&type=ChatTurn', 0], [`session=${other.session_id}`, 1], ['session=none', 0],
    [`from=${now - 1}`, 2], [`to=${now - 1}`, 1], ['user=u-1&category=tool', 1], ['type=', 3],
  ]) assert.equal(await count(query), n, query);
  const [second] = (await central.get(`${API}/events?user=u-2`)).events;
  assert.equal(await count(`machine=${second.machine_id}`), 1);
});

test('pages stay as they are while events arrive, and their cursor belongs to one question', async (t) => {
  const central = await Central.start(t);
  const start = Date.now() - HOUR;
  const sent = Array.from({ length: 60 }, (_, i) => at(start + i * 10));
  await central.post(sent);
  const seen = [];
  let cursor = null;
  do {
    const page = await central.get(`${API}/events?category=tool&limit=7${cursor === null ? '' : `&cursor=${cursor}`}`);
    seen.push(...page.events.map((one) => one.event_id));
    cursor = page.next_cursor;
    await central.post(Array.from({ length: 5 }, () => at(Date.now()))); // newer than the page
    if (cursor === null) break;
    for (const query of ['category=chat', 'category=tool&user=u-1', '', 'category=tool&from=2020-01-01']) {
      assert.equal((await central.fetch(`${API}/events?${query}&cursor=${cursor}`)).json.code, 'bad_cursor', query);
    }
    const forged = `${cursor.slice(0, 31)}${cursor[31] === '0' ? '1' : '0'}${cursor.slice(32)}`;
    assert.equal((await central.fetch(`${API}/events?category=tool&cursor=${forged}`)).status, 400);
    assert.equal((await central.fetch(`${API}/errors/recent?category=tool&cursor=${cursor}`)).status, 400);
  } while (cursor !== null);
  assert.deepEqual(seen, sent.map((one) => one.event_id).reverse());
});

test('a GET has an ETag, and 304 without a body when the client names it', async (t) => {
  const central = await Central.start(t);
  await central.post([toolCall()]);
  for (const route of [`${API}/events`, `${API}/stats`, `${API}/sessions`, `${API}/errors/recent`, `${API}/errors/slo`, '/api/openapi.json',
    `${API}/aggregate/category`, `${API}/aggregate/source`, `${API}/aggregate/timeline`]) {
    const first = await central.fetch(route);
    const tag = first.headers.get('etag');
    assert.match(tag ?? '', /^"[0-9a-f]{32}"$/, route);
    assert.equal(first.headers.get('cache-control'), 'private, no-cache', route);
    for (const known of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
      const again = await central.fetch(route, { headers: { 'if-none-match': known }, cache: 'no-store' });
      assert.deepEqual([again.status, again.text, again.headers.get('etag'), again.headers.get('content-length')], [304, '', tag, null], route);
    }
    assert.equal((await central.fetch(route, { headers: { 'if-none-match': '"other"' } })).status, 200, route);
    const head = await fetch(central.url + route, { method: 'HEAD', headers: { authorization: `Bearer ${TOKEN}` } });
    assert.deepEqual([head.status, head.headers.get('etag')], [200, tag], route);
  }
  const before = (await central.fetch(`${API}/events`)).headers.get('etag');
  await central.post([toolCall()]);
  assert.notEqual((await central.fetch(`${API}/events`)).headers.get('etag'), before);
  assert.equal((await central.fetch('/api/v1/health')).headers.get('etag'), null);
});

test('aggregates add up by category and source, with errors and shares', async (t) => {
  const central = await Central.start(t);
  await central.post([toolCall(), toolCall(), event('Error', { errorType: 'E' }), toolCall('x', 1, { app: 'second' })]);
  const category = await central.get(`${API}/aggregate/category`);
  assert.deepEqual(category, { from: null, to: null, total: 4, groups: [
    { category: 'tool', count: 3, errors: 0, share: 0.75 }, { category: 'error', count: 1, errors: 1, share: 0.25 }] });
  const source = await central.get(`${API}/aggregate/source?category=tool`);
  assert.deepEqual(source.groups.map((g) => [g.source, g.count]), [['demo', 2], ['second', 1]]);
  assert.deepEqual((await central.get(`${API}/aggregate/category?source=second`)).groups.map((g) => g.count), [1]);
  assert.deepEqual((await central.get(`${API}/aggregate/category?to=2020-01-01`)).groups, []);
});

test('a timeline has every bucket of its range, in the days and hours of a time zone', async (t) => {
  const central = await Central.start(t);
  const noon = Math.floor(Date.now() / DAY) * DAY - 3 * DAY + 12 * HOUR;
  await central.post([at(noon - 13 * HOUR), at(noon), at(noon, 'Error', { errorType: 'E' }), at(noon + 11 * HOUR + 1000)]);
  const date = (ms) => new Date(ms).toISOString().slice(0, 10);
  const range = `from=${date(noon - DAY)}&to=${date(noon + 2 * DAY)}`;
  const line = async (query) => (await central.get(`${API}/aggregate/timeline?${range}&${query}`)).buckets;
  assert.deepEqual(await line('bucket=day'), [
    { bucket: date(noon - DAY), count: 1, errors: 0 }, { bucket: date(noon), count: 3, errors: 1 }, { bucket: date(noon + DAY), count: 0, errors: 0 }]);
  // 23:00 of the day before is the next day two hours to the east.
  assert.deepEqual((await line('tz=%2B02:00')).map((b) => b.count), [0, 3, 1, 0]);
  assert.deepEqual((await line('tz=+02:00')).map((b) => b.count), [0, 3, 1, 0]);
  assert.deepEqual((await line('type=Error')).map((b) => b.count), [0, 1, 0]);
  assert.equal((await line('bucket=hour')).length, 72);
  assert.equal((await line('bucket=week')).reduce((sum, b) => sum + b.count, 0), 4);
  assert.ok((await line('bucket=week')).every((b) => new Date(b.bucket).getUTCDay() === 1));
  assert.deepEqual((await central.get(`${API}/aggregate/timeline?from=${noon}&to=${noon}`)).buckets, []);
  assert.ok((await central.get(`${API}/aggregate/timeline`)).buckets.length >= 30);
});

test('time zones of the IANA database change their clocks as JavaScript says they do', async (t) => {
  const central = await Central.start(t);
  const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'America/Sao_Paulo', 'Asia/Kolkata', 'Australia/Lord_Howe', 'Africa/Casablanca',
    'Europe/Dublin', 'Asia/Gaza', 'America/Nuuk', 'Pacific/Apia', 'Asia/Kathmandu'];
  const offsetOf = (zone, ms) => {
    const name = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' }).formatToParts(ms).find((p) => p.type === 'timeZoneName').value;
    return name === 'GMT' ? '+00:00' : name.slice(3);
  };
  const ranges = [['2026-03-01', '2026-04-15'], ['2026-09-15', '2026-11-15'], ['2031-03-01', '2031-04-10'], ['1995-09-01', '1995-11-10']];
  let changes = 0;
  for (const zone of zones) {
    for (const [from, to] of ranges) {
      const { buckets } = await central.get(`${API}/aggregate/timeline?bucket=hour&tz=${zone}&from=${from}&to=${to}`);
      assert.equal(buckets.length, (Date.parse(to) - Date.parse(from)) / HOUR);
      let last = '';
      for (const [i, { bucket }] of buckets.entries()) {
        const ms = Date.parse(from) + i * HOUR;
        assert.equal(Date.parse(bucket), ms, `${zone} ${bucket}`);
        const offset = bucket.slice(19);
        if (offset === last && i % 24 !== 0) continue; // Intl is slow: each change, and once a day
        assert.equal(offset, offsetOf(zone, ms), `${zone} ${bucket}`);
        if (last !== '' && offset !== last) changes += 1;
        last = offset;
      }
    }
  }
  assert.ok(changes >= 12, `${changes} changes`);
});

test('a timeline of 2000 buckets is answered, a longer one is refused', async (t) => {
  const central = await Central.start(t);
  const from = Date.parse('2026-01-01');
  const ask = (hours, more = '') => central.fetch(`${API}/aggregate/timeline?bucket=hour&from=${from}&to=${from + hours * HOUR}${more}`);
  assert.equal((await ask(1999)).json.buckets.length, 1999);
  assert.equal((await ask(2001)).status, 400);
  assert.equal((await ask(1, `&tz=Europe/${'x'.repeat(56)}`)).json.code, 'bad_parameter'); // of 63 bytes: no such zone
  assert.match((await ask(1, `&tz=Europe/${'x'.repeat(57)}`)).json.detail, /longer than 63 bytes/);
});

test('recent errors are those of every type that the schema calls an error', async (t) => {
  const central = await Central.start(t);
  await central.post([toolCall(), event('Error', { errorType: 'E' }), event('provider.error', { operation: 'read' }), event('media.error', {}), toolCall()]);
  const types = (await all(central, `${API}/errors/recent?limit=1`, 'events')).map((one) => one.event_type);
  assert.deepEqual(types.sort(), ['Error', 'media.error', 'provider.error']);
  assert.deepEqual((await central.get(`${API}/errors/recent?category=media`)).events.length, 1);
  assert.deepEqual((await central.get(`${API}/errors/recent?type=ToolCall`)).events, []);
});

test('the service level counts sessions without an error against a target', async (t) => {
  const central = await Central.start(t);
  const start = (session_id) => event('SessionStart', { os: 'linux' }, { session_id });
  const ids = Array.from({ length: 10 }, () => uuid7());
  await central.post([...ids.map(start), event('Error', { errorType: 'E' }, { session_id: ids[0] }), event('Error', { errorType: 'F' }, { session_id: ids[0] })]);
  const slo = async (query = '') => central.get(`${API}/errors/slo${query}`);
  const { sessions, failed_sessions: failed, error_free: free, met, target, errors, events, budget_left: left } = await slo('?target=0.9');
  assert.deepEqual({ sessions, failed, free, met, target, errors, events, left }, { sessions: 10, failed: 1, free: 0.9, met: true, target: 0.9, errors: 2, events: 12, left: 0 });
  assert.equal((await slo()).met, false);
  assert.equal((await slo('?source=nobody')).sessions, 0);
  assert.equal((await slo('?to=2020-01-01')).error_free, null);
});

test('sessions are listed newest first with what their start and end say, by page and filter', async (t) => {
  const central = await Central.start(t);
  const old = uuid7(Date.now() - 2 * DAY);
  const list = [old, uuid7(), uuid7()];
  for (const [i, session_id] of list.entries()) {
    const more = { session_id, user_id: `u-${i}`, app: i === 2 ? 'second' : 'demo' };
    const ms = i === 0 ? Date.now() - 2 * DAY : Date.now();
    await central.post([at(ms, 'SessionStart', { os: 'linux' }, more), at(ms, 'Error', { errorType: 'E' }, more)]);
  }
  await central.post([event('SessionEnd', { duration: 61000, proposalsCreated: 3, proposalsApproved: 2 }, { session_id: list[1], user_id: 'u-1' })]);
  const sessions = await all(central, `${API}/sessions?limit=1`, 'sessions');
  assert.deepEqual(sessions.map((s) => s.session_id), [...list].reverse());
  const [, middle] = sessions;
  assert.deepEqual([middle.user_id, middle.errors, middle.duration, middle.proposals_created, middle.proposals_approved], ['u-1', 1, 61000, 3, 2]);
  assert.ok(Date.parse(middle.started) <= Date.parse(middle.ended));
  assert.equal(sessions[0].ended, null);
  const ids = async (query) => (await central.get(`${API}/sessions?${query}`)).sessions.map((s) => s.session_id);
  assert.deepEqual(await ids('user=u-0'), [old]);
  assert.deepEqual(await ids('source=second'), [list[2]]);
  assert.deepEqual(await ids(`to=${Date.now() - DAY}`), [old]);
  assert.deepEqual((await ids(`from=${Date.now() - HOUR}`)).length, 2);
  assert.deepEqual(await ids(`session=${list[1]}`), [list[1]]);
});

test('a token bound to an app sees no other app in any query', async (t) => {
  const central = await Central.start(t);
  await central.post([toolCall(), toolCall('x', 1, { app: 'second', user_id: 'u-9' }), event('Error', { errorType: 'E' }, { app: 'second' })]);
  const { stdout } = await run(['token', 'create', '--scopes', 'read', '--app', 'demo', '--data', central.data]);
  const token = stdout.trim();
  const deadline = Date.now() + 60000;
  while ((await central.fetch(`${API}/events`, { token })).status !== 200) assert.ok(Date.now() < deadline);
  for (const route of ['events', 'stats', 'sessions', 'errors/recent', 'aggregate/category', 'aggregate/source', 'aggregate/timeline', 'errors/slo']) {
    const answer = await central.fetch(`${API}/${route}`, { token });
    assert.equal(answer.status, 200, route);
    assert.ok(!answer.text.includes('second') && !answer.text.includes('u-9'), route);
    assert.equal((await central.fetch(`${API}/${route}?source=second`, { token })).json.code, 'wrong_app', route);
  }
  const { failed_sessions: failed } = (await central.fetch(`${API}/errors/slo`, { token })).json;
  assert.equal(failed, 0);
});
