'use strict';
// Real Node binaries of several versions and platforms, from Node's own npm packages; kept beside the static
// libraries of the prebuilds.

const fs = require('node:fs');
const path = require('node:path');
const { execFileSync, spawn, spawnSync } = require('node:child_process');
const { CACHE } = require('../../scripts/prebuild/tools');

const MAJORS = [18, 20, 22, 24];

/** Settings of npm and of the network that a clean environment must keep. */
const NETWORK = /^(npm_config_.*|https?_proxy|no_proxy|all_proxy|node_extra_ca_certs|ssl_cert_file)$/i;

/** npm as a script, so that any Node can run it without a PATH. */
function npmScript() {
  const root = execFileSync('npm', ['root', '--global'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  return path.join(root, 'npm', 'bin', 'npm-cli.js');
}

/** @param {string} target  As in the name of Node's package. @param {number} major @returns {string} the binary */
function nodeBinary(target, major) {
  const name = `node-${target}`;
  const prefix = path.join(CACHE, 'nodes', `${target}-${major}`);
  const file = path.join(prefix, 'node_modules', name, 'bin', target.startsWith('win') ? 'node.exe' : 'node');
  if (!fs.existsSync(file)) {
    fs.mkdirSync(prefix, { recursive: true });
    // --force: it may be of another processor.
    const done = spawnSync('npm', ['install', '--prefix', prefix, '--no-save', '--ignore-scripts', '--force', '--loglevel=error', `${name}@${major}`], { encoding: 'utf8' });
    if (done.status !== 0 || !fs.existsSync(file)) throw new Error(`${name}@${major} could not be installed: ${done.stderr}`);
  }
  return file;
}

/** The environment of a machine without tools: a PATH that holds node and nothing else. @param {string} bin @param {string} home */
function bareEnvironment(bin, home) {
  const kept = Object.fromEntries(Object.entries(process.env).filter(([name]) => NETWORK.test(name)));
  return { ...kept, PATH: bin, HOME: home };
}

/** @param {string} command @param {string[]} args @param {{cwd: string, env: NodeJS.ProcessEnv}} options */
function start(command, args, { cwd, env }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 180_000, killSignal: 'SIGKILL' });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data) => { stdout += data; });
    child.stderr.on('data', (data) => { stderr += data; });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** A folder with one program in it, called node. @param {string} dir @param {string} binary */
function binWith(dir, binary) {
  fs.mkdirSync(dir, { recursive: true });
  fs.symlinkSync(binary, path.join(dir, 'node'));
  return dir;
}

/** Debian's qemu-user or qemu-user-static, or null. */
function qemu() {
  for (const name of ['qemu-aarch64', 'qemu-aarch64-static']) {
    const file = (process.env.PATH ?? '').split(path.delimiter).map((dir) => path.join(dir, name)).find((one) => fs.existsSync(one));
    if (file !== undefined) return file;
  }
  return null;
}

module.exports = { MAJORS, bareEnvironment, binWith, nodeBinary, npmScript, qemu, start };
