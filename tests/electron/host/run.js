'use strict';
// Stands in for the electron program: node run.js [--remote-debugging-port=N] [--user-data-dir=DIR] APP
const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const { createElectron } = require('./electron.js');

/** @param {string} name */
function flag(name) {
  return process.argv.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
}

const appDir = path.resolve(process.argv.slice(2).find((arg) => !arg.startsWith('--')) ?? '.');
const electron = createElectron({ appDir, userData: path.resolve(flag('user-data-dir') ?? '.'), port: flag('remote-debugging-port') ?? '0' });

// A test that was killed takes its apps with it.
process.stdin.once('end', () => process.exit(72)).resume().unref();

const hooks = /** @type {any} */ (Module);
const load = hooks._load;
hooks._load = (/** @type {string} */ name, /** @type {unknown[]} */ ...rest) => (name === 'electron' ? electron : load(name, ...rest));

require(path.join(appDir, JSON.parse(fs.readFileSync(path.join(appDir, 'package.json'), 'utf8')).main));
