'use strict';
// Full content from a client into the real collector and back, exactly once.
const assert = require('node:assert/strict');
const fs = require('node:fs');
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
