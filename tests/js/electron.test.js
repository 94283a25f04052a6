'use strict';
// candor/electron/main without Electron: its bounds, its senders, its keys, and how it quits. The whole of it
// behind a real page: tests/electron.

const assert = require('node:assert/strict');
const { EventEmitter } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { test } = require('node:test');
const { pathToFileURL } = require('node:url');
const { Bucket, allowance, measure } = require('../../js/electron/bounds');
const { backendEnvironment, createKeyProvider, preloadPath, registerPreload, registerTelemetry, storedOptions } = require('../../js/electron/main');
const { senderCheck } = require('../../js/electron/senders');
const { createEmitter } = require('../../js/electron/utility');
const { NoopClient } = require('../../js/noop');
const { openClient, run, runScript, tempDir } = require('./helper.js');

const PAGES = path.join(__dirname, 'renderer');
const PAGE = pathToFileURL(path.join(PAGES, 'index.html')).href;

class FakeIpc {
  handlers = new Map();
  handle(channel, handler) {
    this.handlers.set(channel, handler);
  }
  removeHandler(channel) {
    this.handlers.delete(channel);
  }
}

/** A page as ipcMain sees it. */
function page(url = PAGE) {
  const frame = { url, parent: null };
  const sender = Object.assign(new EventEmitter(), { mainFrame: frame, isDestroyed: () => false, sent: [], send: (...args) => sender.sent.push(args) });
  return { sender, senderFrame: frame };
}

function register(t, more = {}) {
  const client = more.client ?? openClient(t);
  const ipcMain = new FakeIpc();
  const app = Object.assign(new EventEmitter(), { whenReady: async () => {} });
  const telemetry = registerTelemetry({ client, ipcMain, app, allowedOrigins: [PAGES], ...more });
  t.after(() => telemetry.dispose());
  const event = page();
  return {
    client, app, event, telemetry, ipcMain,
    emit: (...args) => ipcMain.handlers.get('candor:emit')(event, ...args),
    call: (...args) => ipcMain.handlers.get('candor:call')(event, ...args),
  };
}

const GOOD = { toolName: 'read_file', durationMs: 1, success: true };

test('registerTelemetry says what is missing or wrong, and takes what is right', (t) => {
  const client = openClient(t);
  const app = Object.assign(new EventEmitter(), { whenReady: async () => {} });
  const given = { client, ipcMain: new FakeIpc(), app };
  for (const [wrong, sentence] of [
    [{ ...given, client: undefined }, /needs a client/],
    [given, /needs to know its pages: allowedOrigins/],
    [{ ...given, allowedOrigins: [] }, /needs to know its pages/],
    [{ ...given, allowedOrigins: ['/'] }, /would allow every file/],
    [{ ...given, allowedOrigins: ['file:///'] }, /would allow every file/],
    [{ ...given, allowedOrigins: ['renderer'] }, /no absolute path/],
    [{ ...given, allowedOrigins: ['data:x'] }, /has no host/],
    [{ ...given, allowedOrigins: [7] }, /list of origins/],
    [{ ...given, isAllowedSender: true }, /must be a function/],
    [{ ...given, allowedOrigins: [PAGES], configurable: ['token'] }, /not "token"/],
    [{ ...given, allowedOrigins: [PAGES], settingsFile: 'settings.json' }, /absolute path/],
    [{ ...given, allowedOrigins: [PAGES], keys: [] }, /must be a function/],
  ]) {
    assert.throws(() => registerTelemetry(wrong), (error) => error.code === 'ERR_CANDOR_INVALID_OPTION' && sentence.test(error.message), String(sentence));
  }
  registerTelemetry({ ...given, allowedOrigins: [PAGES] }).dispose();
});

