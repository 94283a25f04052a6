'use strict';
// A host that passes anything, awaits nothing and closes at the wrong moment: what was added around emit
// keeps emit's promises.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { open } = require('../../js');
const { NoopClient } = require('../../js/noop');
const { CandorMetricExporter, CandorSpanExporter } = require('../../js/otel');
const { PluginHost } = require('../../js/plugins');
const { openClient, pendingEvents, quiet, runScript, schemaOf, tempDir } = require('./helper.js');

const KEY = { id: 'k', key: Buffer.alloc(32, 7) };

function fails() {
  throw new Error('of the host');
}

const evil = new Proxy({}, { get: fails, has: fails, ownKeys: fails, getPrototypeOf: fails, getOwnPropertyDescriptor: fails });
const evilFunction = new Proxy(() => {}, { get: fails });
const evilText = { toString: fails, valueOf: fails, [Symbol.toPrimitive]: fails, toJSON: fails };

test('a span with a start that is no time starts now', async (t) => {
  const client = openClient(t);
  for (const startNs of [0, 1.5, NaN, '1', true, null, Symbol('s'), {}, Object.create(null), evil, evilText]) {
    assert.equal(client.startSpan('x', { startNs }).end(), true);
  }
  const events = await pendingEvents(client);
  assert.equal(events.length, 11);
  for (const { payload } of events) assert.ok(BigInt(payload.startNs) <= BigInt(payload.endNs));
});

test('a parent is read once, and only texts are ids', async (t) => {
  const client = openClient(t);
  let reads = 0;
  const parent = { get traceId() { return ++reads === 1 ? 'a'.repeat(32) : evilText; }, spanId: 'b'.repeat(16) };
  const span = client.startSpan('x', { parent });
  assert.equal(span.traceId, 'a'.repeat(32));
  assert.equal(reads, 1);
  const text = { toString: () => 'a'.repeat(32) };
  assert.equal(typeof client.startSpan('x', { parent: { traceId: text, spanId: 'b'.repeat(16) } }).traceId, 'string');
});

test('withSpan hands back whatever fn returns, a result whose then throws included', async (t) => {
  const client = openClient(t);
  const lazy = { then: fails };
  for (const result of [evil, evilFunction, lazy, Object.create(null), null]) {
    assert.equal(client.withSpan('x', () => result), result);
  }
  const events = await pendingEvents(client);
  assert.deepEqual(events.map((event) => [event.event_type, event.payload.status]), Array(5).fill(['span', 'unset']));
});

test('events with content take the active trace as correlation id, like all others', async (t) => {
  const client = openClient(t);
  await client.setFullContent(true);
  client.setKeys([KEY]);
  const traceId = client.withSpan('turn', (span) => {
    assert.equal(client.emit('ChatTurnFull', { model: 'm', prompt: 'p', response: 'r' }), true);
    return span.traceId;
  });
  const [turn] = await pendingEvents(client);
  assert.equal(turn.event_type, 'ChatTurnFull');
  assert.equal(turn.correlation_id, traceId);
});

test('beside content, nothing is read that the schema does not know, however deep a value is', async (t) => {
  const schema = schemaOf({
    note: { kind: 'content', maxBytes: 100 }, name: { kind: 'id' }, at: { kind: 'time' }, tags: { kind: 'list', of: { kind: 'id' }, max: 2 }, attrs: { kind: 'attrs' },
  });
  schema.attributes = { 'error.type': { kind: 'id' } };
  const client = openClient(t, { schema });
  await client.setFullContent(true);
  client.setKeys([KEY]);
  const trap = { get inside() { return fails(); }, toJSON: fails };
  const payload = { note: 'n', name: trap, at: new Date(1e12), tags: ['a', trap, 'b', 'c'], attrs: { 'error.type': 'x', other: trap } };
  assert.equal(client.emit('Sample', payload), true);
  assert.equal(client.emit('Sample', { name: 'n'.repeat(1e6), tags: new Array(1e6).fill('x') }), true);
  const [first] = await pendingEvents(client);
  assert.deepEqual(first.payload, { at: '2001-09-09T01:46:40.000Z', tags: ['a'], attrs: { 'error.type': 'x' } });
});

