'use strict';
// What must be true of a binary for macOS: it offers Node its registration and nothing else, takes Node-API from its host
// and all else from libSystem, whose functions an old system has, and is signed.

const { newer } = require('./check-elf');
const { FUNCTIONS } = require('./libsystem');
const { readMachO } = require('./macho');
const { EXPORTS, MACOS_MIN } = require('./targets');

/** @typedef {import('./targets').MachOTarget} MachOTarget */
/** @typedef {import('./macho').MachO} MachO */

const LIBSYSTEM = '/usr/lib/libSystem.B.dylib';
const NODE_API = /^_(napi|node_api)_[a-z0-9_]+$/;
const BUNDLE = 8;
/** Of the header: names are looked for in the library that they are from; a stack that runs. */
const FLAG = { TWOLEVEL: 0x80, STACK_RUNS: 0x20000 };

/** @param {MachO} file */
function exportProblems({ exports }) {
  const wanted = EXPORTS.map((name) => `_${name}`);
  return [
    ...exports.filter((name) => !wanted.includes(name)).map((name) => `exports ${name}: a host or another addon could bind to it`),
    ...wanted.filter((name) => !exports.includes(name)).map((name) => `does not export ${name}: Node cannot register it`),
  ];
}

/** @param {MachO} file */
function importProblems({ imports, needed }) {
  const known = new Set(FUNCTIONS.map((name) => `_${name}`).concat('dyld_stub_binder'));
  const open = imports.filter(({ from }) => from === '');
  return [
    ...needed.filter((name) => name !== LIBSYSTEM).map((name) => `needs ${name}: only libSystem may be taken for granted`),
    ...open.filter(({ name }) => !NODE_API.test(name)).map(({ name }) => `asks the process for ${name}, which is not of Node-API`),
    ...(open.some(({ name }) => NODE_API.test(name)) ? [] : ['asks its host for nothing: Node-API must be looked up in the process']),
    ...imports.filter(({ name, from }) => from === LIBSYSTEM && !known.has(name))
      .map(({ name }) => `asks libSystem for ${name}, which is not known to be in macOS ${MACOS_MIN}: see scripts/prebuild/libsystem.js`),
  ];
}

/**
 * @param {Buffer} bytes  The file.
 * @param {MachOTarget} target
 * @returns {string[]} problems
 */
function checkMachO(bytes, target) {
  let file;
  try {
    file = readMachO(bytes);
  } catch (error) {
    return [/** @type {Error} */ (error).message];
  }
  return [
    ...exportProblems(file),
    ...importProblems(file),
    ...(file.machine !== target.machine ? [`is for machine 0x${file.machine.toString(16)}, not for ${target.name}`] : []),
    ...(file.type === BUNDLE ? [] : ['is no bundle']),
    ...(file.minimum === '' ? ['is not for macOS'] : newer(file.minimum, MACOS_MIN) ? [`asks for macOS ${file.minimum}: ${MACOS_MIN} must do`] : []),
    ...file.searched.map((folder) => `looks for libraries in ${folder}`),
    ...((file.flags & FLAG.TWOLEVEL) !== 0 ? [] : ['looks for every name in the whole process']),
    ...((file.flags & FLAG.STACK_RUNS) !== 0 ? ['asks for an executable stack'] : []),
    ...(file.merges ? ['has symbols that yield to those of other files'] : []),
    ...file.segments.filter(({ writes, runs }) => writes && runs).map(({ name }) => `has a segment ${name} that is written and run`),
    ...(file.signature.problem === '' ? [] : [file.signature.problem]),
  ];
}

module.exports = { checkMachO };
