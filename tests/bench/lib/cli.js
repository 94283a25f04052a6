'use strict';
// What every benchmark's command line shares: options with a help made from one table, progress on
// stderr, and exactly one JSON object or one table on stdout.
const os = require('node:os');
const { parseArgs } = require('node:util');

/**
 * @typedef {object} Option
 * @property {string} name
 * @property {'boolean' | 'number' | 'string'} type
 * @property {string} doc
 * @property {string | number} [default]
 * @property {string[]} [values]  The only strings allowed.
 * @property {number} [min]
 * @property {number} [max]
 */

const COMMON = [
  { name: 'json', type: 'boolean', doc: 'print one JSON object instead of a table' },
  { name: 'help', type: 'boolean', doc: 'print this and exit' },
];

function helpText(command, summary, options) {
  const lines = options.map((option) => {
    const value = option.type === 'boolean' ? '' : ` ${option.values?.join('|') ?? (option.type === 'string' ? 'FILE' : 'N')}`;
    const fallback = option.default === undefined ? '' : ` (default ${option.default})`;
    return `  ${`--${option.name}${value}`.padEnd(26)} ${option.doc}${fallback}`;
  });
  return `usage: ${command} [options]\n\n${summary}\n\n${lines.join('\n')}\n`;
}

function numberOf(option, text) {
  const value = Number(text);
  const { min = 1, max = 1e9 } = option;
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new Error(`--${option.name} takes a whole number from ${min} to ${max}, not "${text}"`);
  }
  return value;
}

function valueOf(option, text) {
  if (text === undefined) return option.type === 'boolean' ? false : option.default;
  if (option.type === 'number') return numberOf(option, text);
  if (option.values && !option.values.includes(text)) {
    throw new Error(`--${option.name} takes ${option.values.join(' or ')}, not "${text}"`);
  }
  return text;
}

/**
 * Read the command line; prints help or one sentence and ends the process when there is nothing to run.
 * @param {string} command
 * @param {string} summary
 * @param {Option[]} own
 */
function parseCommand(command, summary, own) {
  const options = [...own, ...COMMON];
  const spec = Object.fromEntries(
    options.map((option) => [option.name, { type: option.type === 'boolean' ? 'boolean' : 'string' }]));
  try {
    const { values } = parseArgs({ options: spec, allowPositionals: false });
    if (values.help) {
      process.stdout.write(helpText(command, summary, options));
      process.exit(0);
    }
    return Object.fromEntries(options.map((option) => [option.name, valueOf(option, values[option.name])]));
  } catch (error) {
    process.stderr.write(`${command}: ${error.message}; --help lists the options\n`);
    process.exit(2);
  }
}

/** Progress for people; never part of the result. */
function progress(text) {
  process.stderr.write(`${text}\n`);
}

/** What a figure was measured on; figures without it mean nothing. */
function machine() {
  return { cores: os.availableParallelism(), node: process.version, arch: process.arch, platform: process.platform };
}

/** Columns padded to their widest cell, figures to the right; a column without a title is text. */
function table(header, rows) {
  const cells = [header, ...rows].map((row) => row.map((cell) => String(cell)));
  const widths = header.map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const line = (row) => row
    .map((cell, column) => (column === 0 || header[column] === ''
      ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
    .join('  ').trimEnd();
  return [line(cells[0]), widths.map((width) => '-'.repeat(width)).join('  '), ...cells.slice(1).map(line)]
    .join('\n');
}

/** Run a benchmark: its result goes to stdout, a failure becomes one sentence and exit code 1. */
async function runMain(command, options, measure, describe) {
  try {
    const result = await measure(options);
    const text = options.json ? JSON.stringify(result) : describe(result);
    process.stdout.write(`${text}\n`);
  } catch (error) {
    process.stderr.write(`${command}: ${process.env.CANDOR_BENCH_DEBUG ? error.stack : error.message}\n`);
    process.exitCode = 1;
  }
}

module.exports = { machine, parseCommand, progress, runMain, table };
