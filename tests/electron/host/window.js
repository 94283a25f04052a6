'use strict';
// BrowserWindow, webContents and frames of the test host: one DevTools target each. A preload runs in an
// isolated world, in the top frame only, as Electron's does with contextIsolation and without
// nodeIntegrationInSubFrames.
const crypto = require('node:crypto');
const { EventEmitter } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const wire = require('./wire.js');

const WORLD = 'Electron Isolated Context';
const BINDING = '__electronHostBinding';
const source = (/** @type {string} */ name) => fs.readFileSync(path.join(__dirname, name), 'utf8');

/** @param {string[]} preloads */
function scripts(preloads) {
  const [a, b] = [crypto.randomUUID(), crypto.randomUUID()];
  const top = (/** @type {string} */ body) => `if (window === window.top) { ${body} }`;
  const page = top(`(() => { ${source('bridge.js')}\ncreateBridge(globalThis, '${a}', '${b}'); })();`);
  const isolated = top(`(() => { ${source('wire.js')}\n${source('bridge.js')}\n${source('renderer.js')}
    const binding = globalThis.${BINDING};
    delete globalThis.${BINDING};
    const require = createRenderer(globalThis, wire, createBridge(globalThis, '${b}', '${a}'), binding);
    ${preloads.map((file) => `((require) => { ${fs.readFileSync(file, 'utf8')}\n })(require);`).join('\n')}
  })();`);
  return { page, isolated };
}

class Frame {
  url = 'about:blank';

  /** @param {string} id @param {Frame | null} parent */
  constructor(id, parent) {
    this.id = id;
    this.parent = parent;
  }

  get origin() {
    return new URL(this.url).origin;
  }
}

let serial = 0;

class WebContents extends EventEmitter {
  id = ++serial;
  /** @type {Map<string, Frame>} */
  frames = new Map();
  /** Contexts of preloads: the frame each belongs to. @type {Map<number, Frame>} */
  contexts = new Map();
  destroyed = false;
  mainFrame = new Frame('', null);
  /** @type {string | undefined} */
  sessionId;
  /** @type {string | undefined} */
  targetId;

