'use strict';
// candor/vscode: telemetry of an extension by one call in `activate`. docs/vscode.md

const path = require('node:path');
const { open } = require('../index');
const { SecretKeys } = require('./keys');
const { editorLevel, lowest, ownLevel, userEnabled } = require('./level');
const { handle } = require('./messages');
const { Notice } = require('./notice');
const { createSender } = require('./sender');

/** Where the keys lie in SecretStorage. */
const SECRET = 'candor.telemetry.keys';
/** In globalState: the directory says "off" because the setting did. */
const STORED_OFF = 'candor.telemetry.storedOff';
const FOLDER = 'telemetry';
/** context.extensionMode: by number, as the constants need the API. */
const DEVELOPMENT = 2;
const TEST = 3;

/** @typedef {import('./level').Level} Level */
/** @typedef {import('./level').Api} Api */
/** @typedef {import('../client').Report} Report */
/** @typedef {import('./sender').MapEvent} MapEvent */
/** @typedef {import('./messages').Reply} Reply */

/**
 * Options of activateTelemetry beside those of `open`, whose `app`, `appVersion`, `directory`, `machineId`,
 * `mode` and `proxy` come from VS Code unless they are given. `hostLevel` always does.
 * @typedef {object} VscodeOnly
 * @property {string} [section]  Of the extension's settings: `<section>.enabled` and `<section>.level` narrow
 * @property {MapEvent} [map]  Makes events of the schema of what the TelemetryLogger logs
 * @property {string} [errorEvent]  Event type of logged errors; default: Error
 * @property {boolean} [captureErrors]  The extension's unhandled errors are logged too; default: false
 * @property {'message' | 'host' | 'none'} [notice]  Who tells people before the first upload; default: message, a notification
 * @property {string} [noticeText]
 * @property {string} [showCommand]  Command of the notification's button "Show What Is Sent"
 * @property {Api} [vscode]  The API, where `require('vscode')` is not it
 *
 * @typedef {Partial<Omit<import('../options').Options, 'notice' | 'hostLevel'>> & VscodeOnly} VscodeOptions
 */

/** VS Code's `http.proxy`, for what the environment does not say. @param {Api} api @returns {string | undefined} */
function proxyOf(api) {
  const settings = api.workspace.getConfiguration('http');
  const proxy = settings.get('proxy');
  if (settings.get('proxySupport') === 'off' || typeof proxy !== 'string') return undefined;
  return /^(https?|socks[45]h?):\/\/\S+$/.test(proxy) ? proxy : undefined;
}

/** Tests of an extension record nothing, and development sends nothing by itself. @param {number} mode */
function modeOf(mode) {
  if (mode === TEST) return 'off';
  return mode === DEVELOPMENT ? 'manual' : 'auto';
}

/** @param {string} name @param {boolean} offersContent */
function noticeOf(name, offersContent) {
  return `${name} records anonymous usage data to improve itself: which features are used, how long they take, and errors; `
    + `never your code, file names or text${offersContent ? ', unless you switch that on' : ''}. VS Code’s telemetry setting is obeyed.`;
}

/** @template {object} [Events=import('../catalogue').Events] */
class VscodeTelemetry {
  #api;
  #section;
  /** @type {Level} */
  #level;
  /** @type {import('vscode').Memento | undefined} */
  #memory;
  /** What the user's settings said about `<section>.enabled` when this window last looked. */
  #wanted;
  #changed;
  #closed = false;
  /** @type {Promise<unknown>} */
  #applying = Promise.resolve();
  /** @type {{dispose: () => unknown}[]} */
  #owned = [];
  /** @type {Notice | undefined} */
  #notice;

