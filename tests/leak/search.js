'use strict';
// Searches everything that could hold a secret: raw bytes, and what gzip members inside them inflate to.
const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');

const GZIP_MAGIC = Buffer.from([0x1f, 0x8b, 0x08]);

/** The bytes themselves and every gzip member found in them. @param {Buffer} bytes */
function layersOf(bytes) {
  const layers = [bytes];
  for (let at = bytes.indexOf(GZIP_MAGIC); at !== -1; at = bytes.indexOf(GZIP_MAGIC, at + 1)) {
    try {
      layers.push(zlib.gunzipSync(bytes.subarray(at), { finishFlush: zlib.constants.Z_SYNC_FLUSH }));
    } catch {
      const partial = inflatePrefix(bytes.subarray(at));
      if (partial.length > 0) layers.push(partial);
    }
  }
  return layers;
}

/** A gzip member followed by other bytes (a pipelined request): what inflates before the error.
 * @param {Buffer} bytes */
function inflatePrefix(bytes) {
  try {
    return zlib.inflateRawSync(bytes.subarray(gzipHeaderLength(bytes)), { finishFlush: zlib.constants.Z_SYNC_FLUSH });
  } catch {
    return Buffer.alloc(0);
  }
}

/** RFC 1952 section 2.3: fixed part, then the optional fields that FLG names. @param {Buffer} bytes */
function gzipHeaderLength(bytes) {
  const flags = bytes[3];
  let at = 10;
  if (flags & 4) at += 2 + bytes.readUInt16LE(at);
  if (flags & 8) at = bytes.indexOf(0, at) + 1;
  if (flags & 16) at = bytes.indexOf(0, at) + 1;
  if (flags & 2) at += 2;
  return at;
}

/** @param {string} place */
function* filesBelow(place) {
  if (!fs.existsSync(place)) return;
  for (const entry of fs.readdirSync(place, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) yield path.join(entry.parentPath ?? entry.path, entry.name);
  }
}

/**
 * @param {{kind: string, needle: string}[]} secrets
 * @param {Record<string, Buffer[]>} places  Bytes by the name of the place.
 * @returns {{place: string, kind: string}[]} one entry for each secret in each place that holds it
 */
function search(secrets, places) {
  const found = [];
  for (const [place, buffers] of Object.entries(places)) {
    const layers = buffers.flatMap(layersOf);
    for (const { kind, needle } of secrets) {
      // JSON escapes a line feed and a backslash; no needle holds either.
      if (layers.some((layer) => layer.includes(needle))) found.push({ place, kind });
    }
  }
  return found;
}

/** @param {string} directory @param {(name: string) => boolean} [wanted] */
function readAll(directory, wanted = () => true) {
  return [...filesBelow(directory)].filter(wanted).map((file) => fs.readFileSync(file));
}

module.exports = { search, readAll };
