'use strict';
// Reads what the dynamic linker would read of a 64-bit little-endian ELF shared object: what it needs, offers and
// asks for, with versions. Of any machine, without binutils. System V gABI, chapters 4 and 5; LSB 5.0, 10.7 for versions.

const DT = { NEEDED: 1, STRTAB: 5, SYMTAB: 6, STRSZ: 10, SONAME: 14, RPATH: 15, TEXTREL: 22, FLAGS: 30, RUNPATH: 29, VERSYM: 0x6ffffff0, VERNEED: 0x6ffffffe, VERNEEDNUM: 0x6fffffff };
const PT = { LOAD: 1, DYNAMIC: 2, GNU_STACK: 0x6474e551 };
const SHT_DYNSYM = 11;
const ET_DYN = 3;
const DF_TEXTREL = 4;
const VERSION_HIDDEN = 0x8000;

/**
 * @typedef {object} Symbol
 * @property {string} name
 * @property {boolean} defined  Here, rather than elsewhere.
 * @property {boolean} weak  May stay missing.
 * @property {string} version  Like "GLIBC_2.17"; empty without one.
 * @property {number} at  Where its entry is in the file.
 *
 * @typedef {object} Elf
 * @property {number} machine
 * @property {boolean} shared  A shared object or a position-independent program.
 * @property {string[]} needed
 * @property {string[]} searched  RPATH and RUNPATH: folders that it brings along.
 * @property {boolean} writesText  It has relocations in its code.
 * @property {boolean} runsStack  It asks for an executable stack.
 * @property {string[]} versions  Every version asked for, as "library version".
 * @property {Symbol[]} symbols  Global and weak ones.
 */

class Reader {
  /** @param {Buffer} bytes */
  constructor(bytes) {
    this.bytes = bytes;
  }

  /** @param {number} at */
  u16(at) {
    return this.bytes.readUInt16LE(at);
  }

  /** @param {number} at */
  u32(at) {
    return this.bytes.readUInt32LE(at);
  }

  /** Offsets and addresses of a file fit a double. @param {number} at */
  u64(at) {
    return Number(this.bytes.readBigUInt64LE(at));
  }

  /** @param {number} at */
  text(at) {
    const end = this.bytes.indexOf(0, at);
    if (at >= this.bytes.length || end === -1) throw new RangeError('a name runs past the end');
    return this.bytes.toString('latin1', at, end);
  }
}

/** @param {Reader} file @param {number} at @param {number} size @param {number} count */
function table(file, at, size, count) {
  if (size === 0 && count > 0) throw new RangeError('a table of nothing');
  if (at + size * count > file.bytes.length) throw new RangeError('a table runs past the end');
  return Array.from({ length: count }, (_, i) => at + i * size);
}

/** @param {Reader} file */
function programHeaders(file) {
  return table(file, file.u64(0x20), file.u16(0x36), file.u16(0x38)).map((at) => ({
    type: file.u32(at), flags: file.u32(at + 4), offset: file.u64(at + 8), address: file.u64(at + 16), size: file.u64(at + 32),
  }));
}

/** @param {Reader} file @param {{offset: number, size: number}} segment */
function dynamicEntries(file, segment) {
  const all = table(file, segment.offset, 16, Math.floor(segment.size / 16)).map((at) => ({ tag: file.u64(at), value: file.u64(at + 8) }));
  const end = all.findIndex(({ tag }) => tag === 0);
  return end === -1 ? all : all.slice(0, end);
}

/** Follow a list whose entries say how far the next one is; an end, or no way forward, ends it.
 * @param {Reader} file @param {number} at @param {number} count @param {number} link  Of the distance in an entry. */
function* chain(file, at, count, link) {
  for (let left = Math.min(count, Math.floor(file.bytes.length / 16)); left > 0; left -= 1) {
    yield at;
    const distance = file.u32(at + link);
    if (distance < 16) return;
    at += distance;
  }
}

