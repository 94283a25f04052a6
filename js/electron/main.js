'use strict';
// Telemetry in an Electron app's main process. docs/electron.md

const path = require('node:path');
const { TelemetryError } = require('../errors');
const { backendEnvironment } = require('./backend');
const { Gateway } = require('./gateway');
const { createKeyProvider } = require('./keys');
const { senderCheck } = require('./senders');
const { CONFIGURABLE, storedOptions } = require('./settings');

/** @typedef {import('./senders').WebContents} WebContents */
/** @typedef {import('./senders').IpcEvent} IpcEvent */
/** @typedef {import('./settings').TelemetrySettings} TelemetrySettings */
/** @typedef {import('./preload').RendererTelemetry} RendererTelemetry */
/** @typedef {import('../index').TelemetryClient<any>} TelemetryClient */

/**
 * @typedef {object} IpcMain
 * @property {(channel: string, handler: (event: any, ...args: any[]) => unknown) => void} handle
 * @property {(channel: string) => void} removeHandler
 *
 * @typedef {object} App
 * @property {(event: 'quit', listener: () => void) => unknown} on
 * @property {(event: 'quit', listener: () => void) => unknown} removeListener
 * @property {() => Promise<unknown>} whenReady
 *
 * @typedef {object} MessageSource  a UtilityProcess, or a child of child_process.fork
 * @property {(event: 'message', listener: (message: any) => void) => unknown} on
 * @property {(event: 'message', listener: (message: any) => void) => unknown} removeListener
 *
 * @typedef {object} Session
 * @property {(script: {type: 'frame', id: string, filePath: string}) => unknown} [registerPreloadScript]  Electron 35 and later
 * @property {() => string[]} [getPreloads]
 * @property {(files: string[]) => void} [setPreloads]
 *
 * @typedef {object} RegisterOptions
 * @property {TelemetryClient} client
 * @property {string[]} [allowedOrigins]  the app's own pages: origins, or absolute paths of pages or folders
 * @property {(event: IpcEvent) => boolean} [isAllowedSender]  decides instead of allowedOrigins
 * @property {string[]} [allowedEvents]  what pages and utility processes may emit; default: every event of the schema
 * @property {import('./settings').Configurable[]} [configurable]  what a settings page may change: 'endpoint', 'userId'; default: nothing
 * @property {string} [settingsFile]  where these are kept; read it with storedOptions before open
 * @property {() => Promise<import('../vault').Key[]>} [keys]  createKeyProvider(); asked once full content is on
 * @property {IpcMain} [ipcMain]  default: Electron's
 * @property {App} [app]  default: Electron's
 *
 * @typedef {object} Registration
 * @property {() => ReturnType<Gateway['counts']>} counts  what pages and utility processes sent, and what was refused, by reason
 * @property {() => TelemetrySettings} settings
 * @property {(on: boolean) => Promise<void>} setFullContent  gets the keys first
 * @property {() => void} changed  tells the pages, after the host itself has changed a setting
 * @property {(child: MessageSource) => () => void} wrapUtilityProcess  takes events of a child; gives what ends it
 * @property {() => void} dispose
 */

/** File of the preload: for `webPreferences.preload`, for registerPreload, or to be bundled. */
const preloadPath = path.join(__dirname, 'preload.js');
/** While a page follows the settings, how long another process's change may go unseen. */
const FOLLOW_MS = 1000;

/** @returns {any} Electron, in its main process */
function electron() {
  const found = require(/** @type {string} */ ('electron'));
  if (typeof found === 'string') { // npm's electron package outside Electron gives the path of its program
    throw new TelemetryError('candor/electron/main runs in Electron\'s main process; elsewhere give ipcMain and app', 'ERR_CANDOR_INVALID_OPTION');
  }
  return found;
}

/**
 * Give every page of a session `window.telemetry`, beside whatever preload the app has: before the first
 * window is opened, after app.whenReady().
 * @param {Session} session  e.g. session.defaultSession
 */
function registerPreload(session) {
  if (session.registerPreloadScript) session.registerPreloadScript({ type: 'frame', id: 'candor', filePath: preloadPath });
  else session.setPreloads?.([...session.getPreloads?.() ?? [], preloadPath]);
}

/** Pages that are told when the settings change. */
class Followers {
  /** @type {Set<WebContents>} */
  #pages = new Set();
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  #shown = '';
  #settings;
  #allowed;

  /** @param {() => TelemetrySettings} settings @param {(event: IpcEvent) => boolean} allowed */
  constructor(settings, allowed) {
    this.#settings = settings;
    this.#allowed = allowed;
  }

