'use strict';
// A TCP relay that keeps every byte it carries, so that the wire itself can be searched.
const net = require('node:net');
const { once } = require('node:events');

/** @param {() => number} targetPort */
async function recordingProxy(targetPort) {
  /** @type {Buffer[]} */
  const sent = [];
  const server = net.createServer((client) => {
    const upstream = net.connect(targetPort(), '127.0.0.1');
    client.on('data', (data) => {
      sent.push(data);
      upstream.write(data);
    });
    upstream.on('data', (data) => client.write(data));
    const close = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      socket.on('error', close);
      socket.on('close', close);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  return { port: address.port, bytes: () => Buffer.concat(sent), close: () => server.close() };
}

module.exports = { recordingProxy };
