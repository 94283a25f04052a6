'use strict';
// Endpoints of a test's own: a proxy that keeps each body on its way to a real collector, and a server
// that takes a request and never answers.
const http = require('node:http');

/** @param {import('node:test').TestContext} t @param {http.Server} server @returns {Promise<string>} */
async function listen(t, server) {
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', () => resolve(undefined)); });
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`;
}

/** @param {import('node:test').TestContext} t @param {string} target */
async function proxy(t, target) {
  /** @type {{url: string, body: Buffer}[]} */
  const requests = [];
  const server = http.createServer((request, response) => {
    /** @type {Buffer[]} */
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      requests.push({ url: String(request.url), body });
      const onward = http.request(new URL(String(request.url), target), { method: request.method, headers: request.headers }, (answer) => {
        response.writeHead(Number(answer.statusCode), answer.headers);
        answer.pipe(response);
      });
      onward.on('error', () => response.destroy());
      onward.end(body);
    });
  });
  return { requests, url: await listen(t, server) };
}

/** @param {import('node:test').TestContext} t */
async function hanging(t) {
  const state = { open: 0, taken: 0, url: '' };
  const server = http.createServer((request) => {
    state.taken++;
    state.open++;
    request.socket.once('close', () => { state.open--; });
  });
  state.url = await listen(t, server);
  return state;
}

module.exports = { hanging, proxy };
