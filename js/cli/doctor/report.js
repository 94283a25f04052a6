'use strict';
// Checks of what the client itself reports: consent, trouble, settings file, losses, vault, schema, ledger.

const { readSchema } = require('../../options');
const { expiredEvents } = require('../../schema/expiry');
const { readModel } = require('../../schema/model');
const { whatIsWrong } = require('../ledger');
const { count } = require('../terminal');
const { ok, skip, warn, fail, stop } = require('./finding');

/** @typedef {import('./finding').Finding} Finding */
/** @typedef {Record<string, any>} Report */

/** What to do about each reason for which events were not kept, or not sent. @type {Record<string, string>} */
const LOSSES = {
  disabled: 'Emitted while telemetry was off: as it should be.',
  level: 'Above the privacy level: as it should be; candor level shows what is chosen.',
  sampled: 'Left out by the schema\'s sampling: as it should be.',
  unknown_event: 'The app emits an event type that is not in its schema: add it there, or correct the name. NODE_DEBUG=candor names it.',
  bad_payload: 'The app emits something that is no object of fields: NODE_DEBUG=candor names the event.',
  too_large: 'A payload is over its limit: send less in one event.',
  journal_full: 'Events come faster than they are written, or the disk is full: raise journalMaxBytes, or make room.',
  closed: 'Emitted after close.',
  failed: 'A failure of Candor itself: please report it, with candor debug-bundle.',
  disk_low: 'Less than minFreeDiskBytes were free: make room.',
  spool_full: 'More waited than spoolMaxBytes allows: see why uploads do not get through, or raise it.',
  expired: 'Waited longer than retentionDays: see why uploads do not get through.',
  refused: 'The collector refused them for good: compare its schema with the app\'s.',
  corrupt: 'Damaged on disk: check the disk, and whether somebody else writes in the directory.',
  purged: 'Deleted because somebody asked for it, or turned telemetry off.',
  key_lost: 'Encrypted, and the key never came back: see where the app keeps its keys.',
};

/** Losses that are what somebody wanted. */
const WANTED = ['disabled', 'level', 'sampled', 'purged', 'closed'];

/** @param {Report} status @returns {Finding[]} */
function losses({ dropped = {} }) {
  const found = Object.entries(dropped).filter(([, n]) => Number(n) > 0).map(([reason, n]) => {
    const text = `${count(Number(n), 'event')} not kept: ${reason}.`;
    const todo = LOSSES[reason] ?? 'See docs/status.md.';
    return WANTED.includes(reason) ? { .../** @type {Finding} */ (ok('losses', text)), todo } : warn('losses', text, todo);
  });
  return found.length > 0 ? found : [ok('losses', 'No event was lost.')];
}

/** @param {Report} status @returns {Finding[]} */
function consent(status) {
  const found = [ok('consent', `Telemetry is ${status.enabled ? 'on' : 'off'}: ${status.reason}`)];
  if (status.stored?.choice === 'unreadable') {
    found.push(fail('consent', 'The stored choice cannot be read, and counts as off.', 'Choose again: candor on, or candor off.'));
  }
  if (status.notice?.waiting) {
    found.push(warn('notice', 'Uploads wait until people have seen the notice.', 'The app has to show it; or read it with candor notice.'));
  }
  return found;
}

/** What the client says of encrypted batches is no trouble of the app's, which has the keys. */
const LOCKED = /encrypted with a key that is not set/;

/** @param {Report} status @returns {Finding[]} */
function trouble(status) {
  const found = [];
  if (status.worker?.error && !LOCKED.test(status.worker.error)) found.push(fail('directory', stop(status.worker.error), 'Mend it: until then events may not reach the disk.'));
  if (status.last_upload?.error) found.push(warn('upload', `The last upload failed at ${status.last_upload.at}: ${stop(status.last_upload.error)}`, 'Events wait; the checks of endpoint and token say more.'));
  else if (status.last_upload) found.push(ok('upload', `The last upload succeeded at ${status.last_upload.at}.`));
  return found;
}

/** @param {Report} status @returns {Finding[]} */
function settingsFile({ config }) {
  if (!config) return [ok('settings', 'There is no telemetry.toml.')];
  if (config.error) return [fail('settings', stop(config.error), 'Correct the file: until then telemetry is silent.')];
  const waits = config.needs_restart ?? [];
  if (waits.length > 0) return [warn('settings', `Set in ${config.file}, but not in force yet: ${waits.join(', ')}.`, 'Restart the app.')];
  return [ok('settings', `${config.file} sets ${config.sets.length > 0 ? config.sets.join(', ') : 'nothing'}.`)];
}

/** @param {Report} status @returns {Finding[]} */
function vault({ vault: held }) {
  if (held === undefined) return [];
  if (!held.locked) return [ok('vault', held.pending ? `${count(held.pending, 'attachment')} waiting.` : 'No full content waits.')];
  return [warn('vault', `${count(held.locked, 'attachment')} cannot be opened here: no key is set.`,
    'Usual for the command line, which has no keys: the app sends them. When it does not, its key is lost; candor content off deletes them.')];
}

/** @param {string | undefined} file  --schema @param {number} now @returns {Finding[]} */
function expiry(file, now) {
  const { text, origin } = readSchema(file);
  const expired = expiredEvents(readModel(text, origin), text, origin, new Date(now).toISOString().slice(0, 10));
  return expired.map((sentence) => warn('schema', stop(sentence)));
}

/** @param {Report | undefined} verified  what verifyLedger gave @returns {Finding[]} */
function ledger(verified) {
  if (verified === undefined) return [skip('ledger', 'Not checked.')];
  if (verified.ok) return [ok('ledger', `${count(verified.entries, 'entry', 'entries')}, each follows the one before it.`)];
  return [fail('ledger', stop(whatIsWrong(verified).replace(/^t/, 'T')),
    'Somebody has changed ledger.jsonl, or the disk is damaged.')];
}

module.exports = { consent, trouble, settingsFile, losses, vault, expiry, ledger, LOSSES };
