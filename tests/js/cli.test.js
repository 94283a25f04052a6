'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { parseSince } = require('../../js/cli/since');
const { MAIN, appThatRan } = require('./cli-helper');
const { ROOT, tempDir, run } = require('./helper');
const { reply, serve } = require('../support/http.js');

test('--help and --version go to stdout with exit code 0', async (t) => {
  const dir = tempDir(t);
  const help = await run([MAIN, '--help'], { dir });
  assert.equal(help.code, 0);
  for (const word of ['status', 'on', 'off', 'preview', 'upload', 'purge', 'stats', 'settings', '--app', '--json']) {
    assert.ok(help.stdout.includes(word), word);
  }
  const version = await run([MAIN, '--version'], { dir });
  assert.equal(version.stdout, `${JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'))).version}\n`);
});

test('wrong usage is a sentence on stderr and exit code 2', async (t) => {
  const dir = tempDir(t);
  for (const args of [[], ['frobnicate'], ['status'], ['status', '--app', 'x', '--bogus'], ['on', 'now', '--app', 'x'],
    ['purge', '--app', 'x', '--since', '1h'], ['stats', '--app', 'x', '--since', 'soon'], ['constructor', '--app', 'x']]) {
    const done = await run([MAIN, ...args], { dir });
    assert.equal(done.code, 2, `${args.join(' ')}: ${done.stderr}`);
    assert.equal(done.stdout, '');
    assert.match(done.stderr, /^candor: /);
    assert.ok(!done.stderr.includes('    at '), done.stderr);
  }
});

test('an app that never ran is an error, and nothing is created', async (t) => {
  const dir = tempDir(t);
  for (const command of ['status', 'on', 'off', 'preview', 'upload', 'purge', 'stats']) {
    const done = await run([MAIN, command, '--app', 'nobody'], { dir });
    assert.equal(done.code, 1);
    assert.match(done.stderr, /nobody.*does not exist/);
  }
  assert.deepEqual(fs.readdirSync(dir), []);
});

test('status says on, why, and what waits', async (t) => {
  const { cli } = await appThatRan(t);
  const text = await cli(['status']);
  assert.equal(text.code, 0, text.stderr);
  assert.match(text.stdout, /Telemetry is on/);
  assert.match(text.stdout, /2 events in 1 batch/);
  assert.ok(!text.stdout.includes('\u001b'), 'no colours without a terminal');
  const json = await cli(['status', '--json']);
  assert.equal(JSON.parse(json.stdout).spool.events, 2);
});

test('--dir names the directory itself', async (t) => {
  const { dir, directory } = await appThatRan(t);
  const done = await run([MAIN, 'status', '--dir', directory, '--json'], { dir });
  assert.equal(JSON.parse(done.stdout).directory, directory);
});

test('preview prints exactly the bytes of the next upload, and upload sends them', async (t) => {
  const bodies = [];
  const endpoint = await serve(t, ({ text, headers }, response) => {
    bodies.push({ text, token: headers.authorization });
    reply(response, 202, { accepted: 2, duplicates: 0, rejected: 0 });
  });
  const { cli } = await appThatRan(t);
  const preview = await cli(['preview']);
  assert.equal(preview.code, 0);
  assert.equal(preview.stdout.split('\n').length, 3);
  const upload = await cli(['upload', '--endpoint', endpoint, '--json'], { TELEMETRY_TOKEN: 'from-env' });
  assert.equal(upload.code, 0, upload.stderr);
  assert.equal(JSON.parse(upload.stdout).events, 2);
  assert.deepEqual(bodies, [{ text: preview.stdout, token: 'Bearer from-env' }]);
  const empty = await cli(['preview']);
  assert.deepEqual([empty.code, empty.stdout], [0, '']);
});

test('upload that fails ends with exit code 1 and the reason, and keeps the events', async (t) => {
  const { cli } = await appThatRan(t);
  const none = await cli(['upload']);
  assert.equal(none.code, 1, none.stdout);
  assert.match(none.stderr, /upload failed/);
  const status = await cli(['status', '--json']);
  assert.equal(JSON.parse(status.stdout).spool.events, 2);
});

