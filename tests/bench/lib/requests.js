'use strict';
// Pre-built request files for native/loadgen.c, and the same events as rows for native/bare_sqlite.c.
// Everything is made before the clock starts: a generator that shares two cores with the server under
// test would be what is measured.
const fs = require('node:fs');
const zlib = require('node:zlib');

const WRITE_CHUNK = 1 << 20;

/** Collects small writes; fs streams would make the builders asynchronous for nothing. */
class Writer {
  #fd; #parts = []; #size = 0;

  constructor(file) {
    this.#fd = fs.openSync(file, 'w', 0o600);
  }

  write(...buffers) {
    for (const buffer of buffers) {
      this.#parts.push(buffer);
      this.#size += buffer.length;
    }
    if (this.#size >= WRITE_CHUNK) this.#flush();
  }

  #flush() {
    const all = Buffer.concat(this.#parts);
    for (let at = 0; at < all.length;) at += fs.writeSync(this.#fd, all, at);
    this.#parts = [];
    this.#size = 0;
  }

  close() {
    this.#flush();
    fs.closeSync(this.#fd);
  }
}

function bodyText(lines, format) {
  return format === 'array' ? `[${lines.join(',')}]` : `${lines.join('\n')}\n`;
}

/** One POST /api/v1/events, byte for byte as the load generator sends it. */
function requestBytes(lines, { format, gzipLevel, token, batchId, machineId }) {
  const text = bodyText(lines, format);
  const body = gzipLevel > 0 ? zlib.gzipSync(text, { level: gzipLevel }) : Buffer.from(text);
  const head = 'POST /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n'
    + `Content-Type: ${format === 'array' ? 'application/json' : 'application/x-ndjson'}\r\n`
    + (gzipLevel > 0 ? 'Content-Encoding: gzip\r\n' : '')
    + `Authorization: Bearer ${token}\r\nCandor-Batch-Id: ${batchId}\r\n`
    + `Candor-Machine-Id: ${machineId}\r\nContent-Length: ${body.length}\r\n\r\n`;
  return { head: Buffer.from(head, 'latin1'), body, textBytes: text.length };
}

/** u32 length of the rest, event id, u32 whether there is a correlation id, that id, u32 type, app and
 * session, payload: the columns that bare_sqlite.c binds. */
function rowBytes(event) {
  const payload = Buffer.from(event.payload);
  const row = Buffer.alloc(52 + payload.length);
  row.writeUInt32LE(48 + payload.length, 0);
  row.write(event.id.replaceAll('-', ''), 4, 'hex');
  row.writeUInt32LE(event.correlation === '' ? 0 : 1, 20);
  row.write(event.correlation.replaceAll('-', ''), 24, 'hex');
  row.writeUInt32LE(event.type, 40);
  row.writeUInt32LE(event.session.app + 1, 44);
  row.writeUInt32LE(event.session.number, 48);
  payload.copy(row, 52);
  return row;
}

/** u32 length of the rest, event id, i64 Unix ms, then each a u32 length and its text: type, category,
 * session, user, machine, app, version, platform, correlation id, payload, and the event's line: the columns that
 * bare_sink.c inserts. */
function sinkRowBytes(event, category) {
  const fields = JSON.parse(event.line);
  const texts = [fields.event_type, category, fields.session_id, fields.user_id, fields.machine_id, fields.app,
    fields.app_version, fields.platform, fields.correlation_id ?? '', event.payload, `${event.line}\n`];
  const parts = texts.flatMap((text) => {
    const length = Buffer.allocUnsafe(4);
    const bytes = Buffer.from(text);
    length.writeUInt32LE(bytes.length, 0);
    return [length, bytes];
  });
  const head = Buffer.alloc(28);
  head.writeUInt32LE(24 + parts.reduce((sum, part) => sum + part.length, 0), 0);
  head.write(event.id.replaceAll('-', ''), 4, 'hex');
  head.writeBigInt64LE(BigInt(Date.parse(fields.timestamp)), 20);
  return Buffer.concat([head, ...parts]);
}

/**
 * @param {import('./events').Fleet} fleet
 * @param {object} options
 * @param {string} options.file
 * @param {string} [options.rowsFile]
 * @param {string} [options.sinkRowsFile]
 * @param {number} options.batches
 * @param {number} options.perBatch
 * @param {(batch: number, i: number) => number} options.timeOf  Unix ms of an event.
 * @param {'crowd' | 'session'} options.mix  A session an event, or one session a batch.
 * @param {'ndjson' | 'array'} options.format
 * @param {number} options.gzipLevel  0: not compressed.
 * @param {string} options.token
 */
function buildRequests(fleet, options) {
  const out = new Writer(options.file);
  const rows = options.rowsFile ? new Writer(options.rowsFile) : null;
  const sinkRows = options.sinkRowsFile ? new Writer(options.sinkRowsFile) : null;
  const categories = new Map(fleet.types.map((type) => [type.number, type.category]));
  const totals = { batches: options.batches, events: 0, textBytes: 0, bodyBytes: 0 };
  for (let batch = 0; batch < options.batches; batch += 1) {
    const owner = fleet.session();
    const lines = [];
    let ms = 0;
    for (let i = 0; i < options.perBatch; i += 1) {
      ms = options.timeOf(batch, i);
      const event = fleet.event(options.mix === 'session' ? owner : fleet.session(), ms);
      lines.push(event.line);
      if (rows) rows.write(rowBytes(event));
      if (sinkRows) sinkRows.write(sinkRowBytes(event, categories.get(event.type)));
    }
    const request = requestBytes(lines, { ...options, batchId: fleet.uuid7(ms), machineId: owner.machineId });
    const prefix = Buffer.allocUnsafe(8);
    prefix.writeUInt32LE(request.head.length + request.body.length, 0);
    prefix.writeUInt32LE(lines.length, 4);
    out.write(prefix, request.head, request.body);
    totals.events += lines.length;
    totals.textBytes += request.textBytes;
    totals.bodyBytes += request.body.length;
  }
  out.close();
  rows?.close();
  sinkRows?.close();
  return totals;
}

module.exports = { buildRequests };