test('senders are told by the address of their top frame', () => {
  const folder = path.join(PAGES, 'a b');
  const allowed = senderCheck({ allowedOrigins: [folder, 'https://app.example.com', 'app://bundle', pathToFileURL(path.join(PAGES, 'one.html')).href] });
  const of = (url, more = {}) => allowed({ ...page(), senderFrame: { url, parent: null, ...more } });
  for (const url of [
    pathToFileURL(path.join(folder, 'index.html')).href, `${pathToFileURL(path.join(folder, 'deep', 'x.html')).href}?q=1#top`,
    'https://app.example.com/any', 'app://bundle/index.html', pathToFileURL(path.join(PAGES, 'one.html')).href,
  ]) assert.equal(of(url), true, url);
  for (const url of [
    PAGE, `${pathToFileURL(folder).href}-evil/index.html`, `${pathToFileURL(folder).href}/../index.html`, `${pathToFileURL(folder).href}/%2e%2e/index.html`,
    `${pathToFileURL(folder).href}/..%2findex.html`, 'https://app.example.com.evil.example/', 'http://app.example.com/', 'https://app.example.com:444/',
    'https://user@evil.example/app.example.com', 'app://other/', 'data:text/html,x', 'about:blank', 'blob:https://app.example.com/x', 'not a url', '',
    'file://server/share/index.html',
  ]) assert.equal(of(url), false, url);
  const good = 'app://bundle/index.html';
  assert.equal(of(good, { parent: { url: good, parent: null } }), false, 'a frame in a page');
  assert.equal(allowed({ ...page(), senderFrame: null }), false, 'a frame that is gone');
  const own = senderCheck({ isAllowedSender: ({ senderFrame }) => senderFrame.url === PAGE });
  assert.deepEqual([own(page()), own(page('app://x/')), own({ ...page(), senderFrame: null })], [true, false, false]);
});

test('a payload takes 2097152 characters', () => {
  assert.equal(measure({ a: 'x'.repeat(2097151) }).refusal, null);
  assert.equal(measure({ a: 'x'.repeat(2097152) }).refusal, 'too_large');
  assert.equal(measure({ ['k'.repeat(2097153)]: 1 }).refusal, 'too_large');
});

test('a payload takes 2048 values, and 4 levels of objects and lists', () => {
  const wide = (n) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, i]));
  assert.deepEqual([measure(wide(2047)).refusal, measure(wide(2048)).refusal], [null, 'too_many']);
  assert.deepEqual([measure({ a: Array(2046).fill(1) }).refusal, measure({ a: Array(2047).fill(1) }).refusal], [null, 'too_many']);
  assert.deepEqual([measure({ a: { b: { c: {} } } }).refusal, measure({ a: { b: { c: { d: {} } } } }).refusal], [null, 'too_deep']);
});

test('a payload of what JSON and Date know passes; keys that reach a prototype, and what no field takes, do not', () => {
  assert.equal(measure({ a: new Date(), b: 1n, c: null, d: undefined, e: [true, { f: 'g' }] }).refusal, null);
  assert.equal(measure(undefined).refusal, null);
  for (const key of ['__proto__', 'constructor', 'prototype']) {
    assert.equal(measure(JSON.parse(`{"${key}":1}`)).refusal, 'bad_key', key);
    assert.equal(measure(JSON.parse(`{"a":[{"${key}":{}}]}`)).refusal, 'bad_key', key);
  }
  for (const value of ['x', 7, [], { a: new Map() }, { a: new Uint8Array(1) }, { a: /x/ }, new Set()]) assert.equal(measure(value).refusal, 'bad_payload');
});

test('a sender has 500 events at once and 200 a second, 8388608 characters and 1048576, 60 calls and 10', () => {
  let now = 0;
  const { emits, chars, calls } = allowance(() => now);
  for (const [bucket, burst, rate] of [[emits, 500, 200], [chars, 8388608, 1048576], [calls, 60, 10]]) {
    assert.equal(bucket.take(burst), true);
    assert.equal(bucket.take(1), false);
    now += 500;
    assert.deepEqual([bucket.take(rate / 2), bucket.take(1)], [true, false]);
    now += 1e9;
    assert.deepEqual([bucket.take(burst + 1), bucket.take(burst), bucket.take(1)], [false, true, false], 'never more than the burst');
  }
  assert.equal(new Bucket(5, 1, () => now).take(5), true);
});

