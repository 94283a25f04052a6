'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { Client } = require('./client');
const { TelemetryError, translated } = require('./errors');
const { load } = require('./native');
const { NoopClient } = require('./noop');
const { readOptions, readSchema } = require('./options');
const { narrowed } = require('./thread');

/** @typedef {import('./options').Options} Options */
/** @typedef {import('./client').Report} Report */
/** @typedef {import('./client').EmitMeta} EmitMeta */
/** @typedef {import('./client').UploadReport} UploadReport */
/** @typedef {import('./client').PurgeReport} PurgeReport */
/** @typedef {Client | NoopClient} TelemetryClient */

/**
 * One row of the settings table.
 * @typedef {object} Setting
 * @property {string} name
 * @property {'string' | 'int' | 'bool' | 'enum'} type
 * @property {string | null} unit
 * @property {string | number | boolean | null} default
 * @property {number} [min]
 * @property {number} [max]
 * @property {string[]} [values]
 * @property {string | null} env  environment variable that wins over the option
 * @property {string} doc
 */

/**
 * Every option that native code takes, with unit, default and bounds. Empty where no binary fits.
 * @returns {Setting[]}
 */
function settings() {
  const { native } = load();
  return native === null ? [] : JSON.parse(translated(() => native.settings()));
}

/** @param {Record<string, unknown>} given */
function exitFlushMs(given) {
  const chosen = given.exitFlushMs;
  if (typeof chosen === 'number') return chosen;
  return Number(settings().find((row) => row.name === 'exitFlushMs')?.default ?? 0);
}

/**
 * Open a client. Throws TelemetryError for an option or a schema that is wrong; where no native binary
 * fits this machine, returns a client that does nothing and whose status() says why.
 * @param {Options} options
 * @returns {TelemetryClient}
 */
function open(options) {
  const { schema, requireNative, settings: given } = readOptions(options);
  const { text, origin } = readSchema(schema);
  const { native, reason } = load();
  if (native === null) {
    if (requireNative) throw new TelemetryError(reason, 'ERR_CANDOR_NATIVE');
    return new NoopClient(reason);
  }
  const described = translated(() => native.describeSchema(text, origin), 'ERR_CANDOR_SCHEMA');
  return new Client(native, JSON.stringify(narrowed(given)), text, JSON.parse(described), exitFlushMs(given));
}

/** @type {string} */
const version = JSON.parse(fs.readFileSync(path.join(__dirname, '..', 'package.json'), 'utf8')).version;

module.exports = { open, settings, TelemetryError, version };
