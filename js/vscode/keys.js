'use strict';
// Keys of what is encrypted at rest, in VS Code's SecretStorage. Reading is asynchronous and may fail where a
// system has no keyring: the client works meanwhile, and content without a key is counted as no_key.

const crypto = require('node:crypto');
const { debuglog } = require('node:util');

const { KEY_BYTES, KEYS_MAX } = require('../vault');

const debug = debuglog('candor');

/** @typedef {import('../vault').Key} Key */

/** @param {string | undefined} text @returns {Key[]} */
function parse(text) {
  if (text === undefined) return [];
  const stored = JSON.parse(text);
  if (!Array.isArray(stored)) throw new Error('the secret is no list of keys');
  return stored.map(({ id, key }) => ({ id: String(id), key: Buffer.from(String(key), 'base64') }))
    .filter(({ key }) => key.length === KEY_BYTES);
}

/** @param {readonly Key[]} keys */
function serialise(keys) {
  return JSON.stringify(keys.map(({ id, key }) => ({ id, key: Buffer.from(key).toString('base64') })));
}

/** @param {readonly Key[]} first @param {readonly Key[]} second */
function merge(first, second) {
  return [...first, ...second.filter(({ id }) => !first.some((key) => key.id === id))].slice(0, KEYS_MAX);
}

/** The keys that this window uses; another window may make its own at the same moment. */
class SecretKeys {
  #secrets;
  #name;
  #take;
  /** @type {Key[]} */
  #keys = [];
  /** @type {Promise<void>} */
  #last = Promise.resolve();
  #listener;

  /**
   * @param {import('vscode').SecretStorage} secrets
   * @param {string} name
   * @param {(keys: Key[]) => void} take  is given the keys whenever they are others
   */
  constructor(secrets, name, take) {
    this.#secrets = secrets;
    this.#name = name;
    this.#take = take;
    this.#listener = secrets.onDidChange(({ key }) => {
      if (key === name) this.#refresh();
    });
    this.#refresh();
  }

  /** Settled when what was asked for so far is read. */
  get ready() {
    return this.#last;
  }

  #refresh() {
    this.#last = this.#last.then(() => this.#read()).catch((error) => {
      if (debug.enabled) debug('no keys from SecretStorage: %s', error instanceof Error ? error.message : 'unknown');
    });
  }

  // Of two windows that store at once one overwrites the other. The other is told of the change, misses its
  // key, and stores both: what it has encrypted meanwhile stays readable.
  async #read() {
    const stored = parse(await this.#secrets.get(this.#name));
    let keys = merge(stored, this.#keys);
    if (keys.length === 0) keys = [{ id: crypto.randomUUID(), key: crypto.randomBytes(KEY_BYTES) }];
    this.#keys = keys;
    this.#take(keys);
    if (keys.length > stored.length) await this.#secrets.store(this.#name, serialise(keys));
  }

  dispose() {
    this.#listener.dispose();
  }
}

module.exports = { SecretKeys };
