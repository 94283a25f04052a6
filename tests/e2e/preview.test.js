'use strict';
// What preview prints is what leaves the machine: the digest of the printed text is that of the body that
// arrives in front of a real collector, inflated.
const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const test = require('node:test');
const zlib = require('node:zlib');
const { verifyLedger } = require('../../js');
const { openClient, tempDir } = require('../js/helper.js');
const { startCollector, stored } = require('./pipe-support.js');
const { serve } = require('../support/http.js');

const sha256 = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');

/** A reverse proxy in front of the collector that keeps each body as it came. */
async function capture(t, collector) {
  const bodies = [];
  const url = await serve(t, ({ method, url: path, headers, raw }, response) => {
    bodies.push({ body: raw, headers });
    const onward = http.request(new URL(path, collector.url), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.end(raw);
  });
  return { bodies, url };
}

async function sender(t, more = {}) {
  const collector = await startCollector(t);
  const seen = await capture(t, collector);
  const directory = path.join(tempDir(t), 'spool');
  const client = openClient(t, { directory, endpoint: seen.url, token: collector.token, ...more });
  return { collector, client, directory, bodies: seen.bodies };
}

async function makeBatches(client, n, events) {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < events; j++) client.emit('ToolCall', { toolName: `tool-${i}`, durationMs: j, success: true });
    client.emit('Error', { errorType: 'TypeError', message: `round ${i}: naïve "quotes" at /home/alice/${i}` });
    await client.flush();
  }
}

/** @param {import('node:test').TestContext} t */
function assertSame(t, shown, captured, what) {
  const previewed = sha256(shown);
  const arrived = sha256(zlib.gunzipSync(captured.body));
  t.diagnostic(`${what}: preview ${previewed} body ${arrived}`);
  assert.equal(arrived, previewed);
}

test('preview is the body of the next upload, batch after batch, under a cap that lets one go a round', async (t) => {
  const { collector, client, directory, bodies } = await sender(t, { maxUploadBytes: 1024 });
  await makeBatches(client, 5, 60);
  for (let i = 0; i < 5; i++) {
    const shown = client.preview();
    const before = bodies.length;
    const result = await client.upload();
    assert.equal(result.error, null);
    assert.equal(bodies.length, before + 1, 'the cap lets one batch of this size go');
    assertSame(t, shown, bodies[before], `round ${i + 1}`);
  }
  assert.equal(client.preview(), '');
  assert.equal((await stored(collector)).length, 5 * 61);
  const lines = client.ledger();
  for (const [i, { body }] of bodies.entries()) {
    assert.equal(lines[i].sha256, sha256(body));
    assert.deepEqual(fs.readFileSync(path.join(directory, 'sent', `${lines[i].batch_id}.jsonl.gz`)), body);
    assert.equal(lines[i].accepted, 61);
  }
  assert.equal(verifyLedger(directory).ok, true);
});

test('preview is the first body of a round that sends several batches', async (t) => {
  const { collector, client, bodies } = await sender(t);
  await makeBatches(client, 3, 10);
  const shown = client.preview();
  assert.equal((await client.upload()).uploaded, 3);
  assertSame(t, shown, bodies[0], 'one round');
  assert.equal((await stored(collector)).length, 33);
});

test('preview flushes first: an event that was just recorded is in it, and in the upload', async (t) => {
  const { client, bodies } = await sender(t);
  client.emit('ToolCall', { toolName: 'just-now' });
  const shown = client.preview();
  assert.match(shown, /just-now/);
  await client.upload();
  assertSame(t, shown, bodies[0], 'journal');
});

test('mode auto sends what preview has shown', async (t) => {
  const { client, bodies } = await sender(t, { mode: 'manual', uploadIntervalMs: 10 });
  await makeBatches(client, 1, 5);
  const shown = client.preview();
  await client.setMode('auto');
  while (client.status().spool.events > 0) await new Promise((resolve) => { setTimeout(resolve, 5); });
  assertSame(t, shown, bodies[0], 'auto');
});
