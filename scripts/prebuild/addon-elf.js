'use strict';
// Linux: linked against stand-ins for the C library that offer nothing newer than the oldest system has.

const fs = require('node:fs');
const path = require('node:path');
const { EXPORTS, GLIBC_MAX, NEEDED } = require('./targets');
const { makeStandIns } = require('./glibc');
const { run } = require('./tools');

/** @typedef {import('./targets').ElfTarget} ElfTarget */

const DEFINES = ['-D_GNU_SOURCE'];
/** Merged, our strings would lie scattered among those of the libraries, and each page of them be read. */
const COMPILE = ['-pthread', '-fPIC', '-fvisibility=hidden', '-fno-merge-constants', '-fstack-protector-strong', '-U_FORTIFY_SOURCE', '-D_FORTIFY_SOURCE=2'];
const LINK = ['-shared', '-nodefaultlibs', '-s', '-Wl,-z,relro', '-Wl,-z,now', '-Wl,-z,noexecstack', '-Wl,--gc-sections', '-Wl,--exclude-libs,ALL', '-Wl,-Bsymbolic'];

/** @param {ElfTarget} target @param {string[]} flags  Of every source. @param {string} work @returns {Promise<string[]>} more objects */
async function extras(target, flags, work) {
  const compat = path.join(work, 'glibc-compat.o');
  await run(`${target.prefix}gcc`, ['-c', ...flags, ...COMPILE, '-fno-builtin', `-DCANDOR_STAT_VERSION=${target.statVersion}`, '-o', compat, path.join(__dirname, 'glibc-compat.c')]);
  return [compat];
}

/** @param {ElfTarget} target @param {string[]} objects @param {string[]} archives @param {string} work @param {string} out */
async function link(target, objects, archives, work, out) {
  const stands = path.join(work, 'glibc');
  await makeStandIns(target, [...NEEDED, target.loader], GLIBC_MAX, stands);
  const script = path.join(work, 'exports.map');
  fs.writeFileSync(script, `{ global: ${EXPORTS.join('; ')}; local: *; };\n`);
  await run(`${target.prefix}gcc`, [...LINK, `-Wl,--version-script=${script}`, '-o', out, ...objects, ...archives,
    '-Wl,--as-needed', ...[...NEEDED, target.loader].map((name) => path.join(stands, name)), '-lgcc', '-l:libc_nonshared.a']);
}

module.exports = { COMPILE, DEFINES, extras, link };
