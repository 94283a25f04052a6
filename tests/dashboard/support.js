'use strict';
// A collector with a browser in front of it, and an ear for everything that a page must not do.
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { chromium } = require('../ui/node_modules/playwright-core');
const { TOKEN } = require('../e2e/central-support.js');

const AXE = fs.readFileSync(require.resolve('../electron/node_modules/axe-core/axe.min.js'), 'utf8');
/** Generous: a machine that builds and tests other things besides is slow. */
const LIMIT_MS = 90000;
const SIZES = { desktop: { width: 1280, height: 860 }, phone: { width: 390, height: 844 } };
const PAGES = ['overview', 'events', 'errors', 'sessions', 'proposals', 'tools', 'traces', 'live', 'quality'];

/** Debian's Chromium. @param {import('node:test').TestContext} t */
async function startBrowser(t) {
  const executablePath = process.env.CANDOR_CHROMIUM ?? '/usr/bin/chromium';
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'], timeout: LIMIT_MS });
  t.after(() => browser.close());
  return browser;
}

class Visitor {
  /** What went wrong on the page, in its words. @type {string[]} */
  troubles = [];
  /** Requests to anywhere else. @type {string[]} */
  strangers = [];

  /**
   * @param {import('playwright-core').Browser} browser @param {{url: string}} central
   * @param {{size?: keyof typeof SIZES, dark?: boolean}} [options]
   */
  static async open(browser, central, { size = 'desktop', dark = false } = {}) {
    const visitor = new Visitor();
    visitor.url = central.url;
    visitor.context = await browser.newContext({ viewport: SIZES[size], colorScheme: dark ? 'dark' : 'light', reducedMotion: 'reduce', acceptDownloads: true });
    visitor.page = await visitor.context.newPage();
    visitor.page.setDefaultTimeout(LIMIT_MS);
    visitor.page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) visitor.troubles.push(message.text()); });
    visitor.page.on('pageerror', (error) => visitor.troubles.push(error.stack ?? error.message));
    visitor.page.on('request', (request) => { if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(`${central.url}/`)) visitor.strangers.push(request.url()); });
    await visitor.page.addInitScript(() => addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`)));
    await visitor.page.goto(`${central.url}/dashboard`);
    return visitor;
  }

  async signIn(token = TOKEN) {
    await this.page.getByLabel('Token').fill(token);
    await this.page.getByRole('button', { name: 'Sign in' }).click();
    await this.page.getByRole('navigation').waitFor();
  }

  /** Go there and wait until nothing loads any more. @param {string} place */
  async go(place) {
    const [name] = place.split('?');
    await this.page.evaluate((hash) => { location.hash = hash; }, `#/${place}`);
    await this.page.locator(`nav a[aria-current="page"][href^="#/${name}"]`).waitFor();
    await this.settled();
  }

  async settled() {
    await this.page.waitForFunction(() => document.querySelector('main > *') !== null && document.querySelector('.loading, .stale') === null);
  }

  /** Everything axe finds, contrast and order of headings included. */
  async axe() {
    await this.page.evaluate(AXE);
    return this.page.evaluate(async () => (await window.axe.run(document, { resultTypes: ['violations'] })).violations
      .map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => `${node.target.join(' ')} (${node.failureSummary?.split('\n')[1]?.trim()})`).join('; ')}`));
  }

  /** How much wider than the window the page is. */
  overflow() {
    return this.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  }

  /** A picture, where CANDOR_SCREENS names a folder. @param {string} name */
  async picture(name) {
    const dir = process.env.CANDOR_SCREENS;
    if (!dir) return;
    fs.mkdirSync(dir, { recursive: true });
    await this.page.screenshot({ path: path.join(dir, `${name}.png`), fullPage: true });
  }

  /** Nothing was said on the console, refused by the policy, or asked of anybody else. */
  assertQuiet() {
    assert.deepEqual(this.troubles, []);
    assert.deepEqual(this.strangers, []);
  }

  close() {
    return this.context.close();
  }
}

module.exports = { LIMIT_MS, PAGES, Visitor, startBrowser };