test('one record that cannot be read costs an OpenTelemetry export none of the others', async (t) => {
  const client = openClient(t);
  const span = (name) => ({
    name, kind: 0, spanContext: () => ({ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) }), startTime: [1, 0], endTime: [2, 0],
    duration: [1, 0], status: { code: 0 }, attributes: {}, events: [], resource: { attributes: {} },
  });
  const result = await new Promise((resolve) => {
    new CandorSpanExporter({ client }).export([span('one'), { ...span('bad'), spanContext: fails }, evil, null, span('two')], resolve);
  });
  assert.equal(result.code, 1);
  assert.match(result.error.message, /^3 records were not kept: bad_payload$/);
  assert.deepEqual((await pendingEvents(client)).map((event) => event.payload.name), ['one', 'two']);
  const nothing = await new Promise((resolve) => { new CandorMetricExporter({ client }).export(null, resolve); });
  assert.equal(nothing.code, 1);
});

test('two plugins of one name that are loaded at once are one, and closing the host stops a loading one', async (t) => {
  const file = path.join(tempDir(t), 'twin.wasm');
  // (module (memory 1 1) (export "memory") (export "_initialize"))
  fs.writeFileSync(file, Buffer.from('0061736d01000000010401600000030201000504010101010718020b5f696e697469616c697a650000066d656d6f727902000a040102000b', 'hex'));
  const host = new PluginHost(openClient(t));
  t.after(() => host.close());
  const [first, second] = await Promise.allSettled([host.load(file), host.load(file)]);
  assert.equal(first.status, 'fulfilled', String(first.reason));
  assert.match(String(second.reason?.message), /there is a plugin twin already/);
  const late = assert.rejects(host.load(file, { name: 'late' }), /closed before it was loaded/);
  await host.close();
  await late;
  assert.deepEqual(host.status(), []);
});

test('promises of a client that does nothing may be ignored, and its answers have their shape', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  const { code, stderr, stdout } = await runScript(`
    const { NoopClient } = require(${JSON.stringify(path.join(__dirname, '..', '..', 'js', 'noop.js'))});
    const client = new NoopClient('why');
    for (const call of ['flush', 'upload', 'export', 'purge', 'setMode', 'setEnabled', 'setLevel', 'setGdpr', 'acknowledgeNotice', 'setFullContent', 'configure']) client[call](true);`, directory);
  assert.deepEqual([code, stderr, stdout], [0, '', '']);
  assert.deepEqual(new NoopClient('why').stats(), { since: null, hours: [], types: [] });
});

test('a keyProvider that throws, rejects, hangs or answers late brings nothing down', async (t) => {
  const { code, stderr, stdout } = await runScript(`
    const late = () => new Promise((resolve) => setTimeout(resolve, 20, [{ id: 'k', key: Buffer.alloc(32) }]));
    const evil = { get message() { throw new Error('message'); }, get stack() { throw new Error('stack'); } };
    const providers = [() => { throw evil; }, () => Promise.reject(evil), async () => null, () => Promise.reject(null), () => new Promise(() => {}), late];
    for (const [i, keyProvider] of providers.entries()) {
      const client = candor.open({ ...options, directory: options.directory + i, keyProvider });
      client.emit('SessionStart');
      client.close();
    }`, path.join(tempDir(t), 'spool'));
  assert.deepEqual([code, stderr, stdout], [0, '', '']);
});

test('captureUncaught on a closed client leaves no listener', (t) => {
  const client = open(quiet(path.join(tempDir(t), 'spool')));
  client.close();
  const before = process.listenerCount('uncaughtExceptionMonitor');
  client.captureUncaught()();
  client.captureUncaught();
  assert.equal(process.listenerCount('uncaughtExceptionMonitor'), before);
});
