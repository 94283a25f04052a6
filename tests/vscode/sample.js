'use strict';
// The sample extension as people have it: its platform vsix, installed in a real VS Code, driven by clicks and
// keys, against a real collector. The tests are one session: each goes on where the one before ended.
const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { until } = require('../e2e/pipe-support');
const { LIMIT_MS } = require('./support/editor');
const { session } = require('./support/session');

/** @type {import('./support/editor').Editor} */ let editor;
/** @type {import('./support/workbench').Workbench} */ let workbench;
/** @type {any} */ let host;

/** @param {string} type */
async function storedOf(type) {
  const found = [];
  for await (const event of session.collector.events()) if (event.event_type === type) found.push(event);
  return found;
}

/** Names of files that hold events. */
function buffered() {
  const names = [];
  for (const folder of ['journal', 'spool', 'quarantine', 'vault', 'sent']) {
    const dir = path.join(editor.directory, folder);
    for (const name of fs.existsSync(dir) ? fs.readdirSync(dir) : []) names.push(`${folder}/${name}`);
  }
  return names;
}

/** @param {any} center @param {RegExp} text */
const says = (center, text) => center.locator('#message').filter({ hasText: text }).waitFor({ timeout: LIMIT_MS });

/** @param {'Accept' | 'Reject'} decision */
async function review(decision, name = 'greeting.diff') {
  const known = await host.ask('kept', 'ProposalDecision');
  await host.ask('open', editor.path('workspace', name));
  await workbench.command('Candor Sample: Review Diff as Proposal', (timeout) =>
    workbench.page.locator('.monaco-diff-editor, .multiDiffEntry').first().waitFor({ timeout }));
  await workbench.page.locator('.notification-toast.notification-fade-in-done').first().waitFor({ timeout: 10_000 }).catch(() => {}); // for the picture only
  await workbench.picture(`review-${decision.toLowerCase()}`);
  await workbench.answer('Apply this proposal', decision, () => until('decided', async () => await host.ask('kept', 'ProposalDecision') > known, 10_000));
}

/** @param {string} level */
async function chooseLevel(level) {
  const { page } = workbench;
  const box = page.locator('.setting-item-enum').filter({ hasText: 'Telemetry Level' }).locator('select, .monaco-select-box').first();
  await workbench.command('Preferences: Open Settings (UI)', (timeout) => page.locator('.settings-editor').waitFor({ timeout }));
  await workbench.until('find the setting', async () => {
    await page.locator('.settings-editor .suggest-input-container .monaco-editor').click({ timeout: 5000 });
    await page.keyboard.press('Control+A');
    await page.keyboard.insertText('@id:telemetry.telemetryLevel');
  }, (timeout) => box.waitFor({ timeout }));
  await workbench.until(`choose ${level}`, async () => {
    await box.click({ timeout: 5000 });
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
  }, () => until('chosen', async () => await host.ask('setting', 'telemetry', 'telemetryLevel') === level, 10_000));
}

