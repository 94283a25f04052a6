'use strict';
// The demo's last word: the balance of every event, and the first queries.

/**
 * @param {string[]} head
 * @param {(string | number)[][]} rows
 */
function table(head, rows) {
  const cells = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const numeric = head.map((_, column) => rows.every((row) => typeof row[column] === 'number'));
  return cells.map((row) => row
    .map((cell, column) => (numeric[column] ? cell.padStart(widths[column]) : cell.padEnd(widths[column])))
    .join('  ').trimEnd()).join('\n');
}

/**
 * @param {object} input
 * @param {any} input.status  The client's own status after recovery: it counts what a killed process did.
 * @param {{kept: number, stored: number, duplicates: number, lost: number}} input.result
 * @param {any} input.stats
 * @param {boolean} input.json
 * @returns {boolean} whether everything kept is stored, once
 */
function report({ status, result, stats, json }) {
  const dropped = Object.fromEntries(Object.entries(status.dropped).filter(([, n]) => Number(n) > 0));
  const balance = {
    emitted: status.emitted, kept: result.kept, stored: stats.events.total,
    duplicates: result.duplicates, lost: result.lost,
  };
  if (json) {
    console.log(JSON.stringify({ ...balance, dropped }));
  } else {
    console.log(`\n${table(['what', 'events'], [
      ['emitted', balance.emitted],
      ['kept', balance.kept],
      ...Object.entries(dropped).map(([reason, n]) => [`dropped: ${reason}`, Number(n)]),
      ['stored', balance.stored],
      ['duplicates', balance.duplicates],
      ['lost', balance.lost],
    ])}`);
    queries(stats);
    console.log(`\n${Object.entries(balance).map(([key, value]) => `${key}=${value}`).join(' ')}`);
  }
  const droppedTotal = Object.values(dropped).reduce((sum, n) => sum + Number(n), 0);
  if (balance.emitted - droppedTotal !== balance.kept) {
    console.error(`the client counts ${balance.emitted} emitted and ${droppedTotal} dropped, the witness ${balance.kept} kept: they differ`);
    return false;
  }
  return balance.lost === 0 && balance.duplicates === 0 && balance.stored === balance.kept && balance.kept > 0;
}

/** @param {any} stats */
function queries(stats) {
  console.log(`\nEvents by type\n${table(['type', 'events'],
    stats.events.by_type.map((/** @type {any} */ row) => [row.type, row.count]))}`);
  console.log(`\nApprovals by model\n${table(['model', 'approved', 'rejected'],
    stats.approvals_by_model.map((/** @type {any} */ row) => [row.model, row.approved, row.rejected]))}`);
  console.log(`\np95 by tool\n${table(['tool', 'calls', 'p95 ms'],
    stats.tools.map((/** @type {any} */ row) => [row.tool, row.count, row.p95_ms]))}`);
}

module.exports = { report, table };
