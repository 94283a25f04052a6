'use strict';
// Slow clients, a process of their own: `node slow.js PORT TOKEN COUNT`. Each is one of five kinds, comes
// again when the collector ends its connection, and goes on until standard input ends. Then one JSON
// object says how the connections ended.
const net = require('node:net');

const [port, token, count] = [Number(process.argv[2]), process.argv[3], Number(process.argv[4])];
const PIECE_MS = 1000; // between two bytes
const AGAIN_MS = 200; // before the next connection
const PAGE = '/api/telemetry/events?limit=500';

const POST = `POST /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n`
  + 'Content-Type: application/x-ndjson\r\n';
const GET = `GET ${PAGE} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n`;

/** A byte now and then. @param {net.Socket} socket @param {string} text */
function drip(socket, text) {
  let at = 0;
  const timer = setInterval(() => {
    if (socket.writable) socket.write(text[at++ % text.length]);
  }, PIECE_MS);
  socket.once('close', () => clearInterval(timer));
}

/** @type {Record<string, (socket: net.Socket) => void>} */
const kinds = {
  header: (socket) => {
    socket.write(POST);
    drip(socket, 'X');
  },
  body: (socket) => {
    socket.write(`${POST}Content-Length: 100000\r\n\r\n{`);
    drip(socket, ' ');
  },
  // Asks for large pages, one behind the other, and takes a few bytes a second.
  reader: (socket) => {
    socket.write(`${GET}\r\n`.repeat(20));
    socket.pause();
    const timer = setInterval(() => { socket.read(64); }, PIECE_MS);
    socket.once('close', () => clearInterval(timer));
  },
  half: (socket) => { socket.end(`${GET}\r\n`); },
  silent: () => {},
};

const names = Object.keys(kinds);
const ends = Object.fromEntries(names.map((name) => [name, { connections: 0, closed: 0, reset: 0, refused: 0, status: {} }]));
/** @type {Set<net.Socket>} */
const open = new Set();
let stopping = false;

/** @param {string} name */
function start(name) {
  if (stopping) return;
  const end = ends[name];
  end.connections += 1;
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: name === 'half', highWaterMark: 1024 });
  open.add(socket);
  let head = '';
  let connected = false;
  let failed = false;
  if (name !== 'reader') socket.on('data', (data) => { if (head.length < 64) head += data.toString('latin1'); });
  socket.once('connect', () => {
    connected = true;
    kinds[name](socket);
  });
  socket.once('end', () => socket.end());
  socket.once('error', () => { failed = true; });
  socket.once('close', () => {
    open.delete(socket);
    const status = /^HTTP\/1\.1 (\d+)/.exec(head)?.[1];
    if (status !== undefined) end.status[status] = (end.status[status] ?? 0) + 1;
    if (!connected) end.refused += 1;
    else if (failed && status === undefined) end.reset += 1;
    else end.closed += 1;
    setTimeout(start, AGAIN_MS, name);
  });
}

for (let i = 0; i < count; i += 1) start(names[i % names.length]);
process.stdin.resume();
process.stdin.once('end', () => {
  stopping = true;
  console.log(JSON.stringify(ends));
  process.exit(0);
});
