'use strict';
// HTTP that two parsers could read differently, over a raw socket: each is answered with 400 and closed.
const assert = require('node:assert/strict');
const net = require('node:net');
const test = require('node:test');
const { Central, TOKEN, raw, toolCall } = require('./central-support.js');

const POST = `POST /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: application/json\r\n`;
const GET = 'GET / HTTP/1.1\r\nHost: x\r\n';

const REFUSED = {
  'differing Content-Length': `${POST}Content-Length: 2\r\nContent-Length: 3\r\n\r\n[]`,
  'duplicate Content-Length': `${POST}Content-Length: 2\r\nContent-Length: 2\r\n\r\n[]`,
  'Content-Length with a sign': `${POST}Content-Length: +2\r\n\r\n[]`,
  'Content-Length and Transfer-Encoding': `${POST}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'Transfer-Encoding: gzip, chunked': `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  'chunk size +2': `${POST}Transfer-Encoding: chunked\r\n\r\n+2\r\n[]\r\n0\r\n\r\n`,
  'chunk size 0x2': `${POST}Transfer-Encoding: chunked\r\n\r\n0x2\r\n[]\r\n0\r\n\r\n`,
  'chunk extension': `${POST}Transfer-Encoding: chunked\r\n\r\n2;a=b\r\n[]\r\n0\r\n\r\n`,
  'chunk with bare LF': `${POST}Transfer-Encoding: chunked\r\n\r\n2\n[]\n0\n\n`,
  'trailer field': `${POST}Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\nX: y\r\n\r\n`,
  'bare LF': 'GET / HTTP/1.1\nHost: x\n\n',
  'NUL in a header': `${GET}X: a\0b\r\n\r\n`,
  'empty header name': `${GET}: x\r\n\r\n`,
  'space before the colon': `${GET}X : y\r\n\r\n`,
  'folded header': `${GET}X: a\r\n b\r\n\r\n`,
  'no Host': 'GET / HTTP/1.1\r\n\r\n',
  'two Hosts': `${GET}Host: y\r\n\r\n`,
  'space in the target': 'GET /a b HTTP/1.1\r\nHost: x\r\n\r\n',
  'control byte in the request line': 'GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n',
  'absolute target': 'GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n',
  'not HTTP at all': '\x16\x03\x01\x02\x00\x01\x00',
};

test('ambiguous requests are answered with 400 and the connection closes', async (t) => {
  const central = await Central.start(t);
  for (const [name, bytes] of Object.entries(REFUSED)) {
    await t.test(name, async () => {
      const text = await raw(central.port, bytes);
      assert.match(text, /^HTTP\/1\.1 400 Bad Request\r\n/);
      assert.match(text, /Connection: close\r\n/);
      assert.equal(text.match(/HTTP\/1\.1 \d/g).length, 1, 'one answer, the rest of the bytes is not a request');
    });
  }
  assert.deepEqual(await central.ids(), []);
});

test('a head longer than the limit gets 431, sent in one piece or many', async (t) => {
  const central = await Central.start(t, { args: ['--max-header-bytes', '2048'] });
  assert.match(await raw(central.port, `${GET}X: ${'a'.repeat(5000)}\r\n\r\n`), /^HTTP\/1\.1 431 /);
  assert.match(await raw(central.port, [GET, ...Array.from({ length: 60 }, (_, i) => `X${i}: ${'a'.repeat(60)}\r\n`)]), /^HTTP\/1\.1 431 /);
});