test('preview and purge take three calls of the allowance, upload ten', async (t) => {
  for (const [method, cost] of [['getSettings', 1], ['preview', 3], ['purge', 3], ['upload', 10], ['nonsense', 1], ['follow', 1]]) {
    const { call, telemetry } = register(t, { client: new NoopClient('none') });
    for (let i = 0; i < 300; i++) await call(method, method === 'follow' ? i % 2 === 0 : undefined);
    const through = 300 - telemetry.counts().refused.rate;
    assert.ok(through >= 60 / cost && through < 300, `${method}: ${through}`);
    if (cost > 1) assert.ok(through < 60, `${method}: ${through}`);
  }
});

test('the allowance is one sender\'s own', (t) => {
  const { emit, ipcMain, telemetry } = register(t);
  let kept = 0;
  for (let i = 0; i < 2000; i++) if (emit('ToolCall', GOOD)) kept++;
  assert.ok(kept < 2000);
  assert.equal(telemetry.counts().refused.rate, 2000 - kept);
  assert.equal(ipcMain.handlers.get('candor:emit')(page(), 'ToolCall', GOOD), true);
});

test('an event type takes 64 characters, and allowedEvents narrows what a page may emit', (t) => {
  const { emit, telemetry } = register(t, { allowedEvents: ['ToolCall', 'x'.repeat(64), 'x'.repeat(65)] });
  assert.deepEqual([emit('ToolCall', GOOD), emit('Error', { message: 'm' }), emit('x'.repeat(64), {}), emit('x'.repeat(65), {})], [true, false, false, false]);
  assert.equal(telemetry.counts().refused.event, 2, 'the third is the client\'s to refuse');
});

test('a page\'s correlation id goes with its event, whatever else it sends there does not', async (t) => {
  const { emit, client } = register(t);
  assert.equal(emit('ToolCall', GOOD, { correlationId: 'c-1' }), true);
  for (const meta of [7, null, 'c', { correlationId: 7 }, { correlationId: {} }, []]) assert.equal(emit('ToolCall', GOOD, meta), true);
  await client.flush();
  assert.deepEqual(client.preview().trim().split('\n').map((line) => JSON.parse(line).correlation_id), ['c-1', ...Array(6).fill(undefined)]);
});

test('a client without a native binary serves its pages as well', async (t) => {
  const { emit, call } = register(t, { client: new NoopClient('no binary here') });
  assert.equal(emit('ToolCall', GOOD), false);
  const { value } = await call('getSettings');
  assert.deepEqual([value.enabled, value.locked, value.reason], [false, true, 'no binary here']);
  assert.match((await call('setEnabled', true)).error, /no binary here/);
  assert.equal((await call('preview')).value, '');
});

test('what stands above the user locks the toggle', async (t) => {
  const { call } = register(t, { client: openClient(t, { hostEnabled: false }) });
  const { value } = await call('getSettings');
  assert.deepEqual([value.enabled, value.locked, value.decidedBy], [false, true, 'host']);
});

test('endpoint and user id are kept by their file, readable by its owner alone, and a damaged file gives nothing', async (t) => {
  const settingsFile = path.join(tempDir(t), 'deep', 'settings.json');
  const { call, client } = register(t, { settingsFile, configurable: ['endpoint', 'userId'] });
  const { value } = await call('configure', { endpoint: 'https://a.example', userId: 'someone' });
  assert.deepEqual([value.endpoint, value.userId, value.needsRestart], ['https://a.example', 'someone', ['userId']]);
  assert.deepEqual(storedOptions(settingsFile), { endpoint: 'https://a.example', userId: 'someone' });
  if (process.platform !== 'win32') assert.equal(fs.statSync(settingsFile).mode & 0o777, 0o600);
  assert.match((await call('configure', { endpoint: 'http://a.example' })).error, /https/);
  assert.match((await call('configure', { endpoint: 7 })).error, /must be a string/);
  assert.deepEqual(storedOptions(settingsFile).endpoint, 'https://a.example');
  await call('configure', { endpoint: '' });
  assert.deepEqual([storedOptions(settingsFile), client.status().endpoint], [{ userId: 'someone' }, null]);
  for (const text of ['', '{', 'null', '[]', '{"endpoint":7}', `{"endpoint":"${'x'.repeat(20000)}"}`]) {
    fs.writeFileSync(settingsFile, text);
    assert.deepEqual(storedOptions(settingsFile), {}, text.slice(0, 20));
  }
});

