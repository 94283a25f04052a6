'use strict';
// macOS: a bundle that takes Node-API from whatever host loads it, and all else from libSystem. Linked and signed by
// LLVM's linker, because Zig's own knows neither bundles nor lists of exports.

const fs = require('node:fs');
const path = require('node:path');
const { EXPORTS, MACOS_MIN } = require('./targets');
const { nodeApi } = require('./node-api');
const { run } = require('./tools');

/** @typedef {import('./targets').MachOTarget} MachOTarget */

const LINKER = 'ld64.lld-19';
/** @type {string[]} */
const DEFINES = [];
/** A function newer than the oldest system is an error. */
const COMPILE = ['-fPIC', '-fvisibility=hidden', '-fstack-protector-strong', '-Werror=unguarded-availability'];
/** Without the names of what it keeps to itself. arm64 loads nothing that is not signed: by nobody, if not by a developer. */
const LINK = ['-bundle', '-dead_strip', '-x', '-S', '-adhoc_codesign', '-platform_version', 'macos', MACOS_MIN, MACOS_MIN];
/** Its stub: which functions there are, in which library. */
const LIBSYSTEM = path.join(__dirname, 'zig', 'node_modules', '@zigc', 'lib', 'libc', 'darwin', 'libSystem.tbd');

/** Every Mac that macOS 11 runs on has SSE 4.2; asking at run time takes what is not in libSystem. @param {MachOTarget} target */
const processorFlags = ({ arch }) => (arch === 'x86_64' ? ['-msse4.2'] : []);

/** @param {MachOTarget} target @param {string[]} objects @param {string[]} archives @param {string} work @param {string} out */
async function link(target, objects, archives, work, out) {
  const list = path.join(work, 'exports.txt');
  fs.writeFileSync(list, EXPORTS.map((name) => `_${name}\n`).join(''));
  // Names of the host may be open; any other must be found.
  await run(LINKER, ['-arch', target.arch, ...LINK, ...nodeApi().flatMap((name) => ['-U', `_${name}`]), '-exported_symbols_list', list, '-o', out, ...objects, ...archives, LIBSYSTEM]);
}

module.exports = { COMPILE, DEFINES, LIBSYSTEM, LINK, LINKER, link, processorFlags };
