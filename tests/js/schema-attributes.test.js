'use strict';
// What is made from the schema's table of attributes: types, documents, the check of its changes.

const test = require('node:test');
const assert = require('node:assert/strict');
const { compare } = require('../../js/schema/ratchet');
const { docsOf } = require('../../js/schema/docs');
const { payloadSchema } = require('../../js/schema/jsonschema');
const { readModel } = require('../../js/schema/model');
const { typesOf } = require('../../js/schema/types');
const { schemaOf } = require('./helper');

/** @param {object} attributes @param {object} [more] members of the attrs field */
function model(attributes, more = {}, top = {}) {
  return readModel(JSON.stringify({ ...schemaOf({ a: { kind: 'attrs', ...more }, n: { kind: 'nanos' } }), attributes, ...top }), 'test');
}

const TABLE = { 'http.request.method': { kind: 'enum', values: ['GET'] }, 'service.name': { kind: 'id', note: 'The app' } };

test('changes of the table are judged as those of a field are', () => {
  const cases = [
    ['a new attribute', { ...TABLE, x: { kind: 'bool' } }, {}, 'attributes.x', 'widened', true],
    ['an attribute less', { 'service.name': TABLE['service.name'] }, {}, 'attributes.http.request.method', 'narrowed', false],
    ['a longer id', { ...TABLE, 'service.name': { kind: 'id', maxLength: 65, note: 'The app' } }, {}, 'attributes.service.name', 'widened', false],
    ['a more revealing kind', { ...TABLE, 'service.name': { kind: 'text', note: 'The app' } }, {}, 'attributes.service.name', 'widened', true],
    ['more members', TABLE, { maxItems: 33 }, 'Sample.a', 'widened', false],
    ['fewer members', TABLE, { maxItems: 31 }, 'Sample.a', 'narrowed', false],
  ];
  for (const [name, attributes, more, at, direction, person] of cases) {
    const { changes, missing } = compare(model(TABLE), model(attributes, more));
    assert.deepEqual(changes.map((change) => [change.at, change.direction, change.person]), [[at, direction, person]], name);
    assert.equal(missing.length, direction === 'narrowed' ? 0 : person ? 2 : 1, name);
  }
  assert.deepEqual(compare(model(TABLE), model(TABLE)).changes, []);
});

test('the types have the table once, and fields that refer to it', () => {
  const types = typesOf(model(TABLE));
  assert.match(types, /export interface Attributes \{\n  'http\.request\.method'\?: 'GET' \| null;/);
  assert.match(types, /'service\.name'\?: string \| null;/);
  assert.match(types, /  a\?: Attributes \| null;/);
  assert.match(types, /  n\?: bigint \| number \| string \| null;/);
});

test('the documents list every attribute', () => {
  const docs = docsOf(model(TABLE));
  assert.match(docs, /## Attributes\n/);
  assert.match(docs, /\| `service\.name` \| A technical name, up to 64 bytes \|.*\| The app \|/);
});

test('the JSON Schema of a payload closes the attributes too', () => {
  const { properties } = payloadSchema(model(TABLE).events[0]);
  assert.deepEqual(properties.n, { type: 'string', pattern: '^[0-9]{1,20}$' });
  assert.equal(properties.a.additionalProperties, false);
  assert.equal(properties.a.maxProperties, 32);
  assert.deepEqual(Object.keys(properties.a.properties), Object.keys(TABLE));
  assert.deepEqual(properties.a.properties['http.request.method'], { type: 'string', enum: ['GET'] });
});
