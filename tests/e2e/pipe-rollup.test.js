'use strict';
// Roll-ups through the real collector: what is counted on the machine arrives as sums, once.

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { tempDir } = require('../js/helper.js');
const { App, startCollector, stored, until } = require('./pipe-support.js');

const HOLD = path.join(__dirname, '..', '..', 'build', 'asan', 'rollup_hold');
const WEST = { TZ: 'Etc/GMT+12' };
const EAST = { TZ: 'Etc/GMT-14' }; // 26 hours later: another date at any time

test('rolled-up counts equal what was emitted, exactly once after kill -9', async (t) => {
  assert.ok(fs.existsSync(HOLD), 'the tool is built with the C tests: node scripts/build.js asan');
  const collector = await startCollector(t);
  const directory = path.join(tempDir(t), 'spool');
  const options = { endpoint: collector.url, token: collector.token, batchEvents: 50, batchIntervalMs: 10 };
  const use = (app, n, tool, success) => app.ask('emitMany', n, 0, 'tool.used', { tool, client: 'cli', success });

  const first = new App(t, directory, options, WEST);
  assert.equal(await use(first, 400, 'grep', true), 400);
  assert.equal(await use(first, 30, 'grep', false), 30);
  assert.equal(await first.ask('emitMany', 100), 100);
  await first.kill();

  const second = new App(t, directory, options, WEST);
  assert.equal(await use(second, 70, 'read', true), 70);
  await until('everything is counted', async () => (await second.ask('status')).rolled_up === 500);
  const counted = await second.ask('status');
  assert.equal(counted.rollups.rows, 2);
  assert.equal(counted.rollups.events, 500);
  assert.equal(counted.spool.events, 100);
  await second.kill();

  const third = new App(t, directory, options, EAST);
  await until('the new date is noticed', async () => (await third.ask('status')).rollups.next_at !== null);
  await third.ask('flush');
  assert.equal((await third.ask('status')).rollups.made, 0, 'not before it has held for ten minutes');
  await third.kill();
  execFileSync(HOLD, [directory]);

  const fourth = new App(t, directory, options, EAST);
  await until('the day is sent', async () => (await fourth.ask('status')).rollups.made === 2);
  await fourth.kill();

  const fifth = new App(t, directory, options, EAST);
  assert.equal((await fifth.ask('upload')).error, null);
  const status = await fifth.ask('status');
  assert.equal(status.kept, status.pending_journal + status.spool.events + status.sent.events + status.rolled_up);
  assert.equal(status.sent.events, 102);
  assert.equal(status.rollups.rows, 0);
  assert.equal(status.rollups.next_at, null);

  const events = await stored(collector);
  assert.equal(events.length, 102);
  assert.equal(new Set(events.map((event) => event.event_id)).size, 102);
  const sums = events.filter((event) => event.event_type === 'usage_rollup').map((event) => event.payload);
  const day = counted.rollups.oldest_day;
  assert.deepEqual(sums.sort((a, b) => b.count - a.count), [
    { day: `${day}T00:00:00.000Z`, tool: 'grep', client: 'cli', count: 430, errors: 30 },
    { day: `${day}T00:00:00.000Z`, tool: 'read', client: 'cli', count: 70, errors: 0 },
  ]);
  assert.equal(events.filter((event) => event.event_type === 'tool.used').length, 0);
});
