'use strict';
// A page that was taken over sends what it likes: everything out of bounds is refused and counted, nothing
// of it reaches the app as an exception, and what is right is still kept.
const assert = require('node:assert/strict');
const http = require('node:http');
const path = require('node:path');
const test = require('node:test');
const { pathToFileURL } = require('node:url');
const { App, scratch } = require('./app.js');

const GOOD = ['ToolCall', { toolName: 'read_file', durationMs: 1, success: true }];

/** @param {import('node:test').TestContext} t */
async function start(t) {
  const dir = scratch(t);
  const app = await App.start(t, { dir, from: path.join(__dirname, 'taken-over') });
  return {
    app, dir, page: app.page,
    raw: (/** @type {any[]} */ ...args) => app.page.evaluate((all) => window.raw(...all), args),
    rawWith: (/** @type {string} */ kind) => app.page.evaluate((which) => window.rawWith('candor:emit', which), kind),
    counts: () => app.page.evaluate(() => window.raw('app:counts')),
  };
}

test('payloads out of bounds are refused and counted by reason, and the app goes on', async (t) => {
  const { raw, rawWith, counts, page } = await start(t);
  const cases = { large: 'too_large', deep: 'too_deep', cycle: 'too_deep', many: 'too_many', wide: 'too_many', proto: 'bad_key', map: 'bad_payload', buffer: 'bad_payload' };
  for (const [kind, reason] of Object.entries(cases)) {
    const before = (await counts()).refused[reason];
    assert.equal(await rawWith(kind), false, kind);
    assert.equal((await counts()).refused[reason], before + 1, kind);
  }
  for (const [type, payload] of [['x'.repeat(65), {}], [7, {}], [null, {}]]) assert.equal(await raw('candor:emit', type, payload), false);
  for (const payload of ['text', 7, [1]]) assert.equal(await raw('candor:emit', 'ToolCall', payload), false);
  assert.equal(await raw('candor:emit', 'NoSuchEvent', {}), false);
  const after = await counts();
  assert.deepEqual([after.refused.event, after.refused.bad_payload, after.kept, after.unhandled], [3, 5, 0, 0]);
  assert.equal(await raw('candor:emit', ...GOOD), true);
  const status = await page.evaluate(() => window.telemetry.status());
  assert.deepEqual([status.ipc.kept, status.kept, status.dropped.unknown_event], [1, 1, 1]);
  assert.equal(({}).polluted, undefined);
});

test('methods and arguments that there are not are refused with a sentence', async (t) => {
  const { raw, counts } = await start(t);
  for (const method of ['close', 'setKeys', 'constructor', '__proto__', 'toString', '', 7, null, {}]) {
    assert.deepEqual(await raw('candor:call', method), { ok: false, error: 'there is no such method' });
  }
  assert.equal((await counts()).refused.unknown_method, 9);
  for (const [method, argument] of [['setEnabled', 'no'], ['setLevel', 'everything'], ['setMode', {}], ['setFullContent', 1], ['ledger', { limit: -1 }], ['configure', { endpoint: 'https://evil.example' }], ['configure', [1]]]) {
    const answer = await raw('candor:call', method, argument);
    assert.equal(answer.ok, false, method);
    assert.match(answer.error, /\S+ \S+/);
  }
  assert.equal((await counts()).refused.bad_argument, 7);
  await assert.rejects(raw('candor:purge'), /No handler registered/);
  await assert.rejects(raw('candor:status'), /No handler registered/);
  assert.equal((await counts()).unhandled, 0);
  assert.equal(await raw('candor:emit', ...GOOD), true);
});

test('a flood is cut off at the rate of one sender, and events are taken again afterwards', async (t) => {
  const { page, counts, raw } = await start(t);
  const kept = await page.evaluate(async (good) => (await Promise.all(Array.from({ length: 3000 }, () => window.raw('candor:emit', ...good)))).filter(Boolean).length, GOOD);
  const { refused, unhandled } = await counts();
  assert.ok(kept >= 500 && kept < 3000, `${kept} kept`);
  assert.equal(refused.rate, 3000 - kept);
  assert.equal(unhandled, 0);
  const calls = await page.evaluate(async () => (await Promise.all(Array.from({ length: 500 }, () => window.raw('candor:call', 'getSettings')))).filter((answer) => answer.ok).length);
  assert.ok(calls >= 60 && calls < 500, `${calls} answered`);
  for (const end = Date.now() + 30_000; Date.now() < end && !await raw('candor:emit', ...GOOD););
  assert.ok((await counts()).kept > kept, 'the sender is heard again');
});

