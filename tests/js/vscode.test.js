'use strict';
// candor/vscode against VS Code's API as documented. The same in a real VS Code: tests/vscode.
const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { test } = require('node:test');
const { activateTelemetry } = require('../../js/vscode');
const { fakeCollector, listen, receipt, until } = require('../e2e/pipe-support.js');
const { FakeCode, FakeSecrets, extensionContext } = require('./vscode-support.js');
const { pendingEvents } = require('./helper.js');

const TOOL = { toolName: 't', durationMs: 1, success: true };

/** @param {Record<string, unknown>} [options] */
function activate(t, code = new FakeCode(), options = {}, context = extensionContext(t)) {
  const telemetry = activateTelemetry(context, { vscode: code.api, section: 'own', minFreeDiskBytes: 0, requireNative: true, mode: 'manual', ...options });
  return { telemetry, code, context };
}

test('one call opens a client in the extension’s global storage, under its id and version', async (t) => {
  const { telemetry, context } = activate(t);
  assert.equal(telemetry.emit('ToolCall', TOOL), true);
  const [event] = await pendingEvents(telemetry.client);
  assert.equal(event.app, 'acme.tool');
  assert.equal(event.app_version, '1.2.3');
  assert.equal(telemetry.status().directory, path.join(context.globalStorageUri.fsPath, 'telemetry'));
  assert.ok(!JSON.stringify(event).includes('fake-machine'));
  assert.equal(context.subscriptions.includes(telemetry), true);
});

test('VS Code’s levels are told apart, and each change takes effect', async (t) => {
  const { telemetry, code } = activate(t);
  for (const [level, usage, error] of /** @type {const} */ ([['error', false, true], ['crash', false, false], ['off', false, false], ['crash', false, false], ['all', true, true]])) {
    code.set('telemetry.telemetryLevel', level);
    assert.equal(telemetry.level, level);
    await telemetry.settled;
    assert.equal(telemetry.client.status().level, level);
    assert.deepEqual([telemetry.emit('ToolCall', TOOL), telemetry.emit('Error', { errorType: 'E' })], [usage, error], level);
  }
});

test('a level that changes without a setting, by policy, is followed', async (t) => {
  const { telemetry, code } = activate(t);
  code.policy('error');
  assert.deepEqual([telemetry.level, telemetry.emit('ToolCall', TOOL), telemetry.emit('Error', { errorType: 'E' })], ['error', false, true]);
  await telemetry.settled;
});

test('switching off silences at once and deletes what all windows have buffered', async (t) => {
  const code = new FakeCode();
  const context = extensionContext(t);
  const other = activate(t, new FakeCode(), {}, { ...extensionContext(t), globalStorageUri: context.globalStorageUri });
  const { telemetry } = activate(t, code, {}, context);
  telemetry.emit('ToolCall', TOOL);
  other.telemetry.emit('ToolCall', TOOL);
  await other.telemetry.client.flush();
  code.set('telemetry.telemetryLevel', 'off');
  assert.equal(telemetry.emit('ToolCall', TOOL), false);
  await telemetry.settled;
  assert.deepEqual(fs.readdirSync(path.join(telemetry.status().directory, 'spool')), []);
  // The other window's VS Code has not said no.
  await until('the other window goes on with a new journal', () => other.telemetry.emit('ToolCall', TOOL));
});

test('telemetry that is off when VS Code starts records nothing', (t) => {
  const code = new FakeCode();
  code.settings[0]['telemetry.telemetryLevel'] = 'off';
  const { telemetry } = activate(t, code);
  assert.equal(telemetry.enabled, false);
  assert.equal(telemetry.emit('ToolCall', TOOL), false);
  assert.equal(telemetry.status().decided_by, 'host');
});

test('deprecated settings that say no are a no also where the level is crash', (t) => {
  const code = new FakeCode();
  code.settings[0]['telemetry.telemetryLevel'] = 'crash';
  code.settings[0]['telemetry.enableTelemetry'] = false;
  assert.equal(activate(t, code).telemetry.level, 'off');
});

