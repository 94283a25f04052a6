'use strict';
// Chromium under the DevTools protocol over its pipe (--remote-debugging-pipe): messages end with NUL,
// file descriptor 3 takes them and 4 gives them. The port of the same browser stays free for the test.
const { spawn } = require('node:child_process');
const { EventEmitter } = require('node:events');

const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';

const FLAGS = [
  '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-extensions', '--disable-dev-shm-usage', '--no-default-browser-check',
  '--disable-features=Translate,MediaRouter,OptimizationHints', '--remote-debugging-pipe', '--window-size=1180,780',
];

class Browser extends EventEmitter {
  #child;
  #serial = 0;
  /** @type {Map<number, {resolve: (value: any) => void, reject: (error: Error) => void, method: string}>} */
  #waiting = new Map();
  #rest = '';

  /** @param {{profile: string, port: string}} options */
  constructor({ profile, port }) {
    super();
    this.setMaxListeners(0);
    this.#child = spawn(CHROMIUM, [...FLAGS, `--user-data-dir=${profile}`, `--remote-debugging-port=${port}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
    });
    const [, , stderr, , out] = /** @type {any[]} */ (this.#child.stdio);
    stderr.on('data', (/** @type {Buffer} */ data) => {
      // Electron prints this line as well; Chromium's other remarks are of no interest.
      for (const line of data.toString().split('\n')) if (line.startsWith('DevTools listening')) process.stderr.write(`${line}\n`);
    });
    out.setEncoding('utf8');
    out.on('data', (/** @type {string} */ text) => this.#take(text));
    for (const stream of this.#child.stdio) stream?.on('error', () => {});
    this.#child.once('error', (error) => {
      process.stderr.write(`test host: ${CHROMIUM} does not start (${error.message}): run scripts/setup.sh ui, or set CHROMIUM_PATH\n`);
      this.emit('exit');
    });
    this.#child.once('exit', () => {
      for (const { reject, method } of this.#waiting.values()) reject(new Error(`Chromium ended during ${method}`));
      this.#waiting.clear();
      this.emit('exit');
    });
  }

  /** @param {string} text */
  #take(text) {
    const parts = (this.#rest + text).split('\0');
    this.#rest = parts.pop() ?? '';
    for (const part of parts) {
      const message = JSON.parse(part);
      if (message.id === undefined) {
        this.emit(message.method, message.params, message.sessionId);
        continue;
      }
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.error === undefined) waiting?.resolve(message.result);
      else waiting?.reject(new Error(`${waiting.method}: ${message.error.message}`));
    }
  }

  /** @param {string} method @param {object} [params] @param {string} [sessionId] @returns {Promise<any>} */
  send(method, params = {}, sessionId) {
    const id = ++this.#serial;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, method });
      /** @type {any} */ (this.#child.stdio[3]).write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  kill() {
    this.#child.kill('SIGKILL');
  }
}

module.exports = { Browser, CHROMIUM };
