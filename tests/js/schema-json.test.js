'use strict';
// The JSON Schema of a payload fits what the sanitiser writes, and nothing that it would not write.

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { payloadSchema, jsonSchemaOf } = require('../../js/schema/jsonschema');
const { readModel } = require('../../js/schema/model');
const { ROOT, schemaOf } = require('./helper');

const HASH = '0'.repeat(32);
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const TYPES = {
  object: (v) => typeof v === 'object' && v !== null && !Array.isArray(v),
  array: Array.isArray, string: (v) => typeof v === 'string', boolean: (v) => typeof v === 'boolean',
  number: (v) => typeof v === 'number', integer: Number.isInteger,
};

/** The part of JSON Schema that payloadSchema uses; an unknown keyword fails. */
const KEYWORDS = {
  description: () => true,
  type: (v, type) => TYPES[type](v),
  additionalProperties: () => true, // with properties
  properties: (v, properties) => Object.keys(v).every((key) => Object.hasOwn(properties, key) && fits(v[key], properties[key])),
  items: (v, items) => v.every((one) => fits(one, items)),
  maxItems: (v, max) => v.length <= max,
  maxProperties: (v, max) => Object.keys(v).length <= max,
  enum: (v, values) => values.includes(v),
  minimum: (v, min) => v >= min,
  maximum: (v, max) => v <= max,
  maxLength: (v, max) => [...v].length <= max,
  pattern: (v, pattern) => new RegExp(pattern, 'u').test(v),
  format: (v, format) => format === 'date-time' && TIME.test(v),
};

function fits(value, schema) {
  return Object.entries(schema).every(([keyword, rule]) => KEYWORDS[keyword](value, rule));
}

function schemas(text) {
  return new Map(readModel(text, 'test').events.map((event) => [event.name, payloadSchema(event)]));
}

test('every output of the sanitise vectors fits the schema of its event', () => {
  const vectors = JSON.parse(fs.readFileSync(path.join(ROOT, 'tests', 'vectors', 'sanitise.json'), 'utf8'));
  const known = schemas(fs.readFileSync(path.join(ROOT, 'schema', 'default.json'), 'utf8'));
  const outputs = vectors.filter((vector) => vector.out !== undefined);
  assert.ok(outputs.length >= 50);
  for (const { name, event, out } of outputs) {
    const payload = JSON.parse(JSON.stringify(out).replaceAll('"<hash>"', `"${HASH}"`));
    assert.ok(fits(payload, known.get(event)), `${name}: ${JSON.stringify(payload)}`);
  }
});

test('what the sanitiser would not write does not fit', () => {
  const [schema] = schemas(JSON.stringify(schemaOf({
    i: { kind: 'int', min: 0, max: 5 }, n: { kind: 'number', max: 2 }, d: { kind: 'duration' }, b: { kind: 'bool' }, t: { kind: 'time' },
    e: { kind: 'enum', values: ['a'], other: 'z' }, id: { kind: 'id', maxLength: 3 }, k: { kind: 'bucket', bounds: [0, 10] }, h: { kind: 'hash' },
    x: { kind: 'text', maxLength: 3 }, s: { kind: 'stack', maxLength: 3 }, l: { kind: 'list', of: { kind: 'bool' }, max: 1 }, c: { kind: 'content' },
  }))).values();
  const right = { i: 5, n: -1.5, d: 0, b: true, t: '2026-11-21T09:52:00.123Z', e: 'z', id: 'a:b', k: 10, h: HASH, x: 'abc', s: '1:2', l: [false] };
  assert.ok(fits(right, schema));
  const wrong = {
    i: [6, 1.5, '1'], n: [2.5], d: [-1], b: [1, null], t: [0, 'today'], e: ['b'], id: ['a b', 'abcd'], k: [5], h: ['x', HASH.toUpperCase() + 'A'],
    x: ['abcd', 1], s: ['1:2:3'], l: [[true, true], [1], true], c: ['content'], unknown: [1],
  };
  for (const [key, values] of Object.entries(wrong)) {
    for (const value of values) assert.ok(!fits({ [key]: value }, schema), `${key}: ${JSON.stringify(value)}`);
  }
});

test('the document has every event under $defs', () => {
  const text = fs.readFileSync(path.join(ROOT, 'schema', 'default.json'), 'utf8');
  assert.deepEqual(Object.keys(JSON.parse(jsonSchemaOf(readModel(text, 'x'))).$defs), Object.keys(JSON.parse(text).events));
});
