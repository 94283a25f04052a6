'use strict';
// Reads what macOS's loader would read of a 64-bit Mach-O file for one processor: what it needs, offers, asks for and
// who signed it. Without Apple's tools. <mach-o/loader.h>, <mach-o/nlist.h>; the signature: macho-signature.js.

const { readSignature } = require('./macho-signature');

const MAGIC = 0xfeedfacf;
/** Load commands; the high bit says that a loader must know the command. */
const LC = {
  SYMTAB: 0x2, LOAD_DYLIB: 0xc, LOAD_WEAK_DYLIB: 0x80000018, SEGMENT: 0x19, RPATH: 0x8000001c, CODE_SIGNATURE: 0x1d,
  REEXPORT_DYLIB: 0x8000001f, LAZY_LOAD_DYLIB: 0x20, DYLD_INFO: 0x22, DYLD_INFO_ONLY: 0x80000022, UPWARD_DYLIB: 0x80000023,
  EXPORTS_TRIE: 0x80000033, CHAINED_FIXUPS: 0x80000034, BUILD_VERSION: 0x32,
};
const DYLIBS = [LC.LOAD_DYLIB, LC.LOAD_WEAK_DYLIB, LC.REEXPORT_DYLIB, LC.LAZY_LOAD_DYLIB, LC.UPWARD_DYLIB];
const PLATFORM_MACOS = 1;
/** Of a symbol: for debuggers only; the kind; external; hidden from other files. */
const N = { STAB: 0xe0, TYPE: 0x0e, EXT: 0x01, PEXT: 0x10 };
/** Of an undefined symbol: from which library. Above the numbers of libraries: from any file of the process. */
const ORDINAL_MAX = 0xfc;

/**
 * @typedef {object} MachO
 * @property {number} machine  cputype.
 * @property {number} type  8 is a bundle.
 * @property {number} flags
 * @property {string[]} needed  Libraries.
 * @property {string[]} searched  Folders that it brings along.
 * @property {string} minimum  The oldest macOS; empty: it is for another system.
 * @property {string[]} exports  Of the loader's tree and of the table of symbols.
 * @property {{name: string, from: string}[]} imports  from: a library of `needed`; empty: whoever in the process has it.
 * @property {boolean} merges  Some of its symbols yield to those of other files.
 * @property {{name: string, writes: boolean, runs: boolean}[]} segments
 * @property {{problem: string, adhoc: boolean}} signature
 */

/** @param {Buffer} bytes @param {number} at @param {number} [end] */
function text(bytes, at, end = bytes.length) {
  const stop = bytes.indexOf(0, at);
  if (at >= bytes.length || stop === -1) throw new RangeError('a name runs past the end');
  return bytes.toString('latin1', at, Math.min(stop, end));
}

/** @param {Buffer} bytes @param {number} at @param {number} size */
function part(bytes, at, size) {
  if (at + size > bytes.length) throw new RangeError('a part runs past the end');
  return bytes.subarray(at, at + size);
}

/** @param {Buffer} bytes */
function* commands(bytes) {
  const end = 32 + bytes.readUInt32LE(20);
  let at = 32;
  for (let left = bytes.readUInt32LE(16); left > 0; left -= 1) {
    const size = bytes.readUInt32LE(at + 4);
    if (size < 8 || at + size > end || end > bytes.length) throw new RangeError('a load command runs past the end');
    yield { kind: bytes.readUInt32LE(at), at, size };
    at += size;
  }
}

/** A number of seven bits a byte, and where the next one is. @param {Buffer} bytes @param {number} at */
function uleb(bytes, at) {
  let value = 0;
  for (let scale = 1; ; scale *= 128, at += 1) {
    const byte = bytes.readUInt8(at);
    value += (byte & 127) * scale;
    if (byte < 128) return { value, next: at + 1 };
  }
}

/** The names in the loader's tree of exports: each node has the rest of a name, and a size if a name ends there.
 * @param {Buffer} tree @returns {string[]} */
