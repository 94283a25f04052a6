'use strict';
// telemetry.toml: what an operator or a user writes down for an app, read again when it changes.

const fs = require('node:fs');
const path = require('node:path');
const { TelemetryError } = require('./errors');

/** @typedef {Record<string, string | number | boolean | null>} Changes  options of open */

const FILE_MAX_BYTES = 65536;
/** Editors write a file in several steps. */
const SETTLE_MS = 100;
const EXPORTERS = ['candor', 'file', 'stdout', 'otlp_http'];
const LEVELS = ['off', 'crash', 'error', 'all'];
const MIB = 1024 * 1024;

/** @param {string} text */
function wrong(text) {
  return new TelemetryError(text, 'ERR_CANDOR_CONFIG');
}

/** A key's value, checked. @param {string} key @param {unknown} value @param {'boolean' | 'number' | 'string'} type @returns {any} */
function typed(key, value, type) {
  const plain = typeof value === 'bigint' ? Number(value) : value;
  if (typeof plain !== type) throw wrong(`"${key}" must be a ${type}`);
  return plain;
}

/** @param {string} key @param {unknown} value @param {string[]} words */
function word(key, value, words) {
  if (!words.includes(typed(key, value, 'string'))) throw wrong(`"${key}" must be one of ${words.join(', ')}`);
  return String(value);
}

/** @param {string} key @param {unknown} value */
function compression(key, value) {
  if (value === 'gzip') return null;
  const level = Number(value);
  if (typeof value === 'boolean' || !(level >= 1 && level <= 9)) throw wrong(`"${key}" must be "gzip" or its level, 1 to 9`);
  return level;
}

/**
 * Each key and the option it sets; native code checks the bounds.
 * @type {Record<string, (value: unknown, key: string) => Changes>}
 */
const KEYS = {
  'telemetry.enabled': (value, key) => ({ configEnabled: typed(key, value, 'boolean') ? 'on' : 'off' }),
  'telemetry.level': (value, key) => ({ configLevel: word(key, value, LEVELS) }),
  'telemetry.full_content': (value, key) => ({ configFullContent: typed(key, value, 'boolean') }),
  'telemetry.exporter': (value, key) => ({ exporter: word(key, value, EXPORTERS) }),
  'telemetry.local_retention_days': (value, key) => ({ retentionDays: typed(key, value, 'number') }),
  'telemetry.upload_enabled': (value, key) => /** @type {Changes} */ (typed(key, value, 'boolean') ? {} : { mode: 'manual' }),
  'telemetry.max_upload_size_mb': (value, key) => ({ maxUploadBytes: Math.round(typed(key, value, 'number') * MIB) }),
  'upload.endpoint': (value, key) => ({ endpoint: typed(key, value, 'string') }),
  'upload.compression': (value, key) => ({ gzipLevel: compression(key, value) }),
  'upload.interval_seconds': (value, key) => ({ uploadIntervalMs: Math.round(typed(key, value, 'number') * 1000) }),
};

/** @param {Record<string, unknown>} parsed @returns {Changes} */
function toOptions(parsed) {
  /** @type {Changes} */
  const options = {};
  for (const [section, body] of Object.entries(parsed)) {
    if (typeof body !== 'object' || body === null || Array.isArray(body)) {
      throw wrong(`"${section}" stands outside of [telemetry] and [upload]`);
    }
    for (const [name, value] of Object.entries(body)) {
      const key = `${section}.${name}`;
      if (!Object.hasOwn(KEYS, key)) throw wrong(`unknown key "${key}"; there are ${Object.keys(KEYS).join(', ')}`);
      Object.assign(options, KEYS[key](value, key));
    }
  }
  return options;
}

/** @param {string} file @returns {Changes} */
function readConfig(file) {
  const at = fs.statSync(file);
  if (!at.isFile()) throw wrong('it is not a regular file'); // a pipe would be waited for
  if (at.size > FILE_MAX_BYTES) throw wrong(`it is larger than ${FILE_MAX_BYTES} bytes`);
  // Here, because most apps have no such file.
  // @ts-expect-error its types name the ES module only
  const { parse } = require('smol-toml');
  return toOptions(parse(fs.readFileSync(file, 'utf8')));
}

/** What holds while a file cannot be used, beside what it said before: silence, and nothing is deleted. @type {Changes} */
const UNREADABLE = { configEnabled: 'unreadable' };