test('a page that follows is told of changes, its own and others\', and is not told once it went elsewhere', async (t) => {
  const { call, event, telemetry, client } = register(t);
  await call('follow', true);
  await call('setLevel', 'error');
  await client.setEnabled(false);
  telemetry.changed();
  telemetry.changed();
  assert.deepEqual(event.sender.sent.map(([channel, { enabled, level }]) => [channel, enabled, level]), [['candor:changed', true, 'error'], ['candor:changed', false, 'off']]);
  event.sender.mainFrame.url = 'https://elsewhere.example/';
  await client.setEnabled(true);
  telemetry.changed();
  assert.equal(event.sender.sent.length, 2);
  event.sender.emit('destroyed');
});

test('quitting closes the client within exitFlushMs while a server hangs; what was kept is in the spool', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  let taken = () => {};
  const server = http.createServer(() => taken());
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  // Were it not cut off, this request would go on for an hour, and the test with it.
  const { client, app, emit } = register(t, { client: openClient(t, {
    directory, endpoint: `http://127.0.0.1:${server.address().port}`, token: 'x', stallTimeoutMs: 600000, requestTimeoutMs: 3600000,
  }) });
  assert.equal(emit('ToolCall', GOOD), true);
  const hanging = new Promise((resolve) => { taken = () => resolve(undefined); });
  client.upload().catch(() => {});
  await hanging;
  app.on('will-quit', () => client.emit('SessionEnd', { duration: 1 }));
  app.emit('will-quit');
  app.emit('quit');
  assert.equal(emit('ToolCall', GOOD), false, 'closed');
  const next = openClient(t, { directory });
  await next.flush();
  assert.equal(next.status().spool.events, 2);
});

test('backendEnvironment passes "off" on, and "on" only to a backend that stands alone', async (t) => {
  const client = openClient(t, { endpoint: 'https://a.example', userId: 'u-1' });
  const { user_id: userId } = client.status();
  const common = { TELEMETRY_ENDPOINT: 'https://a.example', TELEMETRY_USER_ID: userId };
  assert.deepEqual(backendEnvironment(client), { TELEMETRY_FULL_CONTENT: '0', ...common });
  assert.deepEqual(backendEnvironment(client, { standalone: true, token: 'cnd_1' }), { TELEMETRY_ENABLED: '1', TELEMETRY_FULL_CONTENT: '0', TELEMETRY_TOKEN: 'cnd_1', ...common });
  await client.setFullContent(true);
  assert.deepEqual(backendEnvironment(client), common);
  assert.equal(backendEnvironment(client, { standalone: true }).TELEMETRY_FULL_CONTENT, '1');
  await client.setEnabled(false);
  assert.deepEqual(backendEnvironment(client, { standalone: true, token: 'cnd_1' }), { TELEMETRY_ENABLED: '0', TELEMETRY_FULL_CONTENT: '0' });
  assert.deepEqual(backendEnvironment(new NoopClient('none')), { TELEMETRY_ENABLED: '0', TELEMETRY_FULL_CONTENT: '0' });
});

test('a spawned backend on the app\'s directory records, and falls silent when the user switches off', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  const client = openClient(t, { directory });
  const body = 'const c = candor.open(options); console.log(c.emit("ToolCall", { toolName: "t" }), c.status().decided_by); c.close();';
  assert.equal((await runScript(body, directory, { env: backendEnvironment(client) })).stdout, 'true default\n');
  const env = backendEnvironment(client); // of before the user switched off
  await client.setEnabled(false);
  assert.equal((await runScript(body, directory, { env })).stdout, 'false stored\n');
  assert.equal((await runScript(body, path.join(path.dirname(directory), 'other'), { env: backendEnvironment(client) })).stdout, 'false TELEMETRY_ENABLED\n');
});

