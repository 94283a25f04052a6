'use strict';
// Finds the addon. No install script compiles anything: where no binary fits, the API still loads,
// says why, and does nothing.

const path = require('node:path');

/**
 * A client's handle is its emit function: native code finds the client behind it.
 * @typedef {() => void} Handle
 *
 * @typedef {object} Native
 * @property {(optionsJson: string, schemaJson: string) => {emit: Handle, area: ArrayBuffer}} open
 * @property {(schemaJson: string, origin: string) => string} describeSchema
 * @property {(handle: Handle) => Promise<string>} flush
 * @property {(handle: Handle) => Promise<string>} upload
 * @property {(handle: Handle) => Promise<string>} purge
 * @property {(handle: Handle, enabled: boolean, fromHost: boolean) => Promise<string>} setEnabled
 * @property {(handle: Handle) => boolean} enabled
 * @property {(handle: Handle) => string} status
 * @property {(handle: Handle) => string} preview
 * @property {(handle: Handle, sinceUnixMs: number) => string} stats
 * @property {() => string} settings
 * @property {(app: string) => string} dataDirectory
 * @property {(handle: Handle, type: string, payloadJson: string, correlationId: string) => number} emitJson
 * @property {(handle: Handle, timeoutMs: number) => void} close
 * @property {readonly string[]} results  names of what area[0] says after emit
 */

const ROOT = path.join(__dirname, '..');

/** An app that was packaged runs what it was packaged with: its environment is not the place to name code. */
function isPackaged() {
  return process.versions.electron !== undefined && Boolean(/** @type {any} */ (process).resourcesPath);
}

/** Where the binary may be, best first. CANDOR_ADDON names the only place to look. */
function candidates() {
  if (process.env.CANDOR_ADDON && !isPackaged()) return [path.resolve(process.env.CANDOR_ADDON)];
  return [
    path.join(ROOT, 'prebuilds', `${process.platform}-${process.arch}`, 'candor.node'),
    path.join(ROOT, 'build', 'addon', 'candor.node'),
  ];
}

/** @type {{native: Native | null, reason: string} | undefined} */
let loaded;

/** @returns {{native: Native | null, reason: string}} reason: why there is none */
function load() {
  if (loaded !== undefined) return loaded;
  const tried = candidates();
  let reason = `no native binary for ${process.platform}-${process.arch} (looked for ${tried.join(', ')})`;
  for (const file of tried) {
    try {
      loaded = { native: require(file), reason: '' };
      return loaded;
    } catch (error) {
      const failure = /** @type {NodeJS.ErrnoException} */ (error);
      // A missing file is expected; a present one that does not load is the thing to tell.
      if (failure.code !== 'MODULE_NOT_FOUND') reason = `cannot load ${file}: ${failure.message}`;
    }
  }
  loaded = { native: null, reason };
  return loaded;
}

module.exports = { load };
