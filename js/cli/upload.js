'use strict';
// What leaves the machine, or would: preview, upload, export; and purge, which sees to it that it does not.

const path = require('node:path');
const { CliError, EXIT, line, json, warn, count, size, printable, progress } = require('./terminal');
const { withClient } = require('./spool');
const { optionalSince } = require('./since');
const { parseWindow, isWithin } = require('./window');

/** @typedef {import('./spool').Flags} Flags */
/** @typedef {import('./spool').Client} Client */

const PACKAGE_NAME = 'rc-metrics.json';

/** Exactly the bytes of the next upload. @param {Flags} flags */
async function preview(flags) {
  return withClient(flags, (client) => {
    const text = client.preview();
    if (flags.json) json({ bytes: Buffer.byteLength(text), text });
    else if (text === '') warn('nothing waits to be sent');
    else process.stdout.write(text);
  });
}

/** Options that contradict each other are somebody's mistake. @param {Flags} flags */
function checkUpload(flags) {
  const wrong = (/** @type {string} */ text) => { throw new CliError(text, EXIT.usage); };
  if (flags.from !== undefined && !flags.auto) wrong('--from goes with --auto');
  if (flags.file !== undefined && flags.since !== undefined) wrong('--since chooses among what waits, and --file is a package as it is: give one of them');
  if (flags.file !== undefined && flags['dry-run']) wrong('--dry-run is for what waits, not for --file');
}

/** Why an upload that cron asked for does not take place; undefined: it does.
 * @param {Flags} flags @param {Client} client */
function reasonToSkip(flags, client) {
  if (flags.from !== undefined && !isWithin(parseWindow(flags.from), new Date())) return `it is not ${flags.from} now`;
  const status = client.status();
  if (status.stored?.mode === 'off') return 'the mode is off';
  return status.enabled ? undefined : `telemetry is off: ${status.reason}`;
}

/** @param {Record<string, any>} done */
function printUpload(done) {
  if (done.dry_run) {
    const texts = done.attachments > 0 ? ` and ${count(done.attachments, 'attachment')}` : '';
    line(`Would send ${count(done.batches ?? 0, 'batch', 'batches')} with ${count(done.events ?? 0, 'event')}${texts}, ` +
      `${size(Number(done.bytes ?? 0))} compressed. Nothing was sent.`);
    return;
  }
  const batches = done.uploaded === undefined || done.uploaded === null ? '' : `${count(Number(done.uploaded), 'batch', 'batches')} with `;
  const rest = done.pending === undefined ? '' : `; ${count(done.pending, 'event')} still waiting`;
  line(`Sent ${batches}${count(done.events ?? 0, 'event')}${rest}.`);
}

/** How far an upload is. @param {Client} client */
function uploadProgress(client) {
  return (/** @type {number} */ seconds) => {
    const { spool } = client.status();
    return `sending: ${count(spool?.batches ?? 0, 'batch', 'batches')} to go, ${seconds} s`;
  };
}

/** @param {Flags} flags */
async function upload(flags) {
  checkUpload(flags);
  if (flags.from !== undefined) parseWindow(flags.from);
  const since = optionalSince(flags.since);
  return withClient(flags, async (client) => {
    const skip = flags.auto ? reasonToSkip(flags, client) : undefined;
    if (skip !== undefined) {
      if (flags.json) json({ skipped: skip, uploaded: 0, events: 0 });
      else line(`Nothing uploaded: ${printable(skip)}.`);
      return;
    }
    const file = flags.file === undefined ? undefined : path.resolve(flags.file);
    const options = { dryRun: flags['dry-run'] ?? false, since, file };
    /** @type {Record<string, any>} */
    const done = await progress(client.upload(options), uploadProgress(client));
    if (flags.json) json(done);
    else if (!done.error || done.uploaded) printUpload(done);
    if (done.error) throw new CliError(`upload failed, and nothing that was not sent is lost: ${done.error}`);
  });
}

/** What waits, as one reviewable file. @param {Flags} flags */
async function exportPackage(flags) {
  const since = optionalSince(flags.since);
  const file = path.resolve(flags.output ?? PACKAGE_NAME);
  return withClient(flags, async (client) => {
    const done = await progress(client.export(file, { since }), (seconds) => `writing ${file}, ${seconds} s`);
    if (flags.json) json(done);
    else line(`Wrote ${printable(done.path ?? file)}: ${count(done.events ?? 0, 'event')}, ${size(Number(done.bytes ?? 0))}. ` +
      'What waits is still here; read the file, then: candor upload --file');
  });
}

/** @param {Flags} flags */
async function purge(flags) {
  return withClient(flags, async (client) => {
    const done = await client.purge();
    if (flags.json) json(done);
    else line(`Deleted: ${count(done.purged ?? 0, 'event')}.`);
  });
}

module.exports = { preview, upload, exportPackage, purge };