/** A keychain of its own. */
function keychain(more = {}) {
  const keychain = {
    asked: 0, prefix: 'sealed:', isEncryptionAvailable: () => true,
    encryptString: (text) => Buffer.from(keychain.prefix + text),
    decryptString: (sealed) => {
      keychain.asked++;
      const text = sealed.toString();
      if (!text.startsWith(keychain.prefix)) throw new Error('another keychain');
      return text.slice(keychain.prefix.length);
    },
    ...more,
  };
  return keychain;
}

const READY = { whenReady: async () => {} };

test('keys are made once, kept wrapped, and given again; a new keychain gets a new key before the old ones', async (t) => {
  const file = path.join(tempDir(t), 'keys.json');
  const safeStorage = keychain();
  const first = createKeyProvider({ file, safeStorage, app: READY });
  assert.equal(fs.existsSync(file), false, 'not before they are asked for');
  const [key] = await first();
  assert.equal(key.key.length, 32);
  assert.deepEqual([await first(), await createKeyProvider({ file, safeStorage, app: READY })()], [[key], [key]]);
  if (process.platform !== 'win32') assert.equal(fs.statSync(file).mode & 0o777, 0o600);
  assert.equal(fs.readFileSync(file).includes(key.key.toString('base64')), false);
  const other = keychain({ prefix: 'other:' });
  other.encryptString = (text) => Buffer.from(`other:${text}`);
  const [made, ...rest] = await createKeyProvider({ file, safeStorage: other, app: READY })();
  assert.deepEqual([rest.length, made.id === key.id], [0, false]);
  assert.deepEqual(await createKeyProvider({ file, safeStorage, app: READY })(), [key], 'the old one is still there');
  fs.writeFileSync(file, '{"keys":[{"id":7},');
  assert.equal((await createKeyProvider({ file, safeStorage, app: READY })()).length, 1, 'a damaged file is begun anew');
});

test('at most 16 keys are kept, and a key file takes 65536 bytes', async (t) => {
  const file = path.join(tempDir(t), 'keys.json');
  for (let i = 0; i < 18; i++) await createKeyProvider({ file, safeStorage: keychain({ prefix: `k${i}:`, encryptString: (text) => Buffer.from(`k${i}:${text}`) }), app: READY })();
  assert.equal(JSON.parse(fs.readFileSync(file, 'utf8')).keys.length, 16);
  fs.writeFileSync(file, ' '.repeat(65537));
  await assert.rejects(createKeyProvider({ file, safeStorage: keychain(), app: READY })(), /not a file of keys/);
});

test('two processes that make the first key at once agree on one', async (t) => {
  const file = path.join(tempDir(t), 'keys.json');
  const theirs = Buffer.alloc(32, 9);
  const sealed = (text) => Buffer.from(`sealed:${text}`);
  const safeStorage = keychain({ encryptString(text) { // the other process is a moment ahead
    fs.writeFileSync(file, JSON.stringify({ version: 1, keys: [{ id: 'theirs', sealed: sealed(theirs.toString('base64')).toString('base64') }] }));
    return sealed(text);
  } });
  assert.deepEqual(await createKeyProvider({ file, safeStorage, app: READY })(), [{ id: 'theirs', key: theirs }]);
});

test('without a keychain, full content stays off with a sentence, and is tried again', async (t) => {
  const file = path.join(tempDir(t), 'keys.json');
  let available = false;
  const safeStorage = keychain({ isEncryptionAvailable: () => available, getSelectedStorageBackend: () => 'gnome_libsecret' });
  const { call, client } = register(t, { keys: createKeyProvider({ file, safeStorage, app: READY }) });
  const refused = await call('setFullContent', true);
  assert.deepEqual([refused.ok, /no keychain/.test(refused.error), client.status().full_content.enabled], [false, true, false]);
  available = true;
  assert.equal((await call('setFullContent', true)).value.fullContent, true);
  assert.equal(client.emit('ChatTurnFull', { model: 'm', prompt: 'p', response: 'r' }), true);
  assert.equal(client.status().vault.dropped.no_key, 0);
  const plain = createKeyProvider({ file: `${file}2`, safeStorage: keychain({ getSelectedStorageBackend: () => 'basic_text' }), app: READY });
  await assert.rejects(plain(), /no keyring/);
  const allowed = createKeyProvider({ file: `${file}2`, safeStorage: keychain({ getSelectedStorageBackend: () => 'basic_text' }), app: READY, allowPlainText: true });
  assert.equal((await allowed()).length, 1);
});

