'use strict';

const { line, json, table, count, printable, green, yellow, bold } = require('./terminal');
const { withClient } = require('./spool');

/** @param {Record<string, any>} status */
function state(status) {
  return status.enabled ? green('on') : yellow('off');
}

/** @param {Record<string, any>} status */
function print(status) {
  line(`Telemetry is ${bold(state(status))}: ${printable(status.reason ?? status.decided_by)}`);
  line(`Directory   ${printable(status.directory ?? '')}`);
  line(`Collector   ${printable(status.endpoint ?? 'none: events stay on this machine')}`);
  const spool = status.spool ?? {};
  line(`Waiting     ${count(spool.events ?? 0, 'event')} in ${count(spool.batches ?? 0, 'batch', 'batches')}, ` +
    `${count(status.pending_journal ?? 0, 'event')} not batched yet`);
  line(`Sent        ${count(status.sent?.events ?? 0, 'event')} in ${count(status.sent?.batches ?? 0, 'batch', 'batches')}`);
  if (spool.quarantined) line(`Quarantine  ${count(spool.quarantined, 'file')}`);
  if (status.last_upload?.error) line(yellow(`Last upload failed: ${printable(status.last_upload.error)}`));
  if (status.worker?.error) line(yellow(`Trouble: ${printable(status.worker.error)}`));
  const dropped = Object.entries(status.dropped ?? {}).filter(([, n]) => Number(n) > 0);
  if (dropped.length > 0) {
    line('');
    table(['not kept because', 'events'], dropped.map(([why, n]) => [why, Number(n)]));
  }
}

/** @param {import('./spool').Flags} flags */
async function status(flags) {
  return withClient(flags, (client) => {
    const report = client.status();
    if (flags.json) json(report);
    else print(report);
  });
}

/**
 * Store the user's choice, for every process of the directory.
 * @param {import('./spool').Flags} flags @param {boolean} enabled
 */
async function choose(flags, enabled) {
  return withClient(flags, async (client) => {
    const done = await client.setEnabled(enabled, { source: 'user' });
    // Off already, by the environment say: then the choice changed nothing, and what waits still has to go.
    if (!enabled) done.purged = Number(done.purged ?? 0) + Number((await client.purge()).purged ?? 0);
    const report = client.status();
    if (flags.json) {
      json({ choice: enabled ? 'on' : 'off', enabled: report.enabled, decided_by: report.decided_by, reason: report.reason, ...done });
      return;
    }
    line(`Telemetry is ${bold(state(report))}: ${printable(report.reason ?? report.decided_by)}`);
    if (enabled && !report.enabled) line('Your choice is stored; something stronger keeps it off.');
    if (!enabled && typeof done.purged === 'number') line(`Deleted here, unsent: ${done.purged}.`);
  });
}

module.exports = { status, choose };
