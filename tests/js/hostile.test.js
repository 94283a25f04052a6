'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const { openClient, pendingEvents, schemaOf } = require('./helper');

const MIXED = schemaOf({
  n: { kind: 'int', min: 0, max: 1e9 }, s: { kind: 'text', maxLength: 100 }, id: { kind: 'id', maxLength: 16 }, h: { kind: 'hash' },
  e: { kind: 'enum', values: ['a', 'b'] }, l: { kind: 'list', of: { kind: 'text', maxLength: 64 }, max: 8 }, t: { kind: 'time' },
});

/** Nothing is thrown, and the next event is untouched by what came before. @returns the payload kept */
async function survive(t, payload, meta) {
  const client = openClient(t, { schema: MIXED });
  const kept = client.emit('Sample', payload, meta);
  assert.equal(client.emit('Sample', { n: 7 }), true);
  const events = await pendingEvents(client);
  assert.equal(events.length, kept ? 2 : 1);
  assert.deepEqual(events[events.length - 1].payload, { n: 7 });
  assert.equal(client.status().dropped.bad_payload, kept ? 0 : 1);
  return kept ? events[0].payload : undefined;
}

const thrower = (what) => ({ n: 1, get s() { throw what; } });

for (const [name, payload, meta] of [
  ['a getter that throws', thrower(new Error('no'))],
  ['a getter that throws undefined', thrower(undefined)],
  ['a Proxy that throws', new Proxy({}, { get() { throw new Error('no'); } })],
  ['a list whose element throws', { l: Object.defineProperty(['a'], 0, { get() { throw new Error('no'); } }) }],
  ['a correlation id that throws', { n: 1 }, { get correlationId() { throw new Error('no'); } }],
]) {
  test(`${name} is a bad payload`, async (t) => assert.equal(await survive(t, payload, meta), undefined));
}

test('a revoked Proxy is a bad payload', async (t) => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  assert.equal(await survive(t, proxy), undefined);
});

test('a Proxy is read once a field, and only the fields of the schema', async (t) => {
  const read = [];
  const payload = new Proxy({}, { get(_, key) { read.push(key); return undefined; } });
  assert.deepEqual(await survive(t, payload), {});
  assert.deepEqual(read, ['n', 's', 'id', 'h', 'e', 'l', 't']);
});

test('objects with hostile conversions are of a wrong type, and never converted', async (t) => {
  const boom = { toString() { throw new Error('s'); }, valueOf() { throw new Error('v'); }, toJSON() { throw new Error('j'); } };
  assert.deepEqual(await survive(t, { n: boom, s: boom, id: boom, h: boom, e: boom, l: [boom, 'ok'], t: boom }), { l: ['ok'] });
});

test('a cyclic payload is read like any other', async (t) => {
  const payload = { n: 3 };
  payload.s = payload;
  payload.l = [payload, 'x'];
  assert.deepEqual(await survive(t, payload), { n: 3, l: ['x'] });
});

test('__proto__ and inherited names are no fields', async (t) => {
  const schema = schemaOf({ constructor: { kind: 'text', maxLength: 50 }, toString: { kind: 'text', maxLength: 50 }, n: { kind: 'bool' } });
  const client = openClient(t, { schema });
  client.emit('Sample', JSON.parse('{"__proto__": {"n": true}, "n": false}'));
  client.emit('Sample', { constructor: 'mine', n: true });
  const payloads = (await pendingEvents(client)).map((event) => event.payload);
  assert.deepEqual(Object.entries(payloads[0]), [['n', false]]);
  assert.deepEqual(Object.entries(payloads[1]), [['constructor', 'mine'], ['n', true]]);
  assert.equal(client.status().adjusted.bad_type, 0);
});

test('strings of ten megabytes are cut, not refused', async (t) => {
  const big = 'word '.repeat(2e6);
  const payload = await survive(t, { s: big, id: big, h: big, e: big, l: [big, big] });
  assert.ok(payload.s.length <= 100 && payload.s.startsWith('word word'));
  assert.match(payload.h, /^[0-9a-f]{32}$/);
  assert.equal(payload.l.length, 2);
  assert.equal('id' in payload, false);
});

test('a list of a million elements is cut', async (t) => {
  const payload = await survive(t, { l: new Array(1e6).fill('x') });
  assert.deepEqual(payload, { l: new Array(8).fill('x') });
});

