'use strict';
// candor-central-encrypted: what lies on the disk, with the plain collector as the control that finds the
// same string; keys that are wrong, open to others or missing; another key; backups.
const assert = require('node:assert/strict');
const { spawn, execFile } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const test = require('node:test');
const { Central, TOKEN, event, toolCall } = require('../e2e/central-support.js');
const { BINARY: PLAIN } = require('../e2e/central-support.js');

const BUILD = path.join(__dirname, '..', '..', 'build', 'encrypted', 'candor-central-encrypted');
const MISSING = fs.existsSync(BUILD) ? false : 'candor-central-encrypted is not built; npm run test:encrypted builds it';
const PLANTED = 'planted-2c9f41';

/** @param {import('node:test').TestContext} t */
function scratch(t) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'candor-encrypted-'));
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** @param {string} dir @param {string} name */
function makeKey(dir, name) {
  const file = path.join(dir, name);
  fs.writeFileSync(file, `${crypto.randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
  return file;
}

/** @param {string} binary @param {string[]} args */
function run(binary, args) {
  return new Promise((resolve) => {
    execFile(binary, args, { env: { PATH: process.env.PATH, HOME: os.tmpdir(), CANDOR_CENTRAL_TOKEN: TOKEN } },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : error.code, stdout, stderr }));
  });
}

/** A collector that serves until the test ends. @param {string} binary @param {string[]} args */
async function serve(t, binary, dir, args) {
  const central = new Central();
  const portFile = path.join(dir, 'port');
  fs.rmSync(portFile, { force: true });
  central.data = path.join(dir, 'data');
  central.log = '';
  const child = spawn(binary, ['serve', '--data', central.data, '--listen', '127.0.0.1:0', '--port-file', portFile, '--uploads-per-minute', '0', ...args],
    { env: { PATH: process.env.PATH, CANDOR_CENTRAL_TOKEN: TOKEN } });
  central.child = child;
  central.ended = new Promise((resolve) => { child.once('close', (code, signal) => resolve({ code, signal })); });
  t.after(() => central.end('SIGKILL'));
  await new Promise((resolve, reject) => {
    child.once('close', (code) => reject(new Error(`ended with ${code}: ${central.log}`)));
    child.stderr.on('data', (data) => { central.log += data; if (central.log.includes('"listening"')) resolve(undefined); });
  });
  central.port = Number(fs.readFileSync(portFile, 'utf8'));
  central.url = `http://127.0.0.1:${central.port}`;
  return central;
}

/** Files under dir that hold the string. @param {string} dir */
function holding(dir) {
  return fs.readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
    .filter((file) => fs.readFileSync(file).includes(PLANTED)).map((file) => path.basename(file)).sort();
}

async function plant(central) {
  const batch = Array.from({ length: 300 }, (_, i) => toolCall(`${PLANTED}-${i}`, i, { app: `${PLANTED}-app`, user_id: `${PLANTED}-user` }));
  batch.push(event('Error', { errorType: PLANTED, message: PLANTED }));
  assert.equal((await central.post(batch)).json.accepted, 301);
  return batch;
}

for (const encrypted of [true, false]) {
  test(encrypted ? 'no file holds what was sent: while it serves, after SIGKILL, after a stop, in a backup'
    : 'the control: the plain collector leaves it in its files', { skip: MISSING }, async (t) => {
    const dir = scratch(t);
    const args = encrypted ? ['--key-file', makeKey(dir, 'key')] : [];
    const binary = encrypted ? BUILD : PLAIN;
    const first = await serve(t, binary, dir, args);
    await plant(first);
    const running = holding(first.data);
    await first.end('SIGKILL'); // the write-ahead log stays
    assert.ok(fs.statSync(path.join(first.data, 'events.db-wal')).size > 0);
    const killed = holding(first.data);
    const again = await serve(t, binary, dir, args);
    assert.equal((await again.get('/api/telemetry/stats')).events.total, 301);
    const file = path.join(dir, 'backup.db');
    const made = await run(binary, ['backup', '--out', file, '--data', again.data, ...args]);
    assert.equal(made.code, 0, made.stderr);
    assert.equal((await again.end('SIGTERM')).code, 0);
    const stopped = holding(again.data);
    const head = (name) => fs.readFileSync(name).subarray(0, 15).toString('latin1');
    if (encrypted) {
      assert.deepEqual([running, killed, stopped, holding(dir)], [[], [], [], []]);
      for (const name of ['events.db', 'attachments.db']) assert.notEqual(head(path.join(again.data, name)), 'SQLite format 3', name);
      assert.notEqual(head(file), 'SQLite format 3');
    } else {
      assert.ok(running.includes('events.db-wal') && killed.includes('events.db-wal'), String([running, killed]));
      assert.deepEqual(stopped, ['events.db']);
      assert.ok(holding(dir).includes('backup.db'));
    }
  });
}

test('a wrong key, a key that others can read, no key, and a plain database are refused with a sentence', { skip: MISSING }, async (t) => {
  const dir = scratch(t);
  const [key, other] = [makeKey(dir, 'key'), makeKey(dir, 'other')];
  const central = await serve(t, BUILD, dir, ['--key-file', key]);
  await plant(central);
  await central.end('SIGTERM');
  const refused = async (binary, more, pattern) => {
    const { code, stderr } = await run(binary, ['serve', '--data', central.data, '--listen', '127.0.0.1:0', ...more]);
    assert.notEqual(code, 0);
    assert.match(stderr, pattern);
    assert.ok(!stderr.includes(fs.readFileSync(key, 'utf8').trim()));
  };
  await refused(BUILD, ['--key-file', other], /events\.db does not open with the key of --key-file/);
  await refused(BUILD, [], /events\.db is encrypted, or damaged; [^]*--key-file/);
  await refused(PLAIN, [], /events\.db is encrypted, or damaged; candor-central-encrypted opens it/);
  await refused(PLAIN, ['--key-file', key], /cannot encrypt[^]*candor-central-encrypted/);
  fs.chmodSync(other, 0o644);
  await refused(BUILD, ['--key-file', other], /can be read or written by others; run `chmod 600`/);
  fs.writeFileSync(other, 'short');
  fs.chmodSync(other, 0o600);
  await refused(BUILD, ['--key-file', other], /does not hold 64 hex digits/);
  await refused(BUILD, ['--key-file', path.join(dir, 'none')], /none/);
  await refused(BUILD, ['--key-file', key, '--sink', 'jsonl'], /not jsonl/);
  await refused(BUILD, ['--key-file', key, '--sink', 'sqlite', '--sink', 'memory'], /one --sink/);
  const plainDir = scratch(t);
  const plain = await serve(t, PLAIN, plainDir, []);
  await plain.end('SIGTERM');
  const { stderr } = await run(BUILD, ['serve', '--data', plain.data, '--listen', '127.0.0.1:0', '--key-file', key]);
  assert.match(stderr, /events\.db is not encrypted, and --key-file is given; [^]*rekey --new-key-file/);
  const last = await serve(t, BUILD, dir, ['--key-file', key]);
  assert.equal((await last.get('/api/telemetry/stats')).events.total, 301, 'nothing of this changed it');
});

test('rekey encrypts, changes the key and decrypts; the old key opens nothing, and no old file is left', { skip: MISSING }, async (t) => {
  const dir = scratch(t);
  const [one, two] = [makeKey(dir, 'one'), makeKey(dir, 'two')];
  const plain = await serve(t, PLAIN, dir, []);
  const batch = await plant(plain);
  await plain.end('SIGTERM');
  assert.notDeepEqual(holding(plain.data), []);
  const rekey = async (args) => {
    const { code, stderr } = await run(BUILD, ['rekey', '--data', plain.data, ...args]);
    assert.equal(code, 0, stderr);
    assert.deepEqual(fs.readdirSync(plain.data).filter((name) => name.startsWith('before-') || name === 'restore.new'), []);
  };
  const total = async (args) => {
    const central = await serve(t, BUILD, dir, args);
    const { json } = await central.post(batch.slice(0, 3));
    assert.equal(json.duplicates, 3);
    const stats = await central.get('/api/telemetry/stats');
    const busy = await run(BUILD, ['rekey', '--data', plain.data, '--new-key-file', one, ...args]);
    assert.match(busy.stderr, /another candor-central/);
    await central.end('SIGTERM');
    return stats.events.total;
  };
  await rekey(['--new-key-file', one]);
  assert.deepEqual(holding(plain.data), []);
  assert.equal(await total(['--key-file', one]), 301);
  await rekey(['--key-file', one, '--new-key-file', two]);
  assert.equal(await total(['--key-file', two]), 301);
  assert.match((await run(BUILD, ['serve', '--data', plain.data, '--listen', '127.0.0.1:0', '--key-file', one])).stderr, /does not open with the key/);
  await rekey(['--key-file', two, '--plain']);
  assert.equal(await total([]), 301);
});

test('a backup stays encrypted and is restored with its key', { skip: MISSING }, async (t) => {
  const dir = scratch(t);
  const [key, other] = [makeKey(dir, 'key'), makeKey(dir, 'other')];
  const central = await serve(t, BUILD, dir, ['--key-file', key]);
  const batch = await plant(central);
  const file = path.join(dir, 'backup.db');
  assert.equal((await run(BUILD, ['backup', '--out', file, '--data', central.data, '--key-file', key])).code, 0);
  await central.end('SIGTERM');
  const place = scratch(t);
  const data = path.join(place, 'data');
  assert.match((await run(BUILD, ['restore', file, '--data', data, '--key-file', other])).stderr, /does not open with the key/);
  assert.match((await run(PLAIN, ['restore', file, '--data', data])).stderr, /is encrypted, or damaged/);
  const { code, stderr } = await run(BUILD, ['restore', file, '--data', data, '--key-file', key]);
  assert.equal(code, 0, stderr);
  const copy = await serve(t, BUILD, place, ['--key-file', key]);
  assert.deepEqual([(await copy.post(batch)).json.duplicates, (await copy.get('/api/telemetry/stats')).events.total], [301, 301]);
  assert.deepEqual(holding(place), []);
});