test('the extension’s own settings narrow and never widen', async (t) => {
  const { telemetry, code } = activate(t);
  code.set('own.level', 'error');
  assert.equal(telemetry.level, 'error');
  code.set('own.enabled', false);
  assert.equal(telemetry.level, 'off');
  code.set('own.enabled', true);
  code.set('own.level', 'all');
  code.set('telemetry.telemetryLevel', 'error');
  assert.equal(telemetry.level, 'error');
  code.set('own.level', 'everything');
  assert.equal(telemetry.level, 'off', 'a word that is no level is a no');
  await telemetry.settled;
});

test('a workspace’s file cannot undo what the user has turned off', (t) => {
  const { telemetry, code } = activate(t);
  code.set('own.enabled', false);
  code.set('own.enabled', true, 1);
  assert.equal(telemetry.level, 'off');
  code.set('own.enabled', true);
  code.set('own.level', 'crash', 1);
  assert.equal(telemetry.level, 'crash', 'it may narrow');
});

test('setEnabled and setLevel write the user’s setting; a yes ends a level of off', async (t) => {
  const { telemetry, code } = activate(t);
  await telemetry.setLevel('error');
  assert.equal(code.settings[0]['own.level'], 'error');
  assert.equal(telemetry.client.status().level, 'error');
  await telemetry.setLevel('off');
  assert.equal(telemetry.enabled, false);
  await telemetry.setEnabled(true);
  assert.equal(code.settings[0]['own.level'], undefined);
  assert.equal(telemetry.enabled, true);
});

test('a window that is not told of a setting obeys the one that is, both ways', async (t) => {
  const code = new FakeCode();
  const context = extensionContext(t);
  const { telemetry: other } = activate(t, new FakeCode(), {}, { ...extensionContext(t), globalStorageUri: context.globalStorageUri });
  const { telemetry } = activate(t, code, {}, context);
  other.emit('ToolCall', TOOL);
  code.set('own.enabled', false);
  await telemetry.settled;
  assert.equal(other.emit('ToolCall', TOOL), false);
  assert.equal(other.level, 'all', 'its settings still say so');
  await until('nothing is left', () => other.client.preview() === '');
  code.set('own.enabled', true);
  await telemetry.settled;
  assert.deepEqual([telemetry.emit('ToolCall', TOOL), other.emit('ToolCall', TOOL)], [true, true]);
});

test('a workspace’s file turns off its own window alone, and no setting ends what was turned off another way', async (t) => {
  const code = new FakeCode();
  const context = extensionContext(t);
  const { telemetry: other } = activate(t, new FakeCode(), {}, { ...extensionContext(t), globalStorageUri: context.globalStorageUri });
  const { telemetry } = activate(t, code, {}, context);
  code.set('own.enabled', false, 1);
  await telemetry.settled;
  assert.deepEqual([telemetry.emit('ToolCall', TOOL), other.emit('ToolCall', TOOL)], [false, true]);
  code.set('own.enabled', undefined, 1);
  await telemetry.client.setEnabled(false); // as the command line does
  code.set('own.enabled', false);
  code.set('own.enabled', true);
  await telemetry.settled;
  assert.deepEqual([telemetry.emit('ToolCall', TOOL), other.emit('ToolCall', TOOL)], [false, false]);
});

test('full content is switched by a message, and every page of the window hears of it', async (t) => {
  const { telemetry } = activate(t, new FakeCode(), { fullContent: true });
  let heard = 0;
  telemetry.onDidChange(() => { heard += 1; });
  const reply = await telemetry.handle({ type: 'telemetry.setFullContent', id: 1, on: true });
  assert.deepEqual([reply.ok, telemetry.status().full_content.enabled, heard], [true, true, 1]);
  assert.match((await telemetry.handle({ type: 'telemetry.setFullContent', id: 2, on: 'yes' })).error, /on must be true or false/);
});

test('without a section the choice is stored for every window of the directory', async (t) => {
  const { telemetry } = activate(t, new FakeCode(), { section: undefined });
  await telemetry.setEnabled(false);
  assert.equal(telemetry.status().decided_by, 'stored');
  await telemetry.setEnabled(true);
  await telemetry.setLevel('crash');
  assert.equal(telemetry.status().level, 'crash');
});

