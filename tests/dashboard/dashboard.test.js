'use strict';
// The dashboard as people use it: a real collector with a month of events, Debian's Chromium in front of it.
const assert = require('node:assert/strict');
const fs = require('node:fs');
const test = require('node:test');
const { assets } = require('../../scripts/dashboard.js');
const { Central, TOKEN, event, run } = require('../e2e/central-support.js');
const { LIMIT_MS, PAGES, Visitor, startBrowser } = require('./support.js');
const { seed } = require('./seed.js');

const WEIGHT_MAX = 400 * 1024;
/** Without it, what differs least from the others is left out: `npm test` has many steps. */
const full = process.env.CANDOR_DASHBOARD_FULL === '1';
const LOOKS = full ? { light: {}, dark: { dark: true }, phone: { size: 'phone' } } : { light: {}, phone: { size: 'phone' } };
const built = fs.existsSync('/usr/bin/chromium') || process.env.CANDOR_CHROMIUM;
const skip = built ? false : 'there is no Chromium; sh scripts/setup.sh ui installs it';

/** Ask until it is so. @param {() => Promise<boolean>} question @param {string} what */
async function until(question, what) {
  const deadline = Date.now() + LIMIT_MS;
  while (!await question()) {
    assert.ok(Date.now() < deadline, what);
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}

test('the dashboard over a month of events', { skip }, async (t) => {
  const central = await Central.start(t);
  const browser = await startBrowser(t);
  const { trace } = await seed(central.url, TOKEN, { perDay: Number(process.env.CANDOR_SEED_PER_DAY ?? (full ? 40 : 12)) });
  const places = PAGES.map((name) => (name === 'traces' ? `traces?id=${trace}` : name));

  await t.test('all of it weighs less than 400 KB', async (sub) => {
    const total = assets().reduce((sum, one) => sum + one.gz.length, 0);
    sub.diagnostic(`page weight: ${total} bytes in ${assets().length} files, compressed`);
    assert.ok(total < WEIGHT_MAX, `${total}`);
  });

  for (const [look, options] of Object.entries(LOOKS)) {
    await t.test(`${look}: every page without a violation of axe, a word on the console, a request elsewhere, or a scroll to the side`, async () => {
      const visitor = await Visitor.open(browser, central, options);
      assert.deepEqual(await visitor.axe(), [], 'login');
      await visitor.picture(`login-${look}`);
      await visitor.signIn();
      for (const place of places) {
        await visitor.go(place);
        const name = place.split('?')[0];
        assert.equal(await visitor.page.locator('.failure').count(), 0, `${name} fails`);
        assert.equal(await visitor.page.locator('h1').count(), 1);
        assert.equal(await visitor.overflow(), 0, `${name} is wider than the window`);
        assert.deepEqual(await visitor.axe(), [], name);
        await visitor.picture(`${name}-${look}`);
      }
      visitor.assertQuiet();
      await visitor.close();
    });
  }

  await t.test('the numbers are those of the collector', async () => {
    const visitor = await Visitor.open(browser, central);
    await visitor.signIn();
    await visitor.go('overview?range=90d');
    const { events } = await central.get('/api/telemetry/stats');
    const card = visitor.page.locator('.card', { hasText: 'Events' }).first();
    assert.equal(await card.locator('dd').first().textContent(), events.total.toLocaleString('en'));
    await visitor.go('overview?range=90d&source=atlas-cli');
    const one = await central.get('/api/telemetry/stats?source=atlas-cli');
    await until(async () => await card.locator('dd').first().textContent() === one.events.total.toLocaleString('en'), 'the number of one app');
    await visitor.go('proposals?range=90d');
    const created = (await central.get('/api/telemetry/stats')).charts.find((chart) => chart.type === 'ProposalCreated').groups.reduce((sum, group) => sum + group.count, 0);
    assert.match(await visitor.page.locator('.funnel li').first().textContent(), new RegExp(`^Created${created.toLocaleString('en')} 100 %`));
    await visitor.go(`traces?id=${trace}`);
    assert.equal(await visitor.page.locator('.waterfall li').count(), 6);
    visitor.assertQuiet();
    await visitor.close();
  });

  await t.test('a part of the timeline is chosen with the mouse, or by dates from the keyboard', async () => {
    const visitor = await Visitor.open(browser, central);
    const { page } = visitor;
    await visitor.signIn();
    await visitor.settled();
    const plot = page.locator('.plot .u-over').first();
    const box = await plot.boundingBox();
    await page.mouse.move(box.x + box.width * 0.4, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, box.y + 60, { steps: 5 });
    await page.mouse.up();
    await page.waitForURL(/from=\d+&to=\d+/);
    const chosen = new URLSearchParams(new URL(page.url()).hash.split('?')[1]);
    const days = (Number(chosen.get('to')) - Number(chosen.get('from'))) / 86400000;
    assert.ok(days >= 5 && days <= 8, `${days} days`);
    await visitor.settled();
    const custom = page.locator('.custom summary');
    await custom.focus();
    await page.keyboard.press('Enter');
    const week = new Date(Date.now() - 7 * 86400000).toISOString().slice(0, 10);
    await page.getByLabel('From').fill(week);
    await page.getByLabel('To', { exact: true }).fill(week);
    await page.getByRole('button', { name: 'Show' }).press('Enter');
    await page.waitForURL(new RegExp(`from=${Date.parse(week)}&to=${Date.parse(week) + 86400000}`));
    await visitor.settled();
    visitor.assertQuiet();
    await visitor.close();
  });

  await t.test('the keyboard reaches everything, and a page change puts it at the heading', async () => {
    const visitor = await Visitor.open(browser, central);
    const { page } = visitor;
    await page.getByLabel('Token').focus();
    await page.keyboard.type(TOKEN);
    await page.keyboard.press('Enter');
    await page.getByRole('navigation').waitFor();
    await visitor.settled();
    await page.evaluate(() => {
      document.body.tabIndex = -1;
      document.body.focus();
      document.addEventListener('focusin', (focus) => focus.target.setAttribute('data-reached', ''));
    });
    const selector = 'a[href], button:not([disabled]), select, summary, [tabindex="0"]';
    const missing = () => page.evaluate((all) => [...document.querySelectorAll(all)].filter((one) => one.checkVisibility() && !one.hasAttribute('data-reached')).map((one) => one.outerHTML.slice(0, 80)), selector);
    for (let i = 0; i < 120 && (await missing()).length > 0; i += 1) await page.keyboard.press('Tab');
    assert.deepEqual(await missing(), []);
    await page.getByRole('link', { name: 'Errors', exact: true }).focus();
    await page.keyboard.press('Enter');
    await visitor.settled();
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Errors');
    visitor.assertQuiet();
    await visitor.close();
  });

  await t.test('an event opens as JSON; filters are in the address and outlive a reload', async () => {
    const visitor = await Visitor.open(browser, central);
    const { page } = visitor;
    await visitor.signIn();
    await visitor.go('events');
    await page.getByLabel('Type').selectOption('ChatTurn');
    await page.waitForURL(/type=ChatTurn/);
    await page.reload();
    await visitor.settled();
    const names = await page.locator('.events tbody button.link').allTextContents();
    assert.ok(names.length > 10 && names.every((name) => name === 'ChatTurn'), names.join());
    const button = page.locator('.events tbody button.link').first();
    await button.press('Enter');
    assert.equal(await button.getAttribute('aria-expanded'), 'true');
    const shown = JSON.parse(await page.locator('.details pre').textContent());
    assert.equal(shown.event_type, 'ChatTurn');
    assert.equal(typeof shown.payload.latencyMs, 'number');
    await page.getByRole('button', { name: 'Load more' }).click();
    await until(async () => await page.locator('.events tbody button.link').count() > names.length, 'the next page');
    visitor.assertQuiet();
    await visitor.close();
  });

  await t.test('tables are saved as CSV, with every row, and nothing that a spreadsheet would run', async () => {
    const visitor = await Visitor.open(browser, central);
    const { page } = visitor;
    const save = async (button) => {
      const [download] = await Promise.all([page.waitForEvent('download'), button.click()]);
      return { name: download.suggestedFilename(), rows: fs.readFileSync(await download.path(), 'utf8').trimEnd().split('\r\n') };
    };
    await central.post([event('Error', { errorType: 'Odd', message: '=1+1, "quoted"' }, { app: 'odd-one' })]);
    await visitor.signIn();
    await visitor.go('overview');
    const timeline = await save(page.getByRole('region', { name: 'Events over time' }).getByRole('button', { name: 'CSV' }));
    assert.equal(timeline.name, 'timeline.csv');
    assert.equal(timeline.rows[0], 'bucket,events,errors');
    assert.equal(timeline.rows.length, 31);
    await visitor.go('events?source=atlas-vscode&type=SessionStart');
    const { events } = await central.get('/api/telemetry/stats?source=atlas-vscode');
    const list = await save(page.getByRole('button', { name: 'CSV' }));
    assert.equal(list.rows.length - 1, events.by_type.find((one) => one.type === 'SessionStart').count);
    assert.match(list.rows[0], /^timestamp,event_type,category,app,/);
    assert.ok(list.rows.slice(1).every((row) => row.includes(',SessionStart,session,atlas-vscode,')));
    await visitor.go('events?source=odd-one');
    const odd = await save(page.getByRole('button', { name: 'CSV' }));
    assert.match(odd.rows[1], /"{""errorType"":""Odd"",""message"":""=1\+1, \\""quoted\\""""}"$/);
    visitor.assertQuiet();
    await visitor.close();
  });

  await t.test('a new event appears in the live view, and none while it is paused', async () => {
    const visitor = await Visitor.open(browser, central);
    const { page } = visitor;
    await visitor.signIn();
    await visitor.go('live');
    await page.locator('.events tbody tr').first().waitFor();
    await central.post([event('ToolCall', { toolName: 'just_now', durationMs: 5, success: true })]);
    await page.getByText('toolName just_now').waitFor();
    await page.getByText('1 new since you came').waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await central.post([event('ToolCall', { toolName: 'while_paused', durationMs: 5, success: true })]);
    await page.getByText('Paused').waitFor();
    assert.equal(await page.getByText('toolName while_paused').count(), 0);
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByText('toolName while_paused').waitFor();
    visitor.assertQuiet();
    await visitor.close();
  });

  await t.test('errors of a group are shown with their message', async () => {
    const visitor = await Visitor.open(browser, central);
    const { page } = visitor;
    await visitor.signIn();
    await visitor.go('errors');
    const link = page.getByRole('group', { name: 'Groups of errors' }).getByRole('link', { name: 'TypeError' });
    await link.click();
    await page.getByRole('heading', { name: 'Latest of this group' }).waitFor();
    await visitor.settled();
    const rows = await page.getByRole('group', { name: 'Errors of this group' }).locator('td.what').allTextContents();
    assert.ok(rows.length > 0 && rows.every((text) => text.includes('errorType TypeError')), rows.join());
    visitor.assertQuiet();
    await visitor.close();
  });

  await t.test('a question that fails says so and can be asked again; the rest of the page stays', async () => {
    const visitor = await Visitor.open(browser, central);
    const { page } = visitor;
    await visitor.signIn();
    const pattern = '**/api/telemetry/aggregate/timeline*';
    await page.route(pattern, (route) => route.fulfill({ status: 503, contentType: 'application/problem+json', body: '{"status":503,"code":"query_timeout","detail":"the query took too long; ask for a shorter time or another filter"}' }));
    await visitor.go('overview?range=7d');
    const alert = page.getByRole('alert');
    await alert.waitFor();
    assert.match(await alert.textContent(), /the query took too long/);
    assert.ok(await page.locator('.card').count() > 0);
    assert.deepEqual(await visitor.axe(), []);
    await visitor.picture('failure-light');
    await page.unroute(pattern);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator('.plot canvas').first().waitFor();
    await visitor.close();
  });

  await t.test('colours follow the system, or the person', async () => {
    const visitor = await Visitor.open(browser, central, { dark: true });
    const { page } = visitor;
    const back = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await visitor.signIn();
    const dark = await back();
    await page.getByRole('button', { name: /Colours: auto/ }).click();
    await page.getByRole('button', { name: /Colours: light/ }).waitFor();
    assert.notEqual(await back(), dark);
    await page.reload();
    await page.getByRole('navigation').waitFor();
    assert.notEqual(await back(), dark, 'the choice outlives a reload');
    await visitor.close();
  });

  await t.test('a session that ends leads to the login; signing out leaves no cookie', async () => {
    const visitor = await Visitor.open(browser, central);
    const { page } = visitor;
    await visitor.signIn();
    const [cookie] = await visitor.context.cookies();
    assert.equal(cookie.httpOnly, true);
    assert.equal(cookie.sameSite, 'Strict');
    assert.equal(await page.evaluate(() => document.cookie), '', 'scripts cannot read it');
    assert.ok(!(await page.evaluate(() => JSON.stringify([localStorage, sessionStorage]))).includes('cnd_'), 'the token is not kept');
    await visitor.context.clearCookies();
    await page.getByRole('button', { name: 'Refresh' }).click();
    await page.getByLabel('Token').waitFor();
    await visitor.signIn();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Token').waitFor();
    assert.deepEqual(await visitor.context.cookies(), []);
    await visitor.close();
  });
});

test('a token that is not taken: the login says why and stays', { skip }, async (t) => {
  const central = await Central.start(t);
  const browser = await startBrowser(t);
  const ingest = (await run(['token', 'create', '--scopes', 'ingest', '--data', central.data])).stdout.trim();
  await until(async () => (await central.fetch('/api/v1/session', { token: ingest })).status === 403, 'the token is taken');
  const visitor = await Visitor.open(browser, central);
  const attempt = async (token, answer) => {
    await visitor.page.getByLabel('Token').fill(token);
    await visitor.page.getByRole('button', { name: 'Sign in' }).click();
    await visitor.page.getByRole('alert').filter({ hasText: answer }).waitFor();
  };
  await attempt('cnd_00000000_0000', 'unknown or revoked');
  await attempt(ingest, 'may not read');
  await attempt('two words', 'no spaces');
  assert.deepEqual(await visitor.axe(), []);
  assert.deepEqual(await visitor.context.cookies(), []);
  await visitor.signIn();
});

test('an empty collector: every page says that there is nothing, without a fault', { skip }, async (t) => {
  const central = await Central.start(t);
  const browser = await startBrowser(t);
  const visitor = await Visitor.open(browser, central);
  await visitor.signIn();
  for (const name of PAGES) {
    await visitor.go(name);
    assert.equal(await visitor.page.locator('.failure').count(), 0, name);
    assert.ok(await visitor.page.locator('.empty').count() > 0, `${name} says nothing`);
    if (full) assert.deepEqual(await visitor.axe(), [], name);
    await visitor.picture(`empty-${name}`);
  }
  visitor.assertQuiet();
});

test('with another first sink every page shows what it shows with SQLite', { skip }, async (t) => {
  const central = await Central.start(t, { args: ['--sink', 'memory'] });
  const browser = await startBrowser(t);
  await central.post([event('SessionStart', { os: 'linux' }), event('ToolCall', { toolName: 'kept_here', durationMs: 5, success: true }),
    event('Error', { errorType: 'KeptError' })]);
  const visitor = await Visitor.open(browser, central);
  await visitor.signIn();
  for (const name of PAGES) {
    await visitor.go(name);
    assert.equal(await visitor.page.locator('.failure').count(), 0, name);
  }
  await visitor.go('errors');
  await visitor.page.getByText('KeptError').first().waitFor();
  await visitor.go('events');
  await visitor.page.getByText('toolName kept_here').waitFor();
  visitor.assertQuiet();
});
