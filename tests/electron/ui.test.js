'use strict';
// The sample, driven by clicks and keys: what it shows, what it does to the files, and what a real
// collector stores of it.
const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const zlib = require('node:zlib');
const { open } = require('../../js');
const { Collector } = require('../../scripts/support/collector.js');
const { App, ROOT, makeFolder, scratch, until } = require('./app.js');
const { hanging, proxy } = require('./server.js');

const sha256 = (/** @type {string | Buffer} */ bytes) => crypto.createHash('sha256').update(bytes).digest('hex');

/** By this click, or by mode auto a moment before. */
const SENT = /^(Sent: \d+ events?|Nothing was left to send)\./;

/** @param {import('node:test').TestContext} t */
async function collector(t) {
  const made = new Collector({ directory: path.join(scratch(t), 'central'), args: ['--uploads-per-minute', '0', '--schema', path.join(ROOT, 'schema', 'default.json')] });
  t.after(() => made.kill());
  return made.start();
}

/** @param {Collector} central @returns {Promise<any[]>} oldest first */
async function stored(central) {
  const all = [];
  for await (const event of central.events()) all.push(event);
  return all.reverse();
}

/** The endpoint is set where a user sets it. @param {App} app @param {string} url */
async function setEndpoint(app, url) {
  await app.openSettings();
  if (await app.page.locator('#advanced[open]').count() === 0) await app.page.click('#advanced summary');
  await app.page.fill('#endpoint', url);
  await app.page.click('#advanced-form button');
  await app.page.waitForFunction(() => document.getElementById('settings-said')?.textContent === 'Saved.');
}

/** @param {App} app @returns {Promise<string>} what the page says of it */
async function sendNow(app) {
  await app.page.click('#upload');
  const said = app.page.locator('#next-said');
  await until('an answer to "Send now"', async () => /^(Sent:|Not sent:|Nothing)/.test(await said.innerText()));
  return said.innerText();
}

/** @param {App} app @param {string} selector @param {RegExp} text */
async function waitForText(app, selector, text) {
  await until(`${selector} says ${text}`, async () => text.test(await app.page.locator(selector).innerText()));
}

