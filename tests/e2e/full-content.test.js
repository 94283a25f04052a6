'use strict';
// Full content from a client into the real collector and back, exactly once.
const assert = require('node:assert/strict');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const test = require('node:test');
const crypto = require('node:crypto');
const { open } = require('../../js');
const { Collector } = require('../../scripts/support/collector.js');

const ROOT = path.join(__dirname, '..', '..');

/** A collector with the default catalogue, and a client with full content on. */
async function pair(t) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'candor-full-'));
  const collector = new Collector({
    directory: path.join(directory, 'central'), args: ['--schema', path.join(ROOT, 'schema', 'default.json')],
  });
  await collector.start();
  const client = open({
    app: 'full-e2e', directory: path.join(directory, 'spool'), endpoint: collector.url, token: collector.token,
    mode: 'manual', notice: 'none', minFreeDiskBytes: 0, encryptSpool: true, requireNative: true,
  });
  t.after(async () => {
    client.close();
    await collector.stop();
    fs.rmSync(directory, { recursive: true, force: true });
  });
  client.setKeys([{ id: 'k', key: crypto.randomBytes(32) }]);
  await client.setFullContent(true);
  return { client, collector };
}

/** @param {Collector} collector @param {string} id @param {string} field */
async function readBack(collector, id, field) {
  const response = await fetch(`${collector.url}/api/v1/attachments/${id}?field=${field}`, { headers: { authorization: `Bearer ${collector.token}` } });
  return { status: response.status, text: await response.text() };
}

/** Whether this collector has the route: a malformed id is 400 there. @param {Collector} collector */
async function takesAttachments(collector) {
  return (await readBack(collector, 'no-uuid', 'prompt')).status === 400;
}

test('prompt and response arrive at the collector behind their event, byte for byte', async (t) => {
  const { client, collector } = await pair(t);
  if (!await takesAttachments(collector)) return t.skip('this collector has no attachments');
  const prompt = 'Grüße "\\" \u{1F370}\r\n\u0000 ' + 'x'.repeat(200_000);
  assert.equal(client.emit('ChatTurnFull', { model: 'm', prompt, response: '' }), true);
  const report = await client.upload();
  assert.equal(report.error, null);
  assert.equal(client.status().vault.sent, 2);
  const events = [];
  for await (const event of collector.events()) events.push(event);
  assert.deepEqual(events.map((event) => event.payload), [{ model: 'm' }]);
  const id = events[0].event_id;
  assert.deepEqual(await readBack(collector, id, 'prompt'), { status: 200, text: prompt });
  assert.deepEqual(await readBack(collector, id, 'response'), { status: 200, text: '' });
});

/** A relay that breaks every connection once `left` bytes have gone through to the collector. */
async function breaker(t, collector) {
  const state = { left: Infinity, endpoint: '' };
  const server = net.createServer((client) => {
    const upstream = net.connect(Number(new URL(collector.url).port), '127.0.0.1');
    const close = () => { client.destroy(); upstream.destroy(); };
    client.on('data', (data) => {
      if (state.left < data.length) {
        close();
        return;
      }
      state.left -= data.length;
      upstream.write(data);
    });
    upstream.on('data', (data) => client.write(data));
    for (const socket of [client, upstream]) socket.on('error', close).on('close', close);
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', () => resolve(undefined)); });
  t.after(() => new Promise((resolve) => { server.close(resolve); }));
  state.endpoint = `http://127.0.0.1:${server.address().port}`;
  return state;
}

test('a large text goes on where a broken connection and a killed collector left it', async (t) => {
  const { client, collector } = await pair(t);
  if (!await takesAttachments(collector)) return t.skip('this collector has no attachments');
  const relay = await breaker(t, collector);
  await client.configure({ endpoint: relay.endpoint });
  const diff = crypto.randomBytes(187_500).toString('base64'); // 250000 characters, four parts
  assert.equal(client.emit('ProposalDiff', { proposalId: 'p', diff }), true);
  relay.left = 60_000; // the event, and some of the text at once
  assert.notEqual((await client.upload()).error, null);
  relay.left = 120_000; // two parts of 65536 bytes, which are 50 kB each on their way
  assert.notEqual((await client.upload()).error, null);
  const metric = async (name) => Number(new RegExp(`^candor_central_${name} (\\d+)$`, 'm').exec(await (await fetch(`${collector.url}/metrics`,
    { headers: { authorization: `Bearer ${collector.token}` } })).text())?.[1]);
  assert.deepEqual([await metric('attachment_parts_total'), await metric('attachments_partial_bytes')], [2, 131_072]);
  await collector.kill();
  await collector.start();
  relay.left = Infinity;
  assert.equal((await client.upload()).error, null);
  assert.deepEqual([await metric('attachment_parts_total'), await metric('attachments_partial')], [2, 0], 'the other two, by the new process');
  const { vault } = client.status();
  assert.deepEqual([vault.sent, vault.pending], [1, 0]);
  const events = [];
  for await (const event of collector.events()) events.push(event);
  assert.deepEqual(await readBack(collector, events[0].event_id, 'diff'), { status: 200, text: diff });
  const lines = await client.ledger();
  assert.deepEqual(lines.filter((line) => line.batch_id === events[0].event_id).map(({ http, accepted }) => [http, accepted]), [[204, 0], [204, 0], [204, 0], [201, 1]]);
});

test('a collector that is killed and comes back has each text once', async (t) => {
  const { client, collector } = await pair(t);
  if (!await takesAttachments(collector)) return t.skip('this collector has no attachments');
  for (let i = 0; i < 20; i++) client.emit('ProposalDiff', { proposalId: `p${i}`, diff: `diff ${i}` });
  await collector.kill();
  assert.notEqual((await client.upload()).error, null);
  assert.equal(client.status().vault.pending, 20);
  await collector.start();
  assert.equal((await client.upload()).error, null);
  const { vault } = client.status();
  assert.deepEqual([vault.sent, vault.pending], [20, 0]);
  let n = 0;
  for await (const event of collector.events()) {
    const { text } = await readBack(collector, event.event_id, 'diff');
    assert.equal(text, `diff ${event.payload.proposalId.slice(1)}`);
    n++;
  }
  assert.equal(n, 20);
});