/** The versions asked for, by index. @param {Reader} file @param {number} first @param {number} count @param {(offset: number) => string} name */
function neededVersions(file, first, count, name) {
  const found = new Map();
  for (const at of chain(file, first, count, 12)) {
    const library = name(file.u32(at + 4));
    for (const one of chain(file, at + file.u32(at + 8), file.u16(at + 2), 12)) {
      const index = file.u16(one + 6);
      if (found.has(index)) throw new RangeError('two versions of one number');
      found.set(index, { library, version: name(file.u32(one + 8)) });
    }
  }
  return found;
}

/** @param {Reader} file */
function symbolTable(file) {
  const section = table(file, file.u64(0x28), file.u16(0x3a), file.u16(0x3c)).find((at) => file.u32(at + 4) === SHT_DYNSYM);
  if (section === undefined) throw new RangeError('no table of dynamic symbols');
  return { offset: file.u64(section + 24), count: Math.floor(file.u64(section + 32) / 24) };
}

/** @param {Reader} file @returns {Elf} */
function read(file) {
  if (file.bytes.toString('latin1', 0, 4) !== '\x7fELF') throw new RangeError('no ELF file');
  if (file.bytes[4] !== 2 || file.bytes[5] !== 1) throw new RangeError('not 64-bit little-endian');
  const segments = programHeaders(file);
  const dynamic = segments.find(({ type }) => type === PT.DYNAMIC);
  if (dynamic === undefined) throw new RangeError('not dynamic');
  const entries = dynamicEntries(file, dynamic);
  const values = (/** @type {number} */ tag) => entries.filter((entry) => entry.tag === tag).map(({ value }) => value);
  const at = (/** @type {number} */ address) => {
    const segment = segments.find(({ type, address: from, size }) => type === PT.LOAD && address >= from && address < from + size);
    if (segment === undefined) throw new RangeError('an address outside of the file');
    return address - segment.address + segment.offset;
  };
  const strings = at(values(DT.STRTAB)[0]);
  const name = (/** @type {number} */ offset) => file.text(strings + offset);
  const versions = values(DT.VERNEED).length === 0 ? new Map()
    : neededVersions(file, at(values(DT.VERNEED)[0]), values(DT.VERNEEDNUM)[0], name);
  const versym = values(DT.VERSYM).length === 0 ? null : at(values(DT.VERSYM)[0]);
  const { offset, count } = symbolTable(file);
  const symbols = table(file, offset, 24, count).map((one, i) => {
    const index = versym === null ? 0 : file.u16(versym + i * 2) & ~VERSION_HIDDEN;
    return { name: name(file.u32(one)), bind: file.bytes[one + 4] >> 4, at: one, defined: file.u16(one + 6) !== 0, version: versions.get(index)?.version ?? '' };
  }).filter(({ bind, name: text }) => bind !== 0 && text !== '')
    .map(({ bind, ...symbol }) => ({ ...symbol, weak: bind === 2 }));
  const stack = segments.find(({ type }) => type === PT.GNU_STACK);
  return {
    machine: file.u16(0x12),
    shared: file.u16(0x10) === ET_DYN,
    needed: values(DT.NEEDED).map(name),
    searched: [...values(DT.RPATH), ...values(DT.RUNPATH)].map(name),
    writesText: values(DT.TEXTREL).length > 0 || values(DT.FLAGS).some((flags) => (flags & DF_TEXTREL) !== 0),
    runsStack: stack === undefined || (stack.flags & 1) !== 0,
    versions: [...versions.values()].map(({ library, version }) => `${library} ${version}`),
    symbols,
  };
}

/** @param {Buffer} bytes @returns {Elf}  Throws when it is none, or torn. */
function readElf(bytes) {
  try {
    return read(new Reader(bytes));
  } catch (error) {
    throw new Error(`cannot be read as a shared object: ${/** @type {Error} */ (error).message}`);
  }
}

module.exports = { readElf };
