'use strict';

const readline = require('node:readline');

/** Ends a command with a sentence on stderr and an exit code. */
class CliError extends Error {
  /** @param {string} message @param {number} [exitCode] */
  constructor(message, exitCode = EXIT.failed) {
    super(message);
    this.name = 'CliError';
    this.exitCode = exitCode;
  }
}

const EXIT = Object.freeze({ ok: 0, failed: 1, usage: 2, problems: 3 });

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

const KIB = 1024;

/** @param {number} n */
function size(n) {
  if (n < KIB) return `${n} B`;
  const power = Math.min(3, Math.floor(Math.log(n) / Math.log(KIB)));
  return `${(n / KIB ** power).toFixed(1)} ${['B', 'KiB', 'MiB', 'GiB'][power]}`;
}

const TICK_MS = 250;

/**
 * While work goes on, say how far it is: on a terminal's stderr, on one line that goes again.
 * @template T
 * @param {Promise<T>} work
 * @param {(seconds: number) => string} text  asked a few times a second
 * @returns {Promise<T>}
 */
async function progress(work, text) {
  if (!process.stderr.isTTY) return work;
  const began = Date.now();
  const timer = setInterval(() => {
    process.stderr.write(`\r\u001b[K${printable(text(Math.round((Date.now() - began) / 1000)))}`);
  }, TICK_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
    process.stderr.write('\r\u001b[K');
  }
}

/** Whether there is somebody to ask. */
function canAsk() {
  return Boolean(process.stdin.isTTY && process.stderr.isTTY);
}

/** Anything but y or yes is a no, the end of the input too. @param {string} question @returns {Promise<boolean>} */
function ask(question) {
  const reader = readline.createInterface({ input: process.stdin, output: process.stderr });
  return new Promise((resolve) => {
    let answer = '';
    reader.once('close', () => resolve(/^y(es)?$/i.test(answer.trim())));
    reader.question(`${question} [y/N] `, (text) => {
      answer = text;
      reader.close();
    });
  });
}

module.exports = {
  CliError, EXIT, line, json, warn, table, count, printable, size, progress, canAsk, ask,
  green: paint(32), yellow: paint(33), red: paint(31), bold: paint(1), dim: paint(2),
};
