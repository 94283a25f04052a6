'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { once } = require('node:events');
const { test } = require('node:test');
const { Worker } = require('node:worker_threads');
const { open } = require('../../js');
const { openClient, quiet, runScript, tempDir } = require('./helper.js');
const { until } = require('../support/until.js');

/** A client beside a telemetry.toml in its directory. */
function withFile(t, text, more = {}) {
  const directory = path.join(tempDir(t), 'spool');
  fs.mkdirSync(directory, { mode: 0o700 });
  const file = path.join(directory, 'telemetry.toml');
  fs.writeFileSync(file, text, { mode: 0o600 });
  return { client: openClient(t, { directory, ...more }), file, directory };
}

test('the keys of telemetry.toml win over the host\'s options, and status says which', (t) => {
  const { client, file } = withFile(t, '[telemetry]\nlocal_retention_days = 7\n[upload]\nendpoint = "http://127.0.0.1:9"\ncompression = 9\ninterval_seconds = 5\n',
    { endpoint: 'http://127.0.0.1:10' });
  const status = client.status();
  assert.equal(status.endpoint, 'http://127.0.0.1:9');
  assert.equal(status.config.file, file);
  assert.equal(status.config.error, null);
  assert.deepEqual(status.config.sets.sort(), ['endpoint', 'gzipLevel', 'retentionDays', 'uploadIntervalMs']);
});

test('enabled = false switches off and says who decided', (t) => {
  const { client } = withFile(t, '[telemetry]\nenabled = false\n');
  assert.equal(client.emit('SessionStart'), false);
  assert.equal(client.status().decided_by, 'telemetry.toml');
});

test('enabled = true holds until the user has chosen', async (t) => {
  const { client } = withFile(t, '[telemetry]\nenabled = true\n', { defaultEnabled: false });
  assert.equal(client.status().decided_by, 'telemetry.toml');
  assert.equal(client.enabled, true);
  await client.setEnabled(false);
  assert.equal(client.status().decided_by, 'stored');
  assert.equal(client.enabled, false);
});

test('a change of the file takes effect while the app runs: off deletes what waits, on records again', async (t) => {
  const { client, file } = withFile(t, '[telemetry]\nenabled = true\n');
  assert.equal(client.emit('SessionStart'), true);
  fs.writeFileSync(file, '[telemetry]\nenabled = false\n');
  await until('off', () => !client.enabled);
  await until('the deletion', () => client.status().dropped.purged === 1);
  const replacement = `${file}.new`;
  fs.writeFileSync(replacement, '[telemetry]\nenabled = true\n');
  fs.renameSync(replacement, file); // as most editors save
  await until('on', () => client.enabled);
  fs.writeFileSync(file, '[telemetry]\nenabled = false\n');
  await until('off after the file was replaced', () => !client.enabled);
});

test('a key that goes from the file gives the option back to the host', async (t) => {
  const { client, file } = withFile(t, '[upload]\nendpoint = "http://127.0.0.1:9"\n', { endpoint: 'http://127.0.0.1:10' });
  assert.equal(client.status().endpoint, 'http://127.0.0.1:9');
  await client.configure({ endpoint: 'http://127.0.0.1:11' });
  assert.equal(client.status().endpoint, 'http://127.0.0.1:9', 'the file wins over configure too');
  fs.writeFileSync(file, '\n');
  await until('the host\'s endpoint', () => client.status().endpoint === 'http://127.0.0.1:11');
});

for (const [text, host, what] of [
  ['level = "all"', { hostLevel: 'crash' }, (status) => status.level === 'crash'],
  ['upload_enabled = false', { mode: 'off' }, (status) => status.mode === 'off' && !status.enabled],
  ['full_content = true', { fullContent: false }, (status) => status.full_content.decided_by === 'host'],
  ['enabled = true', { configEnabled: 'off' }, (status) => !status.enabled],
]) {
  test(`"${text}" does not widen what the host has narrowed by ${Object.keys(host)[0]}`, (t) => {
    const { client } = withFile(t, `[telemetry]\n${text}\n`, host);
    const status = client.status();
    assert.equal(status.config.error, null);
    assert.ok(what(status), JSON.stringify(status));
  });
}

