'use strict';
// The whole pipe over real TLS: certificates made here, the real collector, the real client.

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const net = require('node:net');
const path = require('node:path');
const { openClient, runScript, tempDir } = require('../js/helper.js');
const { makeCa, makeServer } = require('../support/pki.js');
const { assertOnce, emitMany, listen, startCollector } = require('./pipe-support.js');

// A proxy of the machine that runs the tests must not come between.
for (const name of ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy', 'NO_PROXY', 'no_proxy']) delete process.env[name];

/** One CA, and the certificates of the cases. */
function makePki(t) {
  const dir = tempDir(t);
  makeCa(dir, 'ca');
  makeCa(dir, 'stranger');
  makeServer(dir, 'ca', 'good');
  makeServer(dir, 'ca', 'expired', { days: '-1' });
  makeServer(dir, 'ca', 'elsewhere', { san: 'DNS:other.example' });
  return {
    file: (name) => path.join(dir, `${name}.pem`),
    flags: (name) => ['--uploads-per-minute', '0', '--tls-cert', path.join(dir, `${name}.pem`), '--tls-key', path.join(dir, `${name}.key`)],
    pem: (name) => fs.readFileSync(path.join(dir, `${name}.pem`), 'utf8'),
  };
}

function startTls(t, pki, certificate) {
  return startCollector(t, { scheme: 'https', args: pki.flags(certificate) });
}

/** Stop, and go on at the same port with another certificate. */
async function changeCertificate(collector, pki, certificate) {
  await collector.stop();
  collector.options.args = pki.flags(certificate);
  await collector.start();
}

/** GET over TLS, trusting the CA alone. @returns {Promise<any>} */
function get(collector, pki, route) {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${collector.token}` };
    https.get(collector.url + route, { ca: pki.pem('ca'), headers, agent: false }, (response) => {
      let text = '';
      response.on('data', (data) => { text += data; });
      response.on('end', () => (response.statusCode === 200 ? resolve(JSON.parse(text)) : reject(new Error(text))));
    }).on('error', reject);
  });
}

async function storedOverTls(collector, pki) {
  return (await get(collector, pki, '/api/telemetry/events?limit=500')).events;
}

function assertSentence(text) {
  assert.equal(typeof text, 'string');
  assert.ok(text.length > 20 && text.includes(' '), text);
}

for (const kind of ['caFile', 'caPem']) {
  test(`events arrive over TLS with ${kind}`, async (t) => {
    const pki = makePki(t);
    const collector = await startTls(t, pki, 'good');
    const trust = kind === 'caFile' ? { caFile: pki.file('ca') } : { caPem: pki.pem('ca') };
    const client = openClient(t, { endpoint: collector.url, token: collector.token, batchEvents: 10, ...trust });
    assert.equal(emitMany(client, 25), 25);
    const result = await client.upload();
    assert.equal(result.error, null);
    assert.equal(result.events, 25);
    assert.equal(client.status().last_upload.ok, true);
    assertOnce(await storedOverTls(collector, pki), 25);
  });
}

const distrust = [
  { name: 'a CA that did not sign', certificate: 'good', ca: 'stranger', says: /certificate|trusted/ },
  { name: 'an expired certificate', certificate: 'expired', ca: 'ca', says: /expired/ },
  { name: 'a certificate of another host', certificate: 'elsewhere', ca: 'ca', says: /certificate|host/ },
];

for (const { name, certificate, ca, says } of distrust) {
  test(`${name}: nothing is sent, everything waits, and arrives once when it is put right`, async (t) => {
    const pki = makePki(t);
    const collector = await startTls(t, pki, certificate);
    const directory = path.join(tempDir(t), 'spool');
    const options = { directory, endpoint: collector.url, token: collector.token, retryBaseMs: 1 };
    const client = openClient(t, { ...options, caFile: pki.file(ca) });
    emitMany(client, 30);
    const result = await client.upload();
    assert.equal(result.uploaded, 0);
    const { last_upload: last, spool, sent } = client.status();
    assertSentence(last.error);
    assert.match(last.error, says);
    assert.equal(last.ok, false);
    assert.equal(last.http, 0);
    assert.equal(spool.events, 30);
    assert.equal(sent.events, 0);
    client.close();
    if (certificate !== 'good') await changeCertificate(collector, pki, 'good');
    assert.deepEqual(await storedOverTls(collector, pki), []);

    const again = openClient(t, { ...options, caFile: pki.file('ca') });
    assert.equal((await again.upload()).error, null);
    assertOnce(await storedOverTls(collector, pki), 30);
    assert.equal(again.status().spool.events, 0);
  });
}

test('a CA file that is missing is told, and nothing is lost', async (t) => {
  const pki = makePki(t);
  const collector = await startTls(t, pki, 'good');
  const client = openClient(t, { endpoint: collector.url, token: collector.token, caFile: '/no/such/ca.pem' });
  emitMany(client, 3);
  assertSentence((await client.upload()).error);
  assertSentence(client.status().last_upload.error);
  assert.equal(client.status().spool.events, 3);
});

test('the token and the events do not cross the wire in clear', async (t) => {
  const pki = makePki(t);
  const collector = await startTls(t, pki, 'good');
  const wire = [];
  const server = net.createServer((socket) => {
    const upstream = net.connect(collector.port, '127.0.0.1');
    socket.on('data', (data) => { wire.push(data); upstream.write(data); });
    upstream.on('data', (data) => socket.write(data));
    upstream.on('close', () => socket.destroy());
    upstream.on('error', () => socket.destroy());
    socket.on('close', () => upstream.destroy());
  });
  const port = await listen(t, server);
  const client = openClient(t, { endpoint: `https://127.0.0.1:${port}`, token: collector.token, caFile: pki.file('ca') });
  emitMany(client, 5);
  assert.equal((await client.upload()).error, null);
  const sent = Buffer.concat(wire);
  assert.ok(sent.length > 500);
  for (const secret of [collector.token, '/api/v1/events', 'ToolCall', 'Bearer']) {
    assert.equal(sent.includes(secret), false, secret);
  }
});

