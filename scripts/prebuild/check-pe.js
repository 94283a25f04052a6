'use strict';
// What must be true of a binary for Windows: it offers Node its registration and nothing else, needs DLLs of the system
// alone, and asks for Node-API only when it is called, from whatever the host is named.

const { EXPORTS, SYSTEM_DLLS } = require('./targets');
const { readPe } = require('./pe');

/** @typedef {import('./targets').PeTarget} PeTarget */
/** @typedef {import('./pe').Pe} Pe */

const NODE_API = /^(napi|node_api)_[a-z0-9_]+$/;
/** DllCharacteristics that it must have. @type {[number, string][]} */
const FLAGS = [[0x20, 'high-entropy addresses'], [0x40, 'any address'], [0x100, 'data that does not run']];

/** @param {Pe} pe */
function importProblems({ imports, delayed }) {
  const known = SYSTEM_DLLS.map((name) => name.toLowerCase());
  const unknown = imports.filter(({ dll }) => !known.includes(dll.toLowerCase()))
    .map(({ dll, names }) => `needs ${dll} (${names.slice(0, 5).join(', ')}): only Windows's own DLLs may be taken for granted`);
  const others = delayed.filter(({ dll }) => dll.toLowerCase() !== 'node.exe').map(({ dll }) => `would load ${dll} when it is called`);
  const host = delayed.filter(({ dll }) => dll.toLowerCase() === 'node.exe').flatMap(({ names }) => names);
  return [
    ...unknown, ...others,
    ...host.filter((name) => !NODE_API.test(name)).map((name) => `asks its host for ${name}, which is not of Node-API`),
    ...(host.length === 0 ? ['asks its host for nothing: Node-API must be delay-loaded from node.exe, or hosts of other names cannot load it'] : []),
  ];
}

/**
 * @param {Buffer} bytes  The file.
 * @param {PeTarget} target
 * @returns {string[]} problems
 */
function checkPe(bytes, target) {
  let pe;
  try {
    pe = readPe(bytes);
  } catch (error) {
    return [/** @type {Error} */ (error).message];
  }
  return [
    ...pe.exports.filter((name) => !EXPORTS.includes(name)).map((name) => `exports ${name}: nobody has to know it`),
    ...EXPORTS.filter((name) => !pe.exports.includes(name)).map((name) => `does not export ${name}: Node cannot register it`),
    ...importProblems(pe),
    ...(pe.machine !== target.machine ? [`is for machine 0x${pe.machine.toString(16)}, not for ${target.name}`] : []),
    ...(pe.dll ? [] : ['is no DLL']),
    ...(pe.time === 0 ? [] : ['holds the time of its link']),
    ...FLAGS.filter(([flag]) => (pe.flags & flag) === 0).map(([, what]) => `is not linked for ${what}`),
    ...pe.sections.filter(({ writes, runs }) => writes && runs).map(({ name }) => `has a section ${name} that is written and run`),
  ];
}

module.exports = { checkPe };
