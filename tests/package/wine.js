'use strict';
// Windows programs on this machine: Debian's wine64, with a prefix (registry, drive C:) of its own that goes with the test.

const fs = require('node:fs');
const path = require('node:path');
const { spawn } = require('node:child_process');

const PLACES = ['/usr/lib/wine/wine64', '/usr/bin/wine64', '/usr/bin/wine'];
const TIMEOUT_MS = 300_000;

/** Debian's wine64, or null. */
function wine() {
  return PLACES.find((file) => fs.existsSync(file)) ?? null;
}

/** As a Windows program names it: all of this machine is drive Z:. @param {string} file */
function windowsPath(file) {
  return `Z:${path.resolve(file).replaceAll('/', '\\')}`;
}

/** @typedef {{code: number | null, signal: NodeJS.Signals | null, stdout: string, stderr: string}} Done */

class Wine {
  /** @param {string} program @param {string} dir  Exists; the prefix is made in it. */
  constructor(program, dir) {
    this.program = program;
    this.dir = dir;
    this.runs = 0;
    // UTF-8, or there are no file names but those in ASCII. No downloads of Mono and Gecko, no talk of what is not implemented.
    this.env = { HOME: dir, LC_ALL: 'C.UTF-8', PATH: process.env.PATH ?? '/usr/bin:/bin', WINEPREFIX: path.join(dir, 'prefix'), WINEDEBUG: '-all', WINEDLLOVERRIDES: 'mscoree,mshtml=' };
  }

  /**
   * Start a program. Its output goes to files: Node for Windows dies of a pipe under Wine 8.
   * @param {string[]} words  A file, or a program of Windows; then its arguments.
   * @param {{cwd?: string, env?: NodeJS.ProcessEnv, timeout?: number}} [options]
   */
  spawn(words, { cwd = this.dir, env = {}, timeout = TIMEOUT_MS } = {}) {
    this.runs += 1;
    const files = ['out', 'err'].map((name) => path.join(this.dir, `${name}-${this.runs}.txt`));
    const [out, err] = files.map((file) => fs.openSync(file, 'w'));
    const child = spawn(this.program, words, { cwd, env: { ...this.env, ...env }, stdio: ['ignore', out, err], timeout, killSignal: 'SIGKILL' });
    /** @type {Promise<Done>} */
    const done = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => resolve({ code, signal, stdout: fs.readFileSync(files[0], 'utf8'), stderr: fs.readFileSync(files[1], 'utf8') }));
    });
    for (const fd of [out, err]) fs.closeSync(fd);
    return { child, done, stdout: () => fs.readFileSync(files[0], 'utf8') };
  }

  /** @param {string[]} words @param {{cwd?: string, env?: NodeJS.ProcessEnv, timeout?: number}} [options] */
  run(words, options) {
    return this.spawn(words, options).done;
  }

  /** Make the prefix. */
  async begin() {
    for (const words of [['wineboot', '-i'], ['winecfg', '-v', 'win10']]) {
      const done = await this.run(words);
      if (done.code !== 0) throw new Error(`wine ${words.join(' ')} ended with ${done.signal ?? done.code}: ${done.stderr.slice(-300)}`);
    }
  }

  /** End what still runs in the prefix, its services too. */
  async end() {
    const server = ['/usr/lib/wine/wineserver', '/usr/bin/wineserver'].find((file) => fs.existsSync(file));
    if (server === undefined) return;
    // It writes the registry at its end: -w waits for that.
    for (const word of ['-k', '-w']) {
      await new Promise((resolve) => {
        spawn(server, [word], { env: this.env, stdio: 'ignore', timeout: 60_000 }).on('error', resolve).on('close', resolve);
      });
    }
  }
}

module.exports = { Wine, windowsPath, wine };