test('pages of other addresses are refused, on disk and on the network; so is a frame', async (t) => {
  const { app, page, dir, counts } = await start(t);
  const server = http.createServer((_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>evil</title>evil'));
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', () => resolve(undefined)); });
  t.after(() => server.close());
  const home = page.url();
  const elsewhere = pathToFileURL(path.join(dir, 'app', 'elsewhere.html')).href;
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const bad = [elsewhere, `http://127.0.0.1:${port}/`, `http://127.0.0.1:${port}/pages/index.html`, `${home.replace('index.html', '')}%2e%2e/elsewhere.html`];
  for (const url of bad) {
    await page.goto(url);
    assert.deepEqual(await page.evaluate(async (good) => {
      const said = await window.telemetry.getSettings().then(() => 'answered', (error) => error.message);
      const purge = await window.telemetry.purge().then(() => 'answered', () => 'refused');
      return { kept: await window.telemetry.emit(.../** @type {[any, any]} */ (good)), said, purge };
    }, GOOD), { kept: false, said: 'this page may not use telemetry: its address is not one of the app\'s (allowedOrigins)', purge: 'refused' }, url);
  }
  await page.goto(home);
  assert.deepEqual(await page.evaluate(() => [typeof window.frames[0].telemetry, typeof window.frames[0].raw]), ['undefined', 'undefined']);
  const { refused, kept, unhandled } = await counts();
  assert.deepEqual([refused.sender, kept, unhandled], [3 * bad.length, 0, 0]);
  assert.equal(await page.evaluate((good) => window.telemetry.emit(.../** @type {[any, any]} */ (good)), GOOD), true);
  assert.equal(app.stdout, '');
});

test('the bridge: isolated from the page, answers instead of throwing, and counts what it does not pass on', async (t) => {
  const { page, counts } = await start(t);
  const seen = await page.evaluate(async () => ({
    require: typeof (/** @type {any} */ (window).require),
    process: typeof (/** @type {any} */ (window).process),
    said: window.requireSaid,
    large: await window.telemetry.emit('ToolCall', { toolName: 'x'.repeat(2_500_000) }),
    many: await window.telemetry.emit('ToolCall', { list: Array(3000).fill(0) }),
    callable: await window.telemetry.emit('ToolCall', { toolName: 't', durationMs: () => 1 }),
    none: await window.telemetry.emit('ToolCall', undefined),
    replaced: (() => {
      'use strict';
      try {
        /** @type {any} */ (window).telemetry = {};
        return true;
      } catch {
        return false;
      }
    })(),
    changed: (() => {
      const before = window.telemetry.emit;
      try {
        /** @type {any} */ (window.telemetry).emit = () => true;
      } catch {
        // strict code
      }
      return window.telemetry.emit !== before;
    })(),
  }));
  assert.deepEqual(seen, { require: 'undefined', process: 'undefined', said: seen.said, large: false, many: false, callable: false, none: true, replaced: false, changed: false });
  assert.match(seen.said, /module not found: node:fs/);
  const { refused } = await counts();
  assert.deepEqual([refused.too_large, refused.bad_payload], [2, 1]);
});

test('a utility process emits through the main process, within the same bounds', async (t) => {
  const { page, counts } = await start(t);
  await page.evaluate(() => window.raw('app:fork'));
  const { kept, refused, unhandled } = await counts();
  assert.deepEqual([kept, refused.too_large, refused.bad_key, unhandled], [1, 1, 1, 0]);
  const shown = await page.evaluate(() => window.telemetry.preview());
  assert.deepEqual(JSON.parse(shown).payload, { toolName: 'utility', durationMs: 1, success: true });
  assert.equal(JSON.parse(shown).correlation_id, 'u-1');
});
