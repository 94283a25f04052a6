'use strict';
// Who gets in when places are few, and what a client cannot choose for itself.
const assert = require('node:assert/strict');
const fs = require('node:fs');
const net = require('node:net');
const test = require('node:test');
const { BINARY, Central, TOKEN, raw, run, toolCall, uuid7 } = require('./central-support.js');

const SANITIZED = /__[at]san_init/.test(fs.readFileSync(BINARY, 'latin1'));
const DAY_MS = 86_400_000;
const AUTH = `Host: x\r\nAuthorization: Bearer ${TOKEN}\r\n`;
const STATS = `GET /api/telemetry/stats HTTP/1.1\r\n${AUTH}\r\n`;

/** A socket that keeps what it received. @param {Central} central @param {string} bytes */
function connect(central, bytes) {
  const socket = net.connect(central.port, '127.0.0.1');
  const held = { socket, text: '', closed: false, ended: undefined };
  socket.on('data', (data) => { held.text += data.toString('latin1'); });
  socket.on('error', () => {});
  held.ended = new Promise((resolve) => socket.once('close', () => { held.closed = true; resolve(undefined); }));
  socket.write(bytes);
  return held;
}

/** Until the condition holds, looked at whenever the socket has something new. */
async function until(held, condition) {
  while (!condition() && !held.closed) await new Promise((resolve) => { held.socket.once('data', resolve); held.socket.once('close', resolve); });
  assert.ok(condition(), `got ${JSON.stringify(held.text)}`);
}

/** A keep-alive connection whose request with a valid token was answered in full. */
async function sender(central) {
  const held = connect(central, STATS);
  await until(held, () => held.text.endsWith('}\n'));
  return held;
}

/** A request with a valid token whose body never comes: its connection is at work. */
async function worker(central) {
  const held = connect(central, `POST /api/v1/events HTTP/1.1\r\n${AUTH}Content-Type: application/json\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n`);
  await until(held, () => held.text.includes('100 Continue'));
  return held;
}

/* --- places ------------------------------------------------------------------------------------ */

test('an answer to a request without a valid token closes its connection, with one it stays', async (t) => {
  const central = await Central.start(t);
  for (const [request, code] of [
    ['GET / HTTP/1.1\r\nHost: x\r\n\r\n', 200],
    ['GET /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n', 200],
    ['GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n', 404],
    ['GET /api/telemetry/stats HTTP/1.1\r\nHost: x\r\n\r\n', 401],
    ['GET /api/telemetry/stats HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer cnd_no\r\n\r\n', 401],
  ]) {
    const text = await raw(central.port, request); // to the close
    assert.match(text, new RegExp(`^HTTP/1\\.1 ${code} [^]*\r\nConnection: close\r\n`));
  }
  const kept = await sender(central);
  assert.doesNotMatch(kept.text, /Connection: close/);
  kept.socket.write(STATS);
  await until(kept, () => kept.text.match(/HTTP\/1\.1 200/g).length === 2 && kept.text.endsWith('}\n'));
  kept.socket.destroy();
});

test('a new connection takes the place of a silent one, of a sender only when there is no other', async (t) => {
  for (const threads of ['1', '2', '3']) {
    const central = await Central.start(t, { args: ['--max-connections', '3', '--threads', threads] });
    const kept = await sender(central);
    const silent = [connect(central, ''), connect(central, '')]; // what is sent and not read yet protects who sent it
    for (let i = 0; i < 5; i += 1) assert.match(await raw(central.port, `GET / HTTP/1.1\r\nHost: x\r\n\r\n`), /^HTTP\/1\.1 200 /);
    assert.equal(kept.closed, false);
    const others = [await sender(central), await sender(central)];
    await Promise.all(silent.map((held) => held.ended));
    const last = await sender(central);
    await Promise.race([kept, ...others].map((held) => held.ended));
    for (const held of [kept, ...others, last]) held.socket.destroy();
    assert.equal(await central.end('SIGTERM').then(({ code }) => code), 0, central.log);
  }
});

test('silent connections in any number do not keep a sender out', async (t) => {
  const central = await Central.start(t, { args: ['--max-connections', '20'] });
  const silent = Array.from({ length: 60 }, () => connect(central, ''));
  await Promise.all(silent.map((held) => new Promise((resolve) => { held.socket.once('connect', resolve); held.socket.once('close', resolve); })));
  for (let i = 0; i < 5; i += 1) {
    const { status } = await central.post([toolCall()], { headers: { connection: 'close' } });
    assert.equal(status, 202);
  }
  assert.ok((await central.metrics()).get('candor_central_connections_evicted_total') > 0);
  for (const held of silent) held.socket.destroy();
});

test('connections over the limit get 503 and the others go on', async (t) => {
  const central = await Central.start(t, { args: ['--max-connections', '3', '--threads', '2'] });
  const held = [await worker(central), await worker(central), await worker(central)];
  assert.match(await raw(central.port, STATS), /^HTTP\/1\.1 503 /);
  for (const one of held) {
    one.socket.write('[]       ');
    await until(one, () => one.text.includes('"accepted":0'));
  }
  const next = await sender(central); // one of them is idle now
  assert.equal((await central.metrics()).get('candor_central_connections_refused_total'), 1);
  for (const one of [...held, next]) one.socket.destroy();
});

