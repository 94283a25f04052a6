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
 * @property {boolean} [json]
 */

/** @typedef {import('../client').Client} Client */

/** The app a directory belongs to: <app>/telemetry is the default layout. @param {string} dir */
function appOf(dir) {
  const full = path.resolve(dir);
  const parent = path.basename(path.dirname(full));
  const usual = path.basename(full) === 'telemetry' && /^[A-Za-z0-9._:+-]{1,128}$/.test(parent);
  return usual ? parent : 'candor-cli';
}

/** @param {Flags} flags @returns {{app: string, directory: string}} */
function locate(flags) {
  if (flags.dir !== undefined) return { app: flags.app ?? appOf(flags.dir), directory: path.resolve(flags.dir) };
  if (flags.app === undefined) throw new CliError('which app? Give --app NAME or --dir DIRECTORY', EXIT.usage);
  const app = flags.app;
  const { native, reason } = load();
  if (native === null) throw new CliError(reason);
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

/** What is typed beats what is exported; native code reads the environment for itself.
 * @param {Flags} flags */
function settleEnvironment(flags) {
  if (flags.token !== undefined) {
    warn('--token shows in the list of processes; TELEMETRY_TOKEN does not');
    delete process.env.TELEMETRY_TOKEN;
  }
  if (flags.endpoint !== undefined) delete process.env.TELEMETRY_ENDPOINT;
}

/**
 * Run a command with a client on an existing directory.
 * @template T
 * @param {Flags} flags
 * @param {(client: Client) => Promise<T> | T} use
 * @returns {Promise<T>}
 */
async function withClient(flags, use) {
  const { app, directory } = locate(flags);
  mustExist(directory, app);
  settleEnvironment(flags);
  const client = /** @type {Client} */ (open({
    app,
    directory,
    mode: 'manual',
    notice: 'none',
    inspect: true,
    endpoint: flags.endpoint,
    token: flags.token,
    schema: flags.schema,
    requireNative: true,
  }));
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

module.exports = { withClient };
