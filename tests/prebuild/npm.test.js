'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { scratch } = require('./fixture');

const ROOT = path.join(__dirname, '..', '..');

test('npm run build does not run prebuild first, and npm run prebuild does', (t) => {
  const dir = scratch(t);
  fs.copyFileSync(path.join(ROOT, '.npmrc'), path.join(dir, '.npmrc'));
  const { scripts } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
  const said = Object.fromEntries(Object.keys(scripts).map((name) => [name, `echo ran-${name}`]));
  fs.writeFileSync(path.join(dir, 'package.json'), JSON.stringify({ name: 'x', version: '1.0.0', scripts: said }));
  const ran = (/** @type {string} */ name) => execFileSync('npm', ['run', '--silent', name], { cwd: dir, encoding: 'utf8' }).trim().split('\n');
  assert.deepEqual(ran('build'), ['ran-build']);
  assert.deepEqual(ran('prebuild'), ['ran-prebuild']);
});

test('the published package runs nothing at install and has one dependency', () => {
  const { scripts, dependencies, gypfile, optionalDependencies = {}, bundleDependencies = [] } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
  for (const name of ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish']) assert.equal(scripts[name], undefined, name);
  assert.equal(gypfile, false); // else npm takes binding.gyp for an install script
  assert.deepEqual([Object.keys(dependencies), optionalDependencies, bundleDependencies], [['smol-toml'], {}, []]);
});
