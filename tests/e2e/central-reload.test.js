'use strict';
// Certificates and token files that change while the collector serves.
const assert = require('node:assert/strict');
const fs = require('node:fs');
const https = require('node:https');
const path = require('node:path');
const test = require('node:test');
const tls = require('node:tls');
const { makeCa, makeServer } = require('../support/pki.js');
const { until } = require('../support/until.js');
const { Central, TOKEN, scratch, toolCall } = require('./central-support.js');

const HEADERS = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };

/** A collector with the certificate "one" in live.pem and live.key, and "two" beside it. */
async function serve(t) {
  const dir = scratch(t);
  const file = (name) => path.join(dir, name);
  makeCa(dir, 'ca');
  makeServer(dir, 'ca', 'one');
  makeServer(dir, 'ca', 'two');
  const place = (kind, name) => {
    fs.copyFileSync(file(`${name}.${kind}`), file('new'));
    fs.renameSync(file('new'), file(`live.${kind}`));
  };
  place('pem', 'one');
  place('key', 'one');
  const central = await Central.start(t, { args: ['--tls-cert', file('live.pem'), '--tls-key', file('live.key')] });
  return { central, place, file, ca: fs.readFileSync(file('ca.pem')) };
}

/** Who answers a new handshake. @returns {Promise<string>} the certificate's common name */
function whoAnswers(central, ca) {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port: central.port, host: '127.0.0.1', ca }, () => {
      resolve(socket.getPeerCertificate().subject.CN);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

/** @param {https.Agent} agent */
function post(central, agent, body) {
  return new Promise((resolve, reject) => {
    const request = https.request({ host: '127.0.0.1', port: central.port, agent, method: 'POST', path: '/api/v1/events', headers: HEADERS }, (response) => {
      let text = '';
      response.on('data', (data) => { text += data; });
      response.on('end', () => resolve({ status: response.statusCode, text, reused: request.reusedSocket, peer: request.socket?.getPeerCertificate?.().subject?.CN }));
    });
    request.on('error', reject);
    request.end(JSON.stringify(body));
  });
}

const times = (central, event) => central.log.split(`"event":"${event}"`).length - 1;

test('after SIGHUP new handshakes take the new certificate, and open connections go on', async (t) => {
  const { central, place, ca } = await serve(t);
  const agent = new https.Agent({ ca, keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  assert.equal((await post(central, agent, [toolCall()])).status, 202);
  assert.equal(await whoAnswers(central, ca), 'one');
  place('pem', 'two');
  place('key', 'two');
  central.child.kill('SIGHUP');
  await until('it was read', () => times(central, 'tls_reloaded') >= 1);
  assert.equal(await whoAnswers(central, ca), 'two');
  const { status, reused } = await post(central, agent, [toolCall()]);
  assert.deepEqual([status, reused], [202, true], 'the connection from before');
  assert.match(central.log, /"event":"tls_reloaded","certificate_ends":\d{10}/);
});

test('changed files are noticed without a signal', async (t) => {
  const { central, place, ca } = await serve(t);
  place('pem', 'two');
  place('key', 'two');
  await until('the new certificate answers', async () => await whoAnswers(central, ca) === 'two');
  assert.equal(await central.end('SIGTERM').then(({ code }) => code), 0);
});

test('a pair that is not usable leaves the old one in use, and the log says which file and why', async (t) => {
  const { central, place, file, ca } = await serve(t);
  place('pem', 'two'); // the key stays that of "one"
  central.child.kill('SIGHUP');
  await until('it was refused', () => times(central, 'tls_not_reloaded') >= 1);
  assert.equal(await whoAnswers(central, ca), 'one');
  assert.match(central.log, /"level":"error","event":"tls_not_reloaded","detail":"[^"]*live\.key[^"]*mismatch[^"]*","advice"/);
  fs.writeFileSync(file('live.pem'), 'not a certificate\n');
  central.child.kill('SIGHUP');
  await until('it was refused again', () => /tls_not_reloaded","detail":"[^"]*live\.pem is not a usable PEM certificate/.test(central.log));
  fs.rmSync(file('live.key'));
  central.child.kill('SIGHUP');
  assert.equal(await whoAnswers(central, ca), 'one');
  place('pem', 'two');
  place('key', 'two');
  await until('the mended pair answers', async () => await whoAnswers(central, ca) === 'two');
});

test('clients that connect while certificates change are all answered', async (t) => {
  const { central, place, ca } = await serve(t);
  let running = true;
  let accepted = 0;
  const workers = Array.from({ length: 4 }, async () => {
    while (running) {
      const agent = new https.Agent({ ca }); // a handshake each
      const { status, text } = await post(central, agent, [toolCall()]);
      assert.equal(status, 202, text);
      accepted += 1;
    }
  });
  for (let i = 1; i <= 10; i += 1) {
    place('pem', i % 2 ? 'two' : 'one');
    place('key', i % 2 ? 'two' : 'one');
    const [before, target] = [times(central, 'tls_reloaded'), accepted + 5];
    central.child.kill('SIGHUP');
    await until('it was read', () => times(central, 'tls_reloaded') > before && accepted >= target);
  }
  running = false;
  await Promise.all(workers);
  const agent = new https.Agent({ ca });
  const stored = await new Promise((resolve, reject) => {
    https.get({ host: '127.0.0.1', port: central.port, agent, path: '/api/telemetry/stats', headers: HEADERS }, (response) => {
      let text = '';
      response.on('data', (data) => { text += data; });
      response.on('end', () => resolve(JSON.parse(text).events.total));
    }).on('error', reject);
  });
  assert.equal(stored, accepted);
});

test('a token file is read again; one that is not usable changes nothing', async (t) => {
  const dir = scratch(t);
  const file = path.join(dir, 'tokens');
  const [first, second] = ['first-token-of-the-file', 'second-token-of-the-file'];
  fs.writeFileSync(file, `${first}\n`, { mode: 0o600 });
  const central = await Central.start(t, { args: ['--token-file', file] });
  const status = async (token) => (await central.post([], { token })).status;
  assert.deepEqual([await status(first), await status(second)], [202, 401]);
  fs.writeFileSync(file, `# rotated\n${second}\n`);
  central.child.kill('SIGHUP');
  await until('it was read', () => times(central, 'token_file_reloaded') >= 1);
  assert.deepEqual([await status(first), await status(second)], [401, 202]);
  fs.writeFileSync(file, `${first}\nshort\n`);
  central.child.kill('SIGHUP');
  await until('it was refused', () => times(central, 'token_file_not_reloaded') >= 1);
  assert.deepEqual([await status(first), await status(second)], [401, 202]);
  assert.match(central.log, /token_file_not_reloaded","detail":"[^"]*tokens[^"]*16 to 256 visible/);
  assert.ok(!central.log.includes(first) && !central.log.includes(second));
  assert.ok((await central.metrics()).get('candor_central_reload_failures_total') >= 1);
  fs.writeFileSync(file, `${first}\n`);
  await until('the change is noticed without a signal', async () => await status(first) === 202);
});
