'use strict';
// Stands between the apps and the collector and counts how many uploads are under way at once. An upload
// ends when its answer is complete or its sender's connection is gone: a killed sender uploads no more.
const http = require('node:http');
const { once } = require('node:events');

class Relay {
  #server; #under = new Set(); #port = 0;
  /** @type {() => string} */
  #target;
  /** Most uploads that were under way at the same moment. */
  most = 0;
  /** Uploads that were begun. */
  uploads = 0;

  /** @param {() => string} target  the collector's URL at the moment */
  constructor(target) {
    this.#target = target;
    this.#server = http.createServer((request, response) => this.#pass(request, response));
    this.#server.on('clientError', (_error, socket) => socket.destroy());
  }

  async start() {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = /** @type {import('node:net').AddressInfo} */ (this.#server.address()).port;
  }

  get url() {
    return `http://127.0.0.1:${this.#port}`;
  }

  stop() {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** @param {http.IncomingMessage} request @param {http.ServerResponse} response */
  #pass(request, response) {
    this.#count(request, response);
    const onward = http.request(this.#target() + request.url, { method: request.method, headers: request.headers });
    onward.on('error', () => response.destroy());
    onward.on('response', (answer) => {
      answer.on('error', () => response.destroy());
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    request.on('error', () => onward.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  }

  #count(request, response) {
    if (request.method !== 'POST') return;
    this.uploads += 1;
    this.#under.add(request);
    this.most = Math.max(this.most, this.#under.size);
    const end = () => {
      this.#under.delete(request);
      request.socket.off('close', end);
    };
    response.on('finish', end);
    request.socket.on('close', end);
  }
}

module.exports = { Relay };
