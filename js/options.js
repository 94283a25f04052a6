'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { fileURLToPath } = require('node:url');
const { TelemetryError } = require('./errors');

/**
 * Options of `open`. Units, defaults and bounds: docs/settings.md, or `candor settings`.
 * @typedef {object} Options
 * @property {string} app  Name of the application: letters, digits, . _ : + -
 * @property {string} [appVersion]
 * @property {string | null} [directory]  Where the spool lives; default: the user's data directory for the app
 * @property {string | null} [endpoint]  Base URL of the collector; without one, events stay on this machine
 * @property {string | null} [token]  Bearer token for the collector
 * @property {string | null} [userId]
 * @property {string | null} [machineId]  Raw machine id; hashed at once
 * @property {'auto' | 'manual' | 'off'} [mode]
 * @property {'candor' | 'file' | 'stdout' | 'otlp_http'} [exporter]  Where events go; docs/exporters.md
 * @property {boolean} [hostEnabled]  The host's own switch; it can only narrow
 * @property {'off' | 'crash' | 'error' | 'all'} [hostLevel]  The host's privacy level; it can only narrow
 * @property {boolean} [gdpr]  GDPR mode: nothing is recorded, and what the directory holds is deleted
 * @property {string | false | null} [configFile]  Path of telemetry.toml; default: in the directory; false: none
 * @property {'unset' | 'on' | 'off' | 'unreadable'} [configEnabled]  What another settings file of the host says
 * @property {'off' | 'crash' | 'error' | 'all'} [configLevel]  The level that such a file allows
 * @property {boolean} [configFullContent]  Whether such a file allows full content
 * @property {boolean} [defaultEnabled]  What holds until the user has chosen
 * @property {boolean} [inspect]  For tools: an "off" of this process's environment deletes nothing
 * @property {number} [batchEvents]
 * @property {number} [batchIntervalMs]
 * @property {number} [uploadIntervalMs]
 * @property {number} [maxUploadBytes]  What one round sends at most, compressed
 * @property {number} [ledgerMaxBytes]  How much of what was sent is kept; 0: none
 * @property {number} [spoolMaxBytes]
 * @property {number} [journalMaxBytes]
 * @property {number} [minFreeDiskBytes]
 * @property {number} [retentionDays]
 * @property {number} [retryBaseMs]
 * @property {number} [retryMaxMs]
 * @property {number} [connectTimeoutMs]
 * @property {number} [requestTimeoutMs]
 * @property {number} [stallTimeoutMs]
 * @property {number} [exitFlushMs]  Time that close and process exit may take to write what waits
 * @property {string | null} [proxy]
 * @property {string | null} [caFile]
 * @property {string | null} [caPem]
 * @property {'stderr' | 'none' | 'host'} [notice]  Who tells people before the first upload
 * @property {boolean} [fullContent]  The host's offer of full content, which the user turns on; false: never in this process
 * @property {number} [vaultMaxBytes]
 * @property {boolean} [encryptSpool]  Spool files are encrypted too; without a key, events wait in the journal
 * @property {import('./vault').KeyProvider} [keyProvider]  Asked once, after opening, for the keys of what is encrypted at rest
 * @property {number} [gzipLevel]  1 to 9
 * @property {string | URL | object} [schema]  Path of a schema file, or its content; default: the default catalogue
 * @property {boolean} [requireNative]  Throw where no native binary fits; default: a client that does nothing
 */

const DEFAULT_SCHEMA = path.join(__dirname, '..', 'schema', 'default.json');

/** @param {string} name @param {string} problem */
function invalid(name, problem) {
  return new TelemetryError(`option "${name}" ${problem}`, 'ERR_CANDOR_INVALID_OPTION');
}

/** JSON would silently drop or change anything else. @param {string} name @param {unknown} value */
function checkScalar(name, value) {
  const type = typeof value;
  if (value === null || type === 'string' || type === 'boolean') return;
  if (type === 'number' && Number.isFinite(value)) return;
  throw invalid(name, `must be a string, a finite number, a boolean or null, not ${type === 'number' ? value : type}`);
}

/**
 * A schema's text, and what to call it in error sentences.
 * @typedef {{text: string, origin: string}} SchemaSource
 */

/** @param {unknown} schema @returns {SchemaSource} */
function readSchema(schema) {
  if (schema !== undefined && schema !== null && typeof schema === 'object' && !(schema instanceof URL)) {
    try {
      return { text: JSON.stringify(schema), origin: 'schema' };
    } catch (error) {
      throw new TelemetryError(`schema is not JSON: ${/** @type {Error} */ (error).message}`, 'ERR_CANDOR_SCHEMA', { cause: error });
    }
  }
  if (schema !== undefined && schema !== null && typeof schema !== 'string' && !(schema instanceof URL)) {
    throw invalid('schema', 'must be a path, a file URL or an object');
  }
  try {
    const file = schema instanceof URL ? fileURLToPath(schema) : schema ?? DEFAULT_SCHEMA;
    return { text: fs.readFileSync(file, 'utf8'), origin: file };
  } catch (error) {
    throw new TelemetryError(`cannot read schema file: ${/** @type {Error} */ (error).message}`, 'ERR_CANDOR_SCHEMA', { cause: error });
  }
}

/**
 * Split what only JavaScript knows from what native code checks: names, bounds and enums are its table.
 * @param {unknown} options
 */
function readOptions(options) {
  if (options === null || typeof options !== 'object' || Array.isArray(options)) {
    throw new TelemetryError('open needs an options object, e.g. { app: "my-app" }', 'ERR_CANDOR_INVALID_OPTION');
  }
  const { schema, requireNative = false, configFile, keyProvider, ...rest } = /** @type {Record<string, unknown>} */ (options);
  if (typeof requireNative !== 'boolean') throw invalid('requireNative', 'must be a boolean');
  if (configFile !== undefined && configFile !== null && configFile !== false && typeof configFile !== 'string') {
    throw invalid('configFile', 'must be a path or false');
  }
  if (keyProvider !== undefined && typeof keyProvider !== 'function') throw invalid('keyProvider', 'must be a function');
  for (const name of Object.keys(rest)) {
    if (rest[name] === undefined) delete rest[name];
    else checkScalar(name, rest[name]);
  }
  return {
    schema,
    requireNative,
    configFile: /** @type {string | false | null | undefined} */ (configFile),
    keyProvider: /** @type {import('./vault').KeyProvider | undefined} */ (keyProvider),
    settings: rest,
  };
}

module.exports = { readOptions, readSchema };
