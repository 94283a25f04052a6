'use strict';
// The addon through node-gyp, without a download: headers come from beside the running binary.
//
// node-gyp writes into build/ of the folder that holds binding.gyp. Several variants side by side, and
// apart from CMake's folders, need a folder each: build/<variant>/src links back to the sources.

const fs = require('node:fs');
const path = require('node:path');
const crypto = require('node:crypto');
const { spawnSync } = require('node:child_process');
const { LAYERS } = require('./addon-config');

const ROOT = path.join(__dirname, '..');
const HEADER = path.join('include', 'node', 'node_api.h');

/** Install Node's own npm package for its headers into .cache/. @param {(text: string) => void} say */
function headersFromNpm(say) {
  const major = process.versions.node.split('.')[0];
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const cache = path.join(ROOT, '.cache', `node-headers-${major}`);
  const prefix = path.join(cache, 'node_modules', name);
  if (!fs.existsSync(path.join(prefix, HEADER))) {
    say(`installing ${name}@${major} into .cache for its headers`);
    fs.mkdirSync(cache, { recursive: true });
    const done = spawnSync('npm', ['install', '--prefix', cache, '--no-save', '--ignore-scripts', `${name}@${major}`],
      { stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
    if (done.status !== 0) throw new Error(`no Node headers found, and ${name}@${major} could not be installed`);
  }
  return prefix;
}

/** The prefix whose include/node belongs to the running Node. @param {(text: string) => void} say */
function nodeDirectory(say) {
  const beside = path.join(path.dirname(process.execPath), '..');
  for (const prefix of [beside, '/usr']) {
    if (fs.existsSync(path.join(prefix, HEADER))) return path.resolve(prefix);
  }
  return headersFromNpm(say);
}

/** Everything the result depends on, by name, size and time. @param {string[]} variables */
function fingerprint(variables) {
  const hash = crypto.createHash('sha256');
  hash.update(JSON.stringify([process.version, process.arch, variables]));
  const files = ['binding.gyp', 'scripts/addon-config.js', 'scripts/build-addon.js'];
  for (const layer of [...LAYERS, 'include']) {
    const dir = path.join(ROOT, 'native', layer);
    for (const name of fs.readdirSync(dir).sort()) {
      if (/\.[ch]$/.test(name)) files.push(`native/${layer}/${name}`);
    }
  }
  for (const file of files) {
    const at = fs.statSync(path.join(ROOT, file));
    hash.update(`${file}\0${at.size}\0${at.mtimeMs}\n`);
  }
  return hash.digest('hex');
}

/** A folder that node-gyp takes for the repository. @param {string} dir */
function linkSources(dir) {
  fs.mkdirSync(dir, { recursive: true });
  for (const name of ['binding.gyp', 'native', 'scripts']) {
    const link = path.join(dir, name);
    if (fs.existsSync(link)) continue;
    const target = path.join(ROOT, name);
    if (process.platform === 'win32' && name === 'binding.gyp') fs.copyFileSync(target, link);
    else fs.symlinkSync(path.relative(dir, target), link, 'junction');
  }
}

/** @param {string[]} args @param {string} cwd */
function nodeGyp(args, cwd) {
  const script = require.resolve('node-gyp/bin/node-gyp.js');
  const done = spawnSync(process.execPath, [script, '--loglevel=error', ...args], { cwd, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (done.status === 0) return;
  throw new Error(`node-gyp ${args[0]} failed\n${done.stdout ?? ''}${done.stderr ?? ''}${done.error ?? ''}`);
}

/**
 * Build one variant into build/<name>/candor.node, unless it is up to date.
 * @param {string} name
 * @param {string[]} variables  gyp variables, e.g. ["-Dcandor_test_hooks=1"]
 * @param {string} jobs
 * @param {(text: string) => void} say
 */
function buildAddon(name, variables, jobs, say) {
  const out = path.join(ROOT, 'build', name);
  const product = path.join(out, 'candor.node');
  const stamp = path.join(out, 'stamp');
  const now = fingerprint(variables);
  if (fs.existsSync(product) && fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === now) return;
  say(`building build/${name}/candor.node`);
  const src = path.join(out, 'src');
  linkSources(src);
  nodeGyp(['configure', `--nodedir=${nodeDirectory(say)}`, '--', ...variables], src);
  nodeGyp(['build', '--jobs', jobs], src);
  // A process that has the old file mapped keeps it: replace the name, never the content.
  const fresh = `${product}.${process.pid}.tmp`;
  fs.copyFileSync(path.join(src, 'build', 'Release', 'candor.node'), fresh);
  fs.renameSync(fresh, product);
  fs.writeFileSync(stamp, now);
}

module.exports = { buildAddon, nodeDirectory };
