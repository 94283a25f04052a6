'use strict';
// Windows: a DLL that loads into node.exe and into a host of any other name, as Code.exe is.

const fs = require('node:fs');
const path = require('node:path');
const { EXPORTS } = require('./targets');
const { nodeApi } = require('./node-api');
const { run } = require('./tools');

/** @typedef {import('./targets').PeTarget} PeTarget */

/** Microsoft's own printf of that time knows no %zu. */
const DEFINES = ['-D_WIN32_WINNT=0x0A00', '-D__USE_MINGW_ANSI_STDIO=1', '-DCURL_STATICLIB'];
// isnan and its like are macros there, with a branch for each type.
const COMPILE = ['-fstack-protector-strong', '-Wno-float-conversion'];
/** Without an address of its own, the linker makes one of the path of its output. */
const LINK = ['-shared', '-static', '-s', '-Wl,--gc-sections', '-Wl,--no-insert-timestamp', '-Wl,--image-base,0x180000000', '-Wl,--dynamicbase', '-Wl,--nxcompat', '-Wl,--high-entropy-va'];
const SYSTEM = ['-ldelayimp', '-lws2_32', '-lcrypt32', '-lbcrypt', '-ladvapi32', '-luser32', '-lntdll', '-lssp'];

/** @param {PeTarget} target @param {string[]} flags  Of every source. @param {string} work @returns {Promise<string[]>} more objects */
async function extras(target, flags, work) {
  const hook = path.join(work, 'delay-hook.o');
  await run(`${target.prefix}gcc`, ['-c', ...flags, ...COMPILE, '-o', hook, path.join(__dirname, 'delay-hook.c')]);
  return [hook];
}

/** @param {PeTarget} target @param {string[]} objects @param {string[]} archives @param {string} work @param {string} out */
async function link(target, objects, archives, work, out) {
  // Names that a tool takes from its files must not be those of this folder.
  fs.writeFileSync(path.join(work, 'node.def'), `LIBRARY node.exe\nEXPORTS\n${nodeApi().join('\n')}\n`);
  fs.writeFileSync(path.join(work, 'exports.def'), `LIBRARY candor.node\nEXPORTS\n${EXPORTS.join('\n')}\n`);
  await run(`${target.prefix}dlltool`, ['-m', 'i386:x86-64', '-t', 'node', '-d', 'node.def', '-y', 'libnode_delay.a'], { cwd: work });
  await run(`${target.prefix}gcc`, [...LINK, '-o', out, 'exports.def', ...objects, ...archives, path.join(work, 'libnode_delay.a'), ...SYSTEM], { cwd: work });
}

module.exports = { COMPILE, DEFINES, SYSTEM, extras, link };
