'use strict';
// Checks of what lies on the disk, before a client opens and tidies up.

const fs = require('node:fs');
const path = require('node:path');
const { count, size } = require('../terminal');
const { gzipComment } = require('../files');
const { ok, skip, warn, fail, stop } = require('./finding');

/** @typedef {import('../files').Entry} Entry */
/** @typedef {import('./finding').Finding} Finding */

const OTHERS = 0o077;
const SHOWN = 3;
const MINUTE_MS = 60e3;
/** Files are written with the time of the clock that the app has: less is a matter of its resolution. */
const AHEAD_MS = 5 * MINUTE_MS;
/** No clock that is right says less. */
const EARLIEST_MS = Date.UTC(2026, 0, 1);

/** @param {Entry[]} entries */
function names(entries) {
  const more = entries.length > SHOWN ? ` and ${entries.length - SHOWN} more` : '';
  return entries.slice(0, SHOWN).map((entry) => entry.name || 'the directory itself').join(', ') + more;
}

/** @param {string} directory @param {Entry[]} entries @returns {Finding[]} */
function permissions(directory, entries) {
  if (typeof process.getuid !== 'function') return [skip('permissions', 'This system has no permission bits to look at.')];
  const uid = process.getuid();
  const foreign = entries.filter((entry) => entry.uid !== uid);
  const open = entries.filter((entry) => (entry.mode & OTHERS) !== 0 && entry.name !== 'telemetry.toml');
  const found = [];
  if (foreign.length > 0) {
    found.push(fail('permissions', `Not yours: ${names(foreign)}.`,
      `Run the app and candor as the same user, or give it back: chown -R "$(id -un)" "${directory}"`));
  }
  if (open.length > 0) {
    found.push(fail('permissions', `Other users may read or write: ${names(open)}.`,
      `chmod -R go= "${directory}"`));
  }
  return found.length > 0 ? found : [ok('permissions', `${count(entries.length, 'file and folder', 'files and folders')}, for you alone.`)];
}

/** @param {string} directory @param {number} needed  bytes @returns {Finding[]} */
function disk(directory, needed) {
  let free;
  try {
    const at = fs.statfsSync(directory);
    free = at.bavail * at.bsize;
  } catch (error) {
    return [warn('disk', `The free space cannot be read: ${stop(/** @type {Error} */ (error).message)}`)];
  }
  const text = `${size(free)} are free; batches are written while there are more than ${size(needed)} (minFreeDiskBytes).`;
  if (free <= needed) return [fail('disk', text, 'Make room, or lower the option minFreeDiskBytes: events are dropped once the journal is full.')];
  return [free < 2 * needed ? warn('disk', text, 'Make room before it is too late.') : ok('disk', text)];
}

/** @param {Entry[]} entries @param {number} now @returns {Finding[]} */
function clockJump(entries, now) {
  const newest = Math.max(0, ...entries.map((entry) => entry.mtimeMs));
  if (now < EARLIEST_MS) {
    return [fail('clock', `The clock says ${new Date(now).toISOString()}, which cannot be.`, 'Set the clock; events carry its time.')];
  }
  if (newest <= now + AHEAD_MS) return [ok('clock', 'No file is from the future.')];
  return [warn('clock', `The newest file was written ${Math.round((newest - now) / MINUTE_MS)} minutes from now: the clock was ahead, or was set back.`,
    'Check the clock and its time server; files from the future are kept longer than they should be.')];
}

/** @param {{segments: {name: string, alive: boolean}[], uploading: boolean}} held @returns {Finding[]} */
function processes({ segments, uploading }) {
  const alive = segments.filter((segment) => segment.alive).length;
  const dead = segments.length - alive;
  const text = alive === 0 ? 'No process records here now.' : `Processes that record here now hold ${count(alive, 'journal')}.`;
  const found = [ok('processes', text + (uploading ? ' One is uploading.' : ''))];
  if (dead > 0) {
    found.push(warn('journal', `${count(dead, 'journal')} of processes that ended without closing.`,
      'Nothing is lost: the next client of the directory picks them up, as this command just did.'));
  }
  return found;
}

/** @param {Entry[]} entries @returns {Finding[]} */
function quarantine(entries) {
  const files = entries.filter((entry) => entry.name.startsWith('quarantine/'));
  if (files.length === 0) return [ok('quarantine', 'Nothing is in quarantine.')];
  return [warn('quarantine', `${count(files.length, 'file')} in quarantine, damaged or refused for good: ${names(files)}.`,
    'They are deleted when they are as old as retentionDays. Refused: see the collector\'s schema. Damaged: check the disk.')];
}

const DAY_MS = 86400e3;
const UUID7 = /^spool\/([0-9a-f]{8})-([0-9a-f]{4})-7/;

/** When a batch was made: its name is a UUIDv7. @param {Entry} entry */
function madeAt(entry) {
  const match = UUID7.exec(entry.name);
  return match === null ? NaN : parseInt(match[1] + match[2], 16);
}

/** @param {Entry[]} entries @param {number} retentionDays @param {number} now @returns {Finding[]} */
function backlog(entries, retentionDays, now) {
  const made = entries.map(madeAt).filter((at) => !Number.isNaN(at));
  if (made.length === 0) return [ok('backlog', 'No batch waits.')];
  const days = (now - Math.min(...made)) / DAY_MS;
  const text = `${count(made.length, 'batch', 'batches')} waiting, the oldest for ${days < 1 ? 'less than a day' : count(Math.floor(days), 'day')}.`;
  if (days < retentionDays / 2) return [ok('backlog', text)];
  return [warn('backlog', text, `Batches are deleted unsent after ${retentionDays} days (retentionDays): candor upload, or see what keeps uploads from working.`)];
}

/** @param {Entry[]} entries @returns {Finding[]} */
function encrypted(entries) {
  const locked = entries.filter((entry) => UUID7.test(entry.name) && entry.name.endsWith('.enc')).length;
  if (locked === 0) return [];
  return [warn('encryption', `${count(locked, 'batch', 'batches')} encrypted: the command line has no keys, and can neither show nor send them.`,
    'The app sends them once it has set its keys. Without their key they are deleted after retentionDays.')];
}

/** Batches that another schema wrote. @param {string} directory @param {Entry[]} entries @param {string} hash @returns {Finding[]} */
function schemaOfFiles(directory, entries, hash) {
  const spool = entries.filter((entry) => UUID7.test(entry.name));
  let others = 0;
  for (const { name } of spool) {
    let comment;
    try {
      comment = gzipComment(path.join(directory, name));
    } catch {
      continue; // sent or deleted meanwhile
    }
    const used = comment === undefined ? null : / schema=(\S+)/.exec(comment);
    if (used !== null && used[1] !== hash) others++;
  }
  if (others === 0) return [ok('schema', 'What waits was recorded with the schema given.')];
  return [warn('schema', `${count(others, 'batch was', 'batches were')} recorded with another schema than the one given.`,
    'Usual after an update of the app: the collector judges them by its own. Else give the app\'s schema: --schema FILE.')];
}

module.exports = { permissions, disk, clockJump, processes, quarantine, backlog, encrypted, schemaOfFiles };
