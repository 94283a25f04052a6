'use strict';
// The signature at the end of a Mach-O file: hashes of its pages, which macOS compares when it loads them. An ad-hoc one
// names no signer; arm64 runs nothing without one. <kern/cs_blobs.h>; all numbers are big-endian.

const crypto = require('node:crypto');

const MAGIC = { superblob: 0xfade0cc0, directory: 0xfade0c02 };
const SHA256 = 2;
const ADHOC = 2;

/** @param {Buffer} blob @returns {number} where the directory of hashes is */
function directoryOf(blob) {
  if (blob.readUInt32BE(0) !== MAGIC.superblob) throw new RangeError('no signature');
  const offsets = Array.from({ length: blob.readUInt32BE(8) }, (_, i) => blob.readUInt32BE(12 + 8 * i + 4));
  const found = offsets.find((at) => blob.readUInt32BE(at) === MAGIC.directory);
  if (found === undefined) throw new RangeError('no hashes');
  return found;
}

/** @param {Buffer} bytes  The file. @param {Buffer} blob  Its signature. @param {number} end  Where that begins. */
function verify(bytes, blob, end) {
  const at = directoryOf(blob);
  const hashes = at + blob.readUInt32BE(at + 16);
  const limit = blob.readUInt32BE(at + 32);
  const pageSize = 1 << blob[at + 39];
  const adhoc = (blob.readUInt32BE(at + 12) & ADHOC) !== 0;
  if (blob[at + 37] !== SHA256) return { problem: 'is signed with another hash than SHA-256', adhoc };
  if (limit !== end || blob.readUInt32BE(at + 28) !== Math.ceil(limit / pageSize)) return { problem: 'has a signature of another length', adhoc };
  for (let page = 0; page * pageSize < limit; page += 1) {
    const hash = crypto.createHash('sha256').update(bytes.subarray(page * pageSize, Math.min(limit, (page + 1) * pageSize))).digest();
    if (hash.compare(blob, hashes + page * 32, hashes + page * 32 + 32) !== 0) {
      return { problem: `was changed after it was signed (page ${page}): macOS would kill the process`, adhoc };
    }
  }
  return { problem: '', adhoc };
}

/**
 * @param {Buffer} bytes  The file.
 * @param {{at: number, size: number}[]} places  Where the file says its signatures are.
 * @returns {{problem: string, adhoc: boolean}} problem: empty when the signature is right
 */
function readSignature(bytes, places) {
  if (places.length !== 1) return { problem: 'is not signed: macOS on arm64 does not load it', adhoc: false };
  const [{ at, size }] = places;
  if (at + size > bytes.length) throw new RangeError('a signature runs past the end');
  return verify(bytes, bytes.subarray(at, at + size), at);
}

module.exports = { readSignature };
