'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const { once } = require('node:events');
const { ROOT, tempDir, quiet, openClient, pendingEvents, runScript } = require('./helper');

const INDEX = path.join(ROOT, 'js');

/** What waits in a directory, seen by a client that opens it afterwards. */
async function left(t, directory) {
  const client = openClient(t, { directory });
  const events = await pendingEvents(client);
  client.close();
  return events;
}

test('process.exit right after emit keeps the events', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  const { code, stdout, stderr } = await runScript(
    `const c = candor.open(options); for (let i = 0; i < 50; i++) c.emit('ToolCall', { durationMs: i }); process.exit(3);`, directory);
  assert.equal(code, 3, stderr);
  assert.equal(stdout, '');
  const events = await left(t, directory);
  assert.deepEqual(events.map((event) => event.payload.durationMs), Array.from({ length: 50 }, (_, i) => i));
});

test('SIGKILL right after emit keeps the events', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  const { signal } = await runScript(
    `const c = candor.open(options); for (let i = 0; i < 50; i++) c.emit('ToolCall', { durationMs: i }); process.kill(process.pid, 'SIGKILL');`, directory);
  assert.equal(signal, 'SIGKILL');
  const events = await left(t, directory);
  assert.deepEqual(events.map((event) => event.payload.durationMs), Array.from({ length: 50 }, (_, i) => i));
});

test('an uncaught error keeps the events', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  const { code } = await runScript(`const c = candor.open(options); c.emit('ToolCall', {}); throw new Error('host');`, directory);
  assert.equal(code, 1);
  assert.equal((await left(t, directory)).length, 1);
});

test('a process that awaits flush ends by itself', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  const { code, stdout, stderr } = await runScript(
    `const c = candor.open(options); c.emit('ToolCall', {}); c.flush().then(() => { process.exitCode = 7; });`, directory);
  assert.equal(code, 7, stderr);
  assert.equal(stdout, '');
});

test('an open client alone does not keep a process alive', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  const { code } = await runScript(`candor.open(options).emit('ToolCall', {});`, directory, { options: { mode: 'auto', batchIntervalMs: 86400000 } });
  assert.equal(code, 0);
  assert.equal((await left(t, directory)).length, 1);
});

test('a promise that nobody handles does not bring the host down', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  const { code, stderr } = await runScript(
    `const c = candor.open(options); c.close(); c.flush(); c.upload(); c.purge(); c.setEnabled(false); c.setEnabled('x');`, directory);
  assert.equal(code, 0, stderr);
});

test('promises asked for before close are settled after it', async (t) => {
  const client = openClient(t);
  client.emit('ToolCall', {});
  const asked = [client.flush(), client.upload(), client.purge()];
  client.close();
  const settled = await Promise.allSettled(asked);
  for (const one of settled) if (one.status === 'rejected') assert.match(one.reason.code, /^ERR_CANDOR_/);
});

test('the library prints nothing on stdout', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  const { code, stdout } = await runScript(
    `const c = candor.open({ ...options, notice: 'stderr', endpoint: 'http://127.0.0.1:9' }); c.emit('Nope'); c.emit('ToolCall', {});
     c.upload().then(() => c.flush()).then(() => c.close());`, directory, { env: { NODE_DEBUG: 'candor' } });
  assert.equal(code, 0);
  assert.equal(stdout, '');
});

test('NODE_DEBUG=candor says on stderr why an event was not kept', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  const { stderr } = await runScript(`const c = candor.open(options); c.emit('Nope'); c.emit('ToolCall', 7);`, directory, { env: { NODE_DEBUG: 'candor' } });
  assert.match(stderr, /Nope not kept: unknown_event/);
  assert.match(stderr, /ToolCall not kept: bad_payload/);
});

test('every worker thread has clients of its own, also on one directory', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  const source = `
    const { workerData, parentPort } = require('node:worker_threads');
    const client = require(workerData.index).open(workerData.options);
    for (let i = 0; i < 100; i++) client.emit('ToolCall', { toolName: 'w' + workerData.n, durationMs: i });
    client.flush().then(() => { client.close(); parentPort.postMessage('done'); });`;
  const workers = [0, 1, 2, 3].map((n) =>
    new Worker(source, { eval: true, workerData: { n, index: INDEX, options: quiet(directory) } }));
  const codes = await Promise.all(workers.map(async (worker) => (await once(worker, 'exit'))[0]));
  assert.deepEqual(codes, [0, 0, 0, 0]);
  const client = openClient(t, { directory });
  await client.flush();
  assert.equal(client.status().spool.events, 400);
});

test('a worker that is terminated with an open client leaves its events', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  const source = `
    const { workerData, parentPort } = require('node:worker_threads');
    const client = require(workerData.index).open(workerData.options);
    for (let i = 0; i < 10; i++) client.emit('ToolCall', { durationMs: i });
    for (let i = 0; i < 3; i++) client.flush();
    parentPort.postMessage('emitted'); setInterval(() => {}, 1000);`;
  for (let round = 1; round <= 3; round++) {
    const worker = new Worker(source, { eval: true, workerData: { index: INDEX, options: quiet(directory) } });
    await once(worker, 'message');
    await worker.terminate();
  }
  const client = openClient(t, { directory });
  await client.flush();
  assert.equal(client.status().spool.events, 30);
});

