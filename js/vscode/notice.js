'use strict';
// Tells people once, by VS Code's own notification, before the first upload. Events wait on the disk meanwhile.

const OK = 'OK';
const SHOW = 'Show What Is Sent';
const TURN_OFF = 'Turn Off';

/**
 * @typedef {object} NoticeHost
 * @property {() => boolean} waiting  uploads are allowed and wait for this
 * @property {() => Promise<unknown>} acknowledge
 * @property {() => Promise<unknown>} turnOff
 * @property {() => unknown} [show]
 */

class Notice {
  #api;
  #text;
  #host;
  #shown = false;
  #disposed = false;
  #focus;

  /** @param {import('./level').Api} api @param {string} text @param {NoticeHost} host */
  constructor(api, text, host) {
    this.#api = api;
    this.#text = text;
    this.#host = host;
    // One of several windows asks: the one that is looked at.
    this.#focus = api.window.onDidChangeWindowState(() => this.check());
  }

  /** Ask when there is something to ask. */
  check() {
    if (this.#shown || this.#disposed || !this.#api.window.state.focused || !this.#host.waiting()) return;
    this.#shown = true;
    this.#ask().catch(() => {}); // not stored: asked again at the next start
  }

  async #ask() {
    const buttons = this.#host.show === undefined ? [OK, TURN_OFF] : [OK, SHOW, TURN_OFF];
    const answer = await this.#api.window.showInformationMessage(this.#text, ...buttons);
    if (this.#disposed) return; // the window closes: that is no answer
    if (answer === TURN_OFF) await this.#host.turnOff();
    await this.#host.acknowledge();
    if (answer === SHOW) await this.#host.show?.();
  }

  dispose() {
    this.#disposed = true;
    this.#focus.dispose();
  }
}

module.exports = { Notice };
