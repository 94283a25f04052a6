'use strict';
// The files of an app's telemetry directory, by the names that Candor gives them; others are left alone.

const fs = require('node:fs');
const path = require('node:path');

/**
 * @typedef {object} Entry
 * @property {string} name  relative to the directory, with "/"
 * @property {boolean} directory
 * @property {number} size  bytes
 * @property {number} mode  permission bits
 * @property {number} uid
 * @property {number} mtimeMs
 */

const FOLDERS = ['journal', 'spool', 'quarantine', 'sent', 'vault', 'rollup'];
const OURS = /^(consent|salt|(leader|rollup)\.lock|telemetry\.toml|state\.db(-wal|-shm)?|ledger(\.1)?\.jsonl)$/;
/** A spool has thousands at most; somebody else's folder may have anything. */
const ENTRIES_MAX = 20000;

/** @param {string} directory @param {string} name @returns {Entry | undefined} undefined: it went away meanwhile */
function look(directory, name) {
  try {
    const at = fs.lstatSync(path.join(directory, name));
    return { name: name.replaceAll(path.sep, '/'), directory: at.isDirectory(), size: at.size, mode: at.mode & 0o777, uid: at.uid, mtimeMs: at.mtimeMs };
  } catch {
    return undefined;
  }
}

/** @param {string} directory @returns {string[]} */
function namesIn(directory) {
  try {
    return fs.readdirSync(directory).sort();
  } catch {
    return [];
  }
}

/** @param {string} directory @returns {Entry[]} */
function listFiles(directory) {
  const names = [''];
  for (const name of namesIn(directory)) {
    if (FOLDERS.includes(name)) names.push(name, ...namesIn(path.join(directory, name)).map((inner) => path.join(name, inner)));
    else if (OURS.test(name)) names.push(name);
  }
  const entries = names.slice(0, ENTRIES_MAX).map((name) => look(directory, name));
  return /** @type {Entry[]} */ (entries.filter((entry) => entry !== undefined));
}

/** Bytes of a gzip header that hold its comment, by far. */
const HEAD_BYTES = 1024;

/**
 * What a spool file's gzip header says of it: "schema=HASH events=N ...", RFC 1952's FCOMMENT.
 * @param {string} file
 * @returns {string | undefined}
 */
function gzipComment(file) {
  const head = Buffer.alloc(HEAD_BYTES);
  const fd = fs.openSync(file, 'r');
  try {
    const got = head.subarray(0, fs.readSync(fd, head, 0, HEAD_BYTES, 0));
    const [FEXTRA, FNAME, FCOMMENT] = [4, 8, 16];
    if (got.length < 10 || got[0] !== 0x1f || got[1] !== 0x8b || (got[3] & FCOMMENT) === 0) return undefined;
    let at = 10;
    if (got[3] & FEXTRA) at += 2 + got.readUInt16LE(at);
    if (got[3] & FNAME) at = got.indexOf(0, at) + 1;
    const end = got.indexOf(0, at);
    return end < at ? undefined : got.toString('latin1', at, end);
  } catch {
    return undefined;
  } finally {
    fs.closeSync(fd);
  }
}

module.exports = { listFiles, gzipComment };
