'use strict';
// The telemetry.* messages between a page (a webview, VS Code's or another) and the extension. A request is
// { type: 'telemetry.<what>', id, ...arguments }, its answer { type: 'telemetry.reply', id, ok, result | error }.
// Whatever a page sends is checked here; it can ask only for what is in this table.

const { LEVELS } = require('./level');

/** Characters of a preview that a page is given; status says how much there is. */
const PREVIEW_MAX = 262144;
/** Lines of the ledger that a page may ask for. */
const LEDGER_MAX = 500;
const MODES = ['auto', 'manual', 'off'];

/** @typedef {import('./index').VscodeTelemetry<any>} Telemetry */
/** @typedef {Record<string, any>} Message */
/** @typedef {{type: 'telemetry.reply', id: unknown, ok: boolean, result?: unknown, error?: string}} Reply */

/** @param {unknown} value @param {readonly string[]} words @param {string} name */
function oneOf(value, words, name) {
  if (typeof value === 'string' && words.includes(value)) return value;
  throw new Error(`${name} must be one of ${words.join(', ')}`);
}

/** @param {unknown} value @param {string} name */
function yesOrNo(value, name) {
  if (typeof value === 'boolean') return value;
  throw new Error(`${name} must be true or false`);
}

/** @param {Telemetry} telemetry */
async function preview({ client }) {
  const text = client.preview();
  return {
    text: text.slice(0, PREVIEW_MAX), cut: text.length > PREVIEW_MAX, bytes: Buffer.byteLength(text),
    events: text === '' ? 0 : text.trimEnd().split('\n').length,
  };
}

/** @type {Record<string, (telemetry: Telemetry, message: Message) => unknown>} */
const HANDLERS = {
  'telemetry.status': (telemetry) => telemetry.status(),
  'telemetry.preview': preview,
  'telemetry.ledger': ({ client }, { limit = 50 }) => {
    if (!Number.isInteger(limit) || limit < 1 || limit > LEDGER_MAX) throw new Error(`limit must be 1 to ${LEDGER_MAX}`);
    return client.ledger({ limit });
  },
  'telemetry.setEnabled': (telemetry, { enabled }) => telemetry.setEnabled(yesOrNo(enabled, 'enabled')),
  'telemetry.setLevel': (telemetry, { level }) => telemetry.setLevel(/** @type {any} */ (oneOf(level, LEVELS, 'level'))),
  'telemetry.setMode': ({ client }, { mode }) => client.setMode(/** @type {any} */ (oneOf(mode, MODES, 'mode'))),
  'telemetry.setFullContent': (telemetry, { on }) => telemetry.setFullContent(yesOrNo(on, 'on')),
  'telemetry.upload': ({ client }, { dryRun = false }) => (yesOrNo(dryRun, 'dryRun') ? client.upload({ dryRun: true }) : client.upload()),
  'telemetry.export': (telemetry) => telemetry.exportWithDialog(),
  'telemetry.purge': ({ client }) => client.purge(),
};

/**
 * @param {Telemetry} telemetry @param {unknown} message
 * @returns {Promise<Reply | undefined>} undefined: no message of ours. Never rejects.
 */
async function handle(telemetry, message) {
  if (typeof message !== 'object' || message === null) return undefined;
  const { type, id } = /** @type {Message} */ (message);
  if (typeof type !== 'string' || !type.startsWith('telemetry.')) return undefined;
  try {
    if (!Object.hasOwn(HANDLERS, type)) throw new Error(`unknown message ${type.slice(0, 64)}; there are ${Object.keys(HANDLERS).join(', ')}`);
    return { type: 'telemetry.reply', id, ok: true, result: await HANDLERS[type](telemetry, /** @type {Message} */ (message)) };
  } catch (error) {
    return { type: 'telemetry.reply', id, ok: false, error: error instanceof Error ? error.message : String(error) };
  }
}

module.exports = { handle };
