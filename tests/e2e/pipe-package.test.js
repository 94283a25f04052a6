'use strict';
// A package on its way from one machine to a collector by hand: exported, carried, uploaded.
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { openClient, tempDir } = require('../js/helper.js');
const { assertOnce, emitMany, startCollector, stored } = require('./pipe-support.js');

test('an exported package is stored once, however often and whichever way its events are sent', async (t) => {
  const collector = await startCollector(t);
  const file = path.join(tempDir(t), 'rc-metrics.json');
  const client = openClient(t, { endpoint: collector.url, token: collector.token });
  assert.equal(emitMany(client, 250), 250);
  const exported = await client.export(file);
  assert.equal(exported.events, 250);
  assert.equal(fs.statSync(file).mode & 0o777, 0o600);

  const first = await client.upload({ file });
  assert.deepEqual([first.error, first.events], [null, 250]);
  assertOnce(await stored(collector), 250);
  const again = await client.upload({ file });
  assert.equal(again.error, null);
  const spool = await client.upload();
  assert.deepEqual([spool.error, spool.events], [null, 250]);
  assertOnce(await stored(collector), 250);
  const stats = await collector.get('/api/telemetry/stats');
  assert.equal(stats.events.total, 250, 'roll-ups count what was inserted');
});

test('a package that somebody put a path or a text into is refused whole, with the place', async (t) => {
  const collector = await startCollector(t);
  const file = path.join(tempDir(t), 'rc-metrics.json');
  const client = openClient(t, { endpoint: collector.url, token: collector.token });
  emitMany(client, 3);
  await client.export(file);
  const pkg = JSON.parse(fs.readFileSync(file, 'utf8'));
  pkg.events[1].payload.toolName = '/home/anna/secret.txt';
  fs.writeFileSync(file, JSON.stringify(pkg));
  const response = await fetch(`${collector.url}/api/telemetry/upload`, {
    method: 'POST', headers: { authorization: `Bearer ${collector.token}`, 'content-type': 'application/json' }, body: fs.readFileSync(file),
  });
  assert.equal(response.status, 400);
  assert.match((await response.json()).detail, /events\[1\]|event 2|toolName/);
  assert.equal((await stored(collector)).length, 0);
  const local = await client.upload({ file });
  assert.match(String(local.error), /./);
  assert.equal((await stored(collector)).length, 0);
});
