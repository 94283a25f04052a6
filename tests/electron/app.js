'use strict';
// Starts an app in a real Electron, or in the test host, and drives its page. Both print Chromium's
// DevTools address; from there on a test cannot tell them apart.
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { chromium } = require('../ui/node_modules/playwright-core');

const ROOT = path.join(__dirname, '..', '..');
const SAMPLE = path.join(ROOT, 'electron-sample');
/** Generous: a machine that builds and tests other things besides takes a minute for a picture. */
const LIMIT_MS = 240_000;

/** What decides about consent or endpoints must not come from the machine that runs the tests. */
const CLEAN = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(TELEMETRY_|HARBOR_|DO_NOT_TRACK$)/.test(name)));

/** What a test leaves: apps end before their folders go. @type {WeakMap<object, {apps: App[], dirs: string[]}>} */
const leftovers = new WeakMap();

/** @param {import('node:test').TestContext} t */
function leftoversOf(t) {
  let found = leftovers.get(t);
  if (found === undefined) {
    const made = { apps: /** @type {App[]} */ ([]), dirs: /** @type {string[]} */ ([]) };
    leftovers.set(t, found = made);
    t.after(async () => {
      for (const app of made.apps) await app.kill();
      // Chromium's processes end a moment after their parent.
      for (const dir of made.dirs) fs.rmSync(dir, { recursive: true, force: true, maxRetries: 40, retryDelay: 50 });
    });
  }
  return found;
}

/** A scratch folder that goes with the test. @param {import('node:test').TestContext} t */
function scratch(t) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'candor-electron-'));
  leftoversOf(t).dirs.push(dir);
  return dir;
}

/** An app as installed: its own folder, with candor in node_modules. @param {string} dir @param {string} from */
function install(dir, from) {
  const app = path.join(dir, 'app');
  if (fs.existsSync(app)) return app;
  fs.cpSync(from, app, { recursive: true, filter: (file) => path.basename(file) !== 'node_modules' });
  fs.mkdirSync(path.join(app, 'node_modules'));
  fs.symlinkSync(ROOT, path.join(app, 'node_modules', 'candor'));
  return app;
}

/** A folder for the assistant to work on. @param {string} dir */
function makeFolder(dir) {
  const folder = path.join(dir, 'harbor-notes');
  fs.mkdirSync(path.join(folder, 'src'), { recursive: true });
  fs.writeFileSync(path.join(folder, 'README.md'), '# Harbor notes\n\nThe colour of the water changes with the tide.\n\n## Tides\n\nHigh water is at noon. TODO: add a table.\n');
  fs.writeFileSync(path.join(folder, 'src', 'tide.js'), "'use strict';\n\n/** The colour of the water at a tide. */\nfunction colour(tide) {\n  return tide > 0.5 ? 'blue' : 'green';\n}\n\n// TODO: read the tide from a file\nmodule.exports = { colour };\n");
  fs.writeFileSync(path.join(folder, 'src', 'berths.js'), "'use strict';\n\nconst berths = ['north', 'south'];  \n\nmodule.exports = { berths };\n\n");
  return folder;
}

/**
 * @typedef {object} AppOptions
 * @property {string} dir  scratch folder; a second app in it is the next run of the first
 * @property {string} [electron]  path of a real Electron; default: the test host
 * @property {string} [from]  folder of the app; default: the sample
 * @property {string} [folder]  what the sample works on
 * @property {Record<string, string>} [env]
 * @property {{width: number, height: number}} [viewport]
 */

class App {
  stdout = '';
  stderr = '';

  /** @param {import('node:test').TestContext} t @param {AppOptions} options */
  static async start(t, options) {
    const app = new App();
    await app.#start(t, options);
    return app;
  }

  /** @param {import('node:test').TestContext} t @param {AppOptions} options */
  async #start(t, { dir, electron, from = SAMPLE, folder, env = {}, viewport = { width: 1180, height: 780 } }) {
    this.userData = path.join(dir, 'user-data');
    fs.mkdirSync(this.userData, { recursive: true });
    const args = ['--remote-debugging-port=0', `--user-data-dir=${this.userData}`, install(dir, from)];
    const [command, ...rest] = electron === undefined ? [process.execPath, path.join(__dirname, 'host', 'run.js'), ...args] : [electron, '--no-sandbox', ...args];
    this.child = spawn(command, rest, { stdio: ['pipe', 'pipe', 'pipe'], detached: true, env: { ...CLEAN, HOME: dir, ...folder === undefined ? {} : { HARBOR_FOLDER: folder }, ...env } });
    this.ended = once(this.child, 'close').then(([code, signal]) => ({ code, signal }));
    leftoversOf(t).apps.push(this);
    const address = await this.#address();
    this.browser = await chromium.connectOverCDP(address, { timeout: LIMIT_MS });
    this.page = await this.#firstPage();
    this.page.setDefaultTimeout(LIMIT_MS);
    await this.page.setViewportSize(viewport);
    await this.page.waitForSelector('body[data-ready]', { state: 'attached' });
  }

  /** @returns {Promise<string>} */
  #address() {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no DevTools address: ${this.stderr}`)), LIMIT_MS);
      this.child.stdout.on('data', (data) => { this.stdout += data; });
      this.child.stderr.on('data', (data) => {
        this.stderr += data;
        const match = /DevTools listening on (ws:\S+)/.exec(this.stderr);
        if (match === null) return;
        clearTimeout(timer);
        resolve(match[1]);
      });
      this.ended.then(({ code }) => reject(new Error(`the app ended with ${code}: ${this.stderr}`)));
    });
  }

  async #firstPage() {
    const [context] = this.browser.contexts();
    const wanted = (/** @type {any} */ page) => page.url().endsWith('/index.html');
    return until('the app opens its window', () => context.pages().find(wanted));
  }

  /** Ask, and wait for the answer. @param {string} text @returns {Promise<any>} the message's locator */
  async ask(text) {
    const before = await this.page.locator('.message.assistant.done').count();
    await this.page.fill('#prompt', text);
    await this.page.click('#send');
    const answer = this.page.locator('.message.assistant.done').nth(before);
    await answer.waitFor();
    return answer;
  }

  async openSettings() {
    await this.page.click('#nav-settings');
    await this.page.waitForSelector('#settings:not([hidden])');
    await this.page.waitForFunction(() => document.getElementById('next-facts')?.textContent !== ''); // it has looked
  }

  /** Close the window as a user does, and wait until the app has ended. */
  async quit() {
    await this.page.close().catch(() => {});
    return this.ended;
  }

  async kill() {
    await this.browser?.close().catch(() => {}); // the connection, not Chromium
    try {
      process.kill(-Number(this.child.pid), 'SIGKILL'); // its process group: Chromium's processes as well
    } catch {
      // All of them have ended.
    }
    await this.ended;
  }
}

/** Wait until something is so: there is no event for what another process does. @param {string} what @param {() => any} isSo */
async function until(what, isSo) {
  for (const end = Date.now() + LIMIT_MS; Date.now() < end;) {
    const value = await isSo();
    if (value) return value;
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
  throw new Error(`waited in vain: ${what}`);
}

module.exports = { App, ROOT, makeFolder, scratch, until };
