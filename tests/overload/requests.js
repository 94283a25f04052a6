'use strict';
// The requests of the overload test: templates into which native/flood.c writes fresh ids, and what the
// ids in the store say of them.
const fs = require('node:fs');
const { Fleet } = require('../bench/lib/events');

const KIND = { event: 0, batch: 1, machine: 2 };
const BATCH_ID = '01900000-0000-7000-8000-000000000000';
const MACHINE_ID = 'f'.repeat(32);

/** @param {string} text @param {string} what @param {number} kind @param {number} from */
function patchAt(text, what, kind, from) {
  const at = text.indexOf(what, from);
  if (at < 0) throw new Error(`${what} is not in the request`);
  return [kind, at];
}

/** One template: the request and where its ids are. Not compressed, because ids are written into it. */
function template(fleet, events, token) {
  const list = Array.from({ length: events }, () => fleet.event(fleet.session(), Date.now()));
  const body = `${list.map((event) => event.line).join('\n')}\n`;
  const head = 'POST /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-ndjson\r\n'
    + `Authorization: Bearer ${token}\r\nCandor-Batch-Id: ${BATCH_ID}\r\nCandor-Machine-Id: ${MACHINE_ID}\r\n`
    + `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
  const text = Buffer.from(head + body).toString('latin1'); // so that an index is an offset
  const patches = [patchAt(text, BATCH_ID, KIND.batch, 0), patchAt(text, MACHINE_ID, KIND.machine, 0)];
  let from = head.length;
  for (const { id } of list) {
    patches.push(patchAt(text, id, KIND.event, from));
    from = patches[patches.length - 1][1];
  }
  const words = Buffer.alloc(12 + 8 * patches.length);
  words.writeUInt32LE(text.length, 0);
  words.writeUInt32LE(events, 4);
  words.writeUInt32LE(patches.length, 8);
  patches.flat().forEach((word, i) => words.writeUInt32LE(word, 12 + 4 * i));
  return Buffer.concat([words, Buffer.from(text, 'latin1')]);
}

/** @param {string} file @param {{templates: number, events: number, token: string, seed: number}} options */
function writeTemplates(file, { templates, events, token, seed }) {
  const fleet = new Fleet({ seed });
  fs.writeFileSync(file, Buffer.concat(Array.from({ length: templates }, () => template(fleet, events, token))));
}

/**
 * Hold the acknowledged requests of one run against all ids of the store.
 * @param {Buffer} ids  16 bytes each
 * @param {string} acksFile @param {number} seed @param {number} sent @param {number} events  of a request
 */
function compare(ids, acksFile, seed, sent, events) {
  const seen = new Uint8Array(sent * events);
  let duplicates = 0;
  const mark = ((0x8000 | (seed >> 16 & 0x3fff)) << 16 | (seed & 0xffff)) >>> 0;
  for (let at = 0; at < ids.length; at += 16) {
    if (ids.readUInt32BE(at + 8) !== mark) continue;
    const slot = ids.readUInt32BE(at + 12) * events + (ids.readUInt16BE(at + 6) & 0xfff);
    if (seen[slot] > 0) duplicates += 1;
    seen[slot] = 1;
  }
  const acks = fs.readFileSync(acksFile);
  let lost = 0;
  for (let at = 0; at < acks.length; at += 4) {
    const number = acks.readUInt32LE(at);
    for (let i = 0; i < events; i += 1) lost += seen[number * events + i] === 0 ? 1 : 0;
  }
  return { lost, duplicates, stored: seen.reduce((sum, one) => sum + one, 0) };
}

module.exports = { compare, writeTemplates };
