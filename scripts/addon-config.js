'use strict';
// The source list of the addon for binding.gyp: every .c file of a layer's folder, as in CMakeLists.txt.
// Run from binding.gyp, so a new file needs no list to be edited.

const fs = require('node:fs');
const path = require('node:path');

const LAYERS = ['base', 'plat', 'contract', 'net', 'client', 'node'];
const ROOT = path.join(__dirname, '..');

/** Files that belong to other platforms. @param {string} platform */
function excluded(platform) {
  if (platform === 'win32') return /^(posix|linux|darwin)_/;
  return platform === 'darwin' ? /^(windows|linux)_/ : /^(windows|darwin)_/;
}

/**
 * @param {string} [platform]  As process.platform.
 * @returns {string[]} paths relative to the repository, with forward slashes as gyp wants them
 */
function sources(platform = process.platform) {
  return LAYERS.flatMap((layer) =>
    fs.readdirSync(path.join(ROOT, 'native', layer))
      .filter((name) => name.endsWith('.c') && !excluded(platform).test(name))
      .sort()
      .map((name) => `native/${layer}/${name}`));
}

module.exports = { LAYERS, sources };

if (require.main === module) process.stdout.write(sources().join('\n') + '\n');
