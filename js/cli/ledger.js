'use strict';

const index = require('../index');
const { CliError, EXIT, line, json, table, count, green } = require('./terminal');
const { withClient, locateExisting } = require('./spool');

/** @typedef {import('./spool').Flags} Flags */

const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 1000;

/** @param {string | undefined} text */
function parseLimit(text) {
  if (text === undefined) return LIMIT_DEFAULT;
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > LIMIT_MAX) throw new CliError(`--limit takes 1 to ${LIMIT_MAX} entries, not "${text}"`, EXIT.usage);
  return limit;
}

/** @param {import('../calls').Report} result  of verifyLedger, not ok */
function whatIsWrong({ broken_at: at, error }) {
  return at === null ? `the ledger cannot be proved: ${error}` : `the ledger is broken at entry ${at}: ${error}`;
}

/** Whether nobody has changed what was written down. @param {Flags} flags */
async function verify(flags) {
  const { directory } = locateExisting(flags);
  const result = index.verifyLedger(directory);
  if (flags.json) json(result);
  if (!result.ok) {
    throw new CliError(whatIsWrong(result));
  }
  if (!flags.json) line(green(`The ledger is whole: ${count(result.entries, 'entry', 'entries')}, each follows the one before it.`));
}

/** @param {Record<string, any>} entry */
function row(entry) {
  return [entry.seq, entry.at, entry.events, entry.bytes, entry.http, entry.consent ?? '', entry.batch_id ?? entry.package_id ?? '', String(entry.sha256 ?? '').slice(0, 16)];
}

/** What was sent, when, with which consent. @param {Flags} flags */
async function ledger(flags) {
  if (flags.verify) {
    if (flags.limit !== undefined) throw new CliError('--verify looks at every entry: it takes no --limit', EXIT.usage);
    return verify(flags);
  }
  const limit = parseLimit(flags.limit);
  return withClient(flags, (client) => {
    const entries = client.ledger({ limit });
    if (flags.json) return json({ entries });
    if (entries.length === 0) return line('Nothing was sent yet.');
    table(['entry', 'sent at', 'events', 'bytes', 'http', 'consent', 'batch', 'sha256'], entries.map(row));
  });
}

module.exports = { ledger, whatIsWrong };
