'use strict';
// Gestures on a window of VS Code. A gesture may be lost while the window is busy: each is made again until its
// effect is seen.
const fs = require('node:fs');
const path = require('node:path');

const LIMIT_MS = 180_000;
/** After this a gesture counts as lost; on a slow machine it only takes longer, so each try has more. */
const TRY_MS = 6_000;
const TRIES_GROW = 5;

class Workbench {
  /** @param {any} page @param {string} pictures */
  constructor(page, pictures) {
    this.page = page;
    this.pictures = pictures;
    page.setDefaultTimeout(LIMIT_MS);
  }

  async loaded() {
    await this.page.locator('.monaco-workbench .statusbar-item').first().waitFor();
  }

  /**
   * Make a gesture until its effect is there.
   * @param {string} what @param {() => Promise<unknown>} gesture @param {(timeout: number) => Promise<unknown>} effect  rejects when it is not
   */
  async until(what, gesture, effect) {
    const end = Date.now() + LIMIT_MS;
    for (let n = 1; ; n += 1) {
      let problem;
      try {
        await gesture();
        return await effect(TRY_MS * Math.min(n, TRIES_GROW));
      } catch (error) {
        problem = error;
      }
      if (Date.now() > end) {
        await this.picture(`failed-${what.replaceAll(/\W+/g, '-')}`);
        throw new Error(`in vain: ${what}: ${problem}`);
      }
    }
  }

  /** Run a command by the palette. @param {string} title @param {(timeout: number) => Promise<unknown>} effect */
  async command(title, effect) {
    await this.until(`command ${title}`, async () => {
      const input = this.page.locator('.quick-input-widget .quick-input-box input');
      if (await input.isVisible()) await this.page.keyboard.press('Escape'); // of a gesture that came too late
      await input.waitFor({ state: 'hidden', timeout: TRY_MS });
      await this.page.keyboard.press('F1');
      await input.waitFor({ timeout: TRY_MS });
      await input.fill(`>${title}`, { timeout: TRY_MS });
      await this.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: title }).first().click({ timeout: TRY_MS });
    }, effect);
  }

  /** A notification's button. @param {string} text @param {string} button @param {(timeout: number) => Promise<unknown>} effect */
  async answer(text, button, effect) {
    const toast = this.page.locator('.notification-list-item').filter({ hasText: text });
    await this.until(`${button} in "${text}"`, async () => {
      if (!await toast.first().isVisible()) {
        await this.page.locator('.statusbar-item').filter({ has: this.page.locator('.codicon-bell, .codicon-bell-dot') }).first().click({ timeout: TRY_MS });
      }
      await toast.first().getByRole('button', { name: button, exact: true }).click({ timeout: TRY_MS });
    }, effect);
  }

  /** The page inside a webview that has this element. @param {string} selector */
  async webview(selector, timeout = LIMIT_MS) {
    const end = Date.now() + timeout;
    for (;;) {
      for (const frame of this.page.frames()) {
        try {
          if (await frame.locator(selector).count() > 0) return frame;
        } catch {
          // A frame that went away meanwhile.
        }
      }
      if (Date.now() > end) throw new Error(`no webview has ${selector}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** The Control Center, when it has shown how things are. */
  async controlCenter() {
    await this.command('Candor Sample: Open Telemetry Control Center', (timeout) => this.webview('body[data-ready] #preview', timeout));
    return this.webview('body[data-ready] #preview');
  }

  /** @param {string} name */
  async picture(name) {
    fs.mkdirSync(this.pictures, { recursive: true });
    await this.page.mouse.move(2, 2); // no tooltip in the way
    await this.page.screenshot({ path: path.join(this.pictures, `${name}.png`), timeout: LIMIT_MS }).catch(() => {});
  }
}

module.exports = { Workbench };
