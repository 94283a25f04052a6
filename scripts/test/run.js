'use strict';
const { spawn } = require('node:child_process');
const path = require('node:path');

const root = path.join(__dirname, '..', '..');

/**
 * Run a program to its end and keep what it printed.
 * @param {string} command
 * @param {string[]} args
 * @param {{env?: Record<string, string>, echo?: boolean, timeoutMs?: number}} [options]
 * @returns {Promise<{code: number | null, output: string, stdout: string}>} output: both streams, in order
 */
function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.timeoutMs ?? 20 * 60_000,
      killSignal: 'SIGKILL',
    });
    let output = '';
    let stdout = '';
    child.stdout.on('data', (data) => {
      output += data;
      stdout += data;
      if (options.echo) process.stderr.write(data);
    });
    child.stderr.on('data', (data) => {
      output += data;
      if (options.echo) process.stderr.write(data);
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (signal !== null) output += `\n${command} ended by ${signal}\n`;
      resolve({ code, output, stdout });
    });
  });
}

/** The last lines of a long output, for a failure's report. @param {string} text */
function tail(text, lines = 60) {
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}

module.exports = { root, run, tail };
