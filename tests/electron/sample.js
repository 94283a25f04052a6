'use strict';
// Starts the sample in the Electron of ELECTRON_PATH, or in the test host, and drives its page. Both print
// Chromium's DevTools address; from there on the test cannot tell them apart.
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { chromium } = require('../ui/node_modules/playwright-core');

const ROOT = path.join(__dirname, '..', '..');
const ELECTRON = process.env.ELECTRON_PATH;
const LIMIT_MS = 60_000;

/** What decides about consent or endpoints must not come from the machine that runs the tests. */
const CLEAN = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(TELEMETRY_|HARBOR_|DO_NOT_TRACK$)/.test(name)));

/** A scratch folder that goes with the test. @param {import('node:test').TestContext} t */
function scratch(t) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'candor-electron-'));
  t.after(() => fs.rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
  return dir;
}

/** The sample as installed: its own folder, with candor in node_modules. @param {string} dir */
function install(dir) {
  const app = path.join(dir, 'app');
  if (fs.existsSync(app)) return app;
  fs.cpSync(path.join(ROOT, 'electron-sample'), app, { recursive: true, filter: (from) => path.basename(from) !== 'node_modules' });
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

class Sample {
  stdout = '';
  stderr = '';

  /**
   * @param {import('node:test').TestContext} t
   * @param {{dir: string, folder?: string, env?: Record<string, string>, viewport?: {width: number, height: number}}} options
   */
  static async start(t, options) {
    const sample = new Sample();
    await sample.#start(t, options);
    return sample;
  }

  /** @param {import('node:test').TestContext} t @param {{dir: string, folder?: string, env?: Record<string, string>, viewport?: {width: number, height: number}}} options */
  async #start(t, { dir, folder, env = {}, viewport = { width: 1180, height: 780 } }) {
    this.userData = path.join(dir, 'user-data');
    fs.mkdirSync(this.userData, { recursive: true });
    const args = ['--remote-debugging-port=0', `--user-data-dir=${this.userData}`, install(dir)];
    const [command, ...rest] = ELECTRON === undefined ? [process.execPath, path.join(__dirname, 'host', 'run.js'), ...args] : [ELECTRON, '--no-sandbox', ...args];
    this.child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...CLEAN, HOME: dir, ...folder === undefined ? {} : { HARBOR_FOLDER: folder }, ...env } });
    this.ended = once(this.child, 'close').then(([code, signal]) => ({ code, signal }));
    t.after(() => this.kill());
    const address = await this.#address();
    this.browser = await chromium.connectOverCDP(address, { timeout: LIMIT_MS });
    this.page = await this.#firstPage();
    this.page.setDefaultTimeout(LIMIT_MS);
    await this.page.setViewportSize(viewport);
    await this.page.waitForSelector('body[data-ready]');
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
    const wanted = (/** @type {any} */ page) => page.url().endsWith('/renderer/index.html');
    for (const end = Date.now() + LIMIT_MS; Date.now() < end;) {
      const page = context.pages().find(wanted);
      if (page !== undefined) return page;
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
    throw new Error(`the app opened no window: ${this.stderr}`);
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
  }

  /** Close the window as a user does, and wait until the app has ended. */
  async quit() {
    await this.page.close().catch(() => {});
    return this.ended;
  }

  async kill() {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL');
    await this.ended;
  }
}

module.exports = { ELECTRON, ROOT, Sample, makeFolder, scratch };
