'use strict';
const assert = require('node:assert/strict');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { before, test } = require('node:test');
const { PluginHost } = require('../../js/plugins');
const { openClient, tempDir } = require('./helper.js');

const ROOT = path.join(__dirname, '..', '..');
const MAX_MEMORY = 16777216;
/** @type {string} */
let modules;

/** Debian's clang and wasi-libc. @param {string} name @param {string[]} [flags] */
function compile(name, flags = [`-Wl,--max-memory=${MAX_MEMORY}`], out = name) {
  const file = path.join(modules, `${out}.wasm`);
  execFileSync('clang', ['--target=wasm32-wasi', '-O1', '-Wall', '-Wextra', '-Werror', '-Wno-infinite-recursion', '-mexec-model=reactor',
    `-I${path.join(ROOT, 'js', 'plugins')}`, path.join(ROOT, 'tests', 'plugins', `${name}.c`), '-o', file, ...flags]);
  return file;
}

before((t) => {
  modules = tempDir(t);
  for (const name of ['events', 'misbehave', 'exporter']) compile(name);
});

function setUp(t) {
  const client = openClient(t);
  /** @type {any[]} */
  const logs = [];
  const host = new PluginHost(client, { onLog: (entry) => logs.push(entry) });
  t.after(() => host.close());
  return { client, host, logs, file: (name) => path.join(modules, `${name}.wasm`) };
}

const TELEMETRY = { capabilities: ['telemetry'] };
const lines = (client) => client.preview().split('\n').filter(Boolean).map((line) => JSON.parse(line));

test('an event of a plugin passes the schema like one of the host, and a log line is redacted', async (t) => {
  const { client, host, logs, file } = setUp(t);
  const plugin = await host.load(file('events'), TELEMETRY);
  assert.equal(await plugin.call('good'), 0);
  const events = lines(client);
  const call = events.find((event) => event.event_type === 'ToolCall');
  assert.deepEqual(call.payload, { toolName: 'from-plugin', durationMs: 3, success: true });
  assert.equal(call.correlation_id, 'p-1');
  const log = events.find((event) => event.event_type === 'plugin.log');
  assert.equal(log.payload.plugin, 'events');
  assert.equal(log.payload.level, 'info');
  assert.doesNotMatch(log.payload.message, /anna/);
  assert.deepEqual(logs, [{ plugin: 'events', level: 'info', message: 'started by anna@example.com' }]);
  const status = plugin.status();
  assert.deepEqual([status.events_kept, status.logs, status.calls], [1, 1, 1]);
});

test('what is malformed, too large or not in the schema is refused and counted, and the plugin goes on', async (t) => {
  const { client, host, file } = setUp(t);
  const plugin = await host.load(file('events'), TELEMETRY);
  assert.equal(await plugin.call('malformed'), -1);
  assert.equal(await plugin.call('not_utf8'), -1);
  assert.equal(await plugin.call('large'), -3);
  assert.equal(await plugin.call('unknown'), 0);
  assert.equal(await plugin.call('good'), 0);
  assert.equal(plugin.status().events_refused, 1);
  assert.equal(client.status().dropped.unknown_event, 1);
  assert.equal(plugin.status().state, 'ready');
});

test('events over the limit of a minute are refused and counted', async (t) => {
  const { host, file } = setUp(t);
  const plugin = await host.load(file('events'), { ...TELEMETRY, eventsPerMinute: 5 });
  assert.equal(await plugin.call('burst'), 15);
  assert.equal(plugin.status().limited, 15);
  assert.equal(plugin.status().events_kept, 5);
});

for (const [name, reason] of [['hang', 'timeout'], ['trap', 'trap'], ['overflow', 'trap'], ['bad_pointer', 'bad_pointer'], ['flood', 'flood']]) {
  test(`a plugin that ends in ${name} is cut off as ${reason}; the host and other plugins go on`, async (t) => {
    const { client, host, file } = setUp(t);
    const bad = await host.load(file('misbehave'), { ...TELEMETRY, callTimeoutMs: 2000 });
    const good = await host.load(file('events'), TELEMETRY);
    assert.equal(await bad.call('fine'), 7);
    await assert.rejects(bad.call(name), { name: 'TelemetryError', code: 'ERR_CANDOR_PLUGIN' });
    assert.equal(bad.status().state, 'cut_off');
    assert.equal(bad.status().reason, reason);
    await assert.rejects(bad.call('fine'), /was cut off/);
    assert.equal(await good.call('good'), 0);
    assert.equal(client.emit('ToolCall', { toolName: 'host' }), true);
    assert.deepEqual(host.status().map((status) => status.state).sort(), ['cut_off', 'ready']);
  });
}

test('a call after close, and one that waits for close, are told that the plugin was closed', async (t) => {
  const { host, file } = setUp(t);
  const plugin = await host.load(file('misbehave'), { ...TELEMETRY, name: 'gone' });
  const waiting = assert.rejects(plugin.call('hang'), { message: 'the plugin gone was closed' });
  await host.close();
  await waiting;
  await assert.rejects(plugin.call('fine'), { code: 'ERR_CANDOR_PLUGIN', message: 'the plugin gone was closed' });
  assert.equal(plugin.status().state, 'closed');
});