test('chunked bodies arrive whole, in pieces of any size', async (t) => {
  const central = await Central.start(t);
  const body = JSON.stringify([toolCall(), toolCall()]);
  const chunks = [];
  for (let at = 0; at < body.length; at += 37) {
    const piece = body.slice(at, at + 37);
    chunks.push(`${piece.length.toString(16)}\r\n${piece}\r\n`);
  }
  const bytes = `${POST}Transfer-Encoding: chunked\r\n\r\n${chunks.join('')}0\r\n\r\n`;
  assert.match(await raw(central.port, bytes, { until: '}\n' }), /"accepted":2/);
  const single = `${POST}Transfer-Encoding: chunked\r\n\r\n${`1\r\n[\r\n`}1\r\n]\r\n0\r\n\r\n`;
  assert.match(await raw(central.port, single.split(''), { until: '}\n' }), /"accepted":0/);
});

test('pipelined requests are answered in order on one connection', async (t) => {
  const central = await Central.start(t);
  const text = await raw(central.port, `${POST}Content-Length: 2\r\n\r\n[]GET /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n${GET}Connection: close\r\n\r\n`);
  assert.deepEqual([...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map((m) => m[1]), ['202', '200', '200']);
  assert.ok(text.indexOf('"accepted"') < text.indexOf('"uptime_s"'));
});

test('a refused body is not taken for the next request', async (t) => {
  const central = await Central.start(t);
  const smuggled = 'GET /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n';
  const codes = async (head) => {
    const text = await raw(central.port, `${head}Content-Length: ${smuggled.length}\r\n\r\n${smuggled}${GET}Connection: close\r\n\r\n`);
    return [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map((m) => m[1]);
  };
  assert.deepEqual(await codes(POST.replace('application/json', 'text/plain')), ['415', '200']);
  assert.deepEqual(await codes('POST /api/v1/events HTTP/1.1\r\nHost: x\r\n'), ['401']); // no token: closed
});

test('Expect: 100-continue is answered before the body, a refusal at once', async (t) => {
  const central = await Central.start(t);
  const text = await raw(central.port, `${POST}Content-Length: 2\r\nExpect: 100-continue\r\n\r\n`, { until: '\r\n\r\n' });
  assert.match(text, /^HTTP\/1\.1 100 Continue/);
  const refused = await raw(central.port, `POST /api/v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n`);
  assert.match(refused, /^HTTP\/1\.1 401 /);
  assert.match(await raw(central.port, `${GET}Expect: tea\r\n\r\n`), /^HTTP\/1\.1 417 /);
});

test('slow clients lose their connection, in head, body and idle', async (t) => {
  const central = await Central.start(t, { args: ['--read-timeout-ms', '300', '--idle-timeout-ms', '300'] });
  assert.match(await raw(central.port, 'GET / HT'), /^HTTP\/1\.1 408 /);
  assert.match(await raw(central.port, `${POST}Content-Length: 100\r\n\r\n[`), /^HTTP\/1\.1 408 /);
  assert.equal(await raw(central.port, ''), '');
  const idle = await raw(central.port, `${POST}Content-Length: 2\r\n\r\n[]`);
  assert.match(idle, /^HTTP\/1\.1 202 /); // served, then closed as idle
  assert.doesNotMatch(idle, /Connection: close/);
  // A client that drips a byte now and then does not buy time with it.
  const socket = net.connect(central.port, '127.0.0.1');
  const drip = setInterval(() => socket.write('X'), 50);
  let text = '';
  socket.on('data', (data) => { text += data; });
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('close', resolve));
  clearInterval(drip);
  assert.match(text, /408/);
});

test('a client that takes no byte of a response is dropped', async (t) => {
  const central = await Central.start(t, { args: ['--write-timeout-ms', '300'] });
  for (let i = 0; i < 10; i += 1) await central.post(Array.from({ length: 500 }, () => toolCall()), { gzip: true });
  const socket = net.connect({ port: central.port, host: '127.0.0.1' });
  socket.pause();
  socket.on('error', () => {});
  const ask = `GET /api/telemetry/events?limit=500 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`;
  socket.write(ask.repeat(100)); // 100 answers of 150 KB do not fit any socket buffer
  for (;;) {
    const open = (await central.metrics()).get('candor_central_connections');
    if (open <= 1) break; // ours for /metrics
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  socket.destroy();
});
