'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const { openClient, tempDir, runScript, schemaOf } = require('./helper');
const { collector, findText, makeKey } = require('./vault-support');

const SCHEMA = schemaOf({ note: { kind: 'text', maxLength: 100 }, n: { kind: 'int' } });

function spoolFiles(directory) {
  return fs.readdirSync(path.join(directory, 'spool')).sort();
}

function encrypted(t, more = {}) {
  const directory = more.directory ?? path.join(tempDir(t), 'spool');
  return { client: openClient(t, { schema: SCHEMA, encryptSpool: true, ...more, directory }), directory };
}

test('spool files are encrypted, and nothing of an event stands in them; upload and preview read them', async (t) => {
  const { endpoint, got } = await collector(t);
  const { client, directory } = encrypted(t, { endpoint });
  client.setKeys([makeKey()]);
  client.emit('Sample', { note: 'walnuts' });
  await client.flush();
  assert.match(spoolFiles(directory).join(), /^[0-9a-f-]{36}\.jsonl\.gz\.enc$/);
  assert.deepEqual(findText(path.join(directory, 'spool'), 'walnuts'), []);
  assert.deepEqual(findText(path.join(directory, 'spool'), 'Sample'), []);
  assert.match(client.preview(), /walnuts/);
  assert.equal((await client.upload()).events, 1);
  assert.equal(got.events[0].payload.note, 'walnuts');
  assert.deepEqual(spoolFiles(directory), []);
});

test('without a key events wait in the journal, status says so, and a key lets them go on', async (t) => {
  const { client, directory } = encrypted(t);
  assert.equal(client.emit('Sample', { n: 1 }), true);
  await assert.rejects(client.flush(), /no key is set yet/);
  assert.deepEqual(spoolFiles(directory), []);
  assert.match(client.status().worker.error, /no key is set yet/);
  assert.equal(client.status().pending_journal, 1);
  client.setKeys([makeKey()]);
  await client.flush();
  assert.equal(spoolFiles(directory).length, 1);
  assert.equal(client.status().worker.error, null);
});

test('the journal that waits for a key is bounded: journal_full', async (t) => {
  const { client } = encrypted(t, { journalMaxBytes: 2097152 });
  let kept = 0;
  while (kept < 100000 && client.emit('Sample', { note: 'x'.repeat(100) })) kept++;
  assert.ok(kept > 1000 && kept < 100000);
  assert.equal(client.status().dropped.journal_full, 1);
});

test('a lost key locks its own batches only, which status says; with the key they are sent', async (t) => {
  const { endpoint, got } = await collector(t);
  const old = makeKey('old');
  const fresh = makeKey('fresh');
  const { client, directory } = encrypted(t);
  client.setKeys([old]);
  client.emit('Sample', { n: 1 });
  await client.flush();
  client.close();
  const { client: next } = encrypted(t, { directory, endpoint });
  next.setKeys([fresh]);
  next.emit('Sample', { n: 2 });
  const report = await next.upload();
  assert.equal(report.error, null);
  assert.equal(report.pending, 1);
  assert.deepEqual(got.events.map((event) => event.payload.n), [2]);
  assert.match(next.status().worker.error, /1 batches are encrypted with a key that is not set/);
  assert.equal(next.preview(), '');
  next.setKeys([fresh, old]);
  await next.upload();
  assert.deepEqual(got.events.map((event) => event.payload.n), [2, 1]);
  assert.equal(next.status().worker.error, null);
});

test('with the option off again the encrypted files are still read, and plain ones still with it on', async (t) => {
  const { endpoint, got } = await collector(t);
  const key = makeKey();
  const { client, directory } = encrypted(t);
  client.setKeys([key]);
  client.emit('Sample', { n: 1 });
  await client.flush();
  client.close();
  const { client: plain } = encrypted(t, { directory, encryptSpool: false });
  plain.setKeys([key]);
  plain.emit('Sample', { n: 2 });
  await plain.flush();
  plain.close();
  assert.deepEqual(spoolFiles(directory).map((name) => name.slice(36)).sort(), ['.jsonl.gz', '.jsonl.gz.enc']);
  const { client: last } = encrypted(t, { directory, endpoint });
  last.setKeys([key]);
  assert.equal((await last.upload()).events, 2);
  assert.deepEqual(got.events.map((event) => event.payload.n), [1, 2]);
});

test('a damaged encrypted file goes to quarantine, counted as corrupt', async (t) => {
  const { endpoint } = await collector(t);
  const { client, directory } = encrypted(t, { endpoint });
  client.setKeys([makeKey()]);
  client.emit('Sample', { n: 1 });
  await client.flush();
  const file = path.join(directory, 'spool', spoolFiles(directory)[0]);
  const bytes = fs.readFileSync(file);
  bytes[bytes.length - 20] ^= 1;
  fs.writeFileSync(file, bytes);
  await client.upload();
  assert.deepEqual(spoolFiles(directory), []);
  assert.equal(client.status().dropped.corrupt, 1);
  assert.match(fs.readdirSync(path.join(directory, 'quarantine'))[0], /\.jsonl\.gz\.enc$/);
  assert.deepEqual(await client.purge(), { purged: 0 });
  assert.deepEqual(fs.readdirSync(path.join(directory, 'quarantine')), []);
});

test('state.db is rebuilt from encrypted files, also while they are locked, and nothing is sent twice', async (t) => {
  const { endpoint, got } = await collector(t);
  const key = makeKey();
  const directory = path.join(tempDir(t), 'spool');
  await runScript(`
    const client = candor.open({ ...options, schema: ${JSON.stringify(SCHEMA)}, encryptSpool: true });
    client.setKeys([{ id: 'k1', key: Buffer.from('${key.key.toString('hex')}', 'hex') }]);
    for (let n = 0; n < 3; n++) client.emit('Sample', { n });
    client.flush().then(() => process.kill(process.pid, 'SIGKILL'));`, directory);
  for (const name of fs.readdirSync(directory)) if (name.startsWith('state.db')) fs.rmSync(path.join(directory, name));
  const { client } = encrypted(t, { directory, endpoint });
  assert.equal(client.status().spool.events, 3);
  assert.equal((await client.upload()).events, 0);
  client.setKeys([key]);
  assert.equal((await client.upload()).events, 3);
  assert.deepEqual(got.events.map((event) => event.payload.n), [0, 1, 2]);
});

test('what a killed process left in its journal waits for the key, too', async (t) => {
  const { endpoint, got } = await collector(t);
  const directory = path.join(tempDir(t), 'spool');
  await runScript(`
    const client = candor.open({ ...options, schema: ${JSON.stringify(SCHEMA)}, encryptSpool: true });
    client.emit('Sample', { n: 5 });
    process.kill(process.pid, 'SIGKILL');`, directory);
  const { client } = encrypted(t, { directory, endpoint });
  assert.deepEqual(spoolFiles(directory), []);
  client.setKeys([makeKey()]);
  await client.upload();
  assert.deepEqual(got.events.map((event) => event.payload.n), [5]);
});
