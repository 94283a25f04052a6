'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const { openClient, pendingEvents, roundTrip, schemaOf } = require('./helper');

test('emit keeps an event with all base fields', async (t) => {
  const client = openClient(t, { appVersion: '1.2.3' });
  assert.equal(client.emit('ToolCall', { toolName: 'read_file', durationMs: 12.5, success: true }), true);
  const [event] = await pendingEvents(client);
  assert.match(event.event_id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.match(event.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.ok(Math.abs(Date.parse(event.timestamp) - Date.now()) < 60000);
  assert.equal(event.event_type, 'ToolCall');
  assert.equal(event.app, 'js-test');
  assert.equal(event.app_version, '1.2.3');
  assert.equal(event.platform, `${process.platform}-${process.arch}`);
  assert.match(event.machine_id, /^[0-9a-f]{32}$/);
  assert.ok(!JSON.stringify(event).includes('test-machine'));
  assert.deepEqual(event.payload, { toolName: 'read_file', durationMs: 12.5, success: true });
  assert.deepEqual(Object.keys(event), ['event_id', 'event_type', 'timestamp', 'session_id', 'user_id', 'machine_id',
    'app', 'app_version', 'platform', 'payload']);
});

test('emit keeps the correlation id end to end', async (t) => {
  const client = openClient(t);
  const event = await roundTrip(client, 'ToolCall', { toolName: 'a' }, { correlationId: 'turn-42' });
  assert.equal(event.correlation_id, 'turn-42');
});

test('emit drops a correlation id that is no opaque id, and keeps the event', async (t) => {
  for (const correlationId of ['bob@example.com', 'x'.repeat(5000), '/home/bob/x', 7, {}, '']) {
    const client = openClient(t);
    const event = await roundTrip(client, 'ToolCall', { toolName: 'a' }, { correlationId });
    assert.equal(event.payload.toolName, 'a');
    assert.equal('correlation_id' in event, false, String(correlationId).slice(0, 20));
  }
});

test('emit without a payload keeps an empty one', async (t) => {
  const client = openClient(t);
  assert.equal(client.emit('ToolCall'), true);
  assert.equal(client.emit('ToolCall', null), true);
  assert.equal(client.emit('ToolCall', {}), true);
  const events = await pendingEvents(client);
  assert.deepEqual(events.map((event) => event.payload), [{}, {}, {}]);
});

test('emit reads allowlisted fields only', async (t) => {
  const client = openClient(t);
  const payload = { toolName: 'a', secret: 'x', get other() { throw new Error('read'); } };
  const event = await roundTrip(client, 'ToolCall', payload);
  assert.deepEqual(event.payload, { toolName: 'a' });
});

test('emit counts an unknown event type and returns false', (t) => {
  const client = openClient(t);
  for (const type of ['Nope', '', '__proto__', 'constructor', undefined, null, 7, {}, Symbol('x')]) {
    assert.equal(client.emit(type, {}), false);
  }
  assert.equal(client.status().dropped.unknown_event, 9);
});

test('emit counts a payload that is no object and returns false', (t) => {
  const client = openClient(t);
  for (const payload of ['{}', 7, true, 7n, Symbol('x'), [], [{}], () => {}]) {
    assert.equal(client.emit('ToolCall', payload), false);
  }
  assert.equal(client.status().dropped.bad_payload, 8);
  assert.equal(client.status().dropped.unknown_event, 0);
});

test('status counts what was kept and says who decided', async (t) => {
  const client = openClient(t);
  for (let i = 0; i < 250; i++) assert.equal(client.emit('ToolCall', { toolName: 't', durationMs: i }), true);
  await client.flush();
  const status = client.status();
  assert.equal(status.enabled, true);
  assert.equal(status.decided_by, 'default');
  assert.equal(status.kept, 250);
  assert.equal(status.spool.events, 250);
});

test('emit refuses an event whose strings do not fit the staging area', async (t) => {
  const fields = {};
  for (let i = 0; i < 10; i++) fields[`text${i}`] = { kind: 'text', maxLength: 16384 };
  const client = openClient(t, { schema: schemaOf(fields) });
  const payload = {};
  for (let i = 0; i < 10; i++) payload[`text${i}`] = 'word '.repeat(12000);
  assert.equal(client.emit('Sample', payload), false);
  assert.equal(client.status().dropped.too_large, 1);
  assert.equal(client.emit('Sample', { text0: 'short' }), true);
});

test('emit counts a sanitised payload over the limit as too large', (t) => {
  const fields = {};
  for (let i = 0; i < 8; i++) fields[`text${i}`] = { kind: 'text', maxLength: 16384 };
  const client = openClient(t, { schema: schemaOf(fields) });
  const payload = {};
  for (let i = 0; i < 8; i++) payload[`text${i}`] = 'word '.repeat(3200);
  assert.equal(client.emit('Sample', payload), false);
  assert.equal(client.status().dropped.too_large, 1);
});

test('emit after close returns false and does not throw', (t) => {
  const client = openClient(t);
  client.close();
  assert.equal(client.emit('ToolCall', { toolName: 'a' }), false);
  assert.equal(client.enabled, false);
  client.close();
});

test('after close every question is answered with a coded error', async (t) => {
  const client = openClient(t);
  client.close();
  for (const ask of ['status', 'stats', 'preview']) {
    assert.throws(() => client[ask](), { name: 'TelemetryError', code: 'ERR_CANDOR_CLOSED' });
  }
  for (const ask of ['flush', 'upload', 'purge']) {
    await assert.rejects(client[ask](), { name: 'TelemetryError', code: 'ERR_CANDOR_CANCELLED' });
  }
});

test('turning off silences emit at once, deletes what waits, and holds for the next client', async (t) => {
  const client = openClient(t);
  assert.equal(client.emit('ToolCall', { toolName: 'a' }), true);
  const done = client.setEnabled(false, { source: 'user' });
  assert.equal(client.enabled, false);
  assert.equal(client.emit('ToolCall', { toolName: 'b' }), false);
  await done;
  assert.equal(client.preview(), '');
  const status = client.status();
  assert.equal(status.decided_by, 'stored');
  assert.equal(status.dropped.disabled, 1);
  client.close();
  const next = openClient(t, { directory: status.directory });
  assert.equal(next.emit('ToolCall', {}), false);
  await next.setEnabled(true);
  assert.equal(next.emit('ToolCall', {}), true);
});

test('the host can only narrow', async (t) => {
  const client = openClient(t);
  await client.setEnabled(false, { source: 'host' });
  assert.equal(client.status().decided_by, 'host');
  assert.equal(client.emit('ToolCall', {}), false);
  await client.setEnabled(true, { source: 'host' });
  assert.equal(client.emit('ToolCall', {}), true);
  await client.setEnabled(false, { source: 'user' });
  await client.setEnabled(true, { source: 'host' });
  assert.equal(client.emit('ToolCall', {}), false);
});

test('setEnabled rejects what it does not understand', async (t) => {
  const client = openClient(t);
  await assert.rejects(client.setEnabled('no'), { code: 'ERR_CANDOR_INVALID_OPTION' });
  await assert.rejects(client.setEnabled(false, { source: 'admin' }), { code: 'ERR_CANDOR_INVALID_OPTION' });
  assert.equal(client.enabled, true);
});

test('purge deletes what waits', async (t) => {
  const client = openClient(t);
  for (let i = 0; i < 5; i++) client.emit('ToolCall', { toolName: 'a' });
  await client.flush();
  assert.notEqual(client.preview(), '');
  await client.purge();
  assert.equal(client.preview(), '');
  assert.equal(client.status().spool.events, 0);
});

test('stats counts by event type and takes a Date', async (t) => {
  const client = openClient(t);
  client.emit('ToolCall', {});
  client.emit('ToolCall', {});
  client.emit('ChatTurn', {});
  await client.flush();
  const since = new Date(Date.now() - 3600e3);
  const kept = Object.fromEntries(client.stats(since).types.map((row) => [row.type, row.kept]));
  assert.deepEqual(kept, { ChatTurn: 1, ToolCall: 2 });
  assert.deepEqual(client.stats(Date.now() + 7200e3).types, []);
  assert.throws(() => client.stats('yesterday'), { code: 'ERR_CANDOR_INVALID_OPTION' });
});

test('a block-scoped client closes itself', (t) => {
  const client = openClient(t);
  client[Symbol.dispose]();
  assert.equal(client.emit('ToolCall', {}), false);
});

test('a string of any length arrives whole, with a character that is not ASCII at any place', async (t) => {
  const client = openClient(t, { schema: schemaOf({ a: { kind: 'text' }, b: { kind: 'text' } }) });
  const sent = [];
  for (let n = 0; n <= 34; n += 1) {
    const plain = 'the quick brown fox jumps over lazy dogs'.slice(0, n).trim();
    sent.push(plain);
    for (let at = 0; at < plain.length; at += 3) sent.push(`${plain.slice(0, at)}é${plain.slice(at + 1)}`);
  }
  for (const text of sent) assert.equal(client.emit('Sample', { a: text, b: `${text}!` }), true);
  const events = await pendingEvents(client);
  assert.deepEqual(events.map(({ payload }) => [payload.a, payload.b]), sent.map((text) => [text, `${text}!`]));
});

test('events of different types in turn keep their own fields', async (t) => {
  const client = openClient(t);
  for (let i = 0; i < 6; i += 1) {
    assert.equal(client.emit('WorkspaceSelected', { isGitRepo: i % 2 === 0 }), true);
    assert.equal(client.emit('ToolCall', { toolName: `tool${i}`, success: true }), true);
    assert.equal(client.emit('NoSuchEvent', { toolName: 'x' }), false);
    assert.equal(client.emit(undefined, {}), false);
    assert.equal(client.emit('ToolCall', { toolName: `again${i}` }), true);
  }
  const events = await pendingEvents(client);
  assert.deepEqual(events.map((event) => event.event_type),
    Array.from({ length: 6 }, () => ['WorkspaceSelected', 'ToolCall', 'ToolCall']).flat());
  assert.deepEqual(events.slice(-2).map((event) => event.payload), [{ toolName: 'tool5', success: true }, { toolName: 'again5' }]);
});
