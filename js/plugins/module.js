'use strict';
// What can be told of a WebAssembly module before it runs (https://webassembly.github.io/spec/core/binary/).

const { TelemetryError } = require('../errors');

const MODULE_MAX_BYTES = 16 * 1024 * 1024;
const PAGE_BYTES = 65536;
const SECTION_MEMORY = 5;
const HAS_MAXIMUM = 0x01;

/** @param {string} message */
function invalid(message) {
  return new TelemetryError(message, 'ERR_CANDOR_PLUGIN');
}

/** Unsigned LEB128 of at most 32 bits. @param {Uint8Array} bytes @param {number} at @returns {[number, number]} value, next */
function leb(bytes, at) {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = bytes[at++];
    if (byte === undefined) break;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return [value, at];
  }
  throw invalid('the file is not a WebAssembly module: a number in it is cut short');
}

/** @param {Uint8Array} bytes @returns {number | undefined} maximum of the module's own memory in bytes */
function declaredMaximum(bytes) {
  for (let at = 8; at < bytes.length;) {
    const id = bytes[at];
    const [size, start] = leb(bytes, at + 1);
    if (id === SECTION_MEMORY) {
      const [count, first] = leb(bytes, start);
      if (count === 0 || (bytes[first] & HAS_MAXIMUM) === 0) return undefined;
      const [, after] = leb(bytes, first + 1);
      return leb(bytes, after)[0] * PAGE_BYTES;
    }
    at = start + size;
  }
  return undefined;
}

/**
 * Refuses what must not be instantiated. Nothing can bound the memory of a running module from outside, so
 * it has to declare its own bound.
 * @param {Uint8Array} bytes
 * @param {number} memoryMaxBytes
 */
function checkModule(bytes, memoryMaxBytes) {
  const magic = bytes.length >= 8 && bytes[0] === 0 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d;
  if (!magic) throw invalid('the file is not a WebAssembly module');
  const maximum = declaredMaximum(bytes);
  if (maximum === undefined) {
    throw invalid(`the module declares no maximum of its memory; link it with --max-memory=${memoryMaxBytes} or less`);
  }
  if (maximum > memoryMaxBytes) {
    throw invalid(`the module may grow to ${maximum} bytes of memory and the host allows ${memoryMaxBytes}; link it with --max-memory`);
  }
}

module.exports = { MODULE_MAX_BYTES, checkModule, invalid };
