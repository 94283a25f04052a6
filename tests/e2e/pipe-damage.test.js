'use strict';
// The pipe on a disk that is full, and with files that a crash, a fault or an upgrade has left behind:
// what can be read is sent, what cannot is counted, nothing else is lost.

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { openClient, schemaOf, tempDir } = require('../js/helper.js');
const { App, assertOnce, emitMany, fakeCollector, receipt, relay, startCollector, stored, until } = require('./pipe-support.js');

function spoolDir(t) {
  return path.join(tempDir(t), 'spool');
}

/** Every event kept is somewhere: still here, sent, or lost for a named reason. */
function assertConserved(status) {
  const { kept, pending_journal: pending, spool, sent, dropped } = status;
  const lost = dropped.spool_full + dropped.expired + dropped.refused + dropped.corrupt + dropped.purged;
  assert.equal(kept, pending + spool.events + sent.events + lost, JSON.stringify(status));
}

/* --- full disk ------------------------------------------------------------------------------- */

/** A file system of its own of a size in MiB, or null where the test may not mount one. */
function tinyDisk(t, mib) {
  const dir = tempDir(t);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mib}m,mode=700`, 'tmpfs', dir], { stdio: 'pipe' });
  } catch {
    return null;
  }
  return {
    dir,
    resize: (size) => execFileSync('mount', ['-o', `remount,size=${size}m`, dir]),
    unmount: () => execFileSync('umount', ['-l', dir]),
  };
}

test('a full disk: emits are counted drops, the host lives, and with space again events flow', async (t) => {
  const disk = tinyDisk(t, 2);
  if (disk === null) return t.skip('full disk: mounting a tmpfs needs root');
  try {
    const collector = await startCollector(t);
    const app = new App(t, path.join(disk.dir, 'spool'), {
      endpoint: collector.url, token: collector.token, batchEvents: 1000, batchIntervalMs: 86_400_000,
    });
    let kept = 0;
    let asked = 0;
    for (let i = 0; i < 60; i++) {
      kept += await app.ask('emitMany', 500, asked);
      asked += 500;
    }
    const full = await app.ask('status');
    assert.equal(full.kept, kept);
    assert.ok(kept > 0);
    assert.ok(full.dropped.journal_full > 0, JSON.stringify(full.dropped));
    assert.equal(full.emitted, asked);
    assert.equal(full.kept + full.dropped.journal_full, asked, 'every emit is accounted for');
    assert.equal(typeof full.worker.error, 'string');

    disk.resize(64);
    const more = await until('emit keeps again', async () => {
      const got = await app.ask('emitMany', 1, asked);
      asked += 1;
      return got === 1;
    });
    assert.equal(more, true);
    await until('everything is sent', async () => {
      await app.ask('upload');
      const { spool, pending_journal: pending } = await app.ask('status');
      return spool.events === 0 && pending === 0;
    });
    const status = await app.ask('status');
    assertConserved(status);
    assert.equal(status.sent.events, status.kept);
    assert.equal(status.emitted, asked);
    const ids = (await stored(collector)).map((event) => event.correlation_id);
    assert.equal(ids.length, status.kept);
    assert.equal(new Set(ids).size, ids.length);
    assert.equal((await app.exit()).code, 0);
  } finally {
    disk.unmount();
  }
  return undefined;
});

test('no room for a spool file: the flush fails with a sentence, the journal keeps all, and they go when there is room', async (t) => {
  const disk = tinyDisk(t, 4);
  if (disk === null) return t.skip('full disk: mounting a tmpfs needs root');
  try {
    const collector = await startCollector(t);
    const app = new App(t, path.join(disk.dir, 'spool'), {
      endpoint: collector.url, token: collector.token, batchIntervalMs: 86_400_000,
    });
    await app.ask('flush'); // the worker has started: it makes and removes no file of its own after this
    assert.equal(await app.ask('emitMany', 10), 10);
    const filler = path.join(disk.dir, 'filler');
    const fd = fs.openSync(filler, 'w');
    assert.throws(() => { for (;;) fs.writeSync(fd, Buffer.alloc(4096)); }, { code: 'ENOSPC' });
    fs.closeSync(fd);
    assert.equal(await app.ask('emitMany', 90, 10), 90, 'a segment is allocated before it is used');
    await assert.rejects(app.ask('flush'), /space/i);
    const full = await app.ask('status');
    assert.equal(full.pending_journal, 100);
    assert.equal(full.spool.events, 0);
    assert.match(full.worker.error, /space/i);
    fs.rmSync(filler);
    assert.equal((await app.ask('upload')).error, null);
    assertOnce(await stored(collector), 100);
    assertConserved(await app.ask('status'));
    assert.equal((await app.exit()).code, 0);
  } finally {
    disk.unmount();
  }
  return undefined;
});

test('a disk that is full from the start: the client opens, drops, counts, and says why', async (t) => {
  const disk = tinyDisk(t, 1);
  if (disk === null) return t.skip('full disk: mounting a tmpfs needs root');
  try {
    fs.writeFileSync(path.join(disk.dir, 'filler'), Buffer.alloc(1024 * 1024 - 64 * 1024));
    const app = new App(t, path.join(disk.dir, 'spool'), {});
    assert.equal(await app.ask('emitMany', 10), 0);
    const status = await app.ask('status');
    assert.equal(status.kept, 0);
    assert.equal(status.emitted, 10);
    assert.equal(Object.values(status.dropped).reduce((sum, n) => sum + n, 0), 10);
    assert.match(status.worker.error, /space|full|disk/i);
    assert.equal((await app.exit()).code, 0);
  } finally {
    disk.unmount();
  }
  return undefined;
});

test('less free disk than minFreeDiskBytes: the spool is not written, and the journal waits', async (t) => {
  const client = openClient(t, { minFreeDiskBytes: 2 ** 50 });
  emitMany(client, 10);
  await assert.rejects(client.flush(), /minFreeDiskBytes/);
  const { pending_journal: pending, spool, worker } = client.status();
  assert.equal(pending, 10);
  assert.equal(spool.batches, 0);
  assert.match(worker.error, /minFreeDiskBytes/);
});

/* --- what a dead process left ---------------------------------------------------------------- */

/** An app that kept n events and was killed; its journal is all there is of them. */
async function killedWith(t, directory, n, options = {}, emitted = []) {
  const app = new App(t, directory, { batchIntervalMs: 86_400_000, ...options });
  assert.equal(await app.ask('emitMany', n, 0, ...emitted), n);
  await app.kill();
  const journal = path.join(directory, 'journal');
  const file = fs.readdirSync(journal).map((name) => path.join(journal, name))
    .find((name) => fs.readFileSync(name).includes('"toolName"') || fs.readFileSync(name).includes('Sample'));
  assert.notEqual(file, undefined, 'the journal of the killed app');
  return file;
}

/** Offsets of the records that hold these correlation ids. */
function recordOf(bytes, id) {
  const at = bytes.indexOf(`ToolCall${id}{`);
  assert.notEqual(at, -1, id);
  return at;
}

async function recovered(t, directory, collector) {
  const client = openClient(t, { directory, endpoint: collector.url, token: collector.token });
  await until('recovery has ended', async () => {
    await client.upload();
    return fs.readdirSync(path.join(directory, 'journal')).every((name) => !fs.readFileSync(path.join(directory, 'journal', name)).includes('ToolCallc-'));
  });
  return client.status();
}

test('a garbled record of a dead process is counted as corrupt, and all others arrive', async (t) => {
  const collector = await startCollector(t);
  const directory = spoolDir(t);
  const file = await killedWith(t, directory, 200);
  const bytes = fs.readFileSync(file);
  for (const id of ['c-17', 'c-100']) bytes[recordOf(bytes, id) + 9 + id.length] ^= 0x20;
  fs.writeFileSync(file, bytes);
  const status = await recovered(t, directory, collector);
  assert.equal(status.dropped.corrupt, 2);
  assert.equal(status.sent.events, 198);
  const ids = new Set((await stored(collector)).map((event) => event.correlation_id));
  assert.equal(ids.size, 198);
  assert.equal(ids.has('c-17') || ids.has('c-100'), false);
  assertConserved(status);
});

test('a record torn by the kill is not an event: what was before it arrives, nothing is corrupt', async (t) => {
  const collector = await startCollector(t);
  const directory = spoolDir(t);
  const file = await killedWith(t, directory, 50);
  const bytes = fs.readFileSync(file);
  // The length of a record is stored last: a kill in the middle leaves its word zero, and a body.
  const body = recordOf(bytes, 'c-40') - 40;
  bytes.writeUInt32LE(0, body - 8);
  bytes.fill(0, recordOf(bytes, 'c-41') - 48);
  fs.writeFileSync(file, bytes);
  const status = await recovered(t, directory, collector);
  assertOnce(await stored(collector), 40);
  assert.equal(status.dropped.corrupt, 0);
  assertConserved(status);
});

test('a journal file cut short keeps what is whole, and the cut is counted', async (t) => {
  const collector = await startCollector(t);
  const directory = spoolDir(t);
  const file = await killedWith(t, directory, 100);
  fs.truncateSync(file, recordOf(fs.readFileSync(file), 'c-60') + 20);
  const status = await recovered(t, directory, collector);
  assertOnce(await stored(collector), 60);
  assert.equal(status.sent.events, 60);
  assert.ok(status.dropped.corrupt >= 1, JSON.stringify(status.dropped));
});

test('a journal whose header is garbled goes to quarantine, and the client works on', async (t) => {
  const collector = await startCollector(t);
  const directory = spoolDir(t);
  const file = await killedWith(t, directory, 20);
  const bytes = fs.readFileSync(file);
  bytes.fill(0xff, 0, 64);
  fs.writeFileSync(file, bytes);
  const client = openClient(t, { directory, endpoint: collector.url, token: collector.token });
  await until('counted', async () => client.status().dropped.corrupt === 1);
  assert.equal(fs.existsSync(file), false);
  assert.equal(fs.readdirSync(path.join(directory, 'quarantine')).length, 1);
  emitMany(client, 5);
  assert.equal((await client.upload()).error, null);
  assertOnce(await stored(collector), 5);
});

test('random bytes over a journal never stop the next start', async (t) => {
  const collector = await startCollector(t);
  const directory = spoolDir(t);
  const file = await killedWith(t, directory, 100);
  const bytes = fs.readFileSync(file);
  const from = recordOf(bytes, 'c-50') - 48;
  for (let i = from; i < bytes.length; i++) bytes[i] = (i * 2654435761) >>> 13 & 0xff;
  fs.writeFileSync(file, bytes);
  const status = await recovered(t, directory, collector);
  assertOnce(await stored(collector), 50);
  assert.ok(status.dropped.corrupt >= 1);
});

/* --- spool ----------------------------------------------------------------------------------- */

for (const { name, damage } of [
  { name: 'a flipped byte', damage: (bytes) => { bytes[Math.floor(bytes.length / 2)] ^= 0x55; return bytes; } },
  { name: 'a file cut short', damage: (bytes) => bytes.subarray(0, bytes.length / 2) },
  { name: 'an empty file', damage: () => Buffer.alloc(0) },
  { name: 'a file of another kind', damage: () => Buffer.from('<html>not gzip</html>') },
]) {
  test(`spool, ${name}: that batch goes to quarantine and is counted, the others are sent`, async (t) => {
    const collector = await startCollector(t);
    const directory = spoolDir(t);
    const app = new App(t, directory, { batchIntervalMs: 86_400_000 });
    for (let i = 0; i < 3; i++) {
      await app.ask('emitMany', 10, i * 10);
      await app.ask('flush');
    }
    await app.exit();
    const spool = path.join(directory, 'spool');
    const middle = path.join(spool, fs.readdirSync(spool).sort()[1]);
    fs.writeFileSync(middle, damage(fs.readFileSync(middle)));
    const client = openClient(t, { directory, endpoint: collector.url, token: collector.token });
    assert.equal((await client.upload()).error, null);
    const status = client.status();
    assert.equal(status.sent.events, 20);
    assert.equal(status.dropped.corrupt, 10);
    assert.equal(status.spool.events, 0);
    assert.equal(status.spool.quarantined, 1);
    assertConserved(status);
    const ids = new Set((await stored(collector)).map((event) => event.correlation_id));
    assert.deepEqual([ids.size, ids.has('c-9'), ids.has('c-10'), ids.has('c-20')], [20, true, false, true]);
  });
}

test('a state.db full of noise is replaced, and the batches are sent once', async (t) => {
  const collector = await startCollector(t);
  const directory = spoolDir(t);
  const app = new App(t, directory, { batchIntervalMs: 86_400_000 });
  await app.ask('emitMany', 30);
  await app.ask('flush');
  await app.exit();
  for (const name of ['state.db-wal', 'state.db-shm']) fs.rmSync(path.join(directory, name), { force: true });
  fs.writeFileSync(path.join(directory, 'state.db'), Buffer.alloc(8192, 'noise'));
  const client = openClient(t, { directory, endpoint: collector.url, token: collector.token });
  await until('all sent', async () => { await client.upload(); return client.status().sent.events === 30; });
  assertOnce(await stored(collector), 30);
});

/* --- another schema -------------------------------------------------------------------------- */

const int = { kind: 'int', min: 0, max: 1000 };

/** Version 2 of the app's schema: Sample has lost a field, Gone has gone, Fresh is new. */
function schemas(t) {
  const before = schemaOf({ stays: int, goes: int });
  before.events.Gone = { ...before.events.Sample, fields: { n: int } };
  const after = { ...schemaOf({ stays: int }), version: 2 };
  after.events.Fresh = { ...after.events.Sample, fields: { n: int } };
  const file = path.join(tempDir(t), 'v2.json');
  fs.writeFileSync(file, JSON.stringify(after));
  return { before, after, file };
}

test('an upgraded app sends what the old one left; the collector keeps what its schema knows, and says what not', async (t) => {
  const { before, after, file } = schemas(t);
  const collector = await startCollector(t, { args: ['--schema', file] });
  const answers = [];
  const url = await relay(t, () => collector.port, (data, client) => { answers.push(data.toString()); client.write(data); });
  const directory = spoolDir(t);
  const old = new App(t, directory, { schema: before, batchIntervalMs: 86_400_000 });
  assert.equal(await old.ask('emitMany', 10, 0, 'Sample', { stays: 1, goes: 2 }), 10);
  assert.equal(await old.ask('emitMany', 4, 10, 'Gone', { n: 3 }), 4);
  await old.kill();

  const client = openClient(t, { directory, endpoint: url, token: collector.token, schema: after });
  assert.equal(client.emit('Fresh', { n: 7 }, { correlationId: 'c-14' }), true);
  await until('all settled', async () => {
    await client.upload();
    const { sent, dropped } = client.status();
    return sent.events + dropped.refused === 15;
  });
  const status = client.status();
  assert.equal(status.dropped.refused, 4, 'the four events that the new schema does not know');
  assert.equal(status.sent.events, 11);
  assert.equal(status.spool.events, 0);
  const events = await stored(collector);
  assert.equal(events.length, 11);
  for (const event of events) {
    assert.deepEqual(event.payload, event.event_type === 'Fresh' ? { n: 7 } : { stays: 1 });
  }
  const text = answers.join('\n');
  assert.match(text, /"match":false/, 'the old batch was written under another schema');
  assert.match(text, /"match":true/, 'the new one was not');
  assert.match(text, /"reason":"unknown_event"/);
  assert.match(text, /"unknown_field":10/);
});

test('every batch carries the hash of the schema that it was written under', async (t) => {
  const { before, after } = schemas(t);
  const server = await fakeCollector(t, (got, response) => receipt(response, got));
  const directory = spoolDir(t);
  const hashes = [];
  for (const schema of [before, after]) {
    const client = openClient(t, { directory, schema, endpoint: server.url });
    client.emit('Sample', { stays: 1 });
    await client.flush();
    hashes.push(client.status().schema.hash);
    client.close();
  }
  assert.notEqual(hashes[0], hashes[1]);
  const client = openClient(t, { directory, schema: after, endpoint: server.url });
  await client.upload();
  assert.deepEqual(server.requests.map(({ headers }) => headers['candor-schema-hash']), hashes);
});
