'use strict';
// As much of a PE file as the check looks at, read without binutils. Microsoft's "PE Format" names the fields.

const DIRECTORY = { exports: 0, imports: 1, delayed: 13 };
/** Of a descriptor: bytes, and where in it the name of the DLL and the list of functions are. */
const IMPORT = { size: 20, dll: 12, names: 0 };
const DELAYED = { size: 32, dll: 4, names: 16 };
const SECTION_SIZE = 40;

/**
 * @typedef {object} Pe
 * @property {number} machine
 * @property {number} time  Of the link; 0 in a reproducible file.
 * @property {boolean} dll
 * @property {number} flags  DllCharacteristics.
 * @property {string[]} exports
 * @property {{dll: string, names: string[]}[]} imports  Asked for when the file is loaded.
 * @property {{dll: string, names: string[]}[]} delayed  Asked for at the first call.
 * @property {{name: string, writes: boolean, runs: boolean}[]} sections
 */

/** @param {Buffer} bytes @returns {Pe} */
function readPe(bytes) {
  try {
    return read(bytes);
  } catch (error) {
    if (error instanceof RangeError) throw new Error('is no whole PE file');
    throw error;
  }
}

/** @param {Buffer} bytes @returns {Pe} */
function read(bytes) {
  const head = bytes.toString('latin1', 0, 2) === 'MZ' ? bytes.readUInt32LE(0x3c) : bytes.length;
  if (bytes.toString('latin1', head, head + 4) !== 'PE\0\0') throw new Error('is no PE file');
  const optional = head + 24;
  if (bytes.readUInt16LE(optional) !== 0x20b) throw new Error('is no PE file of 64 bits');
  const sections = readSections(bytes, optional + bytes.readUInt16LE(head + 20), bytes.readUInt16LE(head + 6));
  if (sections.some(({ file, size }) => file + size > bytes.length)) throw new RangeError('section');
  const at = (/** @type {number} */ address) => offsetOf(sections, address);
  const directory = (/** @type {number} */ index) => (index < bytes.readUInt32LE(optional + 108) ? bytes.readUInt32LE(optional + 112 + 8 * index) : 0);
  return {
    machine: bytes.readUInt16LE(head + 4),
    time: bytes.readUInt32LE(head + 8),
    dll: (bytes.readUInt16LE(head + 22) & 0x2000) !== 0,
    flags: bytes.readUInt16LE(optional + 70),
    exports: readExports(bytes, at, directory(DIRECTORY.exports)),
    imports: readImports(bytes, at, directory(DIRECTORY.imports), IMPORT),
    delayed: directory(DIRECTORY.delayed) !== 0 ? readImports(bytes, at, directory(DIRECTORY.delayed), DELAYED) : findDelayed(bytes, at, sections),
    sections: sections.map(({ name, flags }) => ({ name, writes: (flags & 0x80000000) !== 0, runs: (flags & 0x20000000) !== 0 })),
  };
}

/** @typedef {{name: string, from: number, size: number, file: number, flags: number}} Section */

/** @param {Buffer} bytes @param {number} from @param {number} count @returns {Section[]} */
function readSections(bytes, from, count) {
  return Array.from({ length: count }, (_, i) => from + i * SECTION_SIZE).map((at) => ({
    name: bytes.toString('latin1', at, at + 8).replace(/\0+$/, ''),
    from: bytes.readUInt32LE(at + 12), size: bytes.readUInt32LE(at + 16), file: bytes.readUInt32LE(at + 20), flags: bytes.readUInt32LE(at + 36),
  }));
}

/** Where an address of the loaded file is in the file. @param {Section[]} sections @param {number} address */
function offsetOf(sections, address) {
  const section = sections.find(({ from, size }) => address >= from && address < from + size);
  if (section === undefined) throw new RangeError('address');
  return address - section.from + section.file;
}

/** @param {Buffer} bytes @param {number} at */
function text(bytes, at) {
  return bytes.toString('latin1', at, bytes.indexOf(0, at));
}

/** @param {Buffer} bytes @param {(address: number) => number} at @param {number} directory */
function readExports(bytes, at, directory) {
  if (directory === 0) return [];
  const head = at(directory);
  const names = at(bytes.readUInt32LE(head + 32));
  const found = Array.from({ length: bytes.readUInt32LE(head + 24) }, (_, i) => text(bytes, at(bytes.readUInt32LE(names + 4 * i))));
  // A function without a name can be found by its number.
  const nameless = bytes.readUInt32LE(head + 20) - found.length;
  return nameless > 0 ? [...found, `${nameless} by number`] : found;
}

/** One descriptor. @param {Buffer} bytes @param {(address: number) => number} at @param {number} row @param {typeof IMPORT} layout */
function readImport(bytes, at, row, layout) {
  const names = [];
  for (let entry = at(bytes.readUInt32LE(row + layout.names)); ; entry += 8) {
    const value = bytes.readBigUInt64LE(entry);
    if (value === 0n) break;
    names.push(value >> 63n === 1n ? `#${value & 0xffffn}` : text(bytes, at(Number(value)) + 2));
  }
  return { dll: text(bytes, at(bytes.readUInt32LE(row + layout.dll))), names };
}

/** @param {Buffer} bytes @param {(address: number) => number} at @param {number} directory @param {typeof IMPORT} layout */
function readImports(bytes, at, directory, layout) {
  const found = [];
  if (directory === 0) return [];
  for (let row = at(directory); bytes.readUInt32LE(row + layout.dll) !== 0; row += layout.size) found.push(readImport(bytes, at, row, layout));
  return found;
}

/** dlltool leaves the directory empty and puts the descriptor beside the code: attributes 1, then the address of a name.
 * @param {Buffer} bytes @param {(address: number) => number} at @param {Section[]} sections */
function findDelayed(bytes, at, sections) {
  const found = [];
  const names = sections.find(({ name }) => name === '.idata');
  for (const { file, size } of sections.filter(({ name }) => name === '.text')) {
    for (let row = file; row + DELAYED.size <= file + size; row += 16) {
      const [attributes, dll] = [bytes.readUInt32LE(row), bytes.readUInt32LE(row + DELAYED.dll)];
      if (attributes !== 1 || names === undefined || dll < names.from || dll >= names.from + names.size) continue;
      if (/^[\w.-]+\.(exe|dll)$/i.test(text(bytes, at(dll)))) found.push(readImport(bytes, at, row, DELAYED));
    }
  }
  return found;
}

module.exports = { readPe };
