'use strict';
// What must be true of a binary that is loaded into a stranger's process: it offers Node its registration and nothing
// else, and asks for nothing but Node-API and an old C library. A host that exports OpenSSL or BoringSSL cannot clash then.

const { EXPORTS, GLIBC_MAX, NEEDED } = require('./targets');
const { readElf } = require('./elf');

/** @typedef {import('./targets').ElfTarget} Target */
/** @typedef {import('./elf').Elf} Elf */

/** Of the compiler's start files: weak, and missing from every current system. */
const START_FILES = ['__gmon_start__', '_ITM_deregisterTMCloneTable', '_ITM_registerTMCloneTable', '__cxa_finalize'];
/** What it brings along it need not look for, and what it finds could be another version. */
const LOADERS = ['dlopen', 'dlmopen', 'dlsym', 'dlvsym'];
const NODE_API = /^(napi|node_api)_[a-z0-9_]+$/;

/** @param {string} a @param {string} b  Dotted numbers. */
function newer(a, b) {
  const [left, right] = [a, b].map((text) => text.split('.').map(Number));
  for (let i = 0; i < Math.max(left.length, right.length); i += 1) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

/** A version of the C library that every host has. @param {string} version  Like "GLIBC_2.17". */
function oldEnough(version) {
  const number = /^GLIBC_(\d+(?:\.\d+)+)$/.exec(version)?.[1];
  return number !== undefined && !newer(number, GLIBC_MAX);
}

/** @param {Elf} elf */
function exportProblems(elf) {
  const names = elf.symbols.filter(({ defined }) => defined).map(({ name }) => name);
  return [
    ...names.filter((name) => !EXPORTS.includes(name)).map((name) => `exports ${name}: a host or another addon could bind to it`),
    ...EXPORTS.filter((name) => !names.includes(name)).map((name) => `does not export ${name}: Node cannot register it`),
  ];
}

/** @param {Elf} elf @param {Target} target */
function importProblems(elf, target) {
  const needed = elf.needed.filter((name) => !NEEDED.includes(name) && name !== target.loader)
    .map((name) => `needs ${name}: only the C library may be taken for granted`);
  const versions = elf.versions.filter((text) => !oldEnough(text.split(' ')[1])).map((text) => {
    const users = elf.symbols.filter(({ defined, version }) => !defined && version === text.split(' ')[1]).map(({ name }) => name);
    return `asks for ${text}${users.length > 0 ? ` (${users.join(', ')})` : ''}: nothing newer than GLIBC_${GLIBC_MAX} may be taken for granted`;
  });
  const unknown = elf.symbols.filter(({ defined, version, weak, name }) =>
    !defined && version === '' && !NODE_API.test(name) && !(weak && START_FILES.includes(name)))
    .map(({ name }) => `asks for ${name}, which is neither of Node-API nor of the C library`);
  const loaders = elf.symbols.filter(({ defined, name }) => !defined && LOADERS.includes(name))
    .map(({ name }) => `asks for ${name}: it would take libraries of the machine at run time`);
  return [...needed, ...versions, ...unknown, ...loaders];
}

/**
 * @param {Buffer} bytes  The file.
 * @param {Target} target
 * @returns {{problems: string[], glibc: string}} glibc: the newest version asked for
 */
function checkElf(bytes, target) {
  let elf;
  try {
    elf = readElf(bytes);
  } catch (error) {
    return { problems: [/** @type {Error} */ (error).message], glibc: '' };
  }
  const problems = [...exportProblems(elf), ...importProblems(elf, target)];
  if (elf.machine !== target.machine) problems.push(`is for machine ${elf.machine}, not for ${target.name} (${target.machine})`);
  if (!elf.shared) problems.push('is no shared object');
  for (const folder of elf.searched) problems.push(`looks for libraries in ${folder}`);
  if (elf.writesText) problems.push('has relocations in its code');
  if (elf.runsStack) problems.push('asks for an executable stack');
  const numbers = elf.versions.map((text) => /GLIBC_([\d.]+)$/.exec(text)?.[1] ?? '').filter(Boolean);
  return { problems, glibc: numbers.reduce((best, number) => (newer(number, best) ? number : best), '0') };
}

module.exports = { checkElf, newer, oldEnough };