test('a call in flight when another hangs is told too', async (t) => {
  const { host, file } = setUp(t);
  const bad = await host.load(file('misbehave'), { ...TELEMETRY, callTimeoutMs: 2000 });
  const both = await Promise.allSettled([bad.call('hang'), bad.call('fine')]);
  assert.deepEqual(both.map((result) => result.status), ['rejected', 'rejected']);
});

test('without the capability host_telemetry_event is not there, and the error says so', async (t) => {
  const { host, file } = setUp(t);
  await assert.rejects(host.load(file('events')), /capability "telemetry"/);
  assert.deepEqual(host.status(), []);
});

test('a module without a declared maximum of memory, or with too large a one, is refused', async (t) => {
  const { host, file } = setUp(t);
  await assert.rejects(host.load(compile('events', [], 'unbounded'), TELEMETRY), /--max-memory/);
  await assert.rejects(host.load(file('events'), { ...TELEMETRY, memoryMaxBytes: 1048576 }), /may grow to 16777216 bytes/);
});

test('a file that is no module, a wrong option, a wrong name: an error that says what', async (t) => {
  const { host, file } = setUp(t);
  const text = path.join(modules, 'text.wasm');
  fs.writeFileSync(text, 'not a module');
  await assert.rejects(host.load(text), /not a WebAssembly module/);
  fs.writeFileSync(text, fs.readFileSync(file('events')).subarray(0, 5000));
  await assert.rejects(host.load(text, TELEMETRY), { code: 'ERR_CANDOR_PLUGIN' });
  await assert.rejects(host.load(file('events'), { timeout: 1 }), /unknown plugin option "timeout"/);
  await assert.rejects(host.load(file('events'), { callTimeoutMs: 0 }), /callTimeoutMs must be a number from 1 to 60000/);
  await assert.rejects(host.load(file('events'), { name: '../x' }), /is no id/);
  await assert.rejects(host.load(file('events'), { capabilities: ['network'] }), /unknown capability "network"/);
});

test('a plugin has no files of the host', async (t) => {
  const { host, file } = setUp(t);
  const plugin = await host.load(file('events'), TELEMETRY);
  assert.equal(await plugin.call('files'), 1);
});

test('an exporter reads the file it is given and nothing else, and what it wrote is collected', async (t) => {
  const { host, file } = setUp(t);
  const directory = tempDir(t);
  const input = path.join(directory, 'events.jsonl');
  fs.writeFileSync(input, '{}\n{}\n{}\n');
  await host.load(file('exporter'), { capabilities: ['export'] });
  const { result, files } = await host.export('exporter', input, path.join(directory, 'out'));
  assert.equal(result, 0);
  assert.deepEqual(files, [path.join(directory, 'out', 'count.txt')]);
  assert.equal(fs.readFileSync(files[0], 'utf8'), '3\n');
  await assert.rejects(host.export('events', input, directory), /no plugin events with the capability "export"/);
  await host.close();
  assert.deepEqual(fs.readdirSync(os.tmpdir()).filter((name) => name.startsWith('candor-plugin-')
    && fs.existsSync(path.join(os.tmpdir(), name, 'in', 'events.jsonl'))), []);
});

test('an exporter that writes too many files is refused', async (t) => {
  const { host, file } = setUp(t);
  const directory = tempDir(t);
  const input = path.join(directory, 'events.jsonl');
  fs.writeFileSync(input, '{}\n'.repeat(20));
  await host.load(file('exporter'), { capabilities: ['export'] });
  await assert.rejects(host.export('exporter', input, path.join(directory, 'out')), /wrote 21 files/);
  assert.equal(fs.existsSync(path.join(directory, 'out')), false);
});

test('a long log line is cut', async (t) => {
  const { host, logs, file } = setUp(t);
  const plugin = await host.load(file('events'), TELEMETRY);
  await plugin.call('long_line');
  assert.equal(logs[1].message, 'x'.repeat(4096));
});

test('at most 32 plugins are loaded, and an unloaded one makes room', async (t) => {
  const { host, file } = setUp(t);
  await Promise.all(Array.from({ length: 32 }, (_, i) => host.load(file('misbehave'), { ...TELEMETRY, name: `p${i}`, callTimeoutMs: 30_000 })));
  await assert.rejects(host.load(file('misbehave'), { ...TELEMETRY, name: 'one-more' }), /32 plugins are the most/);
  await host.unload('p0');
  await host.load(file('misbehave'), { ...TELEMETRY, name: 'one-more', callTimeoutMs: 30_000 });
});

test('a plugin prints nothing on the host\'s streams and does not keep the process alive', () => {
  const script = `const { open } = require(${JSON.stringify(path.join(ROOT, 'js'))});
    const { PluginHost } = require(${JSON.stringify(path.join(ROOT, 'js', 'plugins'))});
    const client = open({ app: 'p', directory: process.argv[1], notice: 'none' });
    new PluginHost(client).load(${JSON.stringify(path.join(modules, 'events.wasm'))}, { capabilities: ['telemetry'] })
      .then(async (plugin) => { process.exitCode = await plugin.call('good') === 0 ? 9 : 1; });`;
  const directory = fs.mkdtempSync(path.join(modules, 'run-'));
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', script, directory], { encoding: 'utf8', timeout: 60_000 });
  assert.equal(status, 9, stderr);
  assert.equal(stdout, '');
  assert.equal(stderr, '');
});
