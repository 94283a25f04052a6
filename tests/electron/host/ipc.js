'use strict';
// ipcMain: one handler a channel, answers by structured clone, errors as a sentence.
const { EventEmitter } = require('node:events');
const wire = require('./wire.js');

class IpcMain extends EventEmitter {
  /** @type {Map<string, (...args: any[]) => unknown>} */
  #handlers = new Map();

  /** @param {string} channel @param {(...args: any[]) => unknown} handler */
  handle(channel, handler) {
    if (this.#handlers.has(channel)) throw new Error(`Attempted to register a second handler for '${channel}'`);
    this.#handlers.set(channel, handler);
  }

  /** @param {string} channel */
  removeHandler(channel) {
    this.#handlers.delete(channel);
  }

  /** @param {string} channel @param {object} event @param {unknown[]} args @returns {Promise<{ok: boolean, value: string}>} */
  async invoke(channel, event, args) {
    try {
      const handler = this.#handlers.get(channel);
      if (handler === undefined) throw new Error(`No handler registered for '${channel}'`);
      return { ok: true, value: wire.encode(structuredClone(await handler(event, ...args))) };
    } catch (error) {
      return { ok: false, value: wire.encode(String(error)) };
    }
  }
}

module.exports = { IpcMain };
