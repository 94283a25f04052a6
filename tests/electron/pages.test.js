'use strict';
// How the sample looks and what assistive technology finds in it: every view, light and dark, wide and
// narrow. The pictures are for people to look at: build/electron-ui.
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const { Collector } = require('../../scripts/support/collector.js');
const { App, ROOT, makeFolder, scratch, until } = require('./app.js');

const AXE = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
/** @type {[string, 'light' | 'dark', number, number][]} */
const LOOKS = [['wide', 'light', 1180, 780], ['wide', 'dark', 1180, 780], ['narrow', 'light', 400, 760]];
const PICTURES = path.join(ROOT, 'build', 'electron-ui');

/** @param {any} page @param {string} what */
async function checkAccessible(page, what) {
  if (!await page.evaluate(() => 'axe' in window)) await page.evaluate(AXE);
  const { violations, passes } = await page.evaluate(() => /** @type {any} */ (window).axe.run(document, { resultTypes: ['violations'] }));
  const told = violations.map((/** @type {any} */ { id, help, nodes }) => `${id}: ${help}: ${nodes.map((/** @type {any} */ node) => node.target.join(' ')).join(', ')}`);
  assert.deepEqual(told, [], what);
  assert.ok(passes.length > 10, `${what}: the page was looked at`);
}

/** Nothing sticks out of the window. @param {any} page @param {string} what */
async function checkFits(page, what) {
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(content <= window, `${what}: ${content} pixels wide in a window of ${window}`);
}

test('every view is accessible in light and dark, and fits wide and narrow windows', async (t) => {
  fs.mkdirSync(PICTURES, { recursive: true });
  const collector = new Collector({ directory: path.join(scratch(t), 'central'), args: ['--uploads-per-minute', '0'] });
  t.after(() => collector.kill());
  await collector.start();
  const dir = scratch(t);
  const app = await App.start(t, { dir, folder: makeFolder(dir), env: { HARBOR_TELEMETRY_TOKEN: collector.token } });
  const { page } = app;
  await page.emulateMedia({ reducedMotion: 'reduce', colorScheme: 'light' }); // no picture of something half faded in
  /** @param {string} name @param {{axe?: boolean}} [options]  axe: false for another part of what was checked */
  const look = async (name, { axe = true } = {}) => {
    for (const [size, colorScheme, width, height] of LOOKS) {
      await page.emulateMedia({ reducedMotion: 'reduce', colorScheme });
      await page.setViewportSize({ width, height });
      const what = `${name}-${colorScheme}-${size}`;
      await page.screenshot({ path: path.join(PICTURES, `${what}.png`) });
      await checkFits(page, what);
      if (axe) await checkAccessible(page, what);
    }
    await page.emulateMedia({ reducedMotion: 'reduce', colorScheme: 'light' });
    await page.setViewportSize({ width: 1180, height: 780 });
  };
  await look('notice');
  await page.click('#notice-ok');
  await app.ask('Search for tide');
  const answer = await app.ask('Replace colour with color');
  await look('proposal');
  await answer.getByRole('button', { name: 'Approve' }).click();
  await answer.locator('.proposal.approved').waitFor();
  await app.ask('What can you do?');
  await look('chat', { axe: false });
  await app.openSettings();
  await page.click('#advanced summary');
  await page.fill('#endpoint', collector.url);
  await page.fill('#user-id', 'team-north-7');
  await page.click('#advanced-form button');
  await until('saved', () => page.evaluate(() => document.getElementById('settings-said')?.textContent === 'Saved.'));
  await look('advanced');
  await page.click('#advanced summary');
  await page.click('#upload');
  await until('a ledger', async () => await page.locator('#sent tbody tr').count() > 0);
  await page.evaluate(() => window.telemetry.setMode('manual'));
  await page.click('#nav-chat');
  await app.ask('Tidy the files');
  await app.openSettings();
  await look('settings', { axe: false });
  await page.locator('#next-title').evaluate((element) => element.closest('section')?.scrollIntoView());
  await look('transparency');
  await page.click('#purge');
  await page.locator('#purge-question').scrollIntoViewIfNeeded();
  await look('purge');
  await page.locator('#enabled').scrollIntoViewIfNeeded();
  await page.click('#enabled');
  await until('off', async () => /is off/.test(await page.locator('#telemetry-word').innerText()));
  await look('off');
  await app.quit();
});

test('the page may load and run nothing but its own files', async (t) => {
  const dir = scratch(t);
  const app = await App.start(t, { dir, folder: makeFolder(dir) });
  const { page } = app;
  const ran = await page.evaluate(async () => {
    const script = document.createElement('script');
    script.textContent = 'window.injected = true';
    document.body.append(script);
    const image = document.createElement('img');
    image.setAttribute('onerror', 'window.injected = true');
    image.src = 'nothing.png';
    document.body.append(image);
    const fetched = await fetch('https://example.com/').then(() => 'fetched', () => 'refused');
    return { injected: 'injected' in window, fetched };
  });
  assert.deepEqual(ran, { injected: false, fetched: 'refused' });
  await assert.rejects(page.addScriptTag({ content: '1' }), /Content Security Policy|CSP/i);
  const hits = await app.ask('Search for <img src=x onerror=alert(1)>');
  assert.match(await hits.innerText(), /<img src=x/, 'text stays text');
});
