'use strict';
// A client whose directory holds nothing to recover, send or delete leaves state.db closed.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const fs = require('node:fs');
const path = require('node:path');
const { tempDir, openClient, pendingEvents, runScript } = require('./helper');

const GARBAGE = 'This is no database.';

/** What is in a folder of the directory. */
function names(directory, folder) {
  const dir = path.join(directory, folder);
  return fs.existsSync(dir) ? fs.readdirSync(dir) : [];
}

/**
 * Whether a client that is opened and closed leaves state.db alone: one that is no database is put into
 * quarantine by whoever opens it. Looks at a copy.
 */
function rests(t, directory, options = {}) {
  const copy = path.join(tempDir(t), 'copy');
  fs.cpSync(directory, copy, { recursive: true });
  for (const name of ['state.db-wal', 'state.db-shm']) fs.rmSync(path.join(copy, name), { force: true });
  fs.writeFileSync(path.join(copy, 'state.db'), GARBAGE);
  openClient(t, { directory: copy, ...options }).close();
  return fs.readFileSync(path.join(copy, 'state.db'), 'latin1') === GARBAGE;
}

/** @param {() => boolean} condition */
async function until(condition) {
  for (const deadline = Date.now() + 20000; !condition();) {
    assert.ok(Date.now() < deadline, String(condition));
    await new Promise((done) => { setTimeout(done, 10); });
  }
}

/** A directory in which an event was recorded, batched and deleted. */
async function usedDirectory(t) {
  const directory = path.join(tempDir(t), 'spool');
  const client = openClient(t, { directory });
  assert.ok(client.emit('ToolCall', { durationMs: 1 }));
  await client.flush();
  await client.purge();
  client.close();
  assert.deepEqual(names(directory, 'spool'), []);
  return directory;
}

test('a client that records nothing makes no state.db and leaves no segment', (t) => {
  const client = openClient(t);
  const { directory } = client.status();
  const other = path.join(path.dirname(directory), 'other');
  openClient(t, { directory: other }).close();
  assert.ok(fs.existsSync(path.join(other, 'consent')));
  assert.equal(fs.existsSync(path.join(other, 'state.db')), false);
  assert.deepEqual(names(other, 'journal'), []);
});

test('a directory that was used and holds nothing rests', async (t) => {
  assert.ok(rests(t, await usedDirectory(t)));
});

test('status, flush, upload, stats and preview answer from the database of a client that rested', async (t) => {
  const directory = await usedDirectory(t);
  for (const ask of [(c) => c.status(), (c) => c.flush(), (c) => c.upload(), (c) => c.stats(), (c) => c.preview()]) {
    const client = openClient(t, { directory });
    await ask(client);
    assert.equal(client.status().kept, 1, 'of the lifetime');
    client.close();
  }
});

test('the first event after a rest is batched with what was counted before', async (t) => {
  const directory = await usedDirectory(t);
  const client = openClient(t, { directory });
  assert.ok(client.emit('ToolCall', { durationMs: 2 }));
  assert.deepEqual((await pendingEvents(client)).map((event) => event.payload.durationMs), [2]);
  assert.equal(client.status().kept, 2);
});

test('events right before the end of a client that rested are in the spool, or in the journal for the next', async (t) => {
  const directory = await usedDirectory(t);
  const { code, stderr } = await runScript(
    'const c = candor.open(options); for (let i = 0; i < 20; i++) c.emit("ToolCall", { durationMs: i }); process.exit(0);', directory);
  assert.equal(code, 0, stderr);
  assert.equal((await pendingEvents(openClient(t, { directory }))).length, 20);
});

test('a refusal that is all a client has seen is counted when it closes', async (t) => {
  const directory = await usedDirectory(t);
  const client = openClient(t, { directory });
  assert.equal(client.emit('NoSuchEvent', {}), false);
  client.close();
  assert.equal(openClient(t, { directory }).status().dropped.unknown_event, 1);
});

test('a copy of what was sent ends the rest once it is too old', async (t) => {
  const directory = await usedDirectory(t);
  const sent = path.join(directory, 'sent');
  const ms = (when) => when.toString(16).padStart(12, '0');
  const copyOf = (when) => path.join(sent, `${ms(when).slice(0, 8)}-${ms(when).slice(8)}-7000-8000-000000000000.jsonl.gz`);
  fs.mkdirSync(sent, { recursive: true });
  fs.writeFileSync(copyOf(Date.now()), 'x');
  assert.ok(rests(t, directory, { retentionDays: 2 }));
  fs.writeFileSync(copyOf(Date.now() - 3 * 86400000), 'x');
  assert.equal(rests(t, directory, { retentionDays: 2 }), false);
});

test('a batch, a segment of a dead process, a file in quarantine or in the vault end the rest', async (t) => {
  const directory = await usedDirectory(t);
  for (const [folder, name] of [
    ['spool', '019a0000-0000-7000-8000-000000000000.jsonl.gz'],
    ['journal', '019a0000-0000-7000-8000-000000000000.seg'],
    ['quarantine', 'state.db.019a0000-0000-7000-8000-000000000000'],
    ['vault', '019a0000-0000-7000-8000-000000000000.text.att'],
  ]) {
    const file = path.join(directory, folder, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, 'x');
    assert.equal(rests(t, directory), false, folder);
    fs.rmSync(file);
    assert.ok(rests(t, directory), folder);
  }
});

test('what a killed process has left is batched by the next without an event or a call', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  const { signal } = await runScript('candor.open(options).emit("ToolCall", {}); process.kill(process.pid, "SIGKILL");', directory);
  assert.equal(signal, 'SIGKILL');
  openClient(t, { directory });
  await until(() => names(directory, 'spool').some((name) => name.endsWith('.jsonl.gz')));
});

test('counts that wait for the end of their day keep a directory from resting until they are gone', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  const mark = path.join(directory, 'rollup.waiting');
  let client = openClient(t, { directory });
  assert.ok(client.emit('tool.used', { tool: 'grep' }));
  await client.flush();
  assert.equal(client.status().rollups.events, 1);
  client.close();
  assert.deepEqual(names(directory, 'spool'), [], 'they are in the database alone');
  assert.ok(fs.existsSync(mark));
  assert.equal(rests(t, directory), false);

  client = openClient(t, { directory });
  await client.purge();
  client.close();
  openClient(t, { directory }).close(); // sees that none is left
  assert.equal(fs.existsSync(mark), false);
  assert.ok(rests(t, directory));
});

test('off, full content and a local exporter keep a client from resting', async (t) => {
  const directory = await usedDirectory(t);
  assert.equal(rests(t, directory, { hostEnabled: false }), false);
  assert.equal(rests(t, directory, { exporter: 'file' }), false);
  const client = openClient(t, { directory });
  await client.setFullContent(true);
  client.close();
  assert.equal(rests(t, directory), false);
});

test('off by another client of the directory reaches one that rests, and so does on', async (t) => {
  const directory = await usedDirectory(t);
  const resting = openClient(t, { directory });
  const other = openClient(t, { directory });
  await other.setEnabled(false);
  assert.equal(resting.emit('ToolCall', {}), false);
  assert.equal(resting.enabled, false);
  await other.setEnabled(true);
  await until(() => resting.emit('ToolCall', {})); // its worker obeys the first before
  assert.equal((await pendingEvents(resting)).length, 1);
});
