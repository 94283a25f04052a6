'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { Client } = require('./client');
const { parseTraceparent, formatTraceparent } = require('./context');
const defaults = require('./default');
const { TelemetryError, translated } = require('./errors');
const { load } = require('./native');
const { readOptions, readSchema } = require('./options');

/** @typedef {import('./options').Options} Options */
/** @typedef {import('./client').Report} Report */
/** @typedef {import('./client').EmitMeta} EmitMeta */
/** @typedef {import('./client').UploadReport} UploadReport */
/** @typedef {import('./client').PurgeReport} PurgeReport */
/** Events of the default catalogue. @typedef {import('./catalogue').Events} CatalogueEvents */
/** Events of a schema that has no types: any name, any payload. @typedef {Record<string, object>} AnyEvents */
/**
 * @template {object} [Events=import('./catalogue').Events]
 * @typedef {Client<Events> | import('./noop').NoopClient<Events>} TelemetryClient
 */
/** @typedef {import('./client').UploadOptions} UploadOptions */
/** @typedef {import('./client').UploadPlan} UploadPlan */
/** @typedef {import('./client').ExportReport} ExportReport */

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

/**
 * telemetry.toml as it is now; undefined when there is none, or no directory it could be in.
 * @param {import('./native').Native} native
 * @param {string | false | null | undefined} file
 * @param {Record<string, unknown>} given
 */
function configOf(native, file, given) {
  if (file === false) return undefined;
  try {
    const found = file ?? path.join(String(given.directory ?? native.dataDirectory(String(given.app))), 'telemetry.toml');
    if (typeof file !== 'string' && !fs.existsSync(found)) return undefined;
    const { ConfigFile } = require('./config'); // most apps have no such file
    return new ConfigFile(found);
  } catch {
    return undefined; // no home directory: open says so in its own way
  }
}

/**
 * What an operator wrote must not keep the host from starting; what the host wrote may.
 * @param {() => Client} make
 * @param {import('./config').ConfigFile} config
 */
function withConfig(make, config) {
  try {
    return make();
  } catch (error) {
    if (/** @type {{code?: unknown}} */ (error).code === 'ERR_CANDOR_SCHEMA') throw error;
    config.refuse(/** @type {Error} */ (error));
    return make();
  }
}

/**
 * Open a client. Throws TelemetryError for an option or a schema that is wrong; where no native binary
 * fits this machine, returns a client that does nothing and whose status() says why.
 * Types of a schema of one's own come from `candor schema types`: open<Events>({ schema, ... }).
 * @template {object} [Events=import('./catalogue').Events]
 * @overload
 * @param {Options & {schema?: undefined}} options
 * @returns {TelemetryClient<Events>}
 */
/**
 * @template {object} [Own=AnyEvents]
 * @overload
 * @param {Options} options
 * @returns {TelemetryClient<Own>}
 */
/**
 * @param {Options} options
 * @returns {TelemetryClient<any>}
 */
function open(options) {
  const { schema, requireNative, configFile, keyProvider, settings: given } = readOptions(options);
  const source = readSchema(schema);
  const { native, reason } = load();
  if (native === null) {
    if (requireNative) throw new TelemetryError(reason, 'ERR_CANDOR_NATIVE');
    const { NoopClient } = require('./noop'); // not loaded where it is not needed
    return new NoopClient(reason);
  }
  const config = configOf(native, configFile, given);
  const make = () => new Client(native, given, source, config);
  const client = config === undefined ? make() : withConfig(make, config);
  if (keyProvider !== undefined) require('./vault').provideKeys(client, keyProvider);
  return client;
}

/**
 * Whether the ledger of a client's directory is whole: each line follows the one before it, and each kept
 * body is the one that its line names. Reads files; for tools.
 * @param {string} directory
 * @returns {Report}  `entries`, `bodies`, `ok`, `broken_at`, `error`; docs/ledger.md
 */
function verifyLedger(directory) {
  if (typeof directory !== 'string' || directory === '') {
    throw new TelemetryError('verifyLedger needs the path of a directory', 'ERR_CANDOR_INVALID_OPTION');
  }
  const { native, reason } = load();
  if (native === null) throw new TelemetryError(reason, 'ERR_CANDOR_NATIVE');
  return JSON.parse(translated(() => native.verifyLedger(path.resolve(directory))));
}

/** @type {string | undefined} */
let packageVersion;

defaults.useOpener(open);
const { configureDefault, getDefault, emit, flush, metric, startSpan, withSpan, recordEvent } = defaults;

module.exports = {
  open, settings, verifyLedger, TelemetryError, parseTraceparent, formatTraceparent,
  configureDefault, getDefault, emit, flush, metric, startSpan, withSpan, recordEvent,
};

// Read when it is asked for.
Object.defineProperty(module.exports, 'version', {
  enumerable: true,
  /** @returns {string} */
  get() { return (packageVersion ??= JSON.parse(fs.readFileSync(path.join(__dirname, '..', 'package.json'), 'utf8')).version); },
});
