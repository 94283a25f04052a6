'use strict';
// Backups of a collector that goes on serving, and putting them back.
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const { until } = require('../support/until.js');
const { BINARY, Central, Load, TOKEN, run, scratch, toolCall } = require('./central-support.js');

const ENV = { CANDOR_CENTRAL_TOKEN: TOKEN };

async function backup(central, out, more = []) {
  const { code, stdout, stderr } = await run(['backup', '--out', out, '--json', '--data', central.data, ...more]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

/** @param {string} data @param {string[]} args */
async function restore(data, args) {
  const { code, stdout, stderr } = await run(['restore', ...args, '--json', '--data', data]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

async function fill(central, events) {
  const batch = Array.from({ length: events }, () => toolCall());
  for (let at = 0; at < events; at += 500) assert.equal((await central.post(batch.slice(at, at + 500), { gzip: true })).status, 202);
  return batch;
}

test('a backup under load is one moment: what was acknowledged before is in it, sums and rows agree, and it can serve', async (t) => {
  const central = await Central.start(t);
  const load = new Load(central);
  await load.first;
  const before = new Set(load.acknowledged);
  const file = path.join(central.dir, 'backup.db');
  const made = await backup(central, file);
  const during = load.acknowledged.length;
  await until('ingest goes on', () => load.acknowledged.length > during + 200);
  await load.stop();
  assert.equal(fs.statSync(file).mode & 0o777, 0o600);
  assert.equal(made.events.bytes, fs.statSync(file).size);
  assert.deepEqual(fs.readdirSync(central.dir).filter((name) => name.startsWith('backup.db')), ['backup.db'], 'nothing lies beside it');

  const other = scratch(t);
  const restored = await restore(path.join(other, 'data'), [file]);
  assert.deepEqual([restored.events, restored.created], [made.events.events, made.events.created]);
  const copy = await Central.start(t, { dir: other });
  const ids = await copy.ids();
  const stored = new Set(ids);
  assert.equal(stored.size, ids.length);
  assert.equal(ids.length, made.events.events);
  assert.deepEqual([...before].filter((id) => !stored.has(id)), [], 'acknowledged before, and missing');
  const sent = new Set(load.sent);
  assert.ok(ids.every((id) => sent.has(id)));
  const stats = await copy.get('/api/telemetry/stats');
  assert.equal(stats.events.total, ids.length, 'sums differ from rows');
  // What it has is known, what came later is new.
  const again = [toolCall('grep', 1, { event_id: ids[0] }), toolCall()];
  const { json } = await copy.post(again);
  assert.deepEqual([json.accepted, json.duplicates], [1, 1]);
});

test('restore puts tokens and keys back, keeps what was there, and leaves texts alone unless they are given', async (t) => {
  const central = await Central.start(t);
  const kept = await fill(central, 500);
  const made = JSON.parse((await run(['token', 'create', '--scopes', 'admin', '--json', '--data', central.data])).stdout);
  const [file, texts] = ['events.bak', 'texts.bak'].map((name) => path.join(central.dir, name));
  const said = await backup(central, file, ['--texts', texts]);
  assert.deepEqual([said.events.events, said.texts.texts], [500, 0]);
  const keys = ['pepper', 'receipt.key'].map((name) => fs.readFileSync(path.join(central.data, name)));
  await fill(central, 500);
  const busy = await run(['restore', file, '--data', central.data]);
  assert.equal(busy.code, 1);
  assert.match(busy.stderr, /another candor-central/);
  await central.end('SIGTERM');

  await run(['token', 'revoke', made.id, '--data', central.data]);
  for (const name of ['pepper', 'receipt.key']) fs.writeFileSync(path.join(central.data, name), Buffer.alloc(32, 7));
  const { before } = await restore(central.data, [file]);
  assert.deepEqual(['pepper', 'receipt.key'].map((name) => fs.readFileSync(path.join(central.data, name))), keys);
  assert.deepEqual(fs.readdirSync(before).sort(), ['events.db', 'pepper', 'receipt.key'].sort());
  assert.ok(fs.existsSync(path.join(central.data, 'attachments.db')));
  assert.ok(!fs.existsSync(path.join(central.data, 'restore.new')));
  const again = await Central.start(t, { dir: central.dir });
  assert.deepEqual((await again.ids()).sort(), kept.map((one) => one.event_id).sort());
  assert.equal((await again.fetch('/api/telemetry/stats', { token: made.token })).status, 200, 'the token as it was then');
  await again.end('SIGTERM');

  await restore(central.data, [file, '--texts', texts]);
  const last = await Central.start(t, { dir: central.dir });
  assert.equal((await last.get('/api/telemetry/stats')).events.total, 500);
});

test('SIGKILL at any moment of a backup leaves a whole file under its name or none, and the collector goes on', async (t) => {
  const central = await Central.start(t);
  for (let i = 0; i < 20; i += 1) await fill(central, 1000);
  const file = path.join(central.dir, 'killed.db');
  let killed = 0;
  for (let i = 0; i < 12; i += 1) {
    const child = spawn(BINARY, ['backup', '--out', file, '--data', central.data], { env: { PATH: process.env.PATH }, stdio: 'ignore' });
    const ended = new Promise((resolve) => child.once('close', (code, signal) => resolve(signal ?? code)));
    const timer = setTimeout(() => child.kill('SIGKILL'), i * 8);
    const end = await ended;
    clearTimeout(timer);
    if (end === 'SIGKILL') {
      killed += 1;
      // It may have been at its end: what has the name is whole.
      if (fs.existsSync(file)) await restore(path.join(scratch(t), 'data'), [file]);
    } else {
      assert.equal(end, 0);
    }
    fs.rmSync(file, { force: true });
  }
  assert.ok(killed > 0);
  await fill(central, 500);
  assert.equal((await backup(central, file)).events.events, 20_500);
});

test('a restore that was interrupted after it was ready is finished by the next start', async (t) => {
  const central = await Central.start(t);
  await fill(central, 500);
  const file = path.join(central.dir, 'b.db');
  await backup(central, file);
  await fill(central, 500);
  await central.end('SIGTERM');
  // As a crash leaves it: the new files complete, one already in place, the old events.db set aside.
  const other = path.join(scratch(t), 'data');
  await restore(other, [file]);
  const fresh = path.join(central.data, 'restore.new');
  const aside = path.join(central.data, 'before-restore-2026-01-01T00-00-00');
  for (const dir of [fresh, aside]) fs.mkdirSync(dir, { mode: 0o700 });
  fs.copyFileSync(path.join(other, 'events.db'), path.join(fresh, 'events.db'));
  fs.renameSync(path.join(central.data, 'events.db'), path.join(aside, 'events.db'));
  fs.writeFileSync(path.join(central.data, 'events.db-wal'), 'the log of the old one', { mode: 0o600 });
  fs.writeFileSync(path.join(fresh, 'ready'), path.basename(aside), { mode: 0o600 });
  const again = await Central.start(t, { dir: central.dir });
  assert.equal((await again.ids()).length, 500);
  assert.ok(!fs.existsSync(fresh));
  assert.deepEqual(fs.readdirSync(aside).sort(), ['events.db', 'events.db-wal']);
  // Without the marker it is what a crash left unfinished: not used.
  await again.end('SIGTERM');
  fs.mkdirSync(fresh, { mode: 0o700 });
  fs.writeFileSync(path.join(fresh, 'events.db'), 'half a database', { mode: 0o600 });
  const last = await Central.start(t, { dir: central.dir });
  assert.equal((await last.ids()).length, 500);
});

test('what is wrong with a file or a place is said, and nothing changes', async (t) => {
  const central = await Central.start(t);
  await fill(central, 2000);
  const file = path.join(central.dir, 'b.db');
  await backup(central, file);
  const says = async (args, code, pattern) => {
    const result = await run(args);
    assert.equal(result.code, code, `${args.join(' ')}: ${result.stderr}`);
    assert.match(result.stderr, pattern);
  };
  await says(['backup', '--out', file, '--data', central.data], 1, /b\.db exists/);
  await says(['backup', '--data', central.data], 2, /--out FILE/);
  await says(['backup', '--out', `${file}2`, '--data', path.join(central.dir, 'none')], 1, /not the data directory/);
  await says(['backup', '--out', path.join(central.dir, 'none', 'x'), '--data', central.data], 1, /none/);
  await central.end('SIGTERM');
  const data = path.join(central.data, 'events.db');
  const bytes = fs.readFileSync(data);
  await says(['restore', '--data', central.data], 2, /one file/);
  await says(['restore', path.join(central.dir, 'missing'), '--data', central.data], 1, /missing|unable to open/);
  await says(['restore', data, '--data', central.data], 1, /no backup of events/);
  const damaged = fs.readFileSync(file);
  damaged.fill(0xff, 40_960, 45_056);
  fs.writeFileSync(`${file}3`, damaged, { mode: 0o600 });
  await says(['restore', `${file}3`, '--data', central.data], 1, /damaged|malformed/);
  fs.writeFileSync(`${file}4`, fs.readFileSync(file).subarray(0, 50_000), { mode: 0o600 });
  await says(['restore', `${file}4`, '--data', central.data], 1, /damaged|malformed/);
  await says(['restore', file, '--texts', file, '--data', central.data], 1, /no backup of texts/);
  assert.ok(bytes.equals(fs.readFileSync(data)));
  assert.equal((await run(['restore', file, '--data', central.data], ENV)).code, 0);
});
