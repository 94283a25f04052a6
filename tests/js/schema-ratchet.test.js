'use strict';
// What counts as wider, what as narrower, and what each of them demands.

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { KINDS } = require('../../js/schema/kinds');
const { readModel } = require('../../js/schema/model');
const { compare } = require('../../js/schema/ratchet');
const { ROOT, schemaOf } = require('./helper');

/** @param {object} schema */
const model = (schema) => readModel(JSON.stringify(schema), 'test.json');
const raised = (schema, by) => ({ ...schema, ...Object.fromEntries(by.map((key) => [key, schema[key] + 1])) });

/** Name, the less and the more revealing definition of one field, whether more is about people. */
const FIELDS = [
  ['a longer id', { kind: 'id', maxLength: 32 }, { kind: 'id' }, false],
  ['a longer text', { kind: 'text' }, { kind: 'text', maxLength: 513 }, false],
  ['a longer stack', { kind: 'stack', maxLength: 100 }, { kind: 'stack', maxLength: 200 }, false],
  ['more content', { kind: 'content', maxBytes: 10 }, { kind: 'content' }, true],
  ['a longer list', { kind: 'list', of: { kind: 'id' }, max: 3 }, { kind: 'list', of: { kind: 'id' } }, false],
  ['a list instead of one', { kind: 'bool' }, { kind: 'list', of: { kind: 'bool' } }, false],
  ['longer elements', { kind: 'list', of: { kind: 'id', maxLength: 8 } }, { kind: 'list', of: { kind: 'id' } }, false],
  ['a lower min', { kind: 'int', min: 0 }, { kind: 'int' }, false],
  ['a higher max', { kind: 'int', max: 10 }, { kind: 'int', max: 11 }, false],
  ['a wider range of a number', { kind: 'number', min: 0, max: 1 }, { kind: 'number', min: 0, max: 2 }, false],
  ['more decimals', { kind: 'number', decimals: 2 }, { kind: 'number' }, false],
  ['more decimals of a duration', { kind: 'duration', decimals: 0 }, { kind: 'duration' }, false],
  ['a finer unit of a duration', { kind: 'duration', unit: 's' }, { kind: 'duration', unit: 'ms' }, false],
  ['a longer unit of the same step', { kind: 'duration', unit: 'ms', decimals: 0 }, { kind: 'duration', unit: 's', decimals: 3 }, false],
  ['finer buckets', { kind: 'bucket', bounds: [0, 100] }, { kind: 'bucket', bounds: [0, 50, 100] }, false],
  ['a new enum value', { kind: 'enum', values: ['a'] }, { kind: 'enum', values: ['a', 'b'] }, false],
  ['a word for unknown ones', { kind: 'enum', values: ['a', 'b'] }, { kind: 'enum', values: ['a', 'b'], other: 'b' }, false],
  ['a new word for unknown ones', { kind: 'enum', values: ['a'] }, { kind: 'enum', values: ['a'], other: 'other' }, false],
];

/** Every kind, from the least to the most revealing; those of one row are as revealing as each other. */
const ORDER = [
  [{ kind: 'bool' }], [{ kind: 'bucket', bounds: [0, 1] }], [{ kind: 'enum', values: ['a'] }],
  [{ kind: 'int' }, { kind: 'number' }, { kind: 'duration' }, { kind: 'time' }],
  [{ kind: 'hash' }], [{ kind: 'id' }], [{ kind: 'text' }], [{ kind: 'stack' }], [{ kind: 'content' }],
];

function expectWider(name, less, more, person) {
  test(`${name} is wider: ${person ? 'version and notice' : 'the version'} must be raised`, () => {
    const verdict = compare(model(less), model(more));
    assert.deepEqual(verdict.changes.map((change) => [change.direction, change.person]), [['widened', person]], JSON.stringify(verdict));
    assert.equal(verdict.ok, false);
    assert.deepEqual(verdict.missing.map((text) => /"(\w+)"/.exec(text)?.[1]), person ? ['version', 'notice'] : ['version']);
    assert.equal(compare(model(less), model(raised(more, ['version']))).ok, !person);
    assert.equal(compare(model(less), model(raised(more, ['notice']))).ok, false);
    assert.equal(compare(model(less), model(raised(more, ['version', 'notice']))).ok, true);
  });
  test(`the way back from ${name} is narrower and free`, () => {
    const verdict = compare(model(more), model(less));
    assert.deepEqual(verdict.changes.map((change) => [change.direction, change.person]), [['narrowed', false]], JSON.stringify(verdict));
    assert.deepEqual([verdict.ok, verdict.missing], [true, []]);
  });
}

for (const [name, less, more, person] of FIELDS) expectWider(name, schemaOf({ f: less }), schemaOf({ f: more }), person);