function trieNames(tree) {
  /** @type {string[]} */
  const names = [];
  const seen = new Set();
  const visit = (/** @type {number} */ at, /** @type {string} */ name) => {
    if (seen.has(at)) throw new RangeError('a tree of exports with a loop');
    seen.add(at);
    const { value: size, next } = uleb(tree, at);
    if (size > 0) names.push(name);
    let edge = next + size;
    const count = tree.readUInt8(edge);
    edge += 1;
    for (let i = 0; i < count; i += 1) {
      const rest = text(tree, edge);
      const child = uleb(tree, edge + rest.length + 1);
      visit(child.value, name + rest);
      edge = child.next;
    }
  };
  if (tree.length > 0) visit(0, '');
  return names;
}

/** @param {Buffer} bytes @param {number} at  Of the load command. */
function readSymbols(bytes, at) {
  const [table, count, strings] = [8, 12, 16].map((offset) => bytes.readUInt32LE(at + offset));
  part(bytes, table, count * 16);
  return Array.from({ length: count }, (_, i) => table + i * 16).map((one) => ({
    name: text(bytes, strings + bytes.readUInt32LE(one)),
    type: bytes[one + 4], ordinal: bytes.readUInt16LE(one + 6) >> 8,
  })).filter(({ type }) => (type & N.STAB) === 0 && (type & N.EXT) !== 0);
}

/** @param {number} packed */
function dotted(packed) {
  const patch = packed & 255;
  return `${packed >>> 16}.${(packed >>> 8) & 255}${patch > 0 ? `.${patch}` : ''}`;
}

/** @param {Buffer} bytes @returns {MachO} */
function read(bytes) {
  if (bytes.length < 32 || bytes.readUInt32LE(0) !== MAGIC) throw new RangeError('no 64-bit Mach-O file for one processor');
  const all = [...commands(bytes)];
  const of = (/** @type {number[]} */ ...kinds) => all.filter(({ kind }) => kinds.includes(kind));
  const path = (/** @type {{at: number, size: number}} */ { at, size }) => text(bytes, at + bytes.readUInt32LE(at + 8), at + size);
  const needed = of(...DYLIBS).map(path);
  const symbols = of(LC.SYMTAB).flatMap(({ at }) => readSymbols(bytes, at));
  const info = of(LC.DYLD_INFO, LC.DYLD_INFO_ONLY);
  const tries = [
    ...info.map(({ at }) => part(bytes, bytes.readUInt32LE(at + 40), bytes.readUInt32LE(at + 44))),
    ...of(LC.EXPORTS_TRIE).map(({ at }) => part(bytes, bytes.readUInt32LE(at + 8), bytes.readUInt32LE(at + 12))),
  ];
  const version = of(LC.BUILD_VERSION).find(({ at }) => bytes.readUInt32LE(at + 8) === PLATFORM_MACOS);
  const defined = symbols.filter(({ type }) => (type & N.TYPE) !== 0 && (type & N.PEXT) === 0).map(({ name }) => name);
  const signature = of(LC.CODE_SIGNATURE).map(({ at }) => ({ at: bytes.readUInt32LE(at + 8), size: bytes.readUInt32LE(at + 12) }));
  return {
    machine: bytes.readUInt32LE(4),
    type: bytes.readUInt32LE(12),
    flags: bytes.readUInt32LE(24),
    needed,
    searched: of(LC.RPATH).map(path),
    minimum: version === undefined ? '' : dotted(bytes.readUInt32LE(version.at + 12)),
    exports: [...new Set([...tries.flatMap(trieNames), ...defined])],
    imports: symbols.filter(({ type }) => (type & N.TYPE) === 0)
      .map(({ name, ordinal }) => ({ name, from: ordinal > 0 && ordinal <= ORDINAL_MAX ? needed[ordinal - 1] ?? '' : '' })),
    merges: info.some(({ at }) => bytes.readUInt32LE(at + 28) !== 0),
    segments: of(LC.SEGMENT).map(({ at }) => ({
      name: text(bytes, at + 8, at + 24), writes: (bytes.readUInt32LE(at + 56) & 2) !== 0, runs: (bytes.readUInt32LE(at + 56) & 4) !== 0,
    })),
    signature: readSignature(bytes, signature),
  };
}

/** @param {Buffer} bytes @returns {MachO}  Throws when it is none, or torn. */
function readMachO(bytes) {
  try {
    return read(bytes);
  } catch (error) {
    throw new Error(`cannot be read as a Mach-O file: ${/** @type {Error} */ (error).message}`);
  }
}

module.exports = { readMachO };