test('an idle connection gives back the memory of its request', { skip: SANITIZED && 'a sanitizer keeps freed memory' }, async (t) => {
  const central = await Central.start(t, { args: ['--threads', '1'] });
  const rss = () => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${central.child.pid}/status`, 'utf8'))[1]);
  const body = `[]${' '.repeat(60_000)}`;
  const post = `POST /api/v1/events HTTP/1.1\r\n${AUTH}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const held = [];
  const open = async (n) => {
    for (let i = 0; i < n; i += 1) {
      const one = connect(central, post);
      await until(one, () => one.text.includes('"accepted":0'));
      held.push(one);
    }
  };
  await open(20); // what the first requests allocate once
  const before = rss();
  await open(400);
  const each = (rss() - before) / 400;
  assert.ok(each < 16, `${each} KiB for each idle connection`);
  for (const one of held) one.socket.destroy();
});

/* --- what the client cannot choose --------------------------------------------------------------- */

test('another machine in each request does not lift the rate beyond 20 machines of one address', async (t) => {
  const central = await Central.start(t, { args: ['--uploads-per-minute', '2'] });
  const send = (machine) => central.post([], { headers: { 'candor-machine-id': machine } });
  const started = Date.now();
  let taken = 0;
  let refused;
  for (let i = 0; i < 400 && refused === undefined; i += 1) {
    const answer = await send(`m-${i}`);
    if (answer.status === 202) taken += 1;
    else refused = answer;
  }
  const refilled = Math.ceil((Date.now() - started) / 1500); // 40 a minute come back
  assert.ok(taken >= 40 && taken <= 40 + refilled, `${taken} taken`);
  assert.equal(refused.status, 429);
  assert.match(refused.json.detail, /this address/);
  assert.ok(Number(refused.headers.get('retry-after')) >= 1);
});

test('metrics take a read token that is bound to no app, on loopback too', async (t) => {
  const central = await Central.start(t);
  const token = async (...args) => JSON.parse((await run(['token', 'create', '--json', '--data', central.data, ...args])).stdout).token;
  const bound = await token('--scopes', 'read', '--app', 'demo');
  const ingest = await token('--scopes', 'ingest');
  const read = await token('--scopes', 'read');
  const code = async (one) => (await central.fetch('/metrics', { token: one })).status;
  while (await code(read) !== 200) await new Promise((resolve) => setTimeout(resolve, 50)); // noticed within 2 s
  assert.equal(await code(null), 401);
  assert.equal(await code(ingest), 403);
  const refused = await central.fetch('/metrics', { token: bound });
  assert.equal(refused.status, 403);
  assert.match(refused.json.detail, /bound to the app \\?"demo/);
  const open = await Central.start(t, { args: ['--metrics-public'] });
  assert.equal((await open.fetch('/metrics', { token: null })).status, 200);
});

test('a token for an app that no event can name is refused with a sentence', async (t) => {
  const central = await Central.start(t);
  for (const app of ['', 'my agent', 'a"b', 'a'.repeat(129), `ghp_${'a1B2'.repeat(9)}`]) {
    const { code, stdout, stderr } = await run(['token', 'create', '--scopes', 'read', '--app', app, '--data', central.data]);
    assert.deepEqual([code, stdout], [2, ''], app);
    assert.match(stderr, /--app is ".*; it takes the app that the events name/);
  }
  assert.deepEqual(JSON.parse((await run(['token', 'list', '--json', '--data', central.data])).stdout), []);
  assert.equal((await run(['token', 'create', '--scopes', 'read', '--app', 'my-agent', '--data', central.data])).code, 0);
});

/* --- batches that were taken in part ------------------------------------------------------------- */

test('a batch taken in part brings the rest when it is sent again after the cause is mended', async (t) => {
  const first = await Central.start(t, { args: ['--max-age-days', '1'] });
  const old = Date.now() - 5 * DAY_MS;
  const late = toolCall('grep', 10, { event_id: uuid7(old), timestamp: new Date(old).toISOString() });
  const body = JSON.stringify([toolCall(), late]);
  const headers = { 'candor-batch-id': uuid7() };
  const refused = (await first.post(body, { headers })).json;
  assert.deepEqual([refused.accepted, refused.rejected, refused.results[0].reason], [1, 1, 'clock_skew']);
  const same = (await first.post(body, { headers })).json; // the answer was lost, nothing is mended
  assert.deepEqual([same.accepted, same.duplicates, same.rejected, same.duplicate_batch], [0, 1, 1, undefined]);
  await first.end('SIGTERM');
  const second = await Central.start(t, { dir: first.dir });
  const mended = (await second.post(body, { headers })).json;
  assert.deepEqual([mended.accepted, mended.duplicates, mended.rejected, mended.duplicate_batch], [1, 1, 0, undefined]);
  const again = (await second.post(body, { headers })).json; // now it is whole
  assert.deepEqual([again.accepted, again.duplicates, again.duplicate_batch], [0, 2, true]);
  assert.equal((await second.ids()).length, 2);
});