test('what VS Code’s logger sends becomes events: names without the prefix, properties and measurements as fields', async (t) => {
  const { telemetry, code } = activate(t);
  telemetry.logger.logUsage('ToolCall', { toolName: 'plain', durationMs: 2, success: true, other: 'not in the schema' });
  telemetry.logger.logUsage('ToolCall', { properties: { toolName: 'nested' }, measurements: { durationMs: 3 } });
  telemetry.logger.logError(new RangeError('in /home/somebody/x.js'), { context: 'startup' });
  const payloads = (await pendingEvents(telemetry.client)).map(({ event_type: type, payload }) => [type, payload]);
  assert.deepEqual(payloads[0], ['ToolCall', { toolName: 'plain', durationMs: 2, success: true }]);
  assert.deepEqual(payloads[1], ['ToolCall', { toolName: 'nested', durationMs: 3 }]);
  assert.equal(payloads[2][0], 'Error');
  assert.equal(payloads[2][1].errorType, 'RangeError');
  assert.equal(payloads[2][1].context, 'startup');
  assert.doesNotMatch(JSON.stringify(payloads[2][1]), /somebody/);
  assert.equal(code.loggerOptions.ignoreBuiltInCommonProperties, true);
  assert.equal(code.loggerOptions.ignoreUnhandledErrors, true, 'unhandled errors are opt-in');
});

test('map renames and drops what is logged; one that throws costs the event alone', async (t) => {
  const map = (name, data) => {
    if (name === 'bad') throw new Error('host');
    return name === 'used' ? ['ToolCall', { toolName: data.tool }] : undefined;
  };
  const { telemetry } = activate(t, new FakeCode(), { map });
  for (const name of ['used', 'dropped', 'bad']) telemetry.logger.logUsage(name, { tool: 'mapped' });
  assert.deepEqual((await pendingEvents(telemetry.client)).map(({ payload }) => payload), [{ toolName: 'mapped' }]);
  assert.equal(telemetry.status().emitted, 2);
});

test('the notice is asked once, before the first upload, in the window that has the focus', async (t) => {
  const collector = await fakeCollector(t, (got, response) => receipt(response, got));
  const code = new FakeCode();
  code.focused = false;
  const { telemetry } = activate(t, code, { endpoint: collector.url, token: 'x'.repeat(20) });
  telemetry.emit('ToolCall', TOOL);
  assert.equal(code.messages.length, 0);
  assert.match((await telemetry.client.upload()).error, /notice/);
  code.focus();
  code.focus();
  assert.equal(code.messages.length, 1);
  assert.match(code.messages[0].text, /Acme Tool/);
  code.messages[0].answer('OK');
  await until('acknowledged', () => telemetry.status().notice.waiting === false);
  assert.equal((await telemetry.client.upload()).uploaded, 1);
  assert.equal(collector.requests.length, 1);
});

test('Turn Off in the notice turns off by the extension’s setting, and nothing is sent', async (t) => {
  const collector = await fakeCollector(t, (got, response) => receipt(response, got));
  const code = new FakeCode();
  const { telemetry } = activate(t, code, { endpoint: collector.url, token: 'x'.repeat(20) });
  telemetry.emit('ToolCall', TOOL);
  code.messages[0].answer('Turn Off');
  await until('off', () => code.settings[0]['own.enabled'] === false && telemetry.enabled === false);
  await telemetry.settled;
  assert.equal(collector.requests.length, 0);
});

test('an extension’s own tests record nothing and touch no file; development uploads by hand', (t) => {
  const tests = extensionContext(t, { extensionMode: 3 });
  const inTests = activateTelemetry(tests, { vscode: new FakeCode().api });
  assert.equal(inTests.emit('ToolCall', TOOL), false);
  assert.equal(fs.existsSync(tests.globalStorageUri.fsPath), false);
  const development = activateTelemetry(extensionContext(t, { extensionMode: 2 }), { vscode: new FakeCode().api });
  assert.equal(development.status().mode, 'manual');
});