test('what the file narrows is narrowed: level and full content', (t) => {
  const { client } = withFile(t, '[telemetry]\nlevel = "error"\nfull_content = false\n', { hostLevel: 'all', fullContent: true });
  assert.equal(client.status().level, 'error');
});

test('a file that is deleted and comes back later is followed again', async (t) => {
  const { client, file } = withFile(t, '[telemetry]\nlocal_retention_days = 7\n');
  fs.unlinkSync(file);
  await until('the end of the file', () => client.status().config.sets.length === 0 && client.status().config.watching);
  fs.writeFileSync(file, '[telemetry]\nenabled = false\n');
  await until('off', () => !client.enabled);
  fs.writeFileSync(file, '[telemetry]\nenabled = true\n');
  await until('on', () => client.enabled);
});

test('while the file is away, what else happens in its folder is not looked into', async (t) => {
  const { client, file, directory } = withFile(t, '[telemetry]\nlevel = "error"\n');
  fs.rmSync(file);
  await until('the end of the file', () => client.status().config.sets.length === 0 && client.status().config.watching);
  const looks = t.mock.method(fs, 'existsSync');
  const watcher = fs.watch(directory); // told after the client, whose watch is older
  t.after(() => watcher.close());
  const last = new Promise((resolve) => { watcher.on('change', (event, name) => name === 'other-9' && resolve(undefined)); });
  for (let i = 0; i < 10; i++) fs.writeFileSync(path.join(directory, `other-${i}`), 'x');
  await last;
  assert.ok(looks.mock.callCount() < 10, String(looks.mock.callCount())); // a few of its own, none a file
  looks.mock.restore();
  fs.writeFileSync(file, '[telemetry]\nlevel = "crash"\n');
  await until('the file', () => client.status().config.sets.length === 1);
});

test('a client that is closed just after its file was replaced watches nothing', async (t) => {
  const { ConfigFile } = require('../../js/config.js');
  const file = path.join(tempDir(t), 'telemetry.toml');
  fs.writeFileSync(file, '');
  const config = new ConfigFile(file);
  config.watch(async () => ({ needs_restart: [] }));
  fs.writeFileSync(`${file}.new`, '');
  fs.renameSync(`${file}.new`, file);
  await until('the notice of it', () => !config.status().watching);
  config.close();
  await new Promise((resolve) => { setTimeout(resolve, 250); }); // longer than it would wait to watch again
  assert.equal(config.status().watching, false);
});

test('configure that is refused leaves nothing behind', async (t) => {
  const client = openClient(t);
  const [bad, good] = await Promise.allSettled([client.configure({ retentionDays: -1 }), client.configure({ batchEvents: 5 })]);
  assert.equal(bad.reason.code, 'ERR_CANDOR_INVALID_OPTION');
  assert.deepEqual(good.value, { changed: ['batchEvents'], needs_restart: [] });
  assert.deepEqual(await client.configure({ gzipLevel: 9 }), { changed: ['gzipLevel'], needs_restart: [] });
  assert.deepEqual(await client.configure({ schema: 'other.json', keyProvider: () => [] }), { changed: [], needs_restart: ['schema', 'keyProvider'] });
});

for (const [what, text, says] of [
  ['malformed TOML', '[telemetry\n', /telemetry\.toml: Invalid TOML/],
  ['an unknown key', '[telemetry]\nenabeld = true\n', /unknown key "telemetry\.enabeld"; there are telemetry\.enabled/],
  ['a wrong type', '[telemetry]\nenabled = "yes"\n', /"telemetry\.enabled" must be a boolean/],
  ['a wrong word', '[telemetry]\nexporter = "csv"\n', /must be one of candor, file, stdout, otlp_http/],
  ['a key without a section', 'enabled = true\n', /stands outside/],
]) {
  test(`${what}: nothing is recorded, nothing is deleted, and status says what is wrong`, async (t) => {
    const { client, file } = withFile(t, '');
    assert.equal(client.emit('SessionStart'), true);
    fs.writeFileSync(file, text);
    await until('the error', () => client.status().config.error !== null);
    assert.match(client.status().config.error, says);
    assert.equal(client.emit('SessionStart'), false);
    assert.equal(client.status().decided_by, 'telemetry.toml');
    fs.writeFileSync(file, '[telemetry]\nenabled = true\n');
    await until('the end of it', () => client.enabled);
    const status = client.status();
    assert.equal(status.config.error, null);
    assert.equal(status.dropped.purged, 0);
    assert.equal(status.kept, 1);
  });
}