test('a sparse list of the greatest length does not hang', async (t) => {
  const sparse = [];
  sparse.length = 4294967295;
  assert.deepEqual(await survive(t, { l: sparse }), { l: [] });
});

test('a getter that emits does not disturb the outer event', async (t) => {
  const client = openClient(t, { schema: MIXED });
  let inner;
  const outer = { n: 1, get s() { inner = client.emit('Sample', { n: 2, s: 'inner' }, { correlationId: 'c-1' }); return 'outer'; }, id: 'after' };
  assert.equal(client.emit('Sample', outer), true);
  assert.equal(inner, true);
  const events = await pendingEvents(client);
  assert.deepEqual(events.map((event) => event.payload), [{ n: 2, s: 'inner' }, { n: 1, s: 'outer', id: 'after' }]);
  assert.equal(events[0].correlation_id, 'c-1');
});

test('a getter that emits its own payload comes to an end', async (t) => {
  const client = openClient(t, { schema: MIXED });
  const payload = { n: 1, get s() { client.emit('Sample', payload); return 'x'; } };
  assert.equal(client.emit('Sample', payload), true);
  const events = await pendingEvents(client);
  assert.equal(events.length, 2);
  assert.equal(client.status().dropped.bad_payload, 1);
});

test('a getter that closes the client ends in a counted refusal', (t) => {
  const client = openClient(t, { schema: MIXED });
  assert.equal(client.emit('Sample', { get n() { client.close(); return 1; } }), false);
  assert.equal(client.emit('Sample', { n: 1 }), false);
});

test('emit on an exhausted stack returns a boolean', (t) => {
  const client = openClient(t, { schema: MIXED });
  const results = new Set();
  const dive = () => {
    try {
      dive();
    } catch {
      // Unwinding: there is little stack, then more and more.
    }
    results.add(client.emit('Sample', { n: 1, s: 'deep' }));
  };
  try {
    dive();
  } catch (error) {
    assert.ok(error instanceof RangeError); // of dive itself, where not even a call fits
  }
  assert.ok(results.has(true));
  assert.equal(client.emit('Sample', { n: 2 }), true);
});

test('random payloads never throw and never spoil the next event', async (t) => {
  const client = openClient(t, { schema: MIXED });
  let seed = 12345;
  const next = (n) => { seed = (seed * 1103515245 + 12345) & 0x7fffffff; return seed % n; };
  const values = [undefined, null, 0, -1, NaN, Infinity, 2 ** 53, 1n, 'a', '', '\ud800', 'x'.repeat(47), 'é'.repeat(48), 'y'.repeat(49),
    true, [], ['a', null, 7], {}, () => 1, Symbol('s'), new Date(0), new Date(NaN), new Map(), Buffer.from('b'), new Array(5), [[['d']]]];
  let kept = 0;
  for (let i = 0; i < 2000; i++) {
    const payload = {};
    for (const key of ['n', 's', 'id', 'h', 'e', 'l', 't', 'zzz']) if (next(3) > 0) payload[key] = values[next(values.length)];
    if (client.emit('Sample', payload)) kept++;
    assert.equal(client.emit('Sample', { n: i }), true);
  }
  assert.equal(kept, 2000);
  await client.flush();
  assert.equal(client.status().kept, 4000);
});

test('emit at the end of the stack leaves nothing behind', async (t) => {
  const client = openClient(t, { schema: MIXED });
  let left = 400; // of one batch, and far enough from the end for a whole emit
  const emitAtEveryDepth = () => {
    try {
      emitAtEveryDepth();
    } catch {
      // the stack's end, where emit itself may not be entered any more
    }
    if (left-- <= 0) return;
    try {
      client.emit('Sample', { n: 1, s: 'text', h: 'hash', l: ['a'] });
    } catch {
      // as above
    }
  };
  try {
    emitAtEveryDepth();
  } catch {
    // as above
  }
  const read = [];
  const payload = { n: 7, get notInTheSchema() { read.push('read'); return 1; } };
  assert.equal(client.emit('Sample', payload), true);
  assert.deepEqual(read, [], 'an emit that is taken for a nested one reads everything');
  const events = await pendingEvents(client);
  assert.deepEqual(events[events.length - 1].payload, { n: 7 });
});