/** Options by which the host has narrowed already, narrowest value first: the file may go further, not back. @type {Record<string, unknown[]>} */
const NARROWEST_FIRST = {
  configLevel: LEVELS,
  configFullContent: [false, true],
  mode: ['off', 'manual', 'auto'],
  configEnabled: ['off', 'unreadable', 'on', 'unset'],
};

/** One telemetry.toml. */
class ConfigFile {
  #file;
  /** @type {Changes} */
  #options = {};
  /** What it said when it could last be used. @type {Changes} */
  #good = {};
  /** @type {string | null} */
  #error = null;
  /** @type {string[]} */
  #needsRestart = [];
  #loadedAt = '';
  /** @type {fs.FSWatcher | undefined} */
  #watcher;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  /** @type {NodeJS.Timeout | undefined} */
  #again;
  #closed = false;

  /** @param {string} file */
  constructor(file) {
    this.#file = file;
    this.#load();
  }

  /** Options of `open` that the file sets. */
  get options() {
    return this.#options;
  }

  /**
   * The host's options with what the file says: it wins, but does not widen what the host has narrowed.
   * @param {Record<string, unknown>} given
   * @returns {Record<string, unknown>}
   */
  over(given) {
    /** @type {Record<string, unknown>} */
    const all = { ...given, ...this.#options };
    for (const [name, order] of Object.entries(NARROWEST_FIRST)) {
      const host = given[name];
      // A value that is none is left for native code to name.
      if (host !== undefined && host !== null && order.indexOf(host) < order.indexOf(all[name])) all[name] = host;
    }
    return all;
  }

  /**
   * Read again when it changes.
   * @param {() => Promise<{needs_restart: string[]}>} apply  take over what `over` gives now
   */
  watch(apply) {
    if (this.#error === null) this.#good = this.#options;
    this.#start(() => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#reload(apply), SETTLE_MS);
      this.#timer.unref();
    });
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#again);
    this.#stop();
  }

  status() {
    return {
      file: this.#file, loaded_at: this.#loadedAt, error: this.#error, watching: this.#watcher !== undefined,
      sets: Object.keys(this.#options), needs_restart: this.#needsRestart,
    };
  }

  #load() {
    this.#error = null;
    this.#loadedAt = new Date().toISOString();
    try {
      this.#options = readConfig(this.#file);
    } catch (error) {
      const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
      this.#options = code === 'ENOENT' ? {} : { ...this.#good, ...UNREADABLE };
      if (code !== 'ENOENT') this.#error = `${this.#file}: ${message.split('\n')[0]}`;
    }
  }

  /**
   * Watch the file; where there is none, the folder until there is one, or nobody would see it come back. Not
   * the folder always: there the spool's files come and go, and each wakes this thread. Of those only the name is looked at.
   * @param {() => void} changed
   */
  #start(changed) {
    const missing = !fs.existsSync(this.#file);
    const wrongOne = () => missing === fs.existsSync(this.#file); // came or went meanwhile
    const isOurs = (/** @type {string | null} */ name) => name === null || name === path.basename(this.#file);
    try {
      this.#watcher = fs.watch(missing ? path.dirname(this.#file) : this.#file, { persistent: false }, (event, name) => {
        if (missing ? isOurs(name) && wrongOne() : event === 'rename') this.#restart(changed);
        else if (!missing) changed();
      });
      this.#watcher.on('error', () => this.#stop());
    } catch {
      this.#watcher = undefined; // status says that nobody watches
      if (missing) return;
    }
    if (wrongOne()) this.#restart(changed);
  }

  /** Another file has its name, or none. @param {() => void} changed */
  #restart(changed) {
    this.#stop();
    clearTimeout(this.#again);
    this.#again = setTimeout(() => { if (!this.#closed) this.#start(changed); }, SETTLE_MS);
    this.#again.unref();
    changed();
  }

  #stop() {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  /** @param {() => Promise<{needs_restart: string[]}>} apply */
  async #reload(apply) {
    const before = this.#options;
    this.#load();
    const options = this.#options;
    try {
      const { needs_restart: restart } = await apply();
      if (this.#error === null) this.#good = options;
      this.#needsRestart = restart.filter((name) => Object.hasOwn(options, name) || Object.hasOwn(before, name));
    } catch (error) {
      if (this.#options !== options) return; // changed again meanwhile: this answer is about an older file
      this.refuse(/** @type {Error} */ (error));
      await apply().catch(() => {}); // closed meanwhile
    }
  }

  /** Its values are out of bounds. @param {Error} error */
  refuse(error) {
    this.#options = { ...this.#good, ...UNREADABLE };
    this.#error = `${this.#file}: ${error.message}`;
  }
}

module.exports = { ConfigFile };