test('a value out of bounds is an error of the file, not of the host', (t) => {
  const { client } = withFile(t, '[telemetry]\nlocal_retention_days = 0\n');
  assert.match(client.status().config.error, /retentionDays/);
  assert.equal(client.emit('SessionStart'), false);
});

test('what is no regular file is not read, nor waited for', { timeout: 20_000 }, async (t) => {
  for (const name of ['/dev/zero', tempDir(t)]) {
    const { code, stdout, stderr } = await runScript(`
      const client = candor.open({ ...options, configFile: ${JSON.stringify(name)} });
      console.log(client.enabled, client.status().config.error);
      client.close();`, path.join(tempDir(t), 'spool'));
    assert.deepEqual([code, stderr, stdout], [0, '', `false ${name}: it is not a regular file\n`]);
  }
});

test('a file over the size limit is not read', (t) => {
  const { client } = withFile(t, `#${' '.repeat(65536)}\n`);
  assert.match(client.status().config.error, /larger than 65536 bytes/);
  assert.equal(client.enabled, false);
});

test('in a worker thread whose environment says no, the file cannot widen', async (t) => {
  const { directory } = withFile(t, '[telemetry]\nenabled = true\nupload_enabled = false\n');
  const script = `const { open } = require(${JSON.stringify(path.join(__dirname, '..', '..', 'js'))});
    const client = open(${JSON.stringify(quiet(directory))});
    require('node:worker_threads').parentPort.postMessage(client.emit('SessionStart'));
    client.configure({ batchEvents: 5 }).then(() => { require('node:worker_threads').parentPort.postMessage(client.emit('SessionStart')); client.close(); });`;
  const worker = new Worker(script, { eval: true, env: { DO_NOT_TRACK: '1' } });
  assert.deepEqual(await once(worker, 'message'), [false]);
  assert.deepEqual(await once(worker, 'message'), [false]);
});

test('configFile: false reads no file, and one that is named is read where it is', (t) => {
  const { directory } = withFile(t, '[telemetry]\nenabled = false\n');
  assert.equal(openClient(t, { directory, configFile: false }).enabled, true);
  const elsewhere = path.join(tempDir(t), 'mine.toml');
  fs.writeFileSync(elsewhere, '[telemetry]\nenabled = false\n');
  assert.equal(openClient(t, { configFile: elsewhere }).enabled, false);
  assert.throws(() => open({ ...quiet(directory), configFile: 5 }), /configFile/);
});

