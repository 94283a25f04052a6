'use strict';
// The bridge between a sandboxed page and candor/electron/main: window.telemetry. One file that needs
// nothing but Electron, because a sandboxed preload can load nothing else; an app that bundles its own
// preload may bundle this into it.

/**
 * Electron's part of it, as far as it is used here.
 * @typedef {object} Bridge
 * @property {{exposeInMainWorld: (name: string, api: object) => void}} contextBridge
 * @property {{invoke: (channel: string, ...args: unknown[]) => Promise<any>,
 *   on: (channel: string, listener: (event: unknown, value: any) => void) => void}} ipcRenderer
 */

/**
 * What candor/electron/main answers: a rejected invoke would bury the sentence in Electron's own.
 * @typedef {{ok: true, value: any} | {ok: false, error: string}} Answer
 *
 * @typedef {import('./settings').TelemetrySettings} TelemetrySettings
 * @typedef {import('../client').Report} Report
 */

/**
 * What a page finds as `window.telemetry`. No promise of emit rejects; those of the others do, with a
 * sentence, when the main process refuses the call.
 * @typedef {object} RendererTelemetry
 * @property {(type: string, payload?: object | null, meta?: {correlationId?: string}) => Promise<boolean>} emit  true: kept
 * @property {() => Promise<Report>} status  docs/status.md, and `ipc`: what the main process has refused
 * @property {() => Promise<TelemetrySettings>} getSettings
 * @property {(enabled: boolean) => Promise<TelemetrySettings>} setEnabled
 * @property {(level: 'off' | 'crash' | 'error' | 'all') => Promise<TelemetrySettings>} setLevel
 * @property {(on: boolean) => Promise<TelemetrySettings>} setFullContent
 * @property {(mode: 'auto' | 'manual' | 'off') => Promise<TelemetrySettings>} setMode
 * @property {(changes: {endpoint?: string | null, userId?: string | null}) => Promise<TelemetrySettings>} configure
 * @property {() => Promise<TelemetrySettings>} acknowledgeNotice
 * @property {() => Promise<string>} preview  exactly the bytes of the next upload, before compression
 * @property {(options?: {limit?: number}) => Promise<Report[]>} ledger
 * @property {() => Promise<import('../client').UploadReport>} upload
 * @property {() => Promise<import('../client').PurgeReport>} purge
 * @property {(listener: (settings: TelemetrySettings) => void) => () => void} onChange  gives what ends it
 */

// The cast keeps tsc from looking for a package that only Electron has.
const { contextBridge, ipcRenderer } = /** @type {Bridge} */ (require(/** @type {string} */ ('electron')));

/** As in bounds.js, which decides: what is refused there anyway need not be copied between processes. */
const PAYLOAD_CHARS_MAX = 2097152;
const PAYLOAD_VALUES_MAX = 2048;

/** Larger than the main process takes. @param {unknown} payload */
function tooLarge(payload) {
  let chars = 0;
  const queue = [payload];
  for (let i = 0; i < queue.length; i++) {
    const value = queue[i];
    if (typeof value === 'string') chars += value.length;
    else if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) queue.push(inner);
    if (chars > PAYLOAD_CHARS_MAX || queue.length > PAYLOAD_VALUES_MAX) return true;
  }
  return false;
}

/** @param {string} type @param {unknown} payload @param {unknown} meta @returns {Promise<boolean>} */
async function emit(type, payload, meta) {
  const refused = (/** @type {string} */ why) => ipcRenderer.invoke('candor:emit', String(type), why).then(() => false, () => false);
  try {
    if (tooLarge(payload)) return await refused('too_large');
    return (await ipcRenderer.invoke('candor:emit', type, payload, meta)) === true;
  } catch {
    return refused('bad_payload'); // it holds what cannot be cloned, a function for one: the main process counts it
  }
}

/** @param {string} method @param {unknown[]} args */
async function call(method, ...args) {
  const answer = /** @type {Answer} */ (await ipcRenderer.invoke('candor:call', method, ...args));
  if (!answer.ok) throw new Error(answer.error);
  return answer.value;
}

/** @type {Set<(settings: TelemetrySettings) => void>} */
const listeners = new Set();

ipcRenderer.on('candor:changed', (_event, settings) => {
  for (const listener of listeners) {
    try {
      listener(settings);
    } catch (error) {
      setTimeout(() => { throw error; }); // the page's own, and no other listener's business
    }
  }
});

/** @param {boolean} on */
function follow(on) {
  call('follow', on).catch(() => {}); // refused: nothing changes for this page
}

/** @param {(settings: TelemetrySettings) => void} listener */
function onChange(listener) {
  const own = (/** @type {TelemetrySettings} */ settings) => listener(settings);
  listeners.add(own);
  if (listeners.size === 1) follow(true);
  return () => {
    if (listeners.delete(own) && listeners.size === 0) follow(false);
  };
}

/** @type {RendererTelemetry} */
const telemetry = {
  emit,
  status: () => call('status'),
  getSettings: () => call('getSettings'),
  setEnabled: (enabled) => call('setEnabled', enabled),
  setLevel: (level) => call('setLevel', level),
  setFullContent: (on) => call('setFullContent', on),
  setMode: (mode) => call('setMode', mode),
  configure: (changes) => call('configure', changes),
  acknowledgeNotice: () => call('acknowledgeNotice'),
  preview: () => call('preview'),
  ledger: (options) => call('ledger', options),
  upload: () => call('upload'),
  purge: () => call('purge'),
  onChange,
};

contextBridge.exposeInMainWorld('telemetry', telemetry);
