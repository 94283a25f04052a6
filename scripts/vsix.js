'use strict';
// Packs vscode-sample for one platform: candor as npm packs it, with the binary of that platform alone.
// node scripts/vsix.js [--target linux-x64] [--output FILE]    prints the file
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { locate } = require('./vscode-host');

const root = path.join(__dirname, '..');
const sample = path.join(root, 'vscode-sample');
/** Of the checkout, not of the extension. */
const LEFT_OUT = new Set(['node_modules', 'package-lock.json']);

/** @param {string} target @returns {string} */
function binaryOf(target) {
  const file = path.join(root, 'prebuilds', target, 'candor.node');
  if (!fs.existsSync(file)) throw new Error(`there is no ${path.relative(root, file)}: npm run prebuild -- --target ${target} builds it`);
  return file;
}

/** What `npm install candor` would put there. @param {string} modules @param {string} target */
function installCandor(modules, target) {
  fs.mkdirSync(modules, { recursive: true });
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', modules], { cwd: root, encoding: 'utf8' });
  const tarball = path.join(modules, /** @type {string} */ (packed.trim().split('\n').pop()));
  const candor = path.join(modules, 'candor');
  fs.mkdirSync(candor);
  execFileSync('tar', ['-xzf', tarball, '-C', candor, '--strip-components=1']);
  fs.rmSync(tarball);
  fs.rmSync(path.join(candor, 'prebuilds'), { recursive: true, force: true });
  fs.mkdirSync(path.join(candor, 'prebuilds', target), { recursive: true });
  fs.copyFileSync(binaryOf(target), path.join(candor, 'prebuilds', target, 'candor.node'));
  const { dependencies, version } = JSON.parse(fs.readFileSync(path.join(candor, 'package.json'), 'utf8'));
  for (const name of Object.keys(dependencies)) {
    fs.cpSync(path.join(root, 'node_modules', name), path.join(modules, name), { recursive: true });
  }
  return version;
}

/** A folder that vsce can pack as it is. @param {string} stage @param {string} target */
function prepare(stage, target) {
  fs.rmSync(stage, { recursive: true, force: true });
  fs.cpSync(sample, stage, { recursive: true, filter: (file) => !LEFT_OUT.has(path.basename(file)) });
  fs.copyFileSync(path.join(root, 'LICENSE'), path.join(stage, 'LICENSE'));
  const version = installCandor(path.join(stage, 'node_modules'), target);
  const manifest = JSON.parse(fs.readFileSync(path.join(stage, 'package.json'), 'utf8'));
  manifest.dependencies.candor = version;
  delete manifest.scripts;
  fs.writeFileSync(path.join(stage, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** @param {string} folder @param {string} output @param {string[]} more */
function vsce(folder, output, more = []) {
  const tools = locate();
  if (tools === undefined) throw new Error('vsce is missing: sh scripts/setup.sh vscode installs it');
  const args = [tools.vsce, 'package', '--out', output, '--allow-missing-repository', '--skip-license', '--no-rewrite-relative-links', ...more];
  // Its list of files is of interest only when it fails: then it is in the error.
  execFileSync(tools.node, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, PATH: `${path.dirname(tools.node)}:${process.env.PATH}` } });
}

/** @param {string} target @param {string} [output] @returns {string} the file */
function packSample(target, output = path.join(root, 'build', 'vsix', `candor-sample-${target}.vsix`)) {
  binaryOf(target);
  const stage = path.join(root, 'build', 'vsix', target);
  prepare(stage, target);
  vsce(stage, path.resolve(output), ['--target', target]);
  return path.resolve(output);
}

if (require.main === module) {
  try {
    const { values } = parseArgs({ options: { target: { type: 'string', default: `${process.platform}-${process.arch}` }, output: { type: 'string' } } });
    console.log(packSample(/** @type {string} */ (values.target), values.output));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}

module.exports = { packSample, vsce };
