'use strict';

const { line, json, table } = require('./terminal');
const { parseSince } = require('./since');
const { withClient } = require('./spool');

/** @param {{since: string, types: {type: string, kept: number, sent: number}[]}} report */
function print(report) {
  if (report.types.length === 0) {
    line(`Nothing was kept since ${report.since}.`);
    return;
  }
  line(`Since ${report.since}:`);
  table(['event type', 'kept', 'sent'], report.types.map((row) => [row.type, row.kept, row.sent]));
}

/** @param {import('./spool').Flags} flags */
async function stats(flags) {
  const since = parseSince(flags.since ?? '24h', Date.now());
  return withClient(flags, (client) => {
    const report = client.stats(since);
    if (flags.json) json(report);
    else print(/** @type {Parameters<typeof print>[0]} */ (report));
  });
}

module.exports = { stats };
