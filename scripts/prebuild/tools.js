'use strict';
// What the scripts of this folder share: running tools, hashes, the cache.

const crypto = require('node:crypto');
const os = require('node:os');
const path = require('node:path');
const { spawn } = require('node:child_process');

const ROOT = path.join(__dirname, '..', '..');
const CACHE = path.resolve(process.env.CANDOR_PREBUILD_CACHE || path.join(os.homedir(), '.cache', 'candor-prebuild'));
const JOBS = Math.max(1, Number(process.env.CANDOR_BUILD_JOBS) || 2);

/** Compilers for macOS under their own names (zig/bin/tool), in front of what the machine has. */
const TOOLCHAIN = path.join(__dirname, 'zig', 'bin');

/** 2023-01-01: what a tool writes as the time of its build. */
const EPOCH = '1672531200';

/** @param {string} text */
function say(text) {
  process.stderr.write(`prebuild: ${text}\n`);
}

/**
 * Run a tool to its end; its output is kept for the error alone.
 * @param {string} command @param {string[]} args @param {{cwd?: string, env?: Record<string, string | undefined>}} [options]
 * @returns {Promise<string>} what it wrote on stdout
 */
function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd ?? ROOT,
      // The machine's own flags and language must not reach the result.
      env: { ...process.env, PATH: `${TOOLCHAIN}:${process.env.PATH}`, ZIG_GLOBAL_CACHE_DIR: path.join(CACHE, 'zig'), LC_ALL: 'C', TZ: 'UTC', SOURCE_DATE_EPOCH: EPOCH, CFLAGS: undefined, CPPFLAGS: undefined, LDFLAGS: undefined, MAKEFLAGS: undefined, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let output = '';
    child.stdout.on('data', (data) => { stdout += data; output += data; });
    child.stderr.on('data', (data) => { output += data; });
    child.on('error', (error) => reject(new Error(`cannot run ${command}: ${error.message}`)));
    child.on('close', (code, signal) => {
      if (code === 0) resolve(stdout);
      else reject(new Error(`${command} ${args.join(' ')} failed (${signal ?? code}):\n${output.trimEnd().split('\n').slice(-40).join('\n')}`));
    });
  });
}

/** @param {string | Buffer} data */
function sha256(data) {
  return crypto.createHash('sha256').update(data).digest('hex');
}

/** Do work for every item, JOBS at a time. @template T @param {T[]} items @param {(item: T) => Promise<unknown>} work */
async function parallel(items, work) {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: JOBS }, worker));
}

module.exports = { ROOT, CACHE, JOBS, say, run, sha256, parallel };