test('the keychain is asked when full content is on, not before, and again in a later run', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  let asked = 0;
  const keys = async () => {
    asked++;
    return [{ id: 'k', key: Buffer.alloc(32, 7) }];
  };
  const first = register(t, { keys, client: openClient(t, { directory }) });
  first.emit('ToolCall', GOOD);
  await first.call('preview');
  await first.call('setEnabled', true);
  assert.equal(asked, 0);
  await first.call('setFullContent', true);
  await first.call('setFullContent', true);
  assert.equal(asked, 1);
  first.app.emit('quit');
  const second = register(t, { keys, client: openClient(t, { directory }) });
  assert.equal(asked, 2, 'the user\'s choice of an earlier run');
  await second.telemetry.setFullContent(true);
  assert.equal(second.client.emit('ChatTurnFull', { model: 'm', prompt: 'p', response: 'r' }), true);
  assert.equal(second.client.status().vault.dropped.no_key, 0);
});

test('createEmitter posts to the parent, and says false where there is none or it cannot', () => {
  const posted = [];
  assert.equal(createEmitter({ postMessage: (message) => posted.push(message) }).emit('ToolCall', GOOD, { correlationId: 'c' }), true);
  assert.deepEqual(posted, [{ candor: 'emit', type: 'ToolCall', payload: GOOD, meta: { correlationId: 'c' } }]);
  assert.equal(createEmitter({ postMessage: () => { throw new Error('gone'); } }).emit('ToolCall', {}), false);
  assert.equal(createEmitter(undefined).emit('ToolCall', {}), process.send !== undefined);
});

test('wrapUtilityProcess takes events alone, until it is ended', (t) => {
  const { telemetry } = register(t);
  const child = new EventEmitter();
  const end = telemetry.wrapUtilityProcess(child);
  for (const message of [{ candor: 'emit', type: 'ToolCall', payload: GOOD }, { candor: 'purge' }, 'x', null, undefined, 7, { candor: 'emit', type: 7 }]) child.emit('message', message);
  assert.deepEqual([telemetry.counts().emits, telemetry.counts().kept], [2, 1]);
  end();
  child.emit('message', { candor: 'emit', type: 'ToolCall', payload: GOOD });
  assert.equal(telemetry.counts().emits, 2);
});

test('the preload is one file that needs nothing but electron, and is registered as this Electron allows', () => {
  const source = fs.readFileSync(preloadPath, 'utf8');
  assert.deepEqual([...source.matchAll(/\brequire\(.*?'([^']+)'\)+/g)].map(([, name]) => name), ['electron']);
  const scripts = [];
  registerPreload({ registerPreloadScript: (script) => scripts.push(script) });
  registerPreload({ getPreloads: () => ['/app/own.js'], setPreloads: (files) => scripts.push(files) });
  assert.deepEqual(scripts, [{ type: 'frame', id: 'candor', filePath: preloadPath }, ['/app/own.js', preloadPath]]);
});

test('outside Electron the module loads, and says where it belongs', async (t) => {
  const dir = tempDir(t);
  const script = 'const { registerTelemetry } = require("candor/electron/main"); const { open } = require("candor");' +
    'try { registerTelemetry({ client: open({ app: "x", mode: "off" }), allowedOrigins: ["app://x"] }); } catch (error) { console.log(error.code); }';
  const { stdout } = await run(['-e', script], { dir });
  assert.match(stdout, /MODULE_NOT_FOUND|ERR_CANDOR_INVALID_OPTION/);
});

test('the addon creates no external buffer, which Electron forbids', () => {
  const addon = process.env.CANDOR_ADDON ?? path.join(__dirname, '..', '..', 'build', 'addon', 'candor.node');
  const bytes = fs.readFileSync(addon).toString('latin1');
  assert.match(bytes, /napi_create_arraybuffer/);
  assert.doesNotMatch(bytes, /napi_create_external_(array)?buffer|node_api_create_buffer_from_arraybuffer|node_api_create_external_sharedarraybuffer/);
});
