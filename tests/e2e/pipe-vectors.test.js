'use strict';
// The vectors that C and JavaScript run, against the collector over HTTP: it sanitises again with the
// same code, so raw input from a foreign sender comes out as it would have on the machine.

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { ROOT } = require('../js/helper.js');
const { line, payloadTexts, post } = require('./pipe-events.js');
const { startCollector } = require('./pipe-support.js');

const MESSAGE_MAX = 512; // Error.message in the catalogue
const STACK_MAX = 4096;

function vectorText(name) {
  return fs.readFileSync(path.join(ROOT, 'tests', 'vectors', name), 'utf8');
}

/** A vector a line: the payload's own text, so that 1e+300, -0.0 and duplicate keys arrive as written. */
function rawPayload(text) {
  const start = text.indexOf('"payload": ') + 11;
  const ends = [text.lastIndexOf(', "out": '), text.lastIndexOf(', "reject": ')].filter((at) => at > start);
  return text.slice(start, Math.max(...ends));
}

function sanitiseVectors() {
  return vectorText('sanitise.json').split('\n').filter((text) => text.includes('"name"')).map((text) => ({
    ...JSON.parse(text.replace(/,\s*$/, '')), raw: rawPayload(text),
  }));
}

function assertPayload(got, out, name) {
  const expected = JSON.stringify(out);
  assert.equal(expected.includes('"<hash>"') ? got.replace(/"[0-9a-f]{32}"/g, '"<hash>"') : got, expected, name);
}

/** POST one event and hand back the collector's word on it. */
async function postOne(collector, type, payload, id) {
  const { status, json, text } = await post(collector, line(type, payload, { correlation_id: id }));
  assert.equal(status, 202, text);
  return { result: json.results[0], adjusted: json.adjusted };
}

test('every sanitise vector comes back from the collector byte for byte', async (t) => {
  const vectors = sanitiseVectors();
  assert.equal(vectors.length, JSON.parse(vectorText('sanitise.json')).length);
  const collector = await startCollector(t);
  for (const [i, vector] of vectors.entries()) {
    const { result, adjusted } = await postOne(collector, vector.event, vector.raw, `v-${i}`);
    if (vector.reject !== undefined) {
      assert.deepEqual([result.status, result.reason], ['rejected', vector.reject], vector.name);
    } else {
      assert.equal(result.status, 'accepted', vector.name);
      assert.deepEqual(adjusted, vector.adjusted, vector.name);
    }
  }
  const stored = await payloadTexts(collector);
  assert.equal(stored.size, vectors.filter((vector) => vector.reject === undefined).length);
  vectors.forEach((vector, i) => {
    if (vector.reject === undefined) assertPayload(stored.get(`v-${i}`).text, vector.out, vector.name);
  });
});

test('what the collector stored passes it a second time unchanged and uncounted', async (t) => {
  const collector = await startCollector(t);
  const vectors = sanitiseVectors().filter((vector) => vector.reject === undefined);
  await post(collector, vectors.map((vector, i) => line(vector.event, vector.raw, { correlation_id: `a-${i}` })).join('\n'));
  const first = await payloadTexts(collector);
  const { json } = await post(collector, vectors.map((vector, i) =>
    line(vector.event, first.get(`a-${i}`).text, { correlation_id: `b-${i}` })).join('\n'));
  assert.equal(json.accepted, vectors.length);
  assert.deepEqual(json.adjusted, {});
  const second = await payloadTexts(collector);
  vectors.forEach((vector, i) => assert.equal(second.get(`b-${i}`).text, first.get(`a-${i}`).text, vector.name));
});

test('a well-formed hash passes the collector, anything else is hashed there with its own key', async (t) => {
  const collector = await startCollector(t);
  const other = await startCollector(t);
  const hash = 'a1'.repeat(16);
  const values = { ready: hash, raw: '/home/anna/secret-project', short: 'a1'.repeat(15), long: `${hash}0`, upper: hash.toUpperCase(), number: 42 };
  const seen = {};
  for (const [where, target] of [['here', collector], ['there', other]]) {
    await post(target, Object.entries(values).map(([name, value]) =>
      line('WorkspaceSelected', JSON.stringify({ workspaceHash: value }), { correlation_id: name })).join('\n'));
    const stored = await payloadTexts(target);
    seen[where] = Object.fromEntries([...stored].map(([name, { event }]) => [name, event.payload.workspaceHash]));
  }
  assert.equal(seen.here.ready, hash);
  for (const name of Object.keys(values)) assert.match(seen.here[name], /^[0-9a-f]{32}$/, name);
  for (const name of ['raw', 'short', 'long', 'upper', 'number']) {
    assert.notEqual(seen.here[name], String(values[name]).toLowerCase(), name);
    assert.notEqual(seen.here[name], seen.there[name], `${name}: two collectors have different peppers`);
  }
});

/** Vectors of free text through one field; those over its limit are skipped by name, counted. */
async function throughText(t, file, field, max) {
  const all = JSON.parse(vectorText(file));
  const fits = (vector) => Buffer.byteLength(vector.out) <= max;
  const long = all.filter((vector) => !fits(vector));
  t.diagnostic(`${file}: ${long.length} skipped, longer than ${max} bytes: ${long.map((vector) => vector.name).join(', ') || 'none'}`);
  const vectors = all.filter(fits);
  const collector = await startCollector(t);
  for (const [i, vector] of vectors.entries()) {
    const { result, adjusted } = await postOne(collector, 'Error', JSON.stringify({ [field]: vector.in }), `r-${i}`);
    assert.equal(result.status, 'accepted', vector.name);
    assert.deepEqual(adjusted, vector.found.length === 0 ? {} : { redacted: 1 }, vector.name);
  }
  const stored = await payloadTexts(collector);
  vectors.forEach((vector, i) => assertPayload(stored.get(`r-${i}`).text, { [field]: vector.out }, vector.name));
  return { vectors, long };
}

test('every redact vector is redacted by the collector', async (t) => {
  const { vectors, long } = await throughText(t, 'redact.json', 'message', MESSAGE_MAX);
  assert.ok(vectors.length >= 150);
  assert.ok(long.length <= 5, 'most vectors must fit the field, or this test shows little');
});

test('every stack vector is reduced by the collector', async (t) => {
  const { vectors } = await throughText(t, 'stack.json', 'stackTrace', STACK_MAX);
  assert.ok(vectors.length >= 25);
});

test('raw text of a redact vector is in no file of the collector', async (t) => {
  const collector = await startCollector(t);
  const marks = ['alice.planted@example.com', 'ghp_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5', '/home/alice/planted/secret.ts', '203.0.113.77'];
  await post(collector, marks.map((mark) => line('Error', JSON.stringify({ message: `before ${mark} after`, unknownField: mark }))).join('\n'));
  await collector.stop();
  const files = fs.readdirSync(collector.options.directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  assert.ok(files.length > 0);
  for (const entry of files) {
    const bytes = fs.readFileSync(path.join(entry.parentPath ?? entry.path, entry.name));
    for (const mark of marks) assert.equal(bytes.includes(mark), false, `${entry.name}: ${mark}`);
  }
  for (const mark of marks) assert.equal(collector.log.includes(mark), false);
});
