'use strict';
// The CLI looks at what an app left; it never makes a spool of its own.

const fs = require('node:fs');
const path = require('node:path');
const { open } = require('../index');
const { translated } = require('../errors');
const { load } = require('../native');
const { CliError, EXIT, warn } = require('./terminal');

/**
 * @typedef {object} Flags
 * @property {string} [app]
 * @property {string} [dir]
 * @property {string} [endpoint]
 * @property {string} [token]
 * @property {string} [schema]
 * @property {string} [since]
 * @property {string} [output]
 * @property {string} [file]
 * @property {string} [from]
 * @property {string} [limit]
 * @property {string} [proxy]
 * @property {string} [ca-file]
 * @property {boolean} [auto]
 * @property {boolean} [dry-run]
 * @property {boolean} [explain]
 * @property {boolean} [verify]
 * @property {boolean} [offline]
 * @property {boolean} [yes]
 * @property {boolean} [json]
 *
 * @typedef {{app: string, directory: string}} Place
 */

/** @typedef {import('../client').Client} Client */

/** The app a directory belongs to: <app>/telemetry is the default layout. @param {string} dir */
function appOf(dir) {
  const full = path.resolve(dir);
  const parent = path.basename(path.dirname(full));
  const usual = path.basename(full) === 'telemetry' && /^[A-Za-z0-9._:+-]{1,128}$/.test(parent);
  return usual ? parent : 'candor-cli';
}

/** Where the app's telemetry is, whether or not it is there. @param {Flags} flags @returns {Place} */
function locate(flags) {
  if (flags.dir !== undefined) return { app: flags.app ?? appOf(flags.dir), directory: path.resolve(flags.dir) };
  if (flags.app === undefined) throw new CliError('which app? Give --app NAME or --dir DIRECTORY', EXIT.usage);
  const app = flags.app;
  const native = needNative();
  return { app, directory: translated(() => native.dataDirectory(app)) };
}

/** @param {string} directory @param {string} app */
function mustExist(directory, app) {
  let at;
  try {
    at = fs.statSync(directory);
  } catch (error) {
    const code = /** @type {NodeJS.ErrnoException} */ (error).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new CliError(`no telemetry of "${app}" here: ${directory} does not exist`);
    }
    throw new CliError(`cannot look into ${directory}: ${/** @type {Error} */ (error).message}`);
  }
  if (!at.isDirectory()) throw new CliError(`${directory} is not a directory`);
}

/** The directory of an app that has run. @param {Flags} flags @returns {Place} */
function locateExisting(flags) {
  const place = locate(flags);
  mustExist(place.directory, place.app);
  return place;
}

/**
 * What is typed beats what is exported and what telemetry.toml says: native code lets its environment win.
 * @param {Flags} flags
 */
function settleEnvironment(flags) {
  if (flags.token !== undefined) {
    if (process.env.TELEMETRY_TOKEN !== flags.token) warn('--token shows in the list of processes; TELEMETRY_TOKEN does not');
    process.env.TELEMETRY_TOKEN = flags.token;
  }
  if (flags.endpoint !== undefined) process.env.TELEMETRY_ENDPOINT = flags.endpoint;
}

/** Options of a client that only looks. @param {Flags} flags @param {Place} place */
function optionsOf(flags, { app, directory }) {
  return /** @type {const} */ ({
    app,
    directory,
    mode: 'manual',
    notice: 'none',
    inspect: true,
    endpoint: flags.endpoint,
    token: flags.token,
    proxy: flags.proxy,
    caFile: flags['ca-file'],
    schema: flags.schema,
    requireNative: true,
  });
}

/**
 * Run a command with a client on an existing directory.
 * @template T
 * @param {Flags} flags
 * @param {(client: Client, place: Place) => Promise<T> | T} use
 * @returns {Promise<T>}
 */
async function withClient(flags, use) {
  const place = locateExisting(flags);
  settleEnvironment(flags);
  const client = /** @type {Client} */ (open(optionsOf(flags, place)));
  try {
    return await use(client, place);
  } finally {
    client.close();
  }
}

/** The binary, or the sentence why there is none. */
function needNative() {
  const { native, reason } = load();
  if (native === null) throw new CliError(reason);
  return native;
}

module.exports = { withClient, locateExisting, settleEnvironment, optionsOf, needNative };