  /** @param {WebContents} page @param {boolean} on */
  set(page, on) {
    if (on && !this.#pages.has(page)) {
      this.#pages.add(page);
      page.once('destroyed', () => this.set(page, false));
    } else if (!on) {
      this.#pages.delete(page);
    }
    if (this.#pages.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    } else if (this.#timer === undefined) {
      this.#shown = JSON.stringify(this.#settings());
      this.#timer = setInterval(() => this.tell(), FOLLOW_MS);
      this.#timer.unref();
    }
  }

  tell() {
    if (this.#pages.size === 0) return;
    let settings;
    try {
      settings = this.#settings();
    } catch {
      return; // the client is closed
    }
    const text = JSON.stringify(settings);
    if (text === this.#shown) return;
    this.#shown = text;
    for (const page of this.#pages) this.#send(page, settings);
  }

  /** @param {WebContents} page @param {TelemetrySettings} settings */
  #send(page, settings) {
    try {
      if (page.isDestroyed()) this.#pages.delete(page);
      // It may have been navigated elsewhere since it asked.
      else if (this.#allowed({ sender: page, senderFrame: page.mainFrame })) page.send('candor:changed', settings);
    } catch {
      // It went away in between.
    }
  }

  stop() {
    this.#pages.clear();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** @param {RegisterOptions} options */
function check({ client, configurable = [], settingsFile, keys }) {
  const invalid = (/** @type {string} */ problem) => new TelemetryError(problem, 'ERR_CANDOR_INVALID_OPTION');
  if (typeof client?.emit !== 'function') throw invalid('registerTelemetry needs a client: registerTelemetry({ client: open({ app: "my-app" }), ... })');
  for (const name of configurable) {
    if (!CONFIGURABLE.includes(name)) throw invalid(`configurable takes ${CONFIGURABLE.join(' and ')}, not "${name}"`);
  }
  if (settingsFile !== undefined && !path.isAbsolute(settingsFile)) throw invalid('settingsFile must be an absolute path, e.g. in app.getPath("userData")');
  if (keys !== undefined && typeof keys !== 'function') throw invalid('keys must be a function, e.g. of createKeyProvider');
}

/**
 * Take events and settings from the app's pages, and close the client, within its exitFlushMs, when the
 * app quits. Throws for options that are wrong; afterwards nothing that a page sends throws here.
 * @param {RegisterOptions} options
 * @returns {Registration}
 */
function registerTelemetry(options) {
  check(options);
  const { client } = options;
  const allowed = senderCheck(options);
  const ipcMain = options.ipcMain ?? electron().ipcMain;
  const app = /** @type {App} */ (options.app ?? electron().app);
  const gateway = new Gateway({ ...options, onChange: () => followers.tell(), onFollow: (page, on) => followers.set(page, on) });
  const followers = new Followers(() => gateway.settings(), allowed);

  ipcMain.handle('candor:emit', (/** @type {IpcEvent} */ event, /** @type {unknown[]} */ ...args) => {
    if (!allowed(event)) return gateway.refuse('sender');
    return gateway.emit(event.sender, args[0], args[1], args[2]);
  });
  ipcMain.handle('candor:call', (/** @type {IpcEvent} */ event, /** @type {unknown} */ method, /** @type {unknown} */ argument) => {
    if (!allowed(event)) {
      gateway.refuse('sender');
      return { ok: false, error: 'this page may not use telemetry: its address is not one of the app\'s (allowedOrigins)' };
    }
    return gateway.call(event.sender, method, argument);
  });

  // The last event of a quitting app, also after app.exit(): what other listeners still emit is kept. It
  // blocks for exitFlushMs at most, and no request holds it up; what is not sent is on disk.
  const onQuit = () => {
    followers.stop();
    client.close();
  };
  app.on('quit', onQuit);
  // The user's choice of an earlier run.
  if (client.status().full_content?.enabled === true) gateway.provideKeys().catch(() => {}); // counted as no_key

  return {
    counts: () => gateway.counts(),
    settings: () => gateway.settings(),
    setFullContent: (on) => gateway.setFullContent(on).then(() => followers.tell()),
    changed: () => followers.tell(),
    wrapUtilityProcess(child) {
      const onMessage = (/** @type {any} */ message) => {
        if (typeof message !== 'object' || message === null || message.candor !== 'emit') return; // the app's own
        gateway.emit(child, message.type, message.payload, message.meta);
      };
      child.on('message', onMessage);
      return () => { child.removeListener('message', onMessage); };
    },
    dispose() {
      ipcMain.removeHandler('candor:emit');
      ipcMain.removeHandler('candor:call');
      app.removeListener('quit', onQuit);
      followers.stop();
    },
  };
}

module.exports = { registerTelemetry, registerPreload, preloadPath, createKeyProvider, storedOptions, backendEnvironment };
