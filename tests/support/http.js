'use strict';
// HTTP endpoints of a test's own.

const http = require('node:http');
const zlib = require('node:zlib');
const { once } = require('node:events');

/**
 * @typedef {object} Got  A request, read to its end
 * @property {string} method
 * @property {string} url
 * @property {import('node:http').IncomingHttpHeaders} headers
 * @property {Buffer} raw  the body as it was sent
 * @property {Buffer} body  gunzipped
 * @property {string} text  the same as text
 */

/** Listen on a free port of the loopback, until the test ends. @param {import('node:test').TestContext} t @param {import('node:net').Server} server @returns {Promise<number>} the port */
async function listen(t, server) {
  const sockets = new Set();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return /** @type {import('node:net').AddressInfo} */ (server.address()).port;
}

/** @param {import('node:test').TestContext} t @param {(got: Got, response: http.ServerResponse) => void} handle @returns {Promise<string>} its address */
async function serve(t, handle) {
  const server = http.createServer((request, response) => {
    /** @type {Buffer[]} */
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const raw = Buffer.concat(chunks);
      const body = request.headers['content-encoding'] === 'gzip' ? zlib.gunzipSync(raw) : raw;
      handle({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, raw, body, text: body.toString() }, response);
    });
  });
  return `http://127.0.0.1:${await listen(t, server)}`;
}

/** @param {http.ServerResponse} response @param {number} code @param {unknown} value @param {http.OutgoingHttpHeaders} [headers] */
function reply(response, code, value, headers = {}) {
  response.writeHead(code, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(value));
}

/** What a collector says that stored everything. @param {Got} got */
function receipt(got) {
  return { accepted: got.text.split('\n').filter(Boolean).length, duplicates: 0, rejected: 0 };
}

module.exports = { listen, serve, reply, receipt };
