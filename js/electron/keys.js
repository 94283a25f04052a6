'use strict';
// Keys for what is encrypted at rest, wrapped by Electron's safeStorage. Nothing is asked of the system's
// keychain until a key is needed: on macOS that asks the person.

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { TelemetryError } = require('../errors');
const { writeJson } = require('./settings');

/** @typedef {import('../vault').Key} Key */

/**
 * Of Electron's safeStorage what is used.
 * @typedef {object} SafeStorage
 * @property {() => boolean} isEncryptionAvailable
 * @property {(text: string) => Buffer} encryptString
 * @property {(sealed: Buffer) => string} decryptString
 * @property {() => string} [getSelectedStorageBackend]  Linux
 *
 * @typedef {object} KeyOptions
 * @property {string} file  Where the wrapped keys lie, e.g. in app.getPath('userData')
 * @property {SafeStorage} safeStorage
 * @property {{whenReady: () => Promise<unknown>}} app
 * @property {boolean} [allowPlainText]  Linux without a keyring: safeStorage only obscures; default false
 */

/** As KEYS_MAX of vault.js: older ones go. */
const KEYS_KEPT = 16;
const KEY_FILE_MAX = 65536;

/** @param {string} problem */
function failed(problem) {
  return new TelemetryError(problem, 'ERR_CANDOR_KEYS');
}

/** @param {KeyOptions} options */
function checkKeychain({ safeStorage, allowPlainText = false }) {
  if (!safeStorage.isEncryptionAvailable()) throw failed('the system has no keychain that safeStorage can use, so full content cannot be encrypted and stays off');
  if (!allowPlainText && safeStorage.getSelectedStorageBackend?.() === 'basic_text') {
    throw failed('this desktop has no keyring, so full content cannot be protected and stays off: start one (gnome-keyring, kwallet) and try again');
  }
}

/** @param {string} file @returns {{id: string, sealed: string}[]} newest first */
function readKeyFile(file) {
  if (fs.statSync(file, { throwIfNoEntry: false }) === undefined) return [];
  if (fs.statSync(file).size > KEY_FILE_MAX) throw failed(`${path.basename(file)} is not a file of keys`);
  /** @type {any} */
  let stored;
  try {
    stored = JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    stored = {}; // damaged: its keys are gone, and what they encrypted stays locked until its retention
  }
  return Array.isArray(stored?.keys) ? stored.keys.filter((/** @type {any} */ key) => typeof key?.id === 'string' && typeof key.sealed === 'string') : [];
}

/** @param {SafeStorage} safeStorage @param {{id: string, sealed: string}[]} stored @returns {Key[]} those that this keychain opens */
function unwrap(safeStorage, stored) {
  const keys = [];
  for (const { id, sealed } of stored) {
    try {
      const key = Buffer.from(safeStorage.decryptString(Buffer.from(sealed, 'base64')), 'base64');
      if (key.length === 32) keys.push({ id, key });
    } catch {
      // Of another keychain: what it encrypted stays locked.
    }
  }
  return keys;
}

/**
 * A key provider for `open({ keyProvider })` and for `registerTelemetry({ keys })`. Waits until the app is
 * ready, makes a key at the first call and gives the same keys ever after.
 * @param {KeyOptions} options
 * @returns {() => Promise<Key[]>}  rejects, with a sentence, where there is no keychain
 */
function createKeyProvider(options) {
  const { file, safeStorage, app } = options;
  /** @type {Promise<Key[]> | undefined} */
  let known;
  const provide = async () => {
    await app.whenReady(); // safeStorage answers no earlier
    checkKeychain(options);
    const replace = fs.existsSync(file);
    const stored = readKeyFile(file);
    const keys = unwrap(safeStorage, stored);
    if (keys.length > 0) return keys;
    const made = { id: `e-${crypto.randomBytes(6).toString('hex')}`, key: crypto.randomBytes(32) };
    const sealed = safeStorage.encryptString(made.key.toString('base64')).toString('base64');
    // Another process of the app may write the first key at the same moment: the file decides.
    writeJson(file, { version: 1, keys: [{ id: made.id, sealed }, ...stored].slice(0, KEYS_KEPT) }, { replace });
    return unwrap(safeStorage, readKeyFile(file));
  };
  return () => {
    if (known === undefined) {
      known = provide();
      known.catch(() => { known = undefined; }); // a keyring may be started later
    }
    return known;
  };
}

module.exports = { createKeyProvider };
