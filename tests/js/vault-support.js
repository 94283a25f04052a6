'use strict';
// A collector that takes events and attachments, and a search through every file of a directory.

const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const zlib = require('node:zlib');

const PROBLEM = 'application/problem+json';

/**
 * The contract of POST /api/v1/events and /api/v1/attachments, as far as a client sees it. `answer` may
 * give another answer to an attachment: [code, body]; `upload` answers to parts: [code, headers, body]. `refuseEvents` says whether a batch gets 500.
 * @param {import('node:test').TestContext} t
 */
async function collector(t, { answer, upload, refuseEvents = () => false } = {}) {
  const got = { order: [], events: [], attachments: [], stored: new Map() };
  const state = { answer, upload };
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const plain = request.headers['content-encoding'] === 'gzip' ? zlib.gunzipSync(body) : body;
      const url = new URL(request.url, 'http://127.0.0.1');
      const reply = (code, value, type = 'application/json') => {
        response.writeHead(code, { 'content-type': type });
        response.end(JSON.stringify(value));
      };
      if (url.pathname === '/api/v1/events') {
        if (refuseEvents()) return reply(500, {});
        const lines = plain.toString().split('\n').filter(Boolean).map((line) => JSON.parse(line));
        got.events.push(...lines);
        got.order.push(...lines.map((event) => `event ${event.event_id}`));
        return reply(200, { accepted: lines.length, duplicates: 0, rejected: 0 });
      }
      if (url.pathname.startsWith('/api/v1/uploads/')) {
        got.order.push(`${request.method} upload`);
        const odd = state.upload?.(request, plain);
        if (odd !== undefined) {
          response.writeHead(odd[0], odd[1]);
          return response.end(odd[2]);
        }
        return reply(404, { type: 'about:blank', status: 404 }, PROBLEM);
      }
      const id = url.pathname.split('/').pop();
      const field = url.searchParams.get('field');
      got.order.push(`attachment ${id} ${field}`);
      got.attachments.push({ id, field, text: plain.toString(), headers: request.headers, path: url.pathname });
      const special = state.answer?.(got.attachments.length);
      if (special !== undefined) return reply(special[0], special[1], special[0] >= 400 ? PROBLEM : undefined);
      const sha256 = crypto.createHash('sha256').update(plain).digest('hex');
      const known = got.stored.get(`${id} ${field}`);
      if (known !== undefined && known.sha256 !== sha256) return reply(409, { type: 'about:blank', status: 409 }, PROBLEM);
      if (known !== undefined) return reply(200, { stored: false, duplicate: true });
      got.stored.set(`${id} ${field}`, { sha256, text: plain.toString() });
      return reply(201, { stored: true });
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => new Promise((resolve) => {
    server.closeAllConnections();
    server.close(resolve);
  }));
  return { endpoint: `http://127.0.0.1:${server.address().port}`, got, state };
}

/** The bytes of a file; null when the worker has renamed or deleted it since it was listed. */
function read(file) {
  try {
    return fs.readFileSync(file);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return null;
    throw error;
  }
}

/** Every file below, with its bytes as they are and, where that works, inflated. */
function* filesBelow(directory) {
  for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
    const file = path.join(directory, entry.name);
    if (entry.isDirectory()) {
      yield* filesBelow(file);
      continue;
    }
    const raw = read(file);
    if (raw === null) continue;
    yield { file, bytes: raw };
    try {
      yield { file, bytes: zlib.gunzipSync(raw) };
    } catch {
      // no gzip
    }
  }
}

/** The files in which a text stands, in UTF-8 or UTF-16. */
function findText(directory, text) {
  const needles = [Buffer.from(text), Buffer.from(text, 'utf16le')];
  return [...filesBelow(directory)].filter(({ bytes }) => needles.some((needle) => bytes.includes(needle))).map(({ file }) => file);
}

/** A key of 32 random bytes under an id. */
function makeKey(id = 'k1') {
  return { id, key: crypto.randomBytes(32) };
}

module.exports = { collector, findText, makeKey };