/** @type {Record<string, (t: import('node:test').TestContext, electron: string | undefined) => Promise<void>>} */
const flows = {
  async 'a conversation, its tools and proposals are stored by the collector, without a word of it'(t, electron) {
    const central = await collector(t);
    const dir = scratch(t);
    const folder = makeFolder(dir);
    const app = await App.start(t, { dir, electron, folder, env: { HARBOR_TELEMETRY_TOKEN: central.token } });
    await setEndpoint(app, central.url);
    assert.match(await sendNow(app), /^Not sent: /, 'before the notice was read');
    assert.equal((await stored(central)).length, 0);
    await app.page.click('#notice-ok');
    await app.page.waitForSelector('#notice', { state: 'hidden' });
    await app.page.click('#nav-chat');

    await app.ask('List the files');
    assert.match(await (await app.ask('read src/nothing.js')).innerText(), /There is no file/);
    const answer = await app.ask('Replace colour with color');
    await answer.locator('input[data-path="README.md"]').uncheck();
    await answer.getByRole('button', { name: 'Approve 1 of 2' }).click();
    await answer.locator('.proposal.approved').waitFor();
    assert.match(fs.readFileSync(path.join(folder, 'src', 'tide.js'), 'utf8'), /function color\(tide\)/);
    assert.match(fs.readFileSync(path.join(folder, 'README.md'), 'utf8'), /The colour of the water/);
    const second = await app.ask('Write a summary');
    await second.getByRole('button', { name: 'Reject' }).click();
    await second.locator('.proposal.rejected').waitFor();
    assert.equal(fs.existsSync(path.join(folder, 'SUMMARY.md')), false);

    await app.openSettings();
    assert.match(await sendNow(app), SENT);
    assert.deepEqual({ ...await app.quit(), stdout: app.stdout }, { code: 0, signal: null, stdout: '' });
    const left = open({ app: 'harbor', directory: path.join(dir, 'user-data', 'telemetry'), endpoint: central.url, token: central.token, notice: 'none', minFreeDiskBytes: 0 });
    assert.equal((await left.upload()).error, null); // what the app has emitted while it quit
    left.close();

    const events = await stored(central);
    const of = (/** @type {string} */ type) => events.filter((event) => event.event_type === type).map((event) => event.payload);
    assert.equal(of('SessionStart').length, 1);
    assert.deepEqual(of('WorkspaceSelected').map((payload) => payload.isGitRepo), [false]);
    assert.equal(of('index').length, 1);
    assert.equal(of('ChatTurn').length, 4);
    assert.deepEqual(of('ToolCall').filter(({ success }) => !success).map(({ toolName, errorType }) => [toolName, errorType]), [['read_file', 'NotFound']]);
    assert.deepEqual(of('ProposalCreated').map(({ fileCount, totalLinesChanged, operation }) => [fileCount, totalLinesChanged, operation]), [[2, 8, 'modify'], [1, 5, 'create']]);
    assert.deepEqual(of('ProposalDecision').map(({ decision, filesApproved }) => [decision, filesApproved]), [['approved', 1], ['rejected', 0]]);
    assert.deepEqual(of('SessionEnd').map(({ proposalsCreated, proposalsApproved }) => [proposalsCreated, proposalsApproved]), [[2, 1]]);
    assert.ok(of('ui.render_time').some(({ view }) => view === 'settings'), 'the page\'s own event');
    assert.deepEqual([...of('ChatTurnFull'), ...of('ProposalDiff'), ...of('FileSnapshot')], []);
    const text = JSON.stringify(events);
    for (const word of ['colour', 'README', 'tide', folder, path.basename(folder), 'Replace', 'berths']) assert.equal(text.includes(word), false, word);
    assert.equal(new Set(events.map((event) => event.event_id)).size, events.length);
  },

  async 'the panel shows the bytes that the collector receives next'(t, electron) {
    const central = await collector(t);
    const seen = await proxy(t, central.url);
    const dir = scratch(t);
    const app = await App.start(t, { dir, electron, folder: makeFolder(dir), env: { HARBOR_TELEMETRY_TOKEN: central.token } });
    await app.page.click('#notice-ok');
    await app.page.evaluate(() => window.telemetry.setMode('manual')); // nothing may go between looking and sending
    await app.ask('Search for TODO');
    await setEndpoint(app, seen.url);
    await waitForText(app, '#next-facts', /SHA-256 [0-9a-f]{64}/);
    const shown = await app.page.locator('#next').evaluate((element) => element.textContent ?? '');
    const digest = await app.page.locator('#next-digest').innerText();
    assert.match(shown, /"event_type":"ToolCall"/);
    assert.match(await sendNow(app), /^Sent: /);
    const [first] = seen.requests.filter(({ url }) => url.startsWith('/api/v1/events'));
    const arrived = sha256(zlib.gunzipSync(first.body));
    t.diagnostic(`shown ${sha256(shown)}, in the panel's own words ${digest}, arrived ${arrived}`);
    assert.deepEqual([sha256(shown), digest], [arrived, arrived]);
    await until('the ledger shows it', async () => await app.page.locator('#sent tbody tr').count() > 0);
    const ledger = await app.page.locator('#sent code').evaluateAll((cells) => cells.map((cell) => cell.getAttribute('title')));
    assert.ok(ledger.includes(sha256(first.body)));
  },

  async 'the toggle deletes what waits and silences, for this run and the next'(t, electron) {
    const central = await collector(t);
    const dir = scratch(t);
    const folder = makeFolder(dir);
    const env = { HARBOR_TELEMETRY_TOKEN: central.token };
    const app = await App.start(t, { dir, electron, folder, env });
    await app.ask('List the files');
    await setEndpoint(app, central.url);
    await waitForText(app, '#next-facts', /\d+ events/);
    await app.page.getByRole('switch', { name: 'Help improve Harbor by sending anonymous usage data' }).click();
    await waitForText(app, '#settings-said', /deleted/);
    await waitForText(app, '#next-facts', /Nothing waits/);
    const spool = path.join(dir, 'user-data', 'telemetry');
    for (const name of ['spool', 'journal', 'sent']) assert.deepEqual(fs.existsSync(path.join(spool, name)) ? fs.readdirSync(path.join(spool, name)).filter((file) => /\.(gz|seg)$/.test(file)) : [], [], name);
    await app.page.click('#nav-chat');
    await app.ask('Tidy the files');
    assert.equal(await app.page.evaluate(() => window.telemetry.emit('ui.render_time', { view: 'x', durationMs: 1 })), false);
    assert.deepEqual(await app.quit(), { code: 0, signal: null });

    const again = await App.start(t, { dir, electron, env });
    assert.equal(await again.page.locator('#folder-name').innerText(), path.basename(folder), 'the folder is remembered');
    await again.openSettings();
    assert.equal(await again.page.locator('#enabled').isChecked(), false);
    assert.equal(await again.page.locator('#levels').evaluate((element) => /** @type {HTMLFieldSetElement} */ (element).disabled), true);
    await waitForText(again, '#next-facts', /Nothing waits/);
    assert.equal((await stored(central)).length, 0);
    await again.page.click('#enabled');
    await again.page.click('#notice-ok');
    await again.page.click('#nav-chat');
    await again.ask('List the files');
    await again.openSettings();
    assert.match(await sendNow(again), SENT);
    const types = (await stored(central)).map((event) => event.event_type);
    assert.ok(types.includes('ToolCall') && !types.includes('SessionStart'), types.join());
  },

  async 'the level holds for later runs, and full content goes encrypted, behind its event, once it is switched on'(t, electron) {
    const central = await collector(t);
    const dir = scratch(t);
    const env = { HARBOR_TELEMETRY_TOKEN: central.token };
    const app = await App.start(t, { dir, electron, folder: makeFolder(dir), env });
    await app.page.click('#notice-ok');
    await setEndpoint(app, central.url);
    await app.page.check('input[value=error]');
    await waitForText(app, '#settings-said', /Saved/);
    await app.quit();

    const again = await App.start(t, { dir, electron, env });
    await again.openSettings();
    assert.equal(await again.page.isChecked('input[value=error]'), true);
    assert.equal(await again.page.locator('#endpoint').inputValue(), central.url);
    assert.equal(await again.page.locator('#content').isDisabled(), true, 'full content needs the level of usage');
    await again.page.check('input[value=all]');
    await again.page.waitForSelector('#content:not(:disabled)');
    const keyFile = path.join(dir, 'user-data', 'telemetry-keys.json');
    assert.equal(fs.existsSync(keyFile), false, 'no keychain is asked before');
    await again.page.getByRole('switch', { name: 'Also send the text of conversations and proposals' }).click();
    await waitForText(again, '#settings-said', /sent from now on/);
    assert.equal(fs.existsSync(keyFile), true);
    if (process.platform !== 'win32') assert.equal(fs.statSync(keyFile).mode & 0o777, 0o600);
    await again.page.click('#nav-chat');
    await again.ask('Search for tide');
    const vault = path.join(dir, 'user-data', 'telemetry', 'vault');
    for (const name of fs.readdirSync(vault)) assert.equal(fs.readFileSync(path.join(vault, name)).includes('Search for tide'), false, name);
    await again.openSettings();
    assert.match(await sendNow(again), SENT);
    const full = (await stored(central)).find((event) => event.event_type === 'ChatTurnFull');
    assert.deepEqual(full.payload, { model: 'scripted' });
    const response = await fetch(`${central.url}/api/v1/attachments/${full.event_id}?field=prompt`, { headers: { authorization: `Bearer ${central.token}` } });
    assert.deepEqual([response.status, await response.text()], [200, 'Search for tide']);
  },

  async 'a change by another process reaches the page; delete asks first; a wrong endpoint is refused with a sentence'(t, electron) {
    const dir = scratch(t);
    const app = await App.start(t, { dir, electron, folder: makeFolder(dir) });
    await app.page.click('#notice-ok');
    await app.openSettings();
    await app.page.click('#advanced summary');
    await app.page.fill('#endpoint', 'http://telemetry.example.com');
    await app.page.click('#advanced-form button');
    await waitForText(app, '#settings-said', /must be https/);
    await waitForText(app, '#next-facts', /\d+ events/);
    await app.page.click('#purge');
    await app.page.click('#purge-no');
    await waitForText(app, '#next-facts', /\d+ events/);
    await app.page.click('#purge');
    await app.page.click('#purge-yes');
    await waitForText(app, '#purge-said', /Deleted: \d+ events?\./);
    const other = open({ app: 'harbor', directory: path.join(dir, 'user-data', 'telemetry'), notice: 'none', mode: 'manual', minFreeDiskBytes: 0 });
    t.after(() => other.close());
    await other.setEnabled(false);
    await until('the toggle follows', async () => !await app.page.locator('#enabled').isChecked());
    await waitForText(app, '#telemetry-word', /is off/);
    await other.setEnabled(true);
    await until('and back', () => app.page.locator('#enabled').isChecked());
  },

  async 'everything can be done with the keyboard'(t, electron) {
    const dir = scratch(t);
    const app = await App.start(t, { dir, electron, folder: makeFolder(dir) });
    const { page } = app;
    const press = (/** @type {string[]} */ ...keys) => keys.reduce((done, key) => done.then(() => page.keyboard.press(key)), Promise.resolve());
    const focused = () => page.evaluate(() => document.activeElement?.id || document.activeElement?.className || document.activeElement?.tagName);
    /** Tab until something has the focus. @param {string} wanted */
    const tabTo = async (wanted) => {
      for (let i = 0; i < 60; i++) {
        if (await focused() === wanted) return;
        await press('Tab');
      }
      assert.fail(`Tab does not reach ${wanted}`);
    };
    await tabTo('notice-ok');
    await press('Enter');
    await page.waitForSelector('#notice', { state: 'hidden' });
    await tabTo('skip');
    await press('Enter');
    assert.equal(await focused(), 'main');
    await page.focus('#prompt');
    await page.keyboard.type('Replace colour with color');
    await press('Enter');
    await page.locator('.message.assistant.done').waitFor();
    await page.focus('#log');
    await tabTo('button primary approve');
    await press('Enter');
    await page.locator('.proposal.approved').waitFor();
    await tabTo('nav-settings');
    await press('Enter');
    await tabTo('enabled');
    await press('Space');
    await waitForText(app, '#settings-said', /deleted/);
    await press('Space');
    await waitForText(app, '#settings-said', /Thank you/);
    assert.equal(await page.locator('#enabled').isChecked(), true);
  },

  async 'quitting ends while a server hangs, and the next run sends what was kept, once'(t, electron) {
    const central = await collector(t);
    const server = await hanging(t);
    const dir = scratch(t);
    const env = { HARBOR_TELEMETRY_TOKEN: central.token };
    const app = await App.start(t, { dir, electron, folder: makeFolder(dir), env });
    await app.page.click('#notice-ok');
    await app.ask('List the files');
    await setEndpoint(app, server.url);
    await app.page.click('#upload');
    await until('the request is taken', () => server.taken > 0);
    assert.equal(server.open, 1);
    // The request would wait for stallTimeoutMs, 10 s; nobody answers it, and still the app ends.
    assert.deepEqual({ ...await app.quit(), stdout: app.stdout }, { code: 0, signal: null, stdout: '' });
    const telemetry = path.join(dir, 'user-data', 'telemetry');
    assert.ok(fs.readdirSync(path.join(telemetry, 'spool')).some((name) => name.endsWith('.jsonl.gz')), 'on disk');

    const again = await App.start(t, { dir, electron, env });
    await setEndpoint(again, central.url);
    await sendNow(again);
    await until('nothing waits', async () => {
      await again.page.click('#refresh');
      return /Nothing waits/.test(await again.page.locator('#next-facts').innerText());
    });
    const events = await stored(central);
    assert.equal(new Set(events.map((event) => event.event_id)).size, events.length);
    const sessions = (/** @type {string} */ type) => events.filter((event) => event.event_type === type).length;
    assert.deepEqual([sessions('SessionStart'), sessions('SessionEnd'), sessions('ToolCall')], [2, 1, 1]);
  },
};

for (const [name, flow] of Object.entries(flows)) test(name, (t) => flow(t, undefined));

const electron = process.env.ELECTRON_PATH;
if (electron === undefined) test('the same flows in a real Electron', { skip: 'ELECTRON_PATH names no Electron: the flows ran in the test host only' }, () => {});
else for (const [name, flow] of Object.entries(flows)) test(`in a real Electron: ${name}`, (t) => flow(t, electron));
