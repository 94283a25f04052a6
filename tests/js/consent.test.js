'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { NoopClient } = require('../../js/noop');
const { openClient, pendingEvents, runScript, tempDir } = require('./helper');

test('setLevel: lower levels are kept, higher ones counted as level', async (t) => {
  const client = openClient(t);
  assert.equal(client.status().level, 'all');
  const { enabled } = await client.setLevel('error');
  assert.equal(enabled, true);
  assert.equal(client.emit('ToolCall', {}), false);
  assert.equal(client.emit('Error', { errorType: 'x' }), true);
  assert.equal(client.status().level, 'error');
  assert.equal(client.status().dropped.level, 1);
});

test('setLevel narrows and deletes, and the host can only narrow', async (t) => {
  const client = openClient(t);
  client.emit('ToolCall', {});
  client.emit('Error', { errorType: 'x' });
  assert.equal((await client.setLevel('error', 'host')).purged, 2);
  assert.equal(client.emit('Error', {}), true);
  await client.setLevel('crash');
  await client.setLevel('all', 'host');
  assert.equal(client.status().level, 'crash');
  assert.equal((await client.setLevel('off', 'host')).enabled, false);
  assert.equal(client.status().decided_by, 'host');
});

test('hostLevel is an option, and a wrong level is a sentence', async (t) => {
  const client = openClient(t, { hostLevel: 'crash' });
  assert.equal(client.emit('ToolCall', {}), false);
  await assert.rejects(client.setLevel('everything'), { code: 'ERR_CANDOR_INVALID_OPTION', message: /off, crash, error, all/ });
  await assert.rejects(client.setLevel('all', 'somebody'), { code: 'ERR_CANDOR_INVALID_OPTION' });
  assert.throws(() => openClient(t, { hostLevel: 'some' }), { code: 'ERR_CANDOR_INVALID_OPTION' });
});

test('on again is another session, in status and in events', async (t) => {
  const client = openClient(t);
  const before = client.status().session_id;
  await client.setEnabled(false);
  await client.setEnabled(true);
  const after = client.status().session_id;
  assert.notEqual(after, before);
  client.emit('ToolCall', {});
  const [event] = await pendingEvents(client);
  assert.equal(event.session_id, after);
});

test('setGdpr leaves the consent file alone, also after the run', async (t) => {
  const directory = path.join(tempDir(t), 'data');
  const client = openClient(t, { directory });
  client.emit('ToolCall', {});
  assert.deepEqual(await client.setGdpr(true), { enabled: false, purged: 1 });
  assert.deepEqual(fs.readdirSync(directory), ['consent']);
  assert.equal(client.status().gdpr, true);
  assert.equal(client.status().decided_by, 'gdpr');
  assert.equal(client.emit('ToolCall', {}), false);
  client.close();
  assert.deepEqual(fs.readdirSync(directory), ['consent']);
  const again = openClient(t, { directory });
  assert.equal((await again.setGdpr(false)).enabled, true);
  assert.equal(again.emit('ToolCall', {}), true);
  await assert.rejects(again.setGdpr('yes'), { code: 'ERR_CANDOR_INVALID_OPTION' });
});

test('a host that shows the notice itself sends nothing before it says so', async (t) => {
  const client = openClient(t, { notice: 'host', endpoint: 'http://127.0.0.1:9' });
  assert.deepEqual(client.status().notice, { version: 1, acknowledged: 0, waiting: true });
  assert.equal(client.emit('ToolCall', {}), true);
  assert.match((await client.upload()).error, /has not acknowledged notice version 1/);
  await client.acknowledgeNotice();
  assert.deepEqual(client.status().notice, { version: 1, acknowledged: 1, waiting: false });
  assert.doesNotMatch((await client.upload()).error, /notice/); // nobody listens there
});

test('one variable makes a host app\'s tests record nothing and write nothing', async (t) => {
  const directory = path.join(tempDir(t), 'data');
  const { code, stdout, stderr } = await runScript(
    `const c = candor.open(options); console.log(c.emit('ToolCall', {}), c.status().decided_by);`, directory,
    { env: { TELEMETRY_ENABLED: '0' } });
  assert.equal(code, 0, stderr);
  assert.equal(stdout, 'false TELEMETRY_ENABLED\n');
  assert.equal(fs.existsSync(directory), false);
});

test('status says that it runs in continuous integration', async (t) => {
  const directory = path.join(tempDir(t), 'data');
  const { stdout } = await runScript('console.log(candor.open(options).status().ci);', directory, { env: { CI: 'true' } });
  assert.equal(stdout, 'true\n');
});

test('the client that does nothing has the same calls, and none brings the host down', async (t) => {
  const client = new NoopClient('no binary');
  for (const call of [client.setLevel('error'), client.setGdpr(true), client.acknowledgeNotice(), client.setEnabled(true)]) {
    await assert.rejects(call, { code: 'ERR_CANDOR_NATIVE' });
  }
  const { code, stderr } = await runScript(
    `const { NoopClient } = require(${JSON.stringify(require.resolve('../../js/noop'))}); const c = new NoopClient('none');
     c.setLevel('all'); c.setGdpr(true); c.acknowledgeNotice(); c.setEnabled(false);`, path.join(tempDir(t), 'data'));
  assert.equal(code, 0, stderr);
});

test('calls about privacy on a closed client reject and harm nobody', async (t) => {
  const client = openClient(t);
  client.close();
  for (const call of [client.setLevel('error'), client.setGdpr(true), client.acknowledgeNotice()]) {
    await assert.rejects(call, { code: /^ERR_CANDOR_(CLOSED|CANCELLED)$/ });
  }
});
