'use strict';

const { Worker } = require('node:worker_threads');
const path = require('node:path');
const { invalid } = require('./module');

/**
 * @typedef {object} WorkerData
 * @property {Uint8Array} bytes  the module
 * @property {string[]} capabilities
 * @property {number} logsPerMinute
 * @property {number} eventsPerMinute
 * @property {string} [exchange]  folder with in/ and out/
 *
 * @typedef {object} PluginLog
 * @property {string} plugin
 * @property {'trace' | 'debug' | 'info' | 'warn' | 'error'} level
 * @property {string} message
 *
 * @typedef {object} PluginStatus
 * @property {string} name
 * @property {'ready' | 'cut_off' | 'closed'} state
 * @property {string | null} reason  why it was cut off: timeout, trap, bad_pointer, flood, died
 * @property {string | null} error  the same as a sentence
 * @property {number} calls
 * @property {number} failed  calls that ended in an error
 * @property {number} logs
 * @property {number} events_kept
 * @property {number} events_refused  by the client: status() of the client counts why
 * @property {number} limited  log lines and events over the limits
 */

/** What a failed call of this reason leaves behind: a module whose state nobody knows. */
const ENDS = new Set(['trap', 'bad_pointer', 'flood', 'timeout', 'died']);

/** One module in one thread. Made by PluginHost. */
class Plugin {
  #worker; #timeoutMs; #deliver;
  /** @type {Map<number, {resolve: (value: any) => void, reject: (error: Error) => void, timer: NodeJS.Timeout}>} */
  #waiting = new Map();
  #next = 1;
  /** @type {PluginStatus} */
  #status;

  /**
   * @param {string} name
   * @param {WorkerData} data
   * @param {number} timeoutMs  for loading and for each call
   * @param {(plugin: string, message: any) => boolean} deliver  a log line or an event; true: kept
   */
  constructor(name, data, timeoutMs, deliver) {
    this.#status = { name, state: 'ready', reason: null, error: null, calls: 0, failed: 0, logs: 0, events_kept: 0, events_refused: 0, limited: 0 };
    this.#timeoutMs = timeoutMs;
    this.#deliver = deliver;
    this.#worker = new Worker(path.join(__dirname, 'worker.js'), {
      workerData: data, env: {}, stdin: false, stdout: true, stderr: true,
      execArgv: ['--no-warnings'], // that WASI is experimental is our matter, not the host's stderr
      resourceLimits: { maxOldGenerationSizeMb: 64, stackSizeMb: 4 },
    });
    this.#worker.unref();
    this.#worker.on('message', (message) => this.#take(message));
    this.#worker.on('error', (error) => this.#cutOff('died', error.message));
    this.#worker.on('exit', () => this.#cutOff('died', 'its thread ended'));
  }

  /** Resolves when the module is instantiated. */
  started() {
    return this.#await(0);
  }

  /**
   * Call an exported function.
   * @param {string} name
   * @param {string} [argument]  copied to memory of the plugin's candor_alloc(size); the function gets address and length
   * @returns {Promise<number>} what it returned
   */
  async call(name, argument) {
    if (this.#status.state !== 'ready') throw this.#ended();
    const id = this.#next++;
    this.#status.calls += 1;
    const answer = this.#await(id);
    this.#worker.postMessage({ id, name, argument });
    return answer;
  }

  /** @returns {PluginStatus} */
  status() {
    return { ...this.#status };
  }

  async close() {
    if (this.#status.state === 'ready') this.#status.state = 'closed';
    this.#rejectAll();
    await this.#worker.terminate();
  }

  /** While somebody waits, the thread keeps the process alive. @param {number} id */
  #await(id) {
    this.#worker.ref();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#cutOff('timeout', `it did not answer within ${this.#timeoutMs} ms`), this.#timeoutMs);
      this.#waiting.set(id, { resolve, reject, timer });
    });
  }

  /** @param {number} id */
  #settle(id) {
    const waiter = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (waiter) clearTimeout(waiter.timer);
    if (this.#waiting.size === 0) this.#worker.unref();
    return waiter;
  }

  /** @param {any} message */
  #take(message) {
    if (this.#status.state !== 'ready') return;
    switch (message.type) {
      case 'done':
        this.#settle(message.id)?.resolve(message.value);
        break;
      case 'failed':
        this.#fail(message);
        break;
      case 'limited':
        this.#status.limited += 1;
        break;
      case 'log':
        this.#status.logs += 1;
        this.#deliver(this.#status.name, message);
        break;
      default:
        if (this.#deliver(this.#status.name, message)) this.#status.events_kept += 1;
        else this.#status.events_refused += 1;
    }
  }

  /** @param {{id: number, reason: string, message: string}} failure */
  #fail({ id, reason, message }) {
    this.#status.failed += 1;
    if (ENDS.has(reason)) {
      this.#cutOff(reason, message);
    } else {
      this.#settle(id)?.reject(invalid(`the plugin ${this.#status.name} failed: ${message}`));
    }
  }

  /** @param {string} reason @param {string} message */
  #cutOff(reason, message) {
    if (this.#status.state !== 'ready') return;
    Object.assign(this.#status, { state: 'cut_off', reason, error: message });
    this.#rejectAll();
    this.#worker.terminate().catch(() => {});
  }

  /** Why it takes no calls. */
  #ended() {
    const { name, state, error } = this.#status;
    return invalid(`the plugin ${name} was ${state === 'closed' ? 'closed' : `cut off: ${error}`}`);
  }

  #rejectAll() {
    for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(this.#ended());
  }
}

module.exports = { Plugin };
