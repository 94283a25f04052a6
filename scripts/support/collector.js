'use strict';
// A real collector process for the demo and the tests: start, stop, kill, start again on its port.
const { spawn } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

const BINARY = path.join(__dirname, '..', '..', 'build', 'release', 'candor-central');

/**
 * @typedef {object} CollectorOptions
 * @property {string} directory  Data directory; made when missing.
 * @property {string} [binary]
 * @property {string[]} [args]  More flags of `candor-central serve`.
 * @property {Record<string, string>} [env]
 * @property {string} [scheme]  "http" (default) or "https".
 * @property {number} [startMs]  it listens within this; 20 s
 */

class Collector {
  /** @param {CollectorOptions} options */
  constructor(options) {
    this.options = options;
    this.token = `cnd_${crypto.randomBytes(4).toString('hex')}_${crypto.randomBytes(32).toString('hex')}`;
    this.port = 0;
    /** @type {import('node:child_process').ChildProcess | null} */
    this.child = null;
    this.log = '';
  }

  get url() {
    return `${this.options.scheme ?? 'http'}://127.0.0.1:${this.port}`;
  }

  /** Start and wait until it listens. */
  async start() {
    fs.mkdirSync(this.options.directory, { recursive: true, mode: 0o700 });
    const portFile = path.join(this.options.directory, 'port');
    fs.rmSync(portFile, { force: true });
    const child = spawn(this.options.binary ?? process.env.CANDOR_CENTRAL_BINARY ?? BINARY, [
      'serve', '--data', path.join(this.options.directory, 'data'),
      '--listen', `127.0.0.1:${this.port}`, '--port-file', portFile,
      ...(this.options.args ?? []),
    ], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...this.options.env, CANDOR_CENTRAL_TOKEN: this.token },
    });
    this.child = child;
    const limitMs = this.options.startMs ?? 20_000;
    const listening = new Promise((resolve, reject) => {
      const fail = (/** @type {string} */ why) =>
        reject(new Error(`the collector did not start: ${why}\n${this.log.slice(-2000)}`));
      const timer = setTimeout(() => fail(`it does not listen after ${limitMs / 1000} s`), limitMs);
      const watch = (/** @type {Buffer} */ data) => {
        this.log += data;
        if (fs.existsSync(portFile) && fs.readFileSync(portFile, 'utf8').endsWith('\n')) {
          clearTimeout(timer);
          resolve(undefined);
        }
      };
      child.stdout.on('data', watch);
      child.stderr.on('data', watch);
      child.once('error', (error) => fail(error.message));
      child.once('exit', (code, signal) => {
        clearTimeout(timer);
        fail(`it ended with ${signal ?? code}`);
      });
    });
    await listening;
    this.port = Number(fs.readFileSync(portFile, 'utf8'));
    return this;
  }

  /** @param {NodeJS.Signals} signal */
  async end(signal) {
    const child = this.child;
    if (child === null) return;
    this.child = null;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }

  stop() {
    return this.end('SIGTERM');
  }

  kill() {
    return this.end('SIGKILL');
  }

  /** @param {string} route @returns {Promise<any>} */
  async get(route) {
    const response = await fetch(this.url + route, { headers: { authorization: `Bearer ${this.token}` } });
    if (!response.ok) throw new Error(`GET ${route}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  /** Every stored event, newest first, through the paginated query. @returns {AsyncGenerator<any>} */
  async *events() {
    let cursor = null;
    do {
      const page = await this.get(`/api/telemetry/events?limit=500${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`);
      yield* page.events;
      cursor = page.next_cursor ?? null;
    } while (cursor !== null);
  }
}

module.exports = { Collector };
