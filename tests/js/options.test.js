'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { open, settings, TelemetryError } = require('../../js');
const { ROOT, tempDir, quiet, openClient, schemaOf } = require('./helper');

test('a misspelt option is an error that names the nearest one', (t) => {
  const options = quiet(tempDir(t), { endpont: 'https://example.com' });
  assert.throws(() => open(options), (error) => {
    assert.ok(error instanceof TelemetryError);
    assert.equal(error.name, 'TelemetryError');
    assert.equal(error.code, 'ERR_CANDOR_INVALID_OPTION');
    assert.match(error.message, /endpont.*endpoint/);
    return true;
  });
});

test('options of the wrong type or outside their bounds are errors that say so', (t) => {
  const dir = tempDir(t);
  const wrong = [
    { batchEvents: 'many' }, { batchEvents: 0 }, { batchEvents: 1e9 }, { batchEvents: NaN }, { batchEvents: 7n },
    { mode: 'sometimes' }, { mode: () => 'auto' }, { endpoint: {} }, { app: '' }, { app: 'a b/c' }, { app: undefined },
    { schema: 7 }, { requireNative: 'yes' }, { notice: 'stdout' }, { defaultEnabled: 'yes' }, { token: Symbol('x') },
  ];
  for (const more of wrong) {
    const name = Object.keys(more)[0];
    assert.throws(() => open(quiet(dir, more)), (error) => {
      assert.equal(error.code, 'ERR_CANDOR_INVALID_OPTION', `${name}: ${error.message}`);
      assert.ok(error.message.includes(name), error.message);
      return true;
    });
  }
});

test('open needs an options object', () => {
  for (const options of [undefined, null, 'app', [], 7]) {
    assert.throws(() => open(options), { code: 'ERR_CANDOR_INVALID_OPTION' });
  }
});

test('null and undefined options mean their default', (t) => {
  const client = openClient(t, { endpoint: null, token: undefined, batchEvents: undefined });
  assert.equal(client.status().endpoint, null);
});

test('every setting of the table is accepted at its default', (t) => {
  const rows = settings();
  assert.ok(rows.length > 20);
  const defaults = Object.fromEntries(rows.filter((row) => row.default !== null).map((row) => [row.name, row.default]));
  const client = openClient(t, defaults);
  assert.equal(client.enabled, true);
});

test('a schema can be a path, a file URL or an object', (t) => {
  const schema = schemaOf({ n: { kind: 'int', min: 0, max: 9 } });
  const file = path.join(tempDir(t), 'schema.json');
  fs.writeFileSync(file, JSON.stringify(schema));
  for (const given of [file, pathToFileURL(file), schema]) {
    const client = openClient(t, { schema: given });
    assert.equal(client.emit('Sample', { n: 3 }), true);
    assert.equal(client.emit('ToolCall', {}), false);
    assert.equal(client.status().schema.name, 'js-test');
  }
});

test('a schema that is wrong is an error with its place', (t) => {
  const dir = tempDir(t);
  const file = path.join(dir, 'bad.json');
  fs.writeFileSync(file, '{\n  "schema": "x",\n  "vershun": 1\n}\n');
  assert.throws(() => open(quiet(dir, { schema: file })), (error) => {
    assert.equal(error.code, 'ERR_CANDOR_SCHEMA');
    assert.match(error.message, /bad\.json.*3/);
    assert.match(error.message, /vershun/);
    return true;
  });
  const cyclic = {};
  cyclic.self = cyclic;
  for (const schema of [path.join(dir, 'none.json'), {}, [], cyclic, '']) {
    assert.throws(() => open(quiet(dir, { schema })), { code: 'ERR_CANDOR_SCHEMA' });
  }
});

test('the default catalogue is the default', (t) => {
  const client = openClient(t);
  const catalogue = JSON.parse(fs.readFileSync(path.join(ROOT, 'schema', 'default.json'), 'utf8'));
  assert.equal(client.status().schema.name, catalogue.schema);
});

test('the exit listener is shared and goes with the last client', (t) => {
  const before = process.listenerCount('exit');
  const clients = Array.from({ length: 15 }, () => openClient(t));
  assert.equal(process.listenerCount('exit'), before + 1);
  for (const client of clients) client.close();
  assert.equal(process.listenerCount('exit'), before);
});

test('mode off records nothing and creates nothing', (t) => {
  const directory = path.join(tempDir(t), 'never');
  const client = openClient(t, { directory, mode: 'off' });
  assert.equal(client.emit('ToolCall', {}), false);
  assert.equal(client.enabled, false);
  client.close();
  assert.equal(fs.existsSync(directory), false);
});
