'use strict';
// The process's default client, and uncaught errors: both are matters of a whole process.

const test = require('node:test');
const assert = require('node:assert/strict');
const path = require('node:path');
const { openClient, pendingEvents, runScript, tempDir } = require('./helper');

test('before configureDefault everything does nothing; afterwards it is one client', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  const { code, stdout, stderr } = await runScript(`
    (async () => {
      const before = [candor.emit('command.start', {}), candor.metric('m', 1), candor.withSpan('s', () => 7),
        await candor.flush(), candor.getDefault().status().reason];
      const client = candor.configureDefault(options);
      const same = candor.getDefault() === client;
      const after = [candor.emit('command.start', { name: 'a' }), candor.metric('m', 1), candor.startSpan('x').end(),
        candor.withSpan('s', () => 7), candor.recordEvent({ metric: 'n', value: 2 })];
      const { path } = await candor.flush();
      const lines = require('node:zlib').gunzipSync(require('node:fs').readFileSync(path), 'utf8').toString().trim().split('\\n');
      const next = candor.configureDefault({ ...options, directory: options.directory + '-2' });
      console.log(JSON.stringify({ before, same, after, events: lines.length, closed: client.emit('command.start', {}), next: candor.emit('command.start', {}) }));
    })();`, directory);
  assert.equal(code, 0, stderr);
  const said = JSON.parse(stdout);
  assert.deepEqual(said.before.slice(0, 4), [false, false, 7, {}]);
  assert.match(said.before[4], /configureDefault/);
  assert.deepEqual({ ...said, before: null }, { before: null, same: true, after: [true, true, true, 7, true], events: 5, closed: false, next: true });
});

test('the ES module names the same functions', async () => {
  const module = await import('../../js/index.mjs');
  const candor = require('../../js');
  for (const name of Object.keys(candor)) assert.equal(module[name], candor[name], name);
});

/** Run a body with captureUncaught on, then read what it left. */
async function captured(t, body, options) {
  const directory = path.join(tempDir(t), 'spool');
  const result = await runScript(`const client = candor.open(options);\nconst stop = client.captureUncaught({ rethrow: true });\n${body}`, directory, options);
  const client = openClient(t, { directory });
  return { ...result, events: await pendingEvents(client) };
}

test('an uncaught error becomes an event, and the process ends as it would have', async (t) => {
  const { code, stderr, events } = await captured(t, "setTimeout(() => { throw new RangeError('mail bob@example.com'); });");
  assert.equal(code, 1);
  assert.match(stderr, /RangeError: mail bob@example\.com/);
  assert.equal(events.length, 1);
  const { errorType, message, stackTrace, context } = events[0].payload;
  assert.deepEqual([errorType, message, context], ['RangeError', 'mail <email>', 'uncaughtException']);
  assert.match(stackTrace, /\d+:\d+/);
});

test('an unhandled rejection becomes an event, with anything as its reason', async (t) => {
  const { code, events } = await captured(t, "Promise.reject('just text');");
  assert.equal(code, 1);
  assert.deepEqual(events.map((event) => [event.payload.context, event.payload.errorType]), [['unhandledRejection', 'UnhandledPromiseRejection']]);
});

test('an error that the host catches for itself is recorded and still the host\'s', async (t) => {
  const { code, stdout, events } = await captured(t, `
    process.on('uncaughtException', (error) => console.log('host got ' + error.message));
    setTimeout(() => { throw new Error('one'); });`);
  assert.deepEqual([code, stdout, events.length], [0, 'host got one\n', 1]);
});

test('hostile errors are recorded without a second error', async (t) => {
  const { code, stdout, events } = await captured(t, `
    const hostile = new Proxy({}, { get() { throw new Error('get'); } });
    process.on('uncaughtException', () => console.log('host'));
    for (const reason of [hostile, null, undefined, Symbol('x'), { name: 7, message: {}, stack: [] }]) setTimeout(() => { throw reason; });`);
  assert.deepEqual([code, stdout, events.length], [0, 'host\n'.repeat(5), 5]);
});

test('stopped or closed, nothing is captured and no listener stays', async (t) => {
  const { code, stdout } = await captured(t, `
    const count = () => process.listenerCount('uncaughtExceptionMonitor');
    const other = candor.open({ ...options, directory: options.directory + '-2' });
    other.captureUncaught();
    const seen = [count()];
    stop(); seen.push(count());
    other.close(); seen.push(count());
    console.log(JSON.stringify(seen));`);
  assert.deepEqual([code, stdout], [0, '[1,1,0]\n']);
});
