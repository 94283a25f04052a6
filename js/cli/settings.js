'use strict';

const { settings: readSettings } = require('../index');
const { json, table } = require('./terminal');
const { needNative } = require('./spool');

/** @param {import('../index').Setting} row */
function bounds(row) {
  if (row.values !== undefined) return row.values.join(' | ');
  return row.type === 'int' ? `${row.min}..${row.max}` : '';
}

/** Every option of open(), as native code checks it. @param {import('./spool').Flags} flags */
async function settings(flags) {
  needNative();
  const rows = readSettings();
  if (flags.json) {
    json(rows);
    return;
  }
  table(['option', 'type', 'default', 'bounds', 'unit', 'environment', 'meaning'], rows.map((row) => [
    row.name, row.type, String(row.default ?? ''), bounds(row), row.unit ?? '', row.env ?? '', row.doc,
  ]));
}

module.exports = { settings };
