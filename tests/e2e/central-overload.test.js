'use strict';
// More than the collector can take: what it keeps in memory for slow readers, and how it says no.
// tests/overload shows the same under real load.
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const test = require('node:test');
const { until } = require('../support/until.js');
const { BINARY, Central, TOKEN, event, scratch, toolCall } = require('./central-support.js');

const AUTH = `Host: x\r\nAuthorization: Bearer ${TOKEN}\r\n`;
const PAGE = `GET /api/telemetry/events?limit=500 HTTP/1.1\r\n${AUTH}\r\n`;

/** A client that keeps everything it got and how its connection ended. @param {import('node:test').TestContext} t */
function client(t, central, bytes) {
  const socket = net.connect({ port: central.port, host: '127.0.0.1' });
  t.after(() => socket.destroy());
  const held = { socket, text: '', error: undefined, ended: false, closed: undefined };
  socket.on('data', (data) => { held.text += data.toString('latin1'); });
  socket.on('error', (error) => { held.error = error; });
  socket.on('end', () => { held.ended = true; });
  held.closed = new Promise((resolve) => { socket.once('close', resolve); });
  socket.write(bytes);
  return held;
}

/** Events that make a page of 500 a large one. */
async function fillPages(central) {
  const message = 'a word and another one; '.repeat(250);
  for (let i = 0; i < 10; i += 1) {
    const { status } = await central.post(Array.from({ length: 50 }, () => event('Error', { errorType: 'E', message, stack: message })));
    assert.equal(status, 202);
  }
}

/** Asks for pages and takes no byte. */
function reader(t, central, pages) {
  const socket = net.connect({ port: central.port, host: '127.0.0.1' });
  t.after(() => socket.destroy());
  socket.on('error', () => {});
  socket.pause();
  socket.write(PAGE.repeat(pages));
  return socket;
}

test('responses over response-bytes together get 503 with Retry-After; those that are read go on', async (t) => {
  const central = await Central.start(t, { args: ['--response-bytes', '1048576', '--write-timeout-ms', '60000'] });
  await fillPages(central);
  const page = (await central.fetch('/api/telemetry/events?limit=500')).text.length;
  assert.ok(page > 300_000, `${page} bytes`);
  const readers = Array.from({ length: 8 }, () => reader(t, central, 50));
  const held = async () => (await central.metrics()).get('candor_central_response_bytes');
  const shed = await until('the readers fill the memory for responses', async () => {
    const answer = await central.fetch('/api/telemetry/events?limit=500');
    return answer.status === 503 ? answer : undefined;
  });
  assert.match(shed.headers.get('retry-after'), /^\d+$/);
  assert.equal(shed.json.code, 'busy');
  assert.ok((await central.metrics()).get('candor_central_shed_total{reason="responses"}') > 0);
  assert.ok(await held() <= Math.max(1048576, page), String(await held()));
  assert.equal((await central.post([toolCall()])).status, 202, 'uploads are not affected');
  for (const socket of readers) socket.destroy();
  await until('their memory is given back', async () => await held() === 0);
  assert.equal((await central.get('/api/telemetry/events?limit=500')).events.length, 500);
});

test('over max-connections a client gets its 503 and a clean end, also one that had sent its request', async (t) => {
  const central = await Central.start(t, { args: ['--max-connections', '1'] });
  const body = `[]${' '.repeat(20_000)}`;
  const post = `POST /api/v1/events HTTP/1.1\r\n${AUTH}Content-Type: application/json\r\n`;
  const worker = client(t, central, `${post}Content-Length: 9\r\nExpect: 100-continue\r\n\r\n`);
  await until('the place is taken', () => worker.text.includes('100 Continue'));
  for (let i = 0; i < 30; i += 1) {
    const refused = client(t, central, `${post}Content-Length: ${body.length}\r\n\r\n${body}`);
    await refused.closed;
    assert.match(refused.text, /^HTTP\/1\.1 503 [^]*Retry-After: \d+\r\n[^]*"code":"busy"/);
    assert.deepEqual([refused.error, refused.ended], [undefined, true]);
  }
  worker.socket.write('[]       ');
  await until('the one at work is answered', () => worker.text.includes('"accepted":0'));
});

test('a silent client that makes place is told so', async (t) => {
  const central = await Central.start(t, { args: ['--max-connections', '1', '--threads', '1'] });
  const silent = client(t, central, '');
  await until('it is connected', () => silent.socket.readyState === 'open');
  const other = client(t, central, `GET /api/telemetry/stats HTTP/1.1\r\n${AUTH}\r\n`);
  await until('the other is answered', () => other.text.startsWith('HTTP/1.1 200'));
  await silent.closed;
  assert.match(silent.text, /^HTTP\/1\.1 503 [^]*Retry-After: \d+/);
  assert.deepEqual([silent.error, silent.ended], [undefined, true]);
});

test('the soft limit of open files is raised to what max-connections takes', async (t) => {
  const dir = scratch(t);
  const child = spawn('sh', ['-c', 'ulimit -Sn 100; exec "$0" serve --data "$1/data" --listen 127.0.0.1:0 --max-connections 500', BINARY, dir],
    { env: { PATH: process.env.PATH, CANDOR_CENTRAL_TOKEN: TOKEN }, stdio: ['ignore', 'ignore', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  let log = '';
  child.stderr.on('data', (data) => { log += data; });
  await until('it listens', () => log.includes('"listening"'));
  const [, soft] = /^Max open files\s+(\d+)/m.exec(fs.readFileSync(path.join('/proc', String(child.pid), 'limits'), 'utf8'));
  assert.ok(Number(soft) > 500, soft);
});
