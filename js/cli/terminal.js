'use strict';

/** Ends a command with a sentence on stderr and an exit code. */
class CliError extends Error {
  /** @param {string} message @param {number} [exitCode] */
  constructor(message, exitCode = EXIT.failed) {
    super(message);
    this.name = 'CliError';
    this.exitCode = exitCode;
  }
}

const EXIT = Object.freeze({ ok: 0, failed: 1, usage: 2 });

/** Colours for people only: https://no-color.org. @param {NodeJS.WriteStream} stream */
function coloured(stream) {
  return Boolean(stream.isTTY) && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
}

/** @param {number} code @returns {(text: string) => string} */
function paint(code) {
  return (text) => (coloured(process.stdout) ? `\u001b[${code}m${text}\u001b[0m` : text);
}

/** Control characters of a foreign file must not steer the terminal. @param {unknown} value */
function printable(value) {
  return String(value).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd');
}

/** For text made of our own words, colours included, and printable() parts. @param {string} text */
function line(text) {
  process.stdout.write(`${text}\n`);
}

/** @param {unknown} value */
function json(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** @param {string} text */
function warn(text) {
  process.stderr.write(`candor: ${printable(text)}\n`);
}

/** Columns as wide as their widest cell; numbers to the right. @param {string[]} head @param {(string | number)[][]} rows */
function table(head, rows) {
  const cells = [head, ...rows.map((row) => row.map(printable))];
  const widths = head.map((_, i) => Math.max(...cells.map((row) => row[i].length)));
  cells.forEach((row, at) => {
    const text = row.map((cell, i) => {
      const number = at > 0 && typeof rows[at - 1][i] === 'number';
      return number ? cell.padStart(widths[i]) : cell.padEnd(widths[i]);
    }).join('  ').trimEnd();
    line(at === 0 ? paint(2)(text) : text);
  });
}

/** @param {number} n @param {string} one @param {string} [many] */
function count(n, one, many = `${one}s`) {
  return `${n} ${n === 1 ? one : many}`;
}

module.exports = {
  CliError, EXIT, line, json, warn, table, count, printable,
  green: paint(32), yellow: paint(33), bold: paint(1),
};
