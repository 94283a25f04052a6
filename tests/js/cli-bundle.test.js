'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { run } = require('./helper');
const { MAIN, APP, appThatRan, fakeCollector } = require('./cli-helper');

const NAMES = ['about', 'status', 'precedence', 'settings', 'doctor', 'ledger', 'files', 'quarantine'].map((name) => `candor-debug/${name}.json`);

/** The texts of an archive by name. */
function unpack(file) {
  const dir = fs.mkdtempSync(path.join(path.dirname(file), 'unpacked-'));
  execFileSync('tar', ['-xzf', file, '-C', dir]);
  return Object.fromEntries(NAMES.map((name) => [name, fs.readFileSync(path.join(dir, name), 'utf8')]));
}

/** The command as on a terminal, where somebody types. */
function onTerminal(args, input, dir) {
  const script = `for (const s of [process.stdin, process.stderr]) Object.defineProperty(s, 'isTTY', { value: true });
    process.argv = ['node', 'candor', ...${JSON.stringify(args)}]; require(${JSON.stringify(MAIN)});`;
  return run(['-e', script], { dir, input });
}

test('the bundle holds what it said, in a file for its owner alone, and tells nothing about a person', async (t) => {
  const { dir, directory, json } = await appThatRan(t, { options: { userId: 'bob@example.com' } });
  fs.mkdirSync(path.join(directory, 'quarantine'), { recursive: true, mode: 0o700 });
  fs.writeFileSync(path.join(directory, 'quarantine', '1790000000000-00000000-0000-4000-8000-000000000001.jsonl.gz'), 'SECRET CONTENT', { mode: 0o600 });
  const collector = await fakeCollector(t, () => ({ status: 500 }));
  const status = await json(['status']);
  const output = path.join(dir, 'bundle.tar.gz');
  const env = { TELEMETRY_TOKEN: 'cnd_verysecret', TELEMETRY_ENDPOINT: collector.url, HTTPS_PROXY: 'http://carol:hunter2@10.9.8.7:3128', NO_PROXY: '127.0.0.1', TELEMETRY_USER_ID: 'alice@example.com' };
  const done = await json(['debug-bundle', '--output', output], env);
  assert.deepEqual(done.files.map((file) => file.name), NAMES);
  assert.equal(fs.statSync(output).mode & 0o777, 0o600);
  const files = unpack(output);
  for (const { name, bytes } of done.files) assert.equal(Buffer.byteLength(files[name]), bytes, name);
  const all = Object.values(files).join('\n');
  const private_ = ['verysecret', 'hunter2', 'carol', 'alice', 'bob', '10.9.8.7', '127.0.0.1', dir, directory, os.homedir() === '/' ? 'n/a' : `${os.homedir()}/`,
    status.user_id, status.machine_id, status.session_id, 'SECRET CONTENT', 'durationMs'];
  for (const text of private_) assert.ok(!all.includes(text), text);
  assert.ok(!collector.requests.some((request) => request.body.includes('ToolCall')), 'no event was sent');
  assert.equal(JSON.parse(files['candor-debug/settings.json']).find((row) => row.name === 'token').value, '<secret>');
  assert.equal(JSON.parse(files['candor-debug/about.json']).schema.hash, status.schema.hash);
  const listed = JSON.parse(files['candor-debug/files.json']).files;
  assert.deepEqual([listed[0].folder, listed[0].name, listed[0].mode], ['.', '', '700']);
  assert.ok(listed.some((file) => file.folder === 'spool' && /^[0-9a-f-]{36}\.jsonl\.gz$/.test(file.name) && file.bytes > 0), files['candor-debug/files.json']);
  const quarantine = JSON.parse(files['candor-debug/quarantine.json']);
  assert.equal(quarantine.total, 1);
  assert.match(quarantine.latest[0], /1790000000000/);
});

test('a file that is there is not replaced', async (t) => {
  const { dir, cli } = await appThatRan(t);
  const output = path.join(dir, 'mine');
  fs.writeFileSync(output, 'mine');
  const done = await cli(['debug-bundle', '--yes', '--offline', '--output', output]);
  assert.equal(done.code, 1);
  assert.match(done.stderr, /exists already/);
  assert.equal(fs.readFileSync(output, 'utf8'), 'mine');
});

test('without a terminal and without --yes nobody can agree: wrong usage', async (t) => {
  const { dir, cli } = await appThatRan(t);
  const done = await cli(['debug-bundle', '--offline', '--output', path.join(dir, 'b')]);
  assert.equal(done.code, 2);
  assert.match(done.stderr, /--yes/);
  assert.ok(!fs.existsSync(path.join(dir, 'b')));
});

test('on a terminal it lists its content, and only a yes writes', async (t) => {
  const { dir } = await appThatRan(t);
  const output = path.join(dir, 'b.tar.gz');
  const args = ['debug-bundle', '--offline', '--app', APP, '--output', output];
  for (const answer of ['n\n', '\n', '']) {
    const no = await onTerminal(args, answer, dir);
    assert.equal(no.code, 0, no.stderr);
    assert.match(no.stdout, /candor-debug\/status\.json[\s\S]*Nothing was written/);
    assert.ok(!fs.existsSync(output));
  }
  const yes = await onTerminal(args, 'y\n', dir);
  assert.match(yes.stdout, /Wrote /);
  assert.match(yes.stderr, /Write it\? \[y\/N\]/);
  assert.ok(fs.existsSync(output));
});
