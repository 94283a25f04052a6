'use strict';
// VS Code's API as candor/vscode uses it, by its documented rules; the real one is in tests/vscode.
const path = require('node:path');
const { tempDir } = require('./helper.js');

class EventEmitter {
  #listeners = new Set();
  event = (listener) => {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  };
  fire(value) {
    for (const listener of [...this.#listeners]) listener(value);
  }
  dispose() {
    this.#listeners.clear();
  }
}

/** level → what env and a logger say of it. */
const STATES = { all: [true, true], error: [false, true], crash: [false, false], off: [false, false] };

class FakeCode {
  /** Of every scope: user settings, workspace settings. @type {Record<string, unknown>[]} */
  settings = [{ 'telemetry.telemetryLevel': 'all' }, {}];
  /** @type {Record<string, unknown>} */ defaults = { 'own.enabled': true, 'own.level': 'all' };
  /** Questions of the notice: text, buttons, answer. @type {{text: string, buttons: string[], answer: (button?: string) => void}[]} */
  messages = [];
  /** @type {Map<string, (...args: any[]) => any>} */ commands = new Map();
  /** @type {keyof typeof STATES | undefined} */ #policy;
  #enabled = new EventEmitter();
  #configuration = new EventEmitter();
  #states = new EventEmitter();
  #window = new EventEmitter();
  focused = true;

  get #state() {
    return STATES[/** @type {keyof typeof STATES} */ (this.#policy ?? this.settings[0]['telemetry.telemetryLevel'])];
  }

  /** What an organisation or the product allows: no setting changes, only loggers are told. @param {keyof typeof STATES} level */
  policy(level) {
    this.#policy = level;
    this.#states.fire(undefined);
  }

  /** As the Settings editor does. @param {string} key @param {unknown} value @param {number} [scope] */
  set(key, value, scope = 0) {
    const before = this.#state;
    if (value === undefined) delete this.settings[scope][key];
    else this.settings[scope][key] = value;
    if (key === 'telemetry.telemetryLevel') {
      if (before[0] !== this.#state[0]) this.#enabled.fire(this.#state[0]);
      this.#states.fire(undefined);
    }
    this.#configuration.fire({ affectsConfiguration: (/** @type {string} */ section) => key === section || key.startsWith(`${section}.`) });
  }

  focus() {
    this.focused = true;
    this.#window.fire({ focused: true });
  }

  #section(section) {
    const at = (/** @type {string} */ key) => `${section}.${key}`;
    return {
      get: (key) => this.settings[1][at(key)] ?? this.settings[0][at(key)] ?? this.defaults[at(key)],
      inspect: (key) => ({
        key: at(key), defaultValue: this.defaults[at(key)], globalValue: this.settings[0][at(key)], workspaceValue: this.settings[1][at(key)],
      }),
      update: async (key, value, target) => {
        if (target !== 1) throw new Error('only the user settings are written');
        this.set(at(key), value);
      },
    };
  }

  /** @returns {any} */
  get api() {
    const fake = this;
    return {
      EventEmitter,
      ConfigurationTarget: { Global: 1 },
      Disposable: class { constructor(dispose) { this.dispose = dispose; } },
      env: {
        machineId: 'fake-machine', remoteName: undefined,
        get isTelemetryEnabled() { return fake.#state[0]; },
        onDidChangeTelemetryEnabled: this.#enabled.event,
        createTelemetryLogger: (sender, options) => {
          this.sender = sender;
          this.loggerOptions = options;
          return {
            get isUsageEnabled() { return fake.#state[0]; },
            get isErrorsEnabled() { return fake.#state[1]; },
            onDidChangeEnableStates: this.#states.event,
            logUsage: (name, data) => fake.#state[0] && sender.sendEventData(`acme.tool/${name}`, data),
            logError: (error, data) => fake.#state[1] && sender.sendErrorData(error, data),
            dispose: () => sender.flush(),
          };
        },
      },
      workspace: { getConfiguration: (section) => this.#section(section), onDidChangeConfiguration: this.#configuration.event, workspaceFolders: undefined },
      window: {
        get state() { return { focused: fake.focused }; },
        onDidChangeWindowState: this.#window.event,
        showInformationMessage: (text, ...buttons) => new Promise((answer) => this.messages.push({ text, buttons, answer })),
      },
      commands: {
        registerCommand: (id, run) => {
          this.commands.set(id, run);
          return { dispose: () => this.commands.delete(id) };
        },
        executeCommand: async (id, ...args) => this.commands.get(id)?.(...args),
      },
    };
  }
}

/** SecretStorage: one store, and a view of it for each window. */
class FakeSecrets {
  #values = new Map();
  #changed = new EventEmitter();
  onDidChange = this.#changed.event;
  async get(key) {
    return this.#values.get(key);
  }
  async store(key, value) {
    this.#values.set(key, value);
    this.#changed.fire({ key });
  }
}

class FakeMemento {
  #values = new Map();
  get(key) {
    return this.#values.get(key);
  }
  async update(key, value) {
    if (value === undefined) this.#values.delete(key);
    else this.#values.set(key, value);
  }
}

/** An ExtensionContext, disposed after the test as VS Code does. @returns {any} */
function extensionContext(t, more = {}) {
  const subscriptions = [];
  t.after(() => { for (const disposable of subscriptions.reverse()) disposable.dispose(); });
  return {
    subscriptions,
    extension: { id: 'acme.tool', packageJSON: { version: '1.2.3', displayName: 'Acme Tool' } },
    extensionMode: 1,
    globalStorageUri: { fsPath: path.join(tempDir(t), 'acme.tool') },
    globalState: new FakeMemento(),
    secrets: new FakeSecrets(),
    ...more,
  };
}

module.exports = { FakeCode, FakeSecrets, extensionContext };