test('--token warns that it is visible', async (t) => {
  const { cli } = await appThatRan(t);
  const done = await cli(['upload', '--token', 'abc']);
  assert.match(done.stderr, /TELEMETRY_TOKEN/);
});

test('off deletes what waits and holds until on', async (t) => {
  const { cli } = await appThatRan(t);
  const off = await cli(['off']);
  assert.equal(off.code, 0, off.stderr);
  assert.match(off.stdout, /Telemetry is off/);
  const status = JSON.parse((await cli(['status', '--json'])).stdout);
  assert.equal(status.enabled, false);
  assert.equal(status.decided_by, 'stored');
  assert.equal(status.spool.events, 0);
  const on = await cli(['on', '--json']);
  assert.equal(JSON.parse(on.stdout).enabled, true);
});

test('on says when something stronger keeps it off', async (t) => {
  const { cli } = await appThatRan(t);
  const on = await cli(['on'], { DO_NOT_TRACK: '1' });
  assert.equal(on.code, 0, on.stderr);
  assert.match(on.stdout, /Telemetry is off/);
  assert.match(on.stdout, /DO_NOT_TRACK/);
  assert.match(on.stdout, /something stronger/);
});

test('looking with DO_NOT_TRACK set deletes nothing and sends nothing; off still deletes', async (t) => {
  const { directory, cli } = await appThatRan(t);
  const waiting = () => fs.readdirSync(path.join(directory, 'spool')).length;
  const status = await cli(['status', '--json'], { DO_NOT_TRACK: '1' });
  const report = JSON.parse(status.stdout);
  assert.equal(report.decided_by, 'DO_NOT_TRACK');
  assert.equal(report.spool.events, 2);
  await cli(['preview'], { DO_NOT_TRACK: '1' });
  assert.equal(waiting(), 1);
  const off = await cli(['off', '--json'], { DO_NOT_TRACK: '1' });
  assert.equal(JSON.parse(off.stdout).purged, 2);
  assert.equal(waiting(), 0);
});

test('purge deletes what waits', async (t) => {
  const { cli } = await appThatRan(t);
  const purge = await cli(['purge', '--json']);
  assert.equal(purge.code, 0, purge.stderr);
  assert.equal(JSON.parse(purge.stdout).purged, 2);
  assert.equal((await cli(['preview'])).stdout, '');
});

test('stats counts by event type since a span or a date', async (t) => {
  const { cli } = await appThatRan(t);
  for (const since of ['24h', '7d', '2020-01-01', '2020-01-01T00:00:00+02:00']) {
    const done = await cli(['stats', '--since', since, '--json']);
    assert.equal(done.code, 0, done.stderr);
    assert.deepEqual(JSON.parse(done.stdout).types, [{ type: 'ToolCall', kept: 2, sent: 0 }]);
  }
  assert.match((await cli(['stats'])).stdout, /ToolCall +2 +0/);
  assert.match((await cli(['stats', '--since', '2090-01-01'])).stdout, /Nothing was kept/);
});

test('spans are counted back from now', () => {
  assert.equal(parseSince('24h', 1e12), 1e12 - 86400e3);
  assert.equal(parseSince('2w', 1e12), 1e12 - 14 * 86400e3);
  assert.equal(parseSince('2026-11-21', 0), Date.UTC(2026, 10, 21));
  for (const text of ['', '24', 'h', '-1h', '1.5h', '2026-13-01', '9999999h']) assert.throws(() => parseSince(text, 0), { exitCode: 2 });
});

test('settings lists every option', async (t) => {
  const dir = tempDir(t);
  const rows = JSON.parse((await run([MAIN, 'settings', '--json'], { dir })).stdout);
  const text = (await run([MAIN, 'settings'], { dir })).stdout;
  for (const row of rows) assert.ok(text.includes(row.name));
  assert.ok(rows.some((row) => row.name === 'endpoint' && row.env === 'TELEMETRY_ENDPOINT'));
});

test('a directory that is a file, or not ours to read, is a sentence', async (t) => {
  const dir = tempDir(t);
  const file = path.join(dir, 'file');
  fs.writeFileSync(file, '');
  const done = await run([MAIN, 'status', '--dir', file], { dir });
  assert.equal(done.code, 1);
  assert.match(done.stderr, /is not a directory/);
});