/** An HTTP proxy that knows CONNECT alone, and remembers where to. */
async function connectProxy(t, allow = () => true) {
  const targets = [];
  const server = http.createServer((request, response) => response.writeHead(405).end());
  server.on('connect', (request, socket, head) => {
    targets.push(request.url);
    if (!allow()) {
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    const [host, port] = request.url.split(':');
    const upstream = net.connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.write(head);
      upstream.pipe(socket);
      socket.pipe(upstream);
    });
    const close = () => { socket.destroy(); upstream.destroy(); };
    for (const side of [socket, upstream]) { side.on('error', close); side.on('close', close); }
  });
  const port = await listen(t, server);
  return { targets, url: `http://127.0.0.1:${port}` };
}

test('TLS goes through the proxy of the option, end to end', async (t) => {
  const pki = makePki(t);
  const collector = await startTls(t, pki, 'good');
  const proxy = await connectProxy(t);
  const client = openClient(t, { endpoint: collector.url, token: collector.token, caFile: pki.file('ca'), proxy: proxy.url });
  emitMany(client, 12);
  assert.equal((await client.upload()).error, null);
  assert.deepEqual(proxy.targets, [`127.0.0.1:${collector.port}`]);
  assertOnce(await storedOverTls(collector, pki), 12);
});

test('a proxy that refuses is told, everything waits, and goes when it allows', async (t) => {
  const pki = makePki(t);
  const collector = await startTls(t, pki, 'good');
  let allowed = false;
  const proxy = await connectProxy(t, () => allowed);
  const client = openClient(t, { endpoint: collector.url, token: collector.token, caFile: pki.file('ca'), proxy: proxy.url });
  emitMany(client, 4);
  assert.match((await client.upload()).error, /the proxy refused with 403/);
  assert.equal(client.status().spool.events, 4);
  allowed = true;
  assert.equal((await client.upload()).error, null);
  assertOnce(await storedOverTls(collector, pki), 4);
});

const throughEnvironment = `
  const client = candor.open(options);
  client.emit('ToolCall', { toolName: 'x' }, { correlationId: 'c-0' });
  client.upload().then((result) => { process.exitCode = result.error === null ? 0 : 1; console.error(result.error); });
`;

for (const { name, env, used } of [
  { name: 'HTTPS_PROXY of the environment is used', env: (url) => ({ HTTPS_PROXY: url, NO_PROXY: '' }), used: true },
  { name: 'NO_PROXY wins over HTTPS_PROXY', env: (url) => ({ HTTPS_PROXY: url, NO_PROXY: '127.0.0.1' }), used: false },
]) {
  test(name, async (t) => {
    const pki = makePki(t);
    const collector = await startTls(t, pki, 'good');
    const proxy = await connectProxy(t);
    const options = { endpoint: collector.url, token: collector.token, caFile: pki.file('ca') };
    const app = await runScript(throughEnvironment, path.join(tempDir(t), 'spool'), { options, env: env(proxy.url) });
    assert.equal(app.code, 0, app.stderr);
    assert.equal(app.stdout, '');
    assert.equal(proxy.targets.length, used ? 1 : 0);
    assertOnce(await storedOverTls(collector, pki), 1);
  });
}

for (const endpoint of ['http://telemetry.example.com', 'http://127.0.0.1.example.org', 'http://192.0.2.1:8797']) {
  test(`clear text to ${endpoint} is refused with advice`, (t) => {
    assert.throws(() => openClient(t, { endpoint, token: 'secret' }), {
      code: 'ERR_CANDOR_INVALID_OPTION',
      message: /option "endpoint" must be https: http would send the data in clear text/,
    });
  });
}
