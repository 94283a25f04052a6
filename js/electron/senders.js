'use strict';
// Who may talk to the main process: pages of the app itself, in a window's top frame. A window that was
// navigated elsewhere keeps its preload, and with it window.telemetry.

const path = require('node:path');
const { fileURLToPath } = require('node:url');
const { TelemetryError } = require('../errors');

/**
 * Of Electron's types what is looked at.
 * @typedef {object} Frame
 * @property {string} url
 * @property {Frame | null} [parent]
 *
 * @typedef {object} WebContents
 * @property {(channel: string, ...args: unknown[]) => void} send
 * @property {() => boolean} isDestroyed
 * @property {Frame} mainFrame
 * @property {(event: 'destroyed', listener: () => void) => unknown} once
 *
 * @typedef {object} IpcEvent
 * @property {WebContents} sender
 * @property {Frame | null} senderFrame
 *
 * @typedef {object} SenderOptions
 * @property {string[]} [allowedOrigins]  'https://app.example.com', 'app://bundle', or the absolute path or file URL of a page or a folder of pages
 * @property {(event: IpcEvent) => boolean} [isAllowedSender]  decides instead
 */

const NEEDED = 'registerTelemetry needs to know its pages: allowedOrigins: [path.join(__dirname, "renderer")] or isAllowedSender: (event) => boolean';

/** @param {string} problem */
function invalid(problem) {
  return new TelemetryError(problem, 'ERR_CANDOR_INVALID_OPTION');
}

/** Node says "null" of the schemes that an app registers. @param {URL} url */
function originOf(url) {
  return `${url.protocol}//${url.host}`;
}

/** @param {string} file */
function comparable(file) {
  const plain = path.resolve(file);
  return process.platform === 'win32' ? plain.toLowerCase() : plain;
}

/**
 * @param {unknown} entry
 * @returns {(url: URL) => boolean}
 */
function matcher(entry) {
  if (typeof entry !== 'string' || entry === '') throw invalid('allowedOrigins must be a list of origins, paths or file URLs');
  let file = path.isAbsolute(entry) ? entry : undefined;
  if (file === undefined) {
    /** @type {URL} */
    let url;
    try {
      url = new URL(entry);
    } catch {
      throw invalid(`allowedOrigins: "${entry}" is no origin such as https://app.example.com and no absolute path`);
    }
    if (url.protocol !== 'file:') {
      if (url.host === '') throw invalid(`allowedOrigins: "${entry}" has no host`);
      return (page) => originOf(page) === originOf(url);
    }
    file = fileURLToPath(url);
  }
  const allowed = comparable(file);
  if (path.dirname(allowed) === allowed) throw invalid(`allowedOrigins: "${entry}" would allow every file; name the folder of the app's pages`);
  return (page) => {
    if (page.protocol !== 'file:') return false;
    const shown = comparable(fileURLToPath(page)); // throws for an encoded separator: refused
    return shown === allowed || shown.startsWith(allowed + path.sep);
  };
}

/**
 * @param {SenderOptions} options
 * @returns {(event: IpcEvent) => boolean}  never throws
 */
function senderCheck({ allowedOrigins, isAllowedSender }) {
  if (isAllowedSender !== undefined) {
    if (typeof isAllowedSender !== 'function') throw invalid('isAllowedSender must be a function');
    return (event) => {
      try {
        return isAllowedSender(event) === true;
      } catch {
        return false;
      }
    };
  }
  if (!Array.isArray(allowedOrigins) || allowedOrigins.length === 0) throw invalid(NEEDED);
  const matchers = allowedOrigins.map(matcher);
  return (event) => {
    try {
      const frame = event.senderFrame; // null: the frame is gone or was navigated while the message came
      if (!frame || frame.parent) return false;
      const url = new URL(frame.url);
      return matchers.some((matches) => matches(url));
    } catch {
      return false;
    }
  };
}

module.exports = { senderCheck };