test('configure changes an endpoint between two uploads, and names what it cannot change', async (t) => {
  const seen = [];
  const server = http.createServer((request, response) => {
    seen.push(request.headers.authorization);
    request.resume();
    request.on('end', () => response.end('{"accepted":1}'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { server.closeAllConnections(); server.close(); });
  const client = openClient(t);
  client.emit('SessionStart');
  const done = await client.configure({ endpoint: `http://127.0.0.1:${server.address().port}`, token: 'abc', directory: '/nowhere' });
  assert.deepEqual(done, { changed: ['endpoint', 'token'], needs_restart: ['directory'] });
  assert.equal((await client.upload()).uploaded, 1);
  assert.deepEqual(seen, ['Bearer abc']);
  await assert.rejects(client.configure({ retentionDays: -1 }), { code: 'ERR_CANDOR_INVALID_OPTION' });
  await assert.rejects(client.configure({ endpiont: 'x' }), { code: 'ERR_CANDOR_INVALID_OPTION' });
  client.emit('SessionStart');
  assert.equal((await client.upload()).uploaded, 1);
});

test('a lower level holds at once and deletes what waits; a wider one goes back to the host\'s own limit', async (t) => {
  const { client, file } = withFile(t, '', { hostLevel: 'error' });
  assert.equal(client.emit('Error', { errorType: 'TypeError' }), true);
  fs.writeFileSync(file, '[telemetry]\nlevel = "crash"\n');
  await until('the lower level', () => client.status().level === 'crash');
  await until('the deletion', () => client.status().dropped.purged === 1);
  assert.equal(client.emit('Error', { errorType: 'TypeError' }), false);
  fs.writeFileSync(file, '[telemetry]\nlevel = "all"\n');
  await until('the host\'s level', () => client.status().level === 'error');
  assert.deepEqual(client.status().config.needs_restart, []);
  await client.setLevel('crash', 'host');
  fs.writeFileSync(file, '\n');
  await until('the end of the file\'s say', () => client.status().config.sets.length === 0);
  assert.equal(client.status().level, 'crash', 'what the host has said since is not undone');
});

test('level = "off" is an "off" of the file', async (t) => {
  const { client, file } = withFile(t, '');
  client.emit('SessionStart');
  fs.writeFileSync(file, '[telemetry]\nlevel = "off"\n');
  await until('off', () => !client.enabled);
  assert.equal(client.status().decided_by, 'telemetry.toml');
  await until('the deletion', () => client.status().dropped.purged === 1);
});

test('a level that is lowered while the file cannot be read deletes what waits', async (t) => {
  const { client, file } = withFile(t, '[telemetry]\nlevel = "all"\n');
  client.emit('SessionStart');
  fs.writeFileSync(file, '[telemetry\n');
  await until('silence', () => !client.enabled);
  assert.equal(client.status().dropped.purged, 0);
  fs.writeFileSync(file, '[telemetry]\nlevel = "error"\n');
  await until('the lower level', () => client.status().level === 'error');
  await until('the deletion', () => client.status().dropped.purged === 1);
});

test('full_content = false switches full content off while the app runs, and deletes it; true gives it back', async (t) => {
  const { client, file } = withFile(t, '', { keyProvider: () => [{ id: 'k', key: Buffer.alloc(32, 7) }] });
  await client.setFullContent(true);
  const vault = () => client.status().vault;
  await until('a key', () => { client.emit('ChatTurnFull', { prompt: 'a text' }); return vault().pending > 0; });
  const { pending } = vault();
  fs.writeFileSync(file, '[telemetry]\nfull_content = false\n');
  await until('off', () => client.status().full_content.decided_by === 'telemetry.toml');
  await until('the deletion', () => vault().pending === 0 && vault().dropped.purged === pending);
  await client.setFullContent(true, 'host');
  assert.equal(client.status().full_content.enabled, false, 'the host\'s yes does not undo the file\'s no');
  fs.writeFileSync(file, '[telemetry]\nfull_content = true\n');
  await until('on', () => client.status().full_content.enabled);
});

test('configure narrows and deletes by the time it resolves, and widens again', async (t) => {
  const client = openClient(t, { keyProvider: () => [{ id: 'k', key: Buffer.alloc(32, 7) }] });
  await client.setFullContent(true);
  assert.equal(client.emit('SessionStart'), true);
  const report = await client.configure({ hostLevel: 'error', fullContent: false, maxUploadBytes: 4096 });
  assert.deepEqual(report, { changed: ['hostLevel', 'maxUploadBytes', 'fullContent'], needs_restart: [] });
  assert.equal(client.emit('SessionStart'), false);
  const status = client.status();
  assert.deepEqual([status.level, status.full_content.enabled, status.dropped.purged, status.spool.events], ['error', false, 1, 0]);
  assert.deepEqual(await client.configure({ hostLevel: null, fullContent: null }), { changed: ['hostLevel', 'fullContent'], needs_restart: [] });
  assert.equal(client.status().level, 'all');
  assert.equal(client.emit('SessionStart'), true);
});
