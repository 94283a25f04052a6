'use strict';
// A collector with a schema that has content fields, and texts for it.
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');
const { Central, run, scratch, uuid7 } = require('./central-support.js');

const SCHEMA = path.join(__dirname, '..', '..', 'schema', 'default.json');
const DAY_MS = 86_400_000;

/** A schema file with two events of content. @param {string} dir */
function contentSchema(dir) {
  const schema = JSON.parse(fs.readFileSync(SCHEMA, 'utf8'));
  const about = { category: 'chat', level: 'content', owner: 'agent team', expires: '2028-12-31', purpose: 'Tests of full content' };
  schema.events.NoteFull = { ...about, fields: { noteBody: { kind: 'content', maxBytes: 1000 }, noteKind: { kind: 'id', maxLength: 16 } } };
  schema.events.PageFull = { ...about, fields: { noteBody: { kind: 'content', maxBytes: 2000 }, pageText: { kind: 'content', maxBytes: 4_000_000 } } };
  const file = path.join(dir, 'schema.json');
  fs.writeFileSync(file, JSON.stringify(schema));
  return file;
}

/** @param {import('node:test').TestContext} t @param {{args?: string[], dir?: string}} [options] */
function startWithContent(t, options = {}) {
  const dir = options.dir ?? scratch(t);
  return Central.start(t, { ...options, dir, args: ['--schema', contentSchema(dir), ...(options.args ?? [])] });
}

/** @param {string | Buffer} text */
const sha256 = (text) => crypto.createHash('sha256').update(text).digest('hex');

/**
 * @param {Central} central @param {string | Buffer} text
 * @param {{id?: string, field?: string | null, gzip?: boolean, headers?: Record<string, string | null>, token?: string | null}} [options]
 */
function attach(central, text, { id = uuid7(), field = 'noteBody', gzip = false, headers = {}, token } = {}) {
  const all = {
    'candor-consent': 'user;epoch=2;content=1', 'content-type': 'text/plain; charset=utf-8',
    ...(gzip ? { 'content-encoding': 'gzip' } : {}), ...headers,
  };
  return central.fetch(`/api/v1/attachments/${id}${field === null ? '' : `?field=${field}`}`, {
    method: 'POST', body: gzip ? zlib.gzipSync(text) : Buffer.from(text), token,
    headers: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null)),
  });
}

/** @param {Central} central @param {string} id @param {{field?: string, token?: string | null}} [options] */
const read = (central, id, { field, token } = {}) =>
  central.fetch(`/api/v1/attachments/${id}${field === undefined ? '' : `?field=${field}`}`, { token });

/** A text that is sent in parts. @param {Buffer} text @param {{id?: string, field?: string, hash?: string}} [more] */
const upload = (text, { id = uuid7(), field = 'pageText', hash = sha256(text) } = {}) => ({ text, id, field, hash, path: `/api/v1/uploads/${id}?field=${field}` });
/** @typedef {ReturnType<typeof upload>} Upload */

/** The header fields of a part. @param {Upload} up @param {{offset: number | string, last: boolean}} place */
const partHeaders = (up, { offset, last }) => ({
  'candor-consent': 'user;epoch=2;content=1', 'content-type': 'application/partial-upload', 'candor-content-sha256': up.hash,
  'upload-offset': String(offset), 'upload-complete': last ? '?1' : '?0',
});

/**
 * One part, from offset up to end of the text, the last one unless told.
 * @param {Central} central @param {Upload} up
 * @param {{offset?: number, end?: number, last?: boolean, gzip?: boolean, headers?: Record<string, string | null>, token?: string | null}} [options]
 */
function part(central, up, { offset = 0, end = up.text.length, last = end === up.text.length, gzip = false, headers = {}, token } = {}) {
  const bytes = up.text.subarray(offset, end);
  const all = { ...partHeaders(up, { offset, last }), ...(gzip ? { 'content-encoding': 'gzip' } : {}), ...headers };
  return central.fetch(up.path, {
    method: 'PATCH', body: gzip ? zlib.gzipSync(bytes) : bytes, token,
    headers: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null)),
  });
}

/** How far the collector is with it. @param {Central} central @param {Upload} up @param {{token?: string | null}} [options] */
async function place(central, up, { token } = {}) {
  const { status, headers } = await central.fetch(up.path, { method: 'HEAD', token, headers: { 'candor-content-sha256': up.hash } });
  return { status, offset: Number(headers.get('upload-offset') ?? Number.NaN), whole: headers.get('upload-complete') === '?1', limit: headers.get('upload-limit') };
}

/** @param {Central} central @param {...string} args */
async function makeToken(central, ...args) {
  return JSON.parse((await run(['token', 'create', '--json', '--data', central.data, ...args])).stdout).token;
}

module.exports = { DAY_MS, attach, makeToken, part, partHeaders, place, read, sha256, startWithContent, upload };
