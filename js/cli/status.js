'use strict';

const { line, json, table, count, size, printable, yellow } = require('./terminal');
const { explain, printExplained } = require('./explain');
const { sayState } = require('./consent');
const { withClient } = require('./spool');

/** What was chosen beside on and off; silent about what nobody has touched. @param {Record<string, any>} status */
function printChoices(status) {
  if (status.gdpr) line(yellow('GDPR mode  on: nothing is recorded, and nothing is kept here'));
  if (status.level !== undefined) line(`Level       ${printable(status.level)}`);
  if (status.stored?.mode) line(`Mode        ${printable(status.stored.mode)}`);
  if (status.full_content?.enabled) line(yellow('Content     full content is recorded, encrypted'));
  if (status.notice?.waiting) line(yellow('Notice      uploads wait until the app has shown its notice, or: candor notice'));
}

/** @param {Record<string, any>} status */
function printVault(status) {
  const { vault } = status;
  if (!vault?.pending && !vault?.locked) return;
  line(`Vault       ${count(vault.pending, 'attachment')}, ${size(Number(vault.bytes ?? 0))}${vault.locked ? `, ${vault.locked} locked` : ''}`);
}

/** @param {Record<string, any>} status */
function print(status) {
  sayState(status);
  printChoices(status);
  line(`Directory   ${printable(status.directory ?? '')}`);
  line(`Collector   ${printable(status.endpoint ?? 'none: events stay on this machine')}`);
  const spool = status.spool ?? {};
  line(`Waiting     ${count(spool.events ?? 0, 'event')} in ${count(spool.batches ?? 0, 'batch', 'batches')}, ` +
    `${count(status.pending_journal ?? 0, 'event')} not batched yet`);
  line(`Sent        ${count(status.sent?.events ?? 0, 'event')} in ${count(status.sent?.batches ?? 0, 'batch', 'batches')}`);
  printVault(status);
  if (spool.quarantined) line(`Quarantine  ${count(spool.quarantined, 'file')}`);
  if (status.last_upload?.error) line(yellow(`Last upload failed: ${printable(status.last_upload.error)}`));
  if (status.worker?.error) line(yellow(`Trouble: ${printable(status.worker.error)}`));
  if (status.config?.error) line(yellow(`Settings file: ${printable(status.config.error)}`));
  const dropped = Object.entries(status.dropped ?? {}).filter(([, n]) => Number(n) > 0);
  if (dropped.length > 0) {
    line('');
    table(['not kept because', 'events'], dropped.map(([why, n]) => [why, Number(n)]));
  }
}

/** @param {import('./spool').Flags} flags */
async function status(flags) {
  return withClient(flags, (client, { directory }) => {
    const report = client.status();
    const explained = flags.explain ? explain(report, directory, flags.endpoint) : undefined;
    if (flags.json) return json(explained === undefined ? report : { ...report, explain: explained });
    print(report);
    if (explained !== undefined) printExplained(explained);
  });
}

module.exports = { status };