test('the addon loads and unloads again and again', async () => {
  const source = `require(${JSON.stringify(INDEX)}).settings()`;
  for (let i = 0; i < 10; i++) {
    const [code] = await once(new Worker(source, { eval: true }), 'exit');
    assert.equal(code, 0);
  }
});

test('a client that was forgotten is closed with the process, not before', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  const script = `(() => { const c = candor.open(options); c.emit('ToolCall', {}); })();
    global.gc(); setImmediate(() => { global.gc(); });`;
  const { code, stderr } = await runScript(`require('node:v8').setFlagsFromString('--expose-gc'); global.gc = require('node:vm').runInNewContext('gc');${script}`, directory);
  assert.equal(code, 0, stderr);
  assert.equal((await left(t, directory)).length, 1);
});

test('two clients in one process keep their events apart', async (t) => {
  const one = openClient(t, { app: 'one' });
  const two = openClient(t, { app: 'two' });
  one.emit('ToolCall', { toolName: 'one' });
  two.emit('ToolCall', { toolName: 'two' });
  one.close();
  assert.equal(two.emit('ToolCall', { toolName: 'two' }), true);
  const events = await pendingEvents(two);
  assert.deepEqual(events.map((event) => [event.app, event.payload.toolName]), [['two', 'two'], ['two', 'two']]);
});

for (const env of [{ DO_NOT_TRACK: '1' }, { TELEMETRY_ENABLED: 'off' }, { TELEMETRY_ENABLED: 'nonsense' }]) {
  test(`a worker thread obeys its own ${JSON.stringify(env)}, even where the process says yes`, async (t) => {
    const directory = path.join(tempDir(t), 'spool');
    const source = `
      const { workerData, parentPort } = require('node:worker_threads');
      const client = require(workerData.index).open(workerData.options);
      const kept = client.emit('ToolCall', {});
      parentPort.postMessage({ kept, by: client.status().decided_by });
      client.close();`;
    const script = `
      const { Worker } = require('node:worker_threads');
      const start = (env) => new Promise((done) => new Worker(${JSON.stringify(source)},
        { eval: true, env, workerData: { index: ${JSON.stringify(INDEX)}, options } }).once('message', done));
      start(${JSON.stringify(env)}).then(async (no) => process.stderr.write(JSON.stringify([no, (await start({})).kept])));`;
    const { stderr } = await runScript(script, directory, { env: { TELEMETRY_ENABLED: '1' } });
    assert.deepEqual(JSON.parse(stderr), [{ kept: false, by: 'host' }, true]);
  });
}

test('setEnabled takes null for its options and never throws at once', async (t) => {
  const client = openClient(t);
  assert.equal((await client.setEnabled(false, null)).enabled, false);
  await assert.rejects(client.setEnabled(true, { get source() { throw new Error('no'); } }), /no/);
  assert.equal(client.emit('ToolCall', {}), false);
});

test('a choice that cannot be stored rejects', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  openClient(t, { directory }).close();
  fs.rmSync(path.join(directory, 'consent'));
  fs.mkdirSync(path.join(directory, 'consent'));
  const client = openClient(t, { directory });
  assert.equal(client.emit('ToolCall', {}), false);
  assert.equal(client.status().decided_by, 'stored');
  assert.match(client.status().worker.error, /consent/);
  await assert.rejects(client.setEnabled(false), { code: 'ERR_CANDOR_IO', message: /the choice cannot be stored/ });
});

test('a directory that others may write to is refused, and the client drops, counts and says why', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  fs.mkdirSync(directory);
  fs.chmodSync(directory, 0o777);
  const client = openClient(t, { directory });
  assert.equal(client.emit('ToolCall', {}), false);
  const status = client.status();
  assert.equal(status.emitted, 1);
  assert.equal(status.directory, directory);
  assert.match(status.worker.error, /other users may write to .*chmod 700/);
  await assert.rejects(client.setEnabled(false), /the choice cannot be stored/);
  client.close();
  assert.deepEqual(fs.readdirSync(directory), []);
});

test('the default directory is made private, whatever mode it had', async (t) => {
  const home = tempDir(t);
  const directory = path.join(home, 'data', 'js-test', 'telemetry');
  fs.mkdirSync(directory, { recursive: true });
  fs.chmodSync(directory, 0o775);
  const { stderr } = await runScript(
    `delete options.directory; const c = candor.open(options); process.stderr.write(String(c.emit('ToolCall', {})));`, path.join(home, 'x'));
  assert.equal(stderr, 'true');
  assert.equal(fs.statSync(directory).mode & 0o777, 0o700);
});

test('a stored choice that cannot be read silences, and deletes nothing', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  const first = openClient(t, { directory });
  assert.equal(first.emit('ToolCall', { durationMs: 1 }), true);
  await first.flush();
  first.close();
  fs.truncateSync(path.join(directory, 'consent'), 7);
  const second = openClient(t, { directory });
  assert.equal(second.emit('ToolCall', {}), false);
  await second.flush();
  second.close();
  assert.equal(fs.readdirSync(path.join(directory, 'spool')).length, 1);
});