  /**
   * Use activateTelemetry.
   * @param {import('vscode').ExtensionContext} context @param {VscodeOptions} options
   */
  constructor(context, options) {
    const {
      section, map, errorEvent = 'Error', captureErrors = false, notice = 'message', noticeText, showCommand,
      vscode: api = require('vscode'), ...rest
    } = options;
    this.#api = api;
    this.#section = section;
    // The logger comes first, because it knows the level that the client is opened with.
    /** @type {import('vscode').TelemetrySender} */
    let target = { sendEventData() {}, sendErrorData() {} };
    this.logger = api.env.createTelemetryLogger({
      sendEventData: (name, data) => target.sendEventData(name, data),
      sendErrorData: (error, data) => target.sendErrorData(error, data),
      flush: () => target.flush?.(),
    }, { ignoreBuiltInCommonProperties: true, ignoreUnhandledErrors: !captureErrors });
    this.#level = this.#allowed();
    this.#wanted = userEnabled(api, section);
    this.#memory = context.globalState;
    const { id, packageJSON } = context.extension;
    const encrypted = rest.encryptSpool === true || rest.fullContent === true;
    /** @type {import('..').TelemetryClient<Events>} */
    this.client = open({
      app: id,
      appVersion: String(packageJSON.version),
      directory: path.join(context.globalStorageUri.fsPath, FOLDER),
      machineId: api.env.machineId,
      mode: modeOf(context.extensionMode),
      proxy: proxyOf(api),
      fullContent: false, // the host's offer: an extension that makes it says so
      ...rest,
      notice: notice === 'none' ? 'none' : 'host',
      hostLevel: this.#level,
    });
    this.sender = createSender(this.client, id, { map, errorEvent });
    target = this.sender;
    this.#changed = new api.EventEmitter();
    /** Fires when the level, or anything else that status() shows about consent, has changed. @type {import('vscode').Event<Level>} */
    this.onDidChange = this.#changed.event;
    this.#follow();
    if (encrypted && rest.keyProvider === undefined) this.#own(new SecretKeys(context.secrets, SECRET, (keys) => this.client.setKeys(keys)));
    if (notice === 'message') this.#tell(noticeText ?? noticeOf(packageJSON.displayName ?? id, rest.fullContent === true), showCommand);
  }

