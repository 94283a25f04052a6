'use strict';
// The collector over real servers that go away and come back, with wrong passwords, and as a follower.
const assert = require('node:assert/strict');
const test = require('node:test');
const { Central, Load, run, scratch, toolCall } = require('../e2e/central-support.js');
const { until } = require('../support/until.js');
const { Server, SERVERS, PASSWORD } = require('./servers.js');

const PATIENCE_MS = 120_000;

/** @param {import('node:test').TestContext} t @param {any} name */
async function started(t, name) {
  const server = await Server.start(name);
  t.after(() => server.remove());
  return { server, url: await server.create('candor') };
}

/** @param {Central} central */
const status = async (central) => (await central.fetch('/api/v1/health')).json;

/** One more event beside the load, whose workers give up on a connection that breaks; 0: no answer.
 * @param {Central} central @param {string[]} acknowledged */
async function tryOne(central, acknowledged) {
  const one = toolCall();
  const answer = await central.post([one]).catch(() => null);
  if (answer?.status === 202) acknowledged.push(one.event_id);
  return answer?.status ?? 0;
}

/** Each acknowledged event is there, and none is there twice. @param {Central} central @param {string[]} acknowledged */
async function checkStored(central, acknowledged) {
  const ids = await central.ids();
  const stored = new Set(ids);
  assert.equal(stored.size, ids.length);
  assert.deepEqual(acknowledged.filter((id) => !stored.has(id)), []);
}

for (const name of SERVERS) {
  const skip = Server.missing(name) ?? false;

  test(`${name}: the server is killed under load and comes back: nothing acknowledged is lost or twice`, { skip }, async (t) => {
    const { server, url } = await started(t, name);
    const central = await Central.start(t, { args: ['--sink', name], env: { CANDOR_CENTRAL_SINK_URL: url } });
    const load = new Load(central, 2);
    await load.first;
    await server.end('SIGKILL');
    await until('a write never failed', async () => await tryOne(central, load.acknowledged) === 503, PATIENCE_MS);
    await until('health never said so', async () => (await status(central)).reason === 'store cannot commit', PATIENCE_MS);
    await server.launch();
    await until('it never recovered by itself', async () => (await status(central)).status === 'ok', PATIENCE_MS);
    await until('nothing was acknowledged afterwards', async () => await tryOne(central, load.acknowledged) === 202, PATIENCE_MS);
    await load.stop();
    await checkStored(central, load.acknowledged);
    assert.ok(!central.log.includes(PASSWORD));
  });

  test(`${name}: a follower that is killed and comes back has everything in the end`, { skip }, async (t) => {
    const { server, url } = await started(t, name);
    const central = await Central.start(t, {
      args: ['--sink', 'sqlite', '--sink', name], env: { CANDOR_CENTRAL_SINK_URL: url },
    });
    const load = new Load(central, 2);
    await load.first;
    await server.end('SIGKILL');
    for (let i = 0; i < 20; i += 1) {
      await until('the first sink stopped with its follower', async () => await tryOne(central, load.acknowledged) === 202, PATIENCE_MS);
    }
    assert.equal((await status(central)).status, 'ok');
    await load.stop();
    await server.launch();
    await until('it never caught up', async () => (await status(central)).followers[0].queued_bytes === 0, PATIENCE_MS);
    const [follower] = (await status(central)).followers;
    assert.deepEqual([follower.sink, follower.dropped, follower.refused, follower.damaged], [name, 0, 0, 0]);
    await central.end('SIGTERM');
    const there = await Central.start(t, { args: ['--sink', name], env: { CANDOR_CENTRAL_SINK_URL: url } });
    await checkStored(there, load.acknowledged);
  });

  test(`${name}: a wrong password ends the start with a sentence that does not repeat it`, { skip }, async (t) => {
    const { server } = await started(t, name);
    const { code, stderr, stdout } = await run(['serve', '--data', `${scratch(t)}/data`, '--listen', '127.0.0.1:0', '--sink', name],
      { CANDOR_CENTRAL_SINK_URL: server.url('candor', 'wrong-secret') });
    assert.equal(code, 1);
    assert.match(stderr, /password|denied/i);
    assert.ok(!`${stderr}${stdout}`.includes('wrong-secret'), stderr);
  });

  test(`${name}: a database that does not exist is named`, { skip }, async (t) => {
    const { server } = await started(t, name);
    const { code, stderr } = await run(['serve', '--data', `${scratch(t)}/data`, '--listen', '127.0.0.1:0', '--sink', name],
      { CANDOR_CENTRAL_SINK_URL: server.url('nowhere') });
    assert.equal(code, 1);
    assert.match(stderr, /nowhere/);
  });
}
