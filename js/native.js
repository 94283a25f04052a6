'use strict';
// Finds the addon. No install script compiles anything: where no binary fits, the API still loads,
// says why, and does nothing.

const path = require('node:path');

/**
 * A client's handle is its emit function: native code finds the client behind it.
 * @typedef {() => void} Handle
 *
 * @typedef {object} Native
 * @property {(optionsJson: string, schemaJson: string, origin: string) => {emit: Handle, area: ArrayBuffer, schema: string}} open
 *   origin names the schema's source in error sentences; schema: JSON, as of describeSchema
 * @property {(schemaJson: string, origin: string) => string} describeSchema
 * @property {(handle: Handle) => Promise<string>} flush
 * @property {(handle: Handle) => Promise<string>} upload
 * @property {(handle: Handle) => Promise<string>} purge
 * @property {(handle: Handle, optionsJson: string) => Promise<string>} configure
 * @property {(handle: Handle, enabled: boolean, fromHost: boolean) => Promise<string>} setEnabled
 * @property {(handle: Handle, level: string, fromHost: boolean) => Promise<string>} setLevel
 * @property {(handle: Handle, on: boolean) => Promise<string>} setGdpr
 * @property {(handle: Handle) => Promise<string>} acknowledgeNotice
 * @property {(handle: Handle, dryRun: boolean, sinceUnixMs: number, file: string) => Promise<string>} uploadWith
 * @property {(handle: Handle, path: string, sinceUnixMs: number) => Promise<string>} export
 * @property {(handle: Handle, mode: string) => Promise<string>} setMode
 * @property {(handle: Handle, limit: number) => string} ledger
 * @property {(directory: string) => string} verifyLedger
 * @property {(handle: Handle) => boolean} enabled
 * @property {(handle: Handle, on: boolean, fromHost: boolean) => Promise<string>} setFullContent
 * @property {(handle: Handle) => boolean} fullContent
 * @property {(handle: Handle, ids: string[], keys: Uint8Array) => void} setKeys  keys: 32 bytes each
 * @property {(handle: Handle) => string} status
 * @property {(handle: Handle) => string} preview
 * @property {(handle: Handle, sinceUnixMs: number) => string} stats
 * @property {() => string} settings
 * @property {(app: string) => string} dataDirectory
 * @property {(text: string) => string} redactText
 * @property {(directory: string) => string} inspect
 * @property {(optionsJson: string, schemaHash: string) => Promise<string>} probe
 * @property {(handle: Handle, type: string, payloadJson: string, correlationId: string) => number} emitJson
 * @property {(handle: Handle) => void} close
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
  // The package has no build/: in a checkout, what was built from these sources is what is used and tested.
  return [
    path.join(ROOT, 'build', 'addon', 'candor.node'),
    path.join(ROOT, 'prebuilds', `${process.platform}-${process.arch}`, 'candor.node'),
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
