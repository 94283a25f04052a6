'use strict';
// The vectors that C and the collector run, through the typed encoders: what reaches the spool must be
// the same, byte for byte.

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { ROOT, openClient, pendingText, payloadText, schemaOf } = require('./helper');

const vectors = JSON.parse(fs.readFileSync(path.join(ROOT, 'tests', 'vectors', 'sanitise.json'), 'utf8'));
const catalogue = JSON.parse(fs.readFileSync(path.join(ROOT, 'schema', 'default.json'), 'utf8'));

/** Aliases are for JSON from elsewhere; JavaScript reads a field by its name in the schema. */
function usesAlias(vector) {
  const fields = Object.keys(catalogue.events[vector.event]?.fields ?? {});
  const aliases = fields.map((name) => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)).filter((name) => !fields.includes(name));
  return Object.keys(vector.payload ?? {}).some((key) => aliases.includes(key));
}

/** A vector says "<hash>" where the salt of the install decides. */
function hideHashes(text) {
  return text.replace(/"[0-9a-f]{32}"/g, '"<hash>"');
}

/** Where a vector says "<hash>", the spool may only hold one; anything else is compared as it is. */
function normalise(actual, expected) {
  return expected.includes('"<hash>"') ? hideHashes(actual) : actual;
}

test('there are vectors of every kind of the default catalogue', () => {
  assert.ok(vectors.length >= 50);
});

test('every vector reaches the spool as it says', async (t) => {
  const client = openClient(t);
  const kept = [];
  const adjusted = () => client.status().adjusted;
  for (const vector of vectors.filter((v) => !usesAlias(v))) {
    const before = adjusted();
    const refusals = client.status().dropped;
    const result = client.emit(vector.event, vector.payload);
    assert.equal(result, vector.reject === undefined, vector.name);
    if (vector.reject !== undefined) {
      assert.equal(client.status().dropped[vector.reject], refusals[vector.reject] + 1, vector.name);
      continue;
    }
    kept.push(vector);
    const now = adjusted();
    const delta = Object.fromEntries(Object.keys(now).map((key) => [key, now[key] - before[key]]).filter(([, n]) => n !== 0));
    // What is not in the schema is never read here, so it cannot be counted.
    const { unknown_field: _, ...expected } = vector.adjusted;
    assert.deepEqual(delta, expected, vector.name);
  }
  const lines = await pendingText(client);
  assert.equal(lines.length, kept.length);
  lines.forEach((line, i) => {
    const expected = JSON.stringify(kept[i].out);
    assert.equal(normalise(payloadText(line), expected), expected, kept[i].name);
  });
});

/** Every kind, also as list elements, with what must come out. */
const KINDS = {
  int: { field: { kind: 'int', min: 0, max: 100 }, good: [[5, 5], [5n, 5], [7.6, 8], [-3, 0], [1e9, 100], [Infinity, 100]], bad: ['5', true, NaN, {}, [], new Date(0)] },
  number: { field: { kind: 'number', min: -1, max: 1, decimals: 2 }, good: [[0.127, 0.13], [-0, 0], [5, 1]], bad: ['0.1', false, NaN, Symbol('x')] },
  duration: { field: { kind: 'duration', unit: 'ms' }, good: [[1.23456, 1.235], [0, 0]], bad: ['1', null] },
  bool: { field: { kind: 'bool' }, good: [[true, true], [false, false]], bad: [1, 0, 'true', {}] },
  time: {
    field: { kind: 'time' },
    good: [
      [1700000000123, '2023-11-14T22:13:20.123Z'], [new Date(1700000000123), '2023-11-14T22:13:20.123Z'],
      ['2023-11-14T23:13:20.1239+01:00', '2023-11-14T22:13:20.123Z'], ['2016-12-31T23:59:60Z', '2016-12-31T23:59:59.999Z'],
      ['2024-02-29t00:00:00z', '2024-02-29T00:00:00.000Z'],
    ],
    bad: ['2023-02-29T00:00:00Z', '2023-11-14', 'now', 'Tue, 14 Nov 2023 22:13:20 GMT', new Date(NaN), NaN, {}, true, 1e18],
  },
  enum: { field: { kind: 'enum', values: ['a', 'b', 'other'], other: 'other' }, good: [['a', 'a'], ['zzz', 'other'], ['__proto__', 'other'], ['', 'other']], bad: [0, 1, true, {}] },
  id: { field: { kind: 'id', maxLength: 8 }, good: [['abc-1', 'abc-1'], ['12345678', '12345678']], bad: ['123456789', 'a b', '', 'é', 7, {}, 'x'.repeat(1e6)] },
  bucket: { field: { kind: 'bucket', bounds: [0, 10, 100] }, good: [[5, 0], [10, 10], [1e9, 100], [-5, 0]], bad: ['5', NaN] },
  text: { field: { kind: 'text', maxLength: 20 }, good: [['hello', 'hello'], ['', ''], ['mail bob@example.com', 'mail <email>']], bad: [7, {}, [], true] },
};