test('uploads go by VS Code’s proxy setting; one that is switched off or no address is left out', async (t) => {
  const asked = [];
  const server = http.createServer().on('connect', (request, socket) => {
    asked.push(request.url);
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  const proxy = `http://127.0.0.1:${await listen(t, server)}`;
  const send = async (/** @type {Record<string, unknown>} */ settings) => {
    const code = new FakeCode();
    Object.assign(code.settings[0], settings);
    const { telemetry } = activate(t, code, { endpoint: 'https://collector.invalid', token: 'x'.repeat(20), notice: 'none', connectTimeoutMs: 2000 });
    telemetry.emit('ToolCall', TOOL);
    assert.notEqual((await telemetry.client.upload()).error, null);
  };
  await send({ 'http.proxy': proxy, 'http.proxySupport': 'off' });
  await send({ 'http.proxy': 'not an address' });
  assert.deepEqual(asked, []);
  await send({ 'http.proxy': proxy });
  assert.ok(asked.includes('collector.invalid:443'));
});

test('content works once the key has come from SecretStorage, and events never wait for it', async (t) => {
  const { telemetry, context } = activate(t, new FakeCode(), { fullContent: true });
  assert.equal(telemetry.emit('ToolCall', TOOL), true, 'before the key is there');
  await telemetry.client.setFullContent(true);
  await until('the key is stored', async () => (await context.secrets.get('candor.telemetry.keys')) !== undefined);
  await until('content is kept', () => {
    telemetry.emit('ProposalDiff', { proposalId: 'p', diff: 'text' });
    return telemetry.status().vault.pending > 0;
  });
});

test('two windows that make a key at the same moment end with both', async (t) => {
  const secrets = new FakeSecrets();
  const { SecretKeys } = require('../../js/vscode/keys');
  /** @type {any[]} */ const taken = [[], []];
  const windows = [0, 1].map((i) => new SecretKeys(/** @type {any} */ (secrets), 'k', (keys) => { taken[i] = keys; }));
  await until('both know both', () => taken.every((keys) => keys.length === 2));
  assert.deepEqual(taken.map((keys) => keys.map(({ id }) => id).sort())[0], taken[1].map(({ id }) => id).sort());
  assert.equal(JSON.parse(/** @type {any} */ (await secrets.get('k'))).length, 2);
  for (const window of windows) window.dispose();
});

test('a SecretStorage that fails costs no event', async (t) => {
  const secrets = { onDidChange: () => ({ dispose() {} }), get: async () => { throw new Error('no keyring'); }, store: async () => {} };
  const { telemetry } = activate(t, new FakeCode(), { fullContent: true }, extensionContext(t, { secrets }));
  assert.equal(telemetry.emit('ToolCall', TOOL), true);
});

test('a page may ask for what the table of messages has, and gets a sentence for anything else', async (t) => {
  const { telemetry } = activate(t);
  telemetry.emit('ToolCall', TOOL);
  const ask = (type, more = {}) => telemetry.handle({ type: `telemetry.${type}`, id: 7, ...more });
  const preview = await ask('preview');
  assert.equal(preview.ok, true);
  assert.equal(preview.result.text, telemetry.client.preview());
  assert.equal(preview.result.events, 1);
  assert.equal((await ask('status')).result.vscode.section, 'own');
  assert.deepEqual((await ask('ledger')).result, []);
  assert.equal((await ask('setMode', { mode: 'manual' })).ok, true);
  assert.equal((await ask('setLevel', { level: 'error' })).ok, true);
  assert.equal(telemetry.level, 'error');
  for (const [type, more, words] of /** @type {const} */ ([['setMode', { mode: 'fast' }, /mode must be one of auto, manual, off/], ['setEnabled', { enabled: 'yes' }, /true or false/],
    ['ledger', { limit: 1e9 }, /1 to 500/], ['constructor', {}, /unknown message/], ['toString', {}, /unknown message/]])) {
    const reply = await ask(type, more);
    assert.deepEqual([reply.type, reply.id, reply.ok], ['telemetry.reply', 7, false]);
    assert.match(reply.error, words);
  }
  for (const other of [null, 'text', 7, {}, { type: 'other' }]) assert.equal(await telemetry.handle(other), undefined);
});

test('a preview that is too long for a page is cut, and says so', async (t) => {
  const { telemetry } = activate(t, new FakeCode(), { batchEvents: 1000 });
  for (let i = 0; i < 900; i += 1) telemetry.emit('ToolCall', TOOL);
  const { result } = await telemetry.handle({ type: 'telemetry.preview', id: 1 });
  assert.deepEqual([result.cut, result.text.length], [true, 262144]);
  assert.ok(result.bytes > 262144);
  assert.equal(result.bytes, Buffer.byteLength(telemetry.client.preview()));
});

test('a webview’s messages are answered, and it hears of changes', async (t) => {
  const { telemetry, code } = activate(t);
  const posted = [];
  let listener;
  const connection = telemetry.connect(/** @type {any} */ ({
    onDidReceiveMessage: (given) => { listener = given; return { dispose() { listener = undefined; } }; },
    postMessage: async (message) => posted.push(message),
  }));
  await listener({ type: 'telemetry.status', id: 1 });
  assert.deepEqual([posted[0].type, posted[0].id, posted[0].ok], ['telemetry.reply', 1, true]);
  code.set('own.level', 'crash');
  await until('told', () => posted.some(({ type, level }) => type === 'telemetry.changed' && level === 'crash'));
  connection.dispose();
  assert.equal(listener, undefined);
});

test('a registered command is recorded with its duration and whether it failed', async (t) => {
  const { telemetry, code } = activate(t);
  telemetry.registerCommand('acme.ok', async (n) => n + 1);
  telemetry.registerCommand('acme.bad', () => { throw new Error('host'); });
  assert.equal(await code.commands.get('acme.ok')(1), 2);
  await assert.rejects(code.commands.get('acme.bad')(), /host/);
  const runs = (await pendingEvents(telemetry.client)).map(({ payload }) => [payload.name, payload.exitCode]);
  assert.deepEqual(runs, [['acme.ok', 0], ['acme.bad', 1]]);
});

test('deactivation keeps what was emitted for the next start, and is idempotent', async (t) => {
  const context = extensionContext(t);
  const first = activate(t, new FakeCode(), {}, context).telemetry;
  for (let i = 0; i < 300; i += 1) first.emit('ToolCall', TOOL);
  first.dispose();
  first.dispose();
  assert.equal(first.emit('ToolCall', TOOL), false);
  assert.equal(first.enabled, false);
  const next = activate(t, new FakeCode(), {}, { ...extensionContext(t), globalStorageUri: context.globalStorageUri }).telemetry;
  await until('taken up', async () => (await next.client.flush(), next.status().spool.events === 300));
});

test('the sample’s telemetry.json is what candor schema vscode makes', () => {
  const root = path.join(__dirname, '..', '..');
  const made = execFileSync(process.execPath, [path.join(root, 'js/cli/main.js'), 'schema', 'vscode'], { encoding: 'utf8' });
  assert.equal(fs.readFileSync(path.join(root, 'vscode-sample/telemetry.json'), 'utf8'), made,
    'stale: node js/cli/main.js schema vscode --output vscode-sample/telemetry.json');
});

test('the sample reads and applies unified diffs, and refuses what does not fit', () => {
  const { applyDiff, linesChanged, parseDiff } = require('../../vscode-sample/src/diff');
  const diff = ['--- a/x.txt', '+++ b/x.txt', '@@ -1,3 +1,3 @@', ' one', '-two', '+2', ' three', ''].join('\n');
  const [file] = parseDiff(diff);
  assert.deepEqual([file.path, file.operation, linesChanged(file)], ['x.txt', 'modify', 2]);
  assert.equal(applyDiff('one\ntwo\nthree\nfour\n', file), 'one\n2\nthree\nfour\n');
  assert.equal(applyDiff('one\r\ntwo\r\nthree\r\n', file), 'one\r\n2\r\nthree\r\n');
  assert.throws(() => applyDiff('one\nTWO\nthree\n', file), /x\.txt: line 2 is not what the diff was made from/);
  const [made] = parseDiff('--- /dev/null\n+++ b/n.txt\n@@ -0,0 +1,2 @@\n+a\n+b\n\\ No newline at end of file\n');
  assert.equal(made.operation, 'create');
  assert.equal(applyDiff('', made), 'a\nb');
  const [gone] = parseDiff('--- a/n.txt\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n-b\n');
  assert.deepEqual([gone.operation, applyDiff('a\nb\n', gone)], ['delete', '']);
  for (const bad of ['../x', '/etc/passwd', 'a/../../x', 'C:\\x']) {
    assert.throws(() => parseDiff(`--- ${bad}\n+++ ${bad}\n@@ -1 +1 @@\n-a\n+b\n`), /not inside the workspace/);
  }
  assert.throws(() => parseDiff('hello'), /no unified diff/);
  assert.throws(() => parseDiff('--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n one\n'), /line/);
});