function sampleTests() {
  test('the installed vsix activates with the prebuilt addon that it brings', async () => {
    editor = session.editor;
    ({ workbench, host } = session.windows[0]);
    const status = await host.ask('status');
    assert.equal(status.enabled, true, status.reason);
    assert.equal(status.directory, editor.directory);
    assert.equal(status.notice.waiting, true);
    assert.deepEqual(status.vscode, { allowed: 'all', editor: 'all', own: 'all', section: 'candorSample.telemetry', remote: status.vscode.remote });
    const maps = fs.readFileSync(`/proc/${host.pid}/maps`, 'utf8');
    assert.match(maps, /extensions\/candor\.candor-sample-[^/]*\/node_modules\/candor\/prebuilds\/linux-x64\/candor\.node/);
  });

  test('the notice is shown, and nothing is sent before it is answered', async () => {
    assert.match((await host.ask('client', 'upload')).error, /notice/);
    await workbench.answer('records anonymous usage data', 'OK', () => until('acknowledged', async () => !(await host.ask('status')).notice.waiting, 10_000));
    await host.ask('client', 'setMode', 'manual'); // from here on a click decides what is sent
  });

  test('the workspace is indexed, and the result is shown', async () => {
    await workbench.command('Candor Sample: Index Workspace', (timeout) => workbench.webview('h1:has-text("workspace")', timeout));
    const page = await workbench.webview('h1:has-text("workspace")');
    await page.locator('tr', { hasText: 'python' }).filter({ hasText: '2' }).waitFor();
    await workbench.picture('index');
  });

  test('a diff is reviewed as a proposal; accepting it changes the file', async () => {
    await review('Accept');
    assert.equal(fs.readFileSync(editor.path('workspace/src/greet.py'), 'utf8'), 'def greet(name):\n    return f"Hello, {name}!"\n\n\ndef part():\n    return "Bye"\n');
  });

  test('a proposal that is rejected changes nothing', async () => {
    const was = fs.readFileSync(editor.path('workspace/src/main.js'), 'utf8');
    await review('Reject', 'second.diff');
    assert.equal(fs.readFileSync(editor.path('workspace/src/main.js'), 'utf8'), was);
  });

  test('what goes through VS Code’s TelemetryLogger becomes events of the schema', async () => {
    await host.ask('log', 'ui.render_time', { view: 'index', durationMs: 12, itemCount: 3 });
    await host.ask('fail', 'cannot read /home/somebody/secret.txt');
    assert.equal(await host.ask('kept', 'ui.render_time'), 1);
    assert.equal(await host.ask('kept', 'Error'), 1);
  });

  test('the Control Center shows the bytes of the next upload, and Upload Now sends them', async () => {
    const center = await workbench.controlCenter();
    const text = await host.ask('client', 'preview');
    await center.locator('#refresh').click();
    await until('the preview is that of the client', async () => await center.locator('#preview').textContent() === text);
    await center.locator('#next-size', { hasText: `${Buffer.byteLength(text).toLocaleString('en-US')} bytes` }).waitFor();
    await workbench.picture('control-center');
    await center.locator('#upload').click();
    await says(center, /^Sent \d+ events/);
    await center.locator('#ledger td.code').first().waitFor();
    await workbench.picture('control-center-sent');
    for (const type of ['SessionStart', 'WorkspaceSelected', 'index', 'command.complete', 'ui.render_time', 'Error']) {
      assert.ok((await storedOf(type)).length > 0, `${type} did not arrive`);
    }
    const decisions = (await storedOf('ProposalDecision')).map(({ payload }) => payload.decision).sort();
    assert.deepEqual(decisions, ['approved', 'rejected']);
    const [start] = await storedOf('SessionStart');
    assert.equal(start.app, 'candor.candor-sample');
    const [{ payload }] = await storedOf('Error');
    assert.equal(payload.errorType, 'TypeError');
    assert.doesNotMatch(JSON.stringify(payload), /somebody|secret/);
    assert.deepEqual((await storedOf('ui.render_time'))[0].payload, { view: 'index', durationMs: 12, itemCount: 3 });
  });

  test('Export writes what waits to a file that the user names', async () => {
    await host.ask('emit', 'export', 5);
    const center = await workbench.controlCenter();
    await center.locator('#refresh').click();
    const file = editor.path('workspace/rc-metrics.json');
    await workbench.until('export', async () => {
      const input = workbench.page.locator('.quick-input-widget .quick-input-box input');
      if (!await input.isVisible()) await center.locator('#export').click({ timeout: 5000 });
      await input.waitFor({ timeout: 5000 });
      await input.press('Enter');
    }, () => until('the file', () => fs.existsSync(file), 5000));
    await says(center, /^Wrote \d+ events/);
    assert.equal(JSON.parse(fs.readFileSync(file, 'utf8')).schema_version, '1.0.0');
  });

  test('Delete What Waits deletes it', async () => {
    await host.ask('emit', 'purged', 7);
    const center = await workbench.controlCenter();
    await center.locator('#refresh').click();
    await center.locator('#purge:enabled').click();
    await says(center, /^Deleted \d+ events/);
    assert.equal(await host.ask('client', 'preview'), '');
    assert.deepEqual((await host.ask('status')).spool.events, 0);
  });

  test('the upload mode is changed by a click, for every window', async () => {
    const center = await workbench.controlCenter();
    for (const [label, mode] of [['Automatic', 'auto'], ['By hand', 'manual']]) {
      await center.locator('.segments label', { hasText: label }).click();
      await until(mode, async () => (await host.ask('status')).mode === mode);
      await center.locator(`input[name=mode][value=${mode}]:checked`).waitFor({ state: 'attached' });
    }
  });

  test('full content is switched on by the keyboard: the text of a proposal arrives; switched off, what waits is deleted', async () => {
    const center = await workbench.controlCenter();
    const fullContent = async () => (await host.ask('status')).full_content.enabled;
    const press = (/** @type {any} */ page, /** @type {boolean} */ on) => workbench.until(`full content ${on}`, async () => {
      if (await page.locator('#content').isChecked() === on) return;
      await page.locator('#content').focus();
      await workbench.page.keyboard.press('Space');
    }, () => until('chosen', async () => await fullContent() === on, 10_000));
    assert.equal(await fullContent(), false, 'off until somebody says yes');
    await press(center, true);
    await says(center, /text of proposals is sent from now on/);
    await center.locator('#content-hint', { hasText: /^On: / }).waitFor();
    await workbench.picture('control-center-content');
    await review('Reject', 'second.diff');
    await until('the text is kept', async () => (await host.ask('status')).vault.pending === 1);
    assert.doesNotMatch(await host.ask('client', 'preview'), /@@/, 'the text is in no event');
    assert.equal((await host.ask('client', 'upload')).error, null);
    const [event] = await storedOf('ProposalDiff');
    const { attachments: [text] } = await session.collector.get(`/api/v1/attachments/${event.event_id}`);
    const sha256 = crypto.createHash('sha256').update(fs.readFileSync(editor.path('workspace/second.diff'))).digest('hex');
    assert.deepEqual([text.field, text.sha256], ['diff', sha256]);

    assert.equal(await host.ask('client', 'emit', 'ProposalDiff', { proposalId: 'waits', diff: 'a text that is not sent' }), true);
    await until('another is kept', async () => (await host.ask('status')).vault.pending === 1);
    const again = await workbench.controlCenter();
    await press(again, false);
    await says(again, /^Off\. Text that was not sent is deleted/);
    assert.equal((await host.ask('status')).vault.pending, 0);
    assert.deepEqual(buffered().filter((name) => name.startsWith('vault/') && name.endsWith('.att')), []);
  });

  test('the level is lowered by the keyboard, and written to the extension’s setting', async () => {
    const center = await workbench.controlCenter();
    await workbench.until('level', async () => {
      await center.locator('input[name=level][value=all]').focus();
      await workbench.page.keyboard.press('ArrowLeft');
    }, () => until('errors only', async () => (await host.ask('status')).level === 'error', 5000));
    assert.equal(await host.ask('setting', 'candorSample.telemetry', 'level'), 'error');
    assert.equal(await host.ask('emit', 'usage', 1), 0);
    await host.ask('fail', 'still recorded');
    assert.equal(await host.ask('kept', 'Error'), 1);
    await center.locator('.segments label', { hasText: 'Usage' }).click();
    await until('all again', async () => (await host.ask('status')).level === 'all');
    assert.equal(await host.ask('emit', 'usage', 1), 1);
  });

  test('VS Code’s telemetry setting, switched off in the Settings editor, silences it and deletes the buffer', async () => {
    await host.ask('emit', 'doomed', 150);
    await host.ask('client', 'flush');
    assert.notDeepEqual(buffered(), []);
    await chooseLevel('off');
    await until('off', async () => (await host.ask('status')).enabled === false);
    await host.ask('settled');
    assert.equal(await host.ask('emit', 'silent', 3), 0);
    assert.equal((await host.ask('status')).vscode.editor, 'off');
    await until('nothing is left', () => buffered().length === 0);
    await workbench.picture('settings-off');
    const center = await workbench.controlCenter();
    await center.locator('#state-text', { hasText: 'VS Code’s telemetry setting' }).waitFor();
    await workbench.picture('control-center-off');
    assert.equal((await storedOf('ToolCall')).length, 0);
  });

  test('of the levels below, each is told from the others', async () => {
    for (const [level, usage] of [['error', 0], ['crash', 0], ['off', 0], ['all', 1]]) {
      await host.ask('set', 'telemetry', 'telemetryLevel', level);
      await until(`level ${level}`, async () => (await host.ask('status')).vscode.allowed === level);
      assert.equal(await host.ask('emit', 'level', 1), usage, level);
    }
  });

  test('the Control Center follows the theme', async () => {
    await host.ask('set', 'workbench', 'colorTheme', 'Default Dark Modern');
    const center = await workbench.controlCenter();
    await until('dark', () => center.evaluate('document.body.classList.contains("vscode-dark")'));
    await host.ask('emit', 'dark', 2);
    await center.locator('#refresh').click();
    await workbench.picture('control-center-dark');
  });
}

module.exports = { sampleTests };