for (const [kind, { field, good, bad }] of Object.entries(KINDS)) {
  test(`a field of kind ${kind} takes what it should and nothing else`, async (t) => {
    const client = openClient(t, { schema: schemaOf({ v: field }) });
    for (const [value] of good) assert.equal(client.emit('Sample', { v: value }), true);
    for (const value of bad) assert.equal(client.emit('Sample', { v: value }), true);
    const payloads = (await pendingText(client)).map(payloadText);
    good.forEach(([value, out], i) => assert.equal(payloads[i], JSON.stringify({ v: out }), String(value)));
    bad.forEach((value, i) => assert.equal(payloads[good.length + i], '{}', String(value)));
    const { bad_type: types, bad_value: values } = client.status().adjusted;
    assert.equal(types + values, bad.filter((value) => value !== null).length);
  });

  test(`a list of ${kind} keeps good elements in order and drops the others`, async (t) => {
    const client = openClient(t, { schema: schemaOf({ v: { kind: 'list', of: field, max: 64 } }) });
    const mixed = good.flatMap(([value], i) => [value, bad[i % bad.length], undefined]);
    assert.equal(client.emit('Sample', { v: mixed }), true);
    const [payload] = (await pendingText(client)).map(payloadText);
    assert.equal(payload, JSON.stringify({ v: good.map(([, out]) => out) }));
  });
}

test('a hash is of the text, whichever type the value has', async (t) => {
  const client = openClient(t, { schema: schemaOf({ v: { kind: 'hash' } }) });
  for (const v of ['42', 42, 42n, '0.5', 0.5]) assert.equal(client.emit('Sample', { v }), true);
  for (const v of [NaN, true, {}, 1e300]) assert.equal(client.emit('Sample', { v }), true);
  const events = (await pendingText(client)).map((line) => JSON.parse(line).payload.v);
  assert.match(events[0], /^[0-9a-f]{32}$/);
  assert.equal(events[1], events[0]);
  assert.equal(events[2], events[0]);
  assert.equal(events[4], events[3]);
  assert.notEqual(events[3], events[0]);
  assert.deepEqual(events.slice(5), [undefined, undefined, undefined, undefined]);
});

test('nanoseconds are taken as bigint, integer or digits, to the last of 64 bits', async (t) => {
  const client = openClient(t, { schema: schemaOf({ v: { kind: 'nanos' } }) });
  const good = [[0, '0'], [0n, '0'], ['00', '0'], [2 ** 53 - 1, '9007199254740991'], [2 ** 63, '9223372036854775808'], [2n ** 64n - 1n, '18446744073709551615'],
    ['18446744073709551615', '18446744073709551615'], [1763735922123456789n, '1763735922123456789'], [4294967296, '4294967296'], [4294967295, '4294967295']];
  const bad = [-1, -1n, 0.5, NaN, Infinity, 2 ** 64, 2n ** 64n, '18446744073709551616', '', ' 1', '1e3', '0x1', '٣', true, {}, [], new Date(0)];
  for (const [v] of good) assert.equal(client.emit('Sample', { v }), true);
  for (const v of bad) assert.equal(client.emit('Sample', { v }), true);
  const payloads = (await pendingText(client)).map(payloadText);
  assert.deepEqual(payloads, [...good.map(([, out]) => `{"v":"${out}"}`), ...bad.map(() => '{}')]);
  assert.equal(client.status().adjusted.bad_type, bad.length);
});

test('content is withheld from ordinary events, and counted', async (t) => {
  const client = openClient(t, { schema: schemaOf({ v: { kind: 'content', maxBytes: 1000 }, n: { kind: 'bool' } }) });
  if (client.emit('Sample', { v: 'the secret text', n: true })) {
    const [line] = await pendingText(client);
    assert.ok(!line.includes('secret'));
    assert.equal(client.status().adjusted.content_withheld, 1);
  }
});

test('a list longer than its limit is cut and counted', async (t) => {
  const client = openClient(t, { schema: schemaOf({ v: { kind: 'list', of: { kind: 'int', min: 0, max: 1e6 }, max: 3 } }) });
  client.emit('Sample', { v: [1, 2, 3, 4, 5] });
  client.emit('Sample', { v: ['bad', 2, 3, 4] });
  client.emit('Sample', { v: [] });
  const payloads = (await pendingText(client)).map(payloadText);
  assert.deepEqual(payloads, ['{"v":[1,2,3]}', '{"v":[2,3]}', '{"v":[]}']);
  assert.equal(client.status().adjusted.list_cut >= 2, true);
});

test('sixty-four fields keep their order and their presence', async (t) => {
  const fields = {};
  for (let i = 0; i < 64; i++) fields[`f${i}`] = { kind: 'int', min: 0, max: 100 };
  const client = openClient(t, { schema: schemaOf(fields) });
  const all = Object.fromEntries(Object.keys(fields).map((name, i) => [name, i]));
  const some = { f63: 63, f32: 32, f31: 31, f0: 0 };
  client.emit('Sample', all);
  client.emit('Sample', some);
  const payloads = (await pendingText(client)).map(payloadText);
  assert.equal(payloads[0], JSON.stringify(all));
  assert.equal(payloads[1], '{"f0":0,"f31":31,"f32":32,"f63":63}');
});

test('more event types than there are readers are encoded all the same', async (t) => {
  const schema = schemaOf({});
  const template = schema.events.Sample;
  const fields = (n) => Object.fromEntries(Array.from({ length: 1 + n % 19 }, (_, i) => [`e${n}f${i}`, { kind: 'int', min: 0, max: 1e6 }]));
  for (let n = 0; n < 80; n++) schema.events[`Event${n}`] = { ...template, fields: fields(n) };
  const client = openClient(t, { schema });
  const expected = [];
  for (let round = 0; round < 3; round++) {
    for (let n = 0; n < 80; n++) {
      const payload = Object.fromEntries(Object.keys(fields(n)).filter((_, i) => (i + round) % 3 !== 0).map((key, i) => [key, n * 100 + i]));
      assert.equal(client.emit(`Event${n}`, payload), true);
      expected.push(JSON.stringify(payload));
    }
  }
  assert.deepEqual((await pendingText(client)).map(payloadText), expected);
});