  /** @param {import('./cdp.js').Browser} browser @param {import('./ipc.js').IpcMain} ipcMain */
  constructor(browser, ipcMain) {
    super();
    this.browser = browser;
    this.ipcMain = ipcMain;
    const own = (/** @type {(params: any) => void} */ handler) => (/** @type {any} */ params, /** @type {string} */ sessionId) => {
      if (sessionId === this.sessionId) handler.call(this, params);
    };
    browser.on('Page.frameAttached', own(({ frameId, parentFrameId }) => this.frames.set(frameId, new Frame(frameId, this.frames.get(parentFrameId) ?? null))));
    browser.on('Page.frameDetached', own(({ frameId }) => this.frames.delete(frameId)));
    browser.on('Page.frameNavigated', own(({ frame }) => this.#navigated(frame.id, frame.parentId, frame.url)));
    browser.on('Page.navigatedWithinDocument', own(({ frameId, url }) => this.#navigated(frameId, undefined, url)));
    browser.on('Page.loadEventFired', own(() => this.emit('did-finish-load')));
    browser.on('Runtime.executionContextCreated', own(({ context }) => this.#context(context)));
    browser.on('Runtime.executionContextDestroyed', own(({ executionContextId }) => this.contexts.delete(executionContextId)));
    browser.on('Runtime.executionContextsCleared', own(() => this.contexts.clear()));
    browser.on('Runtime.bindingCalled', own((call) => this.#called(call)));
    browser.on('Target.targetDestroyed', ({ targetId }) => { if (targetId === this.targetId) this.#gone(); });
  }

  /** @param {string} id @param {string | undefined} parent @param {string} url */
  #navigated(id, parent, url) {
    let frame = this.frames.get(id);
    if (frame === undefined) this.frames.set(id, frame = new Frame(id, this.frames.get(parent ?? '') ?? null));
    frame.url = url;
    if (frame.parent === null) this.mainFrame = frame;
  }

  /** @param {any} context */
  #context(context) {
    if (context.name !== WORLD) return;
    const frame = this.frames.get(context.auxData.frameId);
    if (frame !== undefined) this.contexts.set(context.id, frame);
  }

  /** @param {{name: string, payload: string, executionContextId: number}} call */
  #called({ name, payload, executionContextId }) {
    if (name !== BINDING) return;
    const { kind, id, channel, args } = JSON.parse(payload);
    const context = executionContextId;
    const event = {
      sender: this,
      frameId: 0,
      processId: 0,
      senderFrame: this.contexts.get(context) ?? null, // gone since: null, as in Electron
      reply: (/** @type {string} */ to, /** @type {unknown[]} */ ...more) => this.send(to, ...more),
    };
    const values = wire.decode(args);
    if (kind === 'send') this.ipcMain.emit(channel, event, ...values);
    else this.ipcMain.invoke(channel, event, values).then(({ ok, value }) => this.#run(context, `settle(${id}, ${ok}, ${JSON.stringify(value)})`));
  }

  /** @param {number} contextId @param {string} expression */
  #run(contextId, expression) {
    this.browser.send('Runtime.evaluate', { contextId, expression: `__electronHost.${expression}` }, this.sessionId).catch(() => {}); // navigated away
  }

  /** @param {string} channel @param {unknown[]} args */
  send(channel, ...args) {
    const text = JSON.stringify(wire.encode(structuredClone(args))); // throws for what cannot be cloned, as in Electron
    for (const [context, frame] of this.contexts) {
      if (frame === this.mainFrame) this.#run(context, `deliver(${JSON.stringify(channel)}, ${text})`);
    }
  }

  /** @param {string[]} preloads */
  async attach(preloads) {
    const { targetInfos } = await this.browser.send('Target.getTargets');
    const blank = targetInfos.find((/** @type {any} */ one) => one.type === 'page' && one.url === 'about:blank' && !one.attached);
    this.targetId = blank?.targetId ?? (await this.browser.send('Target.createTarget', { url: 'about:blank' })).targetId;
    this.sessionId = (await this.browser.send('Target.attachToTarget', { targetId: this.targetId, flatten: true })).sessionId;
    const send = (/** @type {string} */ method, params = {}) => this.browser.send(method, params, this.sessionId);
    await send('Page.enable');
    const { frameTree } = await send('Page.getFrameTree');
    this.#navigated(frameTree.frame.id, undefined, frameTree.frame.url);
    await send('Runtime.enable');
    const { page, isolated } = scripts(preloads);
    await send('Runtime.addBinding', { name: BINDING, executionContextName: WORLD });
    await send('Page.addScriptToEvaluateOnNewDocument', { source: page });
    await send('Page.addScriptToEvaluateOnNewDocument', { source: isolated, worldName: WORLD });
  }

  /** @param {string} url */
  async load(url) {
    const { errorText } = await this.browser.send('Page.navigate', { url }, this.sessionId);
    if (errorText !== undefined) throw new Error(`cannot load ${url}: ${errorText}`);
  }

  async close() {
    if (!this.destroyed) await this.browser.send('Target.closeTarget', { targetId: this.targetId }).catch(() => {});
  }

  #gone() {
    if (this.destroyed) return;
    this.destroyed = true;
    this.contexts.clear();
    this.emit('destroyed');
  }

  isDestroyed() {
    return this.destroyed;
  }

  getURL() {
    return this.mainFrame.url;
  }

  setWindowOpenHandler() {}
}

/** @param {{browser: () => import('./cdp.js').Browser, ipcMain: import('./ipc.js').IpcMain, sessionPreloads: () => string[], ready: () => boolean, app: EventEmitter}} host */
function makeBrowserWindow(host) {
  return class BrowserWindow extends EventEmitter {
    /** @type {Set<any>} */
    static open = new Set();
    #attached;

    /** @param {{webPreferences?: any}} [options] */
    constructor({ webPreferences = {} } = {}) {
      super();
      if (!host.ready()) throw new Error('Cannot create BrowserWindow before app is ready');
      if (webPreferences.contextIsolation === false || webPreferences.nodeIntegration === true) throw new Error('the test host knows isolated pages only');
      this.webContents = new WebContents(host.browser(), host.ipcMain);
      BrowserWindow.open.add(this);
      const preloads = [...host.sessionPreloads(), ...(webPreferences.preload === undefined ? [] : [webPreferences.preload])];
      this.#attached = this.webContents.attach(preloads);
      this.#attached.catch((error) => host.app.emit('host-error', error));
      this.webContents.once('destroyed', () => {
        BrowserWindow.open.delete(this);
        this.emit('closed');
        host.app.emit('host-window-closed');
      });
      host.app.emit('browser-window-created', {}, this);
    }

    static getAllWindows() {
      return [...BrowserWindow.open];
    }

    /** @param {string} file */
    async loadFile(file) {
      await this.#attached;
      await this.webContents.load(pathToFileURL(path.resolve(file)).href);
    }

    /** @param {string} url */
    async loadURL(url) {
      await this.#attached;
      await this.webContents.load(url);
    }

    close() {
      this.#attached.then(() => this.webContents.close());
    }

    isDestroyed() {
      return this.webContents.destroyed;
    }

    show() {}
    removeMenu() {}
  };
}

module.exports = { makeBrowserWindow };