  /** @param {{dispose: () => unknown}} disposable */
  #own(disposable) {
    this.#owned.push(disposable);
  }

  /** @returns {Level} */
  #allowed() {
    return lowest([editorLevel(this.#api, this.logger), ownLevel(this.#api, this.#section)]);
  }

  #follow() {
    const apply = () => this.#apply();
    // Between "error", "crash" and "off" only the logger's event is fired.
    this.#own(this.logger.onDidChangeEnableStates(apply));
    this.#own(this.#api.env.onDidChangeTelemetryEnabled(apply));
    this.#own(this.#api.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration('telemetry') || (this.#section !== undefined && event.affectsConfiguration(this.#section))) apply();
    }));
  }

  #apply() {
    if (this.#closed) return;
    this.#share();
    const before = this.#level;
    const level = this.#allowed();
    if (level === before) return;
    this.#level = level;
    const { client } = this;
    const set = client.setLevel(level, 'host'); // silent when the call returns
    // The setting is the user's, in every window; a host's "no" alone would leave the shared files to others.
    const done = lowest([before, level]) === level ? set.then(() => client.purge()) : set;
    this.#applying = Promise.allSettled([this.#applying, done]).then(() => this.#fire());
  }

  // VS Code in a browser tells the other windows of a setting when they reload; what is stored in the directory they
  // obey at once. An "off" that was stored for another reason, as by `candor off`, no setting ends.
  #share() {
    const wanted = userEnabled(this.#api, this.#section);
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    const off = this.client.status().stored?.choice === 'off';
    const ours = this.#memory?.get(STORED_OFF) === true;
    if (wanted ? !off || !ours : off) return;
    this.#applying = Promise.allSettled([this.#applying, this.client.setEnabled(wanted), this.#memory?.update(STORED_OFF, wanted ? undefined : true)]);
  }

  #fire() {
    if (this.#closed) return;
    this.#changed.fire(this.#level);
    this.#notice?.check();
  }

  /** @param {string} text @param {string | undefined} command */
  #tell(text, command) {
    this.#notice = new Notice(this.#api, text, {
      waiting: () => !this.#closed && this.#waiting(),
      acknowledge: () => this.client.acknowledgeNotice().then(() => this.#fire()),
      turnOff: () => this.setEnabled(false),
      show: command === undefined ? undefined : () => this.#api.commands.executeCommand(command),
    });
    this.#own(this.#notice);
    this.#notice.check();
  }

  #waiting() {
    if (!this.client.enabled) return false;
    const { notice, endpoint } = this.client.status();
    return Boolean(notice?.waiting) && endpoint !== null;
  }

  /** What VS Code and the extension's settings allow. @returns {Level} */
  get level() {
    return this.#level;
  }

  /** Whether events are recorded now. */
  get enabled() {
    return this.client.enabled;
  }

  /** Settled when the last change of a setting has taken effect, deletion included. */
  get settled() {
    return this.#applying;
  }

  /**
   * As client.emit.
   * @template {keyof Events & string} Type
   * @param {Type} type
   * @param {Events[Type] | null} [payload]
   * @param {import('../client').EmitMeta} [meta]
   * @returns {boolean}
   */
  emit(type, payload, meta) {
    return this.client.emit(type, payload, meta);
  }

  /**
   * client.status() and, under `vscode`, who allows what.
   * @returns {Report}
   */
  status() {
    return {
      ...this.client.status(),
      vscode: {
        allowed: this.#level, editor: editorLevel(this.#api, this.logger), own: ownLevel(this.#api, this.#section),
        section: this.#section ?? null, remote: this.#api.env.remoteName ?? null,
      },
    };
  }

  /**
   * The user's choice: written to `<section>.enabled` where there is a section, else stored in the directory.
   * @param {boolean} enabled
   * @returns {Promise<unknown>}
   */
  async setEnabled(enabled) {
    if (this.#section === undefined) return this.client.setEnabled(enabled).finally(() => this.#fire());
    // As in the core: a yes ends an "off" that was chosen another way, by the level or by `candor off`.
    if (enabled && ownLevel(this.#api, this.#section) === 'off') await this.#write('level', undefined);
    if (enabled && this.client.status().stored?.choice === 'off') await this.client.setEnabled(true);
    await this.#write('enabled', enabled);
    return {};
  }

  /**
   * The user's choice: written to `<section>.level` where there is a section, else stored in the directory.
   * @param {Level} level
   * @returns {Promise<unknown>}
   */
  async setLevel(level) {
    if (this.#section === undefined) return this.client.setLevel(level).finally(() => this.#fire());
    await this.#write('level', level);
    return {};
  }

  /**
   * The user's choice about the text of content fields (option `fullContent: true`), stored in the directory: another
   * window obeys without being told.
   * @param {boolean} on
   */
  setFullContent(on) {
    return this.client.setFullContent(on).finally(() => this.#fire());
  }

  /** @param {string} key @param {unknown} value */
  async #write(key, value) {
    const settings = this.#api.workspace.getConfiguration(this.#section);
    await settings.update(key, value, this.#api.ConfigurationTarget.Global);
    this.#apply(); // the event of the change may come later
    await this.#applying;
    this.#fire();
  }

  /**
   * Asks where to, and writes what waits as one file there.
   * @returns {Promise<import('../client').ExportReport | null>} null: cancelled
   */
  async exportWithDialog() {
    const folder = this.#api.workspace.workspaceFolders?.[0]?.uri;
    const chosen = await this.#api.window.showSaveDialog({
      defaultUri: folder && this.#api.Uri.joinPath(folder, 'rc-metrics.json'), filters: { JSON: ['json'] }, title: 'Export telemetry',
    });
    return chosen === undefined ? null : this.client.export(chosen.fsPath);
  }

  /**
   * Register a command whose runs are recorded: its name, how long it took, and whether it failed.
   * @param {string} id
   * @param {(...args: any[]) => any} run
   * @returns {import('vscode').Disposable}
   */
  registerCommand(id, run) {
    return this.#api.commands.registerCommand(id, async (...args) => {
      const started = performance.now();
      const record = (/** @type {number} */ exitCode) =>
        this.client.emit(/** @type {any} */ ('command.complete'), /** @type {any} */ ({ name: id, durationMs: performance.now() - started, exitCode }));
      try {
        const result = await run(...args);
        record(0);
        return result;
      } catch (error) {
        record(1);
        throw error;
      }
    });
  }

  /**
   * Answers a telemetry.* message of a page. Never rejects.
   * @param {unknown} message
   * @returns {Promise<Reply | undefined>} undefined: no such message
   */
  handle(message) {
    return handle(this, message);
  }

  /**
   * Answer the telemetry.* messages of a webview, and tell it of changes by `telemetry.changed`.
   * @param {import('vscode').Webview} webview
   * @returns {import('vscode').Disposable}
   */
  connect(webview) {
    const listeners = [
      webview.onDidReceiveMessage(async (message) => {
        const reply = await this.handle(message);
        if (reply !== undefined) await webview.postMessage(reply);
      }),
      this.onDidChange((level) => webview.postMessage({ type: 'telemetry.changed', level })),
    ];
    return new this.#api.Disposable(() => listeners.forEach((listener) => listener.dispose()));
  }

  /**
   * Close within `exitFlushMs` (default half a second): what is not in the spool by then is in the journal, and
   * the next window takes it up. VS Code calls it, as one of context.subscriptions. Idempotent.
   */
  dispose() {
    if (this.#closed) return;
    this.#closed = true;
    for (const disposable of this.#owned) disposable.dispose();
    this.logger.dispose();
    this.client.close();
    this.#changed.dispose();
  }
}

/**
 * Telemetry of an extension, until VS Code deactivates it. Follows VS Code's telemetry level and the extension's
 * own settings; keeps events in the extension's global storage.
 * @template {object} [Events=import('../catalogue').Events]
 * @param {import('vscode').ExtensionContext} context
 * @param {VscodeOptions} [options]
 * @returns {VscodeTelemetry<Events>}
 */
function activateTelemetry(context, options = {}) {
  /** @type {VscodeTelemetry<Events>} */
  const telemetry = new VscodeTelemetry(context, options);
  context.subscriptions.push(telemetry);
  return telemetry;
}

module.exports = { activateTelemetry, VscodeTelemetry };
