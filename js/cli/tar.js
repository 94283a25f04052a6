'use strict';
// A .tar.gz of a few small files: POSIX ustar, https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html

const zlib = require('node:zlib');

const BLOCK = 512;
const NAME_MAX = 100;
/** Eleven octal digits. */
const SIZE_MAX = 8 ** 11 - 1;

/** @param {number} n @param {number} width  with the NUL at the end */
function octal(n, width) {
  return `${n.toString(8).padStart(width - 1, '0')}\0`;
}

/** @param {Buffer} block */
function checksum(block) {
  return block.reduce((sum, byte) => sum + byte, 0);
}

/** @param {string} name @param {number} size @param {number} mtimeMs */
function header(name, size, mtimeMs) {
  if (Buffer.byteLength(name) > NAME_MAX) throw new RangeError(`the name of an archive's file is longer than ${NAME_MAX} bytes: ${name}`);
  if (size > SIZE_MAX) throw new RangeError(`a file of ${size} bytes does not fit into ustar`);
  const block = Buffer.alloc(BLOCK);
  block.write(name, 0, 'utf8');
  block.write(octal(0o600, 8), 100, 'latin1');
  block.write(octal(0, 8), 108, 'latin1'); // owner and group say nothing about anybody
  block.write(octal(0, 8), 116, 'latin1');
  block.write(octal(size, 12), 124, 'latin1');
  block.write(octal(Math.floor(mtimeMs / 1000), 12), 136, 'latin1');
  block.write('        ', 148, 'latin1'); // the checksum counts as spaces
  block.write('0', 156, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  block.write(`${checksum(block).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/**
 * @param {{name: string, text: string}[]} files  names of up to 100 bytes, folders with "/"
 * @param {number} mtimeMs
 * @returns {Buffer}
 */
function tarGz(files, mtimeMs) {
  const parts = files.flatMap(({ name, text }) => {
    const body = Buffer.from(text);
    return [header(name, body.length, mtimeMs), body, Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK)];
  });
  return zlib.gzipSync(Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]));
}

module.exports = { tarGz };
