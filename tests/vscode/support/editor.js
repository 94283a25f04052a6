'use strict';
// A real VS Code for one test file: code-server with both extensions installed, in a scratch folder, a browser
// on it, and a line to each extension host.
const { execFileSync, spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');
const { packSample, vsce } = require('../../../scripts/vsix');
const { locate } = require('../../../scripts/vscode-host');
const { until } = require('../../e2e/pipe-support');
const { chromium, playwright, root, TARGET } = require('./parts');
const { Workbench } = require('./workbench');

/** A loaded machine with two processors: nothing here is about time. */
const LIMIT_MS = 120_000;
const CHROMIUM_ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'];
const SETTINGS = {
  'telemetry.telemetryLevel': 'all', 'workbench.startupEditor': 'none', 'chat.disableAIFeatures': true, 'workbench.enableExperiments': false,
  'extensions.autoCheckUpdates': false, 'extensions.ignoreRecommendations': true, 'git.enabled': false, 'workbench.tips.enabled': false,
  'window.restoreWindows': 'none', 'workbench.editor.restoreEditors': false, 'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'files.hotExit': 'off', 'workbench.editor.useModal': 'off', 'remote.autoForwardPorts': false, 'editor.minimap.enabled': false,
};

/** One extension host, by the driver extension in it. */
class Host {
  #socket;
  #serial = 0;
  #answers = new Map();
  /** @type {{pid: number, mode: number, level: string}} */
  hello;

  constructor(socket, lines, hello) {
    this.#socket = socket;
    this.hello = hello;
    this.gone = false;
    lines.on('line', (line) => {
      const { id, value, error } = JSON.parse(line);
      const answer = this.#answers.get(id);
      this.#answers.delete(id);
      if (error === undefined) answer?.resolve(value);
      else answer?.reject(new Error(error));
    });
    socket.on('close', () => {
      this.gone = true;
      for (const { reject } of this.#answers.values()) reject(new Error('the extension host ended'));
    });
  }

  get pid() {
    return this.hello.pid;
  }

  /** Call a method of driver/extension.js. @returns {Promise<any>} */
  ask(method, ...args) {
    const id = ++this.#serial;
    const answer = new Promise((resolve, reject) => this.#answers.set(id, { resolve, reject }));
    answer.catch(() => {}); // a host that is killed owes answers that nobody waits for
    this.#socket.write(`${JSON.stringify({ id, method, args })}\n`);
    return answer;
  }
}

class Editor {
  /** Extension hosts, oldest first. @type {Host[]} */
  hosts = [];
  /** @type {any} */ #browser;
  /** Windows of one person share it: another browser would be another machine. @type {any} */ #profile;
  /** @type {import('node:child_process').ChildProcess | undefined} */ #server;
  #log = '';
  /** @type {string | undefined} */ scratch;

  /** @param {Record<string, string>} env  of the extension hosts @param {(directory: string) => void} fill  the workspace */
  async start(env, fill) {
    this.scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'candor-vscode-'));
    for (const dir of ['data/User', 'extensions', 'home', 'tmp', 'workspace']) fs.mkdirSync(this.path(dir), { recursive: true });
    fill(this.workspace);
    fs.writeFileSync(this.path('data/User/settings.json'), JSON.stringify(SETTINGS));
    fs.writeFileSync(this.path('server.yaml'), 'bind-addr: 127.0.0.1:0\nauth: none\ncert: false\n');
    await this.#listen();
    this.#install();
    await this.#serve(env);
    this.#browser = await playwright().chromium.launch({
      executablePath: chromium(), headless: true, args: CHROMIUM_ARGS, env: { ...process.env, HOME: this.path('home'), TMPDIR: this.path('tmp') },
      timeout: LIMIT_MS,
    });
  }

  /** @param {string[]} parts */
  path(...parts) {
    return path.join(/** @type {string} */ (this.scratch), ...parts);
  }

  get workspace() {
    return this.path('workspace');
  }

  /** Where the sample keeps its telemetry. */
  get directory() {
    return this.path('data/User/globalStorage/candor.candor-sample/telemetry');
  }

  async #listen() {
    const server = net.createServer((socket) => {
      socket.on('error', () => {});
      const lines = readline.createInterface({ input: socket });
      lines.once('line', (line) => this.hosts.push(new Host(socket, lines, JSON.parse(line).hello)));
    });
    server.listen(this.path('driver.sock'));
    await once(server, 'listening');
    server.unref();
  }

  /** @param {Record<string, string>} [env] */
  #environment(env = {}) {
    const { node } = /** @type {any} */ (locate());
    const home = this.path('home');
    return {
      PATH: `${path.dirname(node)}:/usr/bin:/bin`, HOME: home, TMPDIR: this.path('tmp'), LANG: 'C.UTF-8',
      XDG_CONFIG_HOME: `${home}/config`, XDG_DATA_HOME: `${home}/share`, XDG_RUNTIME_DIR: this.path('tmp'),
      EXTENSIONS_GALLERY: '{"serviceUrl":"","itemUrl":"","resourceUrlTemplate":""}', // asks nobody
      CANDOR_TEST_SOCKET: this.path('driver.sock'), ...env,
    };
  }

  #arguments() {
    return [locate()?.server, '--config', this.path('server.yaml'), '--user-data-dir', this.path('data'), '--extensions-dir', this.path('extensions')];
  }

  #install() {
    const { node } = /** @type {any} */ (locate());
    const driver = this.path('driver.vsix');
    vsce(path.join(__dirname, '..', 'driver'), driver);
    const wanted = [packSample(TARGET, this.path('sample.vsix')), driver].flatMap((vsix) => ['--install-extension', vsix]);
    execFileSync(node, [...this.#arguments(), ...wanted], { env: this.#environment(), stdio: 'pipe', timeout: LIMIT_MS });
  }

  /** @param {Record<string, string>} env */
  async #serve(env) {
    const { node } = /** @type {any} */ (locate());
    const child = spawn(node, [...this.#arguments(), '--auth', 'none', '--disable-update-check', '--disable-telemetry',
      '--disable-workspace-trust', '--disable-getting-started-override'], { env: this.#environment(env), detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#server = child;
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => { this.#log += data; });
    const url = await until('code-server listens', () => {
      if (child.exitCode !== null) throw new Error(`code-server ended with ${child.exitCode}: ${this.#log}`);
      return /listening on (http:\/\/[\d.]+:\d+)/.exec(this.#log)?.[1];
    }, LIMIT_MS);
    this.url = url;
  }

  /** A window on the workspace, and its extension host. @returns {Promise<{workbench: Workbench, host: Host}>} */
  async window() {
    this.#profile ??= await this.#browser.newContext({ viewport: { width: 1280, height: 800 } });
    const page = await this.#profile.newPage();
    const known = this.hosts.length;
    await page.goto(`${this.url}/?folder=${encodeURIComponent(this.workspace)}`, { waitUntil: 'domcontentloaded', timeout: LIMIT_MS });
    const workbench = new Workbench(page, path.join(root, 'build', 'vscode-screenshots'));
    try {
      await workbench.loaded();
      return { workbench, host: await this.nextHost(known) };
    } catch (error) {
      await workbench.picture('failed-window');
      throw new Error(`${error}\n${this.#logs()}`);
    }
  }

  /** What code-server and its extension hosts have logged last, for a failure's report. */
  #logs() {
    const dir = this.path('data/logs');
    const names = fs.existsSync(dir) ? /** @type {string[]} */ (fs.readdirSync(dir, { recursive: true })) : [];
    const texts = names.filter((name) => /exthost[^/]*\/[^/]*\.log$/.test(name)).map((name) => [name, fs.readFileSync(path.join(dir, name), 'utf8')]);
    return [['code-server', this.#log], ...texts].map(([name, text]) => `--- ${name}\n${text.slice(-3000)}`).join('\n');
  }

  /** The extension host that comes after so many. @param {number} known */
  nextHost(known) {
    return until('an extension host with the sample activated', () => this.hosts[known], 2 * LIMIT_MS);
  }

  async stop() {
    if (this.scratch === undefined) return;
    await this.#browser?.close();
    if (this.#server?.pid !== undefined && this.#server.exitCode === null) {
      const ended = once(this.#server, 'exit');
      process.kill(-this.#server.pid, 'SIGTERM');
      const timer = setTimeout(() => process.kill(-/** @type {any} */ (this.#server).pid, 'SIGKILL'), 10_000);
      await ended;
      clearTimeout(timer);
    }
    // Extension hosts end a moment after their server, and write until then.
    await until('the extension hosts ended', () => this.hosts.every((host) => host.gone), LIMIT_MS).catch(() => {});
    fs.rmSync(/** @type {string} */ (this.scratch), { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

module.exports = { Editor, LIMIT_MS };