const event = (more) => schemaOf({ f: { kind: 'bool' } }, more);
const without = (() => {
  const schema = event();
  schema.events.Other = schema.events.Sample;
  return schema;
})();
expectWider('a new event', event(), without, true);
expectWider('a new field', schemaOf({ f: { kind: 'bool' } }), schemaOf({ f: { kind: 'bool' }, g: { kind: 'bool' } }), true);
expectWider('a level that fewer people have to allow', event({ level: 'usage' }), event({ level: 'error' }), true);
expectWider('the level crash instead of error', event({ level: 'error' }), event({ level: 'crash' }), true);
expectWider('a higher share', event({ sample: 0.1 }), event(), false);
expectWider('a later expiry', event({ expires: '2030-01-01' }), event({ expires: '2031-01-01' }), false);

for (let i = 1; i < ORDER.length; i++) {
  for (const more of ORDER[i]) {
    const less = ORDER[i - 1][0];
    expectWider(`${more.kind} instead of ${less.kind}`, schemaOf({ f: less }), schemaOf({ f: more }), true);
  }
}
expectWider('a list of text instead of hashes', schemaOf({ f: { kind: 'list', of: { kind: 'hash' } } }), schemaOf({ f: { kind: 'list', of: { kind: 'text' } } }), true);

test('another kind that reveals as much is wider in both directions, without the notice', () => {
  for (const a of ORDER[3]) {
    for (const b of ORDER[3].filter((other) => other !== a)) {
      const { changes } = compare(model(schemaOf({ f: a })), model(schemaOf({ f: b })));
      assert.deepEqual(changes.map((change) => [change.direction, change.person]), [['widened', false]]);
    }
  }
});

test('moved buckets and exchanged words are wider, whatever else they lose', () => {
  for (const [a, b] of [
    [{ kind: 'bucket', bounds: [0, 10] }, { kind: 'bucket', bounds: [0, 11] }],
    [{ kind: 'enum', values: ['a'] }, { kind: 'enum', values: ['b'] }],
  ]) {
    const verdict = compare(model(schemaOf({ f: a })), model(schemaOf({ f: b })));
    assert.deepEqual(verdict.changes.map((change) => change.direction), ['widened', 'narrowed']);
    assert.equal(verdict.ok, false);
  }
});

test('documentation, order and defaults that are written out change nothing', () => {
  const a = schemaOf({ f: { kind: 'int', unit: 'files' }, g: { kind: 'id' }, e: { kind: 'enum', values: ['a', 'b'] } });
  const b = schemaOf({ e: { kind: 'enum', values: ['b', 'a'] }, g: { kind: 'id', maxLength: 64 }, f: { kind: 'int', note: 'n', unit: 'items' } }, {
    owner: 'others', purpose: 'Another purpose', category: 'tests', sample: 1, chart: { by: 'e' },
  });
  const verdict = compare(model(a), model(b));
  assert.ok(verdict.changes.length >= 5);
  assert.deepEqual([...new Set(verdict.changes.map((change) => change.direction))], ['same']);
  assert.equal(verdict.ok, true);
});

test('the same schema has no changes', () => {
  const text = fs.readFileSync(path.join(ROOT, 'schema', 'default.json'), 'utf8');
  assert.deepEqual(compare(readModel(text, 'a'), readModel(text, 'b')), { ok: true, changes: [], missing: [] });
});

test('version and notice may not go back', () => {
  const verdict = compare(model({ ...event(), version: 3, notice: 2 }), model({ ...event(), version: 2, notice: 1 }));
  assert.equal(verdict.ok, false);
  assert.equal(verdict.missing.length, 2);
});

test('a roll-up that goes, or changes, needs the notice; one that comes does not', () => {
  const plain = model(event());
  const rolled = { ...plain, events: plain.events.map((e) => ({ ...e, rollup: { into: 'usage_rollup' } })) };
  const other = { ...plain, events: plain.events.map((e) => ({ ...e, rollup: { into: 'another' } })) };
  const directions = (a, b) => compare(a, b).changes.map((change) => [change.direction, change.person]);
  assert.deepEqual(directions(rolled, plain), [['widened', true]]);
  assert.deepEqual(directions(rolled, other), [['widened', true]]);
  assert.deepEqual(directions(plain, rolled), [['narrowed', false]]);
});

test('what a newer format adds counts as wider, about people', () => {
  const a = model(event());
  const [first] = a.events;
  const changed = [
    { ...a, more: { attributes: {} } },
    { ...a, events: [{ ...first, more: { trigger: 'x' } }] },
    { ...a, events: [{ ...first, fields: [{ ...first.fields[0], precision: 3 }] }] },
  ];
  for (const b of changed) {
    assert.deepEqual(compare(a, b).missing.length, 2, JSON.stringify(b));
  }
});

test('every kind of the format has its words, its type and its rank', () => {
  const meta = JSON.parse(fs.readFileSync(path.join(ROOT, 'schema', 'candor.schema.json'), 'utf8'));
  const kinds = Object.values(meta.$defs).map((def) => def.properties?.kind?.const).filter((kind) => kind !== undefined && kind !== 'list');
  assert.ok(kinds.length >= 12);
  for (const kind of kinds) assert.ok(Object.hasOwn(KINDS, kind), `kind "${kind}" needs a row in js/schema/kinds.js, and in compare.js and jsonschema.js where it has members`);
  for (const kind of ORDER.flat()) assert.ok(kinds.includes(kind.kind));
});
