'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const { open } = require('../../js');
const { openClient, tempDir, quiet, pendingEvents, runScript, schemaOf } = require('./helper');
const { collector, findText, makeKey } = require('./vault-support');

const PROMPT = 'please write a poem about marzipan';
const RESPONSE = 'Roses are red, "marzipan" is\tsweet \u{1F370}';

function vaultFiles(directory) {
  const vault = path.join(directory, 'vault');
  return fs.existsSync(vault) ? fs.readdirSync(vault).filter((name) => name.endsWith('.att')).sort() : [];
}

/** A client with full content on and a key. */
async function contentClient(t, more = {}, key = makeKey()) {
  const directory = more.directory ?? path.join(tempDir(t), 'spool');
  const client = openClient(t, { directory, ...more });
  client.setKeys([key]);
  await client.setFullContent(true);
  return { client, directory, key };
}

test('content goes out apart from its event, behind it, with hash and proof of consent', async (t) => {
  const { endpoint, got } = await collector(t);
  const { client, directory } = await contentClient(t, { endpoint, token: 'tok' });
  assert.equal(client.emit('ChatTurnFull', { model: 'gpt-5', prompt: PROMPT, response: RESPONSE }, { correlationId: 'turn-1' }), true);
  const report = await client.upload();
  assert.equal(report.error, null);
  assert.deepEqual(got.events.map((event) => event.payload), [{ model: 'gpt-5' }]);
  assert.equal(got.events[0].correlation_id, 'turn-1');
  const id = got.events[0].event_id;
  assert.deepEqual(got.order, [`event ${id}`, `attachment ${id} prompt`, `attachment ${id} response`]);
  assert.deepEqual(got.attachments.map(({ text }) => text), [PROMPT, RESPONSE]);
  const { headers, path: where } = got.attachments[0];
  assert.equal(where, `/api/v1/attachments/${id}`);
  assert.equal(headers.authorization, 'Bearer tok');
  assert.equal(headers['content-type'], 'text/plain; charset=utf-8');
  assert.equal(headers['content-encoding'], 'gzip');
  assert.match(headers['candor-consent'], /^default;epoch=\d+;content=1$/);
  assert.equal(headers['candor-content-sha256'], require('node:crypto').createHash('sha256').update(PROMPT).digest('hex'));
  assert.deepEqual(vaultFiles(directory), []);
  const { vault, full_content: flag, adjusted } = client.status();
  assert.equal(vault.sent, 2);
  assert.equal(vault.pending, 0);
  assert.deepEqual(flag, { enabled: true, decided_by: 'stored' });
  assert.equal(adjusted.content_withheld, 0);
});

test('off by default: events of level content are dropped as level, content of others is withheld unread', async (t) => {
  const client = openClient(t);
  let read = 0;
  assert.equal(client.emit('ChatTurnFull', { prompt: PROMPT }), false);
  assert.equal(client.status().dropped.level, 1);
  assert.deepEqual(client.status().full_content, { enabled: false, decided_by: 'default' });
  const usual = openClient(t, { schema: schemaOf({ v: { kind: 'content' }, n: { kind: 'bool' } }) });
  const value = { toString() { read++; return PROMPT; }, toJSON() { read++; return PROMPT; } };
  assert.equal(usual.emit('Sample', { v: value, n: true }), true);
  assert.equal(read, 0);
  assert.deepEqual((await pendingEvents(usual))[0].payload, { n: true });
  assert.equal(usual.status().adjusted.content_withheld, 1);
});

test('without a key the event is kept and its content counted as no_key', async (t) => {
  const client = openClient(t);
  await client.setFullContent(true);
  assert.equal(client.emit('ChatTurnFull', { prompt: PROMPT, response: RESPONSE }), true);
  assert.equal((await pendingEvents(client)).length, 1);
  assert.equal(client.status().vault.dropped.no_key, 2);
  assert.equal(client.status().vault.pending, 0);
});

test('content stands in no file of the directory, raw or inflated, before and after the flush', async (t) => {
  const { client, directory } = await contentClient(t, { batchEvents: 1 });
  client.emit('ChatTurnFull', { model: 'findable-model', prompt: PROMPT, response: RESPONSE });
  assert.deepEqual(findText(directory, 'marzipan'), []);
  await client.flush();
  assert.equal(vaultFiles(directory).length, 2);
  assert.deepEqual(findText(directory, 'marzipan'), []);
  assert.notDeepEqual(findText(directory, 'findable-model'), [], 'the search is blind');
  for (const name of vaultFiles(directory)) assert.equal(fs.statSync(path.join(directory, 'vault', name)).mode & 0o777, 0o600);
  assert.equal(fs.statSync(path.join(directory, 'vault')).mode & 0o777, 0o700);
});

test('what emit accepted survives SIGKILL, content included', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  const key = makeKey();
  const died = await runScript(`
    const client = candor.open(options);
    client.setKeys([{ id: 'k1', key: Buffer.from('${key.key.toString('hex')}', 'hex') }]);
    client.setFullContent(true).then(() => {
      if (!client.emit('ChatTurnFull', { prompt: ${JSON.stringify(PROMPT)}, response: 'yes' })) process.exit(3);
      process.kill(process.pid, 'SIGKILL');
    });`, directory);
  assert.equal(died.signal, 'SIGKILL');
  assert.deepEqual(findText(directory, 'marzipan'), []);
  const { endpoint, got } = await collector(t);
  const client = openClient(t, { directory, endpoint });
  client.setKeys([key]);
  await client.upload();
  assert.deepEqual(got.attachments.map(({ text }) => text), [PROMPT, 'yes']);
  assert.equal(got.attachments[0].id, got.events[0].event_id);
});

test('a key that is not set locks its backlog; set among others it opens it', async (t) => {
  const { endpoint, got } = await collector(t);
  const old = makeKey('2026-10');
  const { client, directory } = await contentClient(t, {}, old);
  client.emit('ChatTurnFull', { prompt: 'old' });
  await client.flush();
  client.close();
  const next = openClient(t, { directory, endpoint });
  const fresh = makeKey('2026-11');
  next.setKeys([fresh]);
  next.emit('ChatTurnFull', { prompt: 'new' });
  await next.upload();
  assert.deepEqual(got.attachments.map(({ text }) => text), ['new']);
  assert.equal(next.status().vault.locked, 1);
  next.setKeys([makeKey('2026-10')]); // the id alone is not the key
  assert.equal(next.status().vault.locked, 1);
  next.setKeys([fresh, old]);
  assert.equal(next.status().vault.locked, 0);
  await next.upload();
  assert.deepEqual(got.attachments.map(({ text }) => text), ['new', 'old']);
  assert.equal(next.status().vault.dropped.corrupt, 0);
});

test('turning full content off deletes what waits, and a later emit keeps none', async (t) => {
  const { client, directory } = await contentClient(t);
  client.emit('ChatTurnFull', { prompt: 'a', response: 'b' });
  await client.flush();
  client.emit('ChatTurnFull', { prompt: 'c' });
  assert.equal(client.status().vault.pending, 3);
  assert.deepEqual(await client.setFullContent(false), { full_content: false, purged: 3 });
  assert.deepEqual(vaultFiles(directory), []);
  assert.equal(client.status().vault.dropped.purged, 3);
  assert.equal(client.emit('ChatTurnFull', { prompt: 'd' }), false);
  assert.equal((await pendingEvents(client)).length > 0, true, 'the events stay');
});

test('turning telemetry off deletes the vault as well', async (t) => {
  const { client, directory } = await contentClient(t);
  client.emit('ChatTurnFull', { prompt: 'a' });
  await client.flush();
  await client.setEnabled(false);
  assert.deepEqual(vaultFiles(directory), []);
  assert.deepEqual(client.status().full_content, { enabled: false, decided_by: 'telemetry' });
});

test('off in one process is off in another at its next emit', async (t) => {
  const { client, directory } = await contentClient(t);
  const other = openClient(t, { directory });
  other.setKeys([makeKey()]);
  assert.equal(other.emit('ChatTurnFull', { prompt: 'a' }), true);
  await client.setFullContent(false);
  assert.equal(other.emit('ChatTurnFull', { prompt: 'b' }), false);
  await other.flush();
  assert.deepEqual(vaultFiles(directory), []);
});

test('the host can only narrow', async (t) => {
  const { client, directory } = await contentClient(t);
  const narrow = openClient(t, { directory, fullContent: false });
  narrow.setKeys([makeKey()]);
  assert.deepEqual(narrow.status().full_content, { enabled: false, decided_by: 'host' });
  await narrow.setFullContent(true, 'host');
  assert.equal(narrow.status().full_content.enabled, true);
  await client.setFullContent(false, 'host');
  assert.equal(client.status().full_content.decided_by, 'host');
  assert.equal(narrow.status().full_content.enabled, true);
});

for (const [value, stored, enabled] of [['1', false, true], ['0', true, false], ['maybe', true, false]]) {
  test(`TELEMETRY_FULL_CONTENT=${value} wins over the stored choice`, async (t) => {
    const directory = path.join(tempDir(t), 'spool');
    const done = await runScript(`
      const client = candor.open(options);
      client.setFullContent(${stored}).then(() => {
        console.log(JSON.stringify(client.status().full_content));
        client.close();
      });`, directory, { env: { TELEMETRY_FULL_CONTENT: value } });
    assert.deepEqual(JSON.parse(done.stdout), { enabled, decided_by: 'TELEMETRY_FULL_CONTENT' });
  });
}

test('content over maxBytes is cut at a character and counted; over 1 MiB it is too_large', async (t) => {
  const { endpoint, got } = await collector(t);
  const schema = schemaOf({ v: { kind: 'content', maxBytes: 5 }, w: { kind: 'content', maxBytes: 4194304 } }, { level: 'content' });
  const { client } = await contentClient(t, { endpoint, schema });
  client.emit('Sample', { v: 'ab\u{1F370}cd' });
  client.emit('Sample', { w: 'x'.repeat(1048577) });
  client.emit('Sample', { w: 'y'.repeat(1048576) });
  await client.upload();
  assert.deepEqual(got.attachments.map(({ text }) => text.length), [2, 1048576]);
  assert.equal(got.attachments[0].text, 'ab');
  const { adjusted, vault } = client.status();
  assert.equal(adjusted.truncated, 1);
  assert.equal(vault.dropped.too_large, 1);
});

test('a refused attachment is deleted and counted, a failed one stays, an answer of nobody we know is no receipt', async (t) => {
  const problem = (code) => [code, { type: 'about:blank', status: code }];
  const server = await collector(t, { answer: (n) => [problem(413), [500, {}], [200, { hello: 'hotel' }], problem(409)][n - 1] });
  const { client, directory } = await contentClient(t, { endpoint: server.endpoint });
  client.emit('ChatTurnFull', { prompt: 'refused', response: 'later' });
  const first = await client.upload();
  assert.match(first.error, /HTTP 500/);
  assert.equal(client.status().vault.dropped.refused, 1);
  assert.equal(vaultFiles(directory).length, 1);
  assert.match((await client.upload()).error, /not like a collector/);
  assert.equal(vaultFiles(directory).length, 1);
  assert.match((await client.upload()).error, /409/);
  assert.equal(client.status().vault.dropped.refused, 2);
  assert.deepEqual(vaultFiles(directory), []);
});

test('a collector that knows no parts gets a large text at once again, a small one without being asked', async (t) => {
  const { endpoint, got } = await collector(t, { answer: (n) => (n <= 2 ? [500, {}] : undefined) });
  const { client } = await contentClient(t, { endpoint });
  const large = 'x'.repeat(65_537);
  client.emit('ChatTurnFull', { prompt: large, response: 'x'.repeat(65_536) });
  assert.match((await client.upload()).error, /HTTP 500/);
  assert.equal((await client.upload()).error, null);
  assert.equal(client.status().vault.sent, 2);
  const what = got.order.filter((one) => !one.startsWith('event')).map((one) => one.replace(/attachment \S+ /, 'POST '));
  assert.deepEqual(what, ['POST prompt', 'POST response', 'HEAD upload', 'POST prompt', 'POST response']);
  assert.equal(got.attachments[2].text, large);
});

test('parts come to an end, whatever a collector says of them', async (t) => {
  const placed = (code, offset) => [code, { 'upload-offset': String(offset), 'upload-complete': '?0' }];
  const size = 200_000;
  const nonsense = {
    'everything is there, and nothing is whole': (request) => placed(204, request.method === 'HEAD' ? 0 : size),
    'each part is there, the last one too, and nothing is whole': (request, body) => placed(204, Number(request.headers['upload-offset'] ?? 0) + body.length),
    'always at the beginning': (request) => placed(request.method === 'HEAD' ? 204 : 409, 0),
    'behind the end': () => placed(204, size + 1),
    'no place': () => [204, {}],
  };
  for (const [what, upload] of Object.entries(nonsense)) {
    const { endpoint, got, state } = await collector(t, { answer: (n) => (n === 1 ? [500, {}] : undefined), upload });
    const { client } = await contentClient(t, { endpoint });
    client.emit('ChatTurnFull', { prompt: 'x'.repeat(size) });
    await client.upload();
    const report = await client.upload();
    assert.ok(got.order.filter((one) => one.endsWith('upload')).length <= 10, what);
    const sent = client.status().vault.sent; // at once, where a 409 says that parts lead nowhere
    assert.equal(report.error === null, sent === 1, what);
    state.upload = undefined;
    await client.upload();
    assert.equal(client.status().vault.sent, 1, what);
  }
});

test('an attachment the collector has already is done', async (t) => {
  const server = await collector(t, { answer: (n) => (n === 1 ? [503, {}] : undefined) });
  const { client } = await contentClient(t, { endpoint: server.endpoint });
  client.emit('ChatTurnFull', { prompt: 'twice' });
  await client.upload();
  const { id, field } = server.got.attachments[0];
  server.got.stored.set(`${id} ${field}`, { sha256: server.got.attachments[0].headers['candor-content-sha256'] });
  await client.upload();
  assert.equal(client.status().vault.sent, 1);
});

test('an attachment waits while the batch of its event does; one whose event was sent goes', async (t) => {
  let refuse = false;
  const { endpoint, got, state } = await collector(t, { refuseEvents: () => refuse, answer: () => [503, {}] });
  const { client } = await contentClient(t, { endpoint });
  client.emit('ChatTurnFull', { prompt: 'first' });
  await client.upload(); // the event is sent, the attachment is not
  state.answer = undefined;
  refuse = true;
  client.emit('ChatTurnFull', { prompt: 'second' });
  await client.upload(); // a manual round goes on behind a batch that got 500
  assert.equal(client.status().vault.pending, 2, 'a batch waits that may hold either event');
  refuse = false;
  await client.upload();
  assert.deepEqual(got.attachments.map(({ text }) => text), ['first', 'first', 'second']);
  assert.equal(client.status().vault.sent, 2);
});

test('a damaged file is counted and deleted, the others are sent', async (t) => {
  const { endpoint, got } = await collector(t);
  const { client, directory } = await contentClient(t, { endpoint });
  client.emit('ChatTurnFull', { prompt: 'damaged', response: 'whole' });
  await client.flush();
  const file = path.join(directory, 'vault', vaultFiles(directory)[0]);
  const bytes = fs.readFileSync(file);
  bytes[bytes.length - 1] ^= 1;
  fs.writeFileSync(file, bytes);
  await client.upload();
  assert.deepEqual(got.attachments.map(({ text }) => text), ['whole']);
  assert.equal(client.status().vault.dropped.corrupt, 1);
});

test('keyProvider is asked once after opening; one that fails costs no event', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  let asked = 0;
  let given;
  const ready = new Promise((resolve) => { given = resolve; });
  const client = openClient(t, { directory, keyProvider: async () => { asked++; setImmediate(given); return [makeKey()]; } });
  await ready;
  await client.setFullContent(true);
  client.emit('ChatTurnFull', { prompt: 'a' });
  assert.equal(client.status().vault.pending, 1);
  assert.equal(asked, 1);
  const failing = open(quiet(path.join(tempDir(t), 'spool'), { keyProvider: () => { throw new Error('no keychain'); } }));
  t.after(() => failing.close());
  await failing.setFullContent(true);
  assert.equal(failing.emit('ChatTurnFull', { prompt: 'a' }), true);
  assert.equal(failing.status().vault.dropped.no_key, 1);
});

test('setKeys refuses what is no list of keys, with a sentence', (t) => {
  const client = openClient(t);
  const bad = [
    [undefined, /a list of keys/], [[{ key: Buffer.alloc(32) }], /key 1 has no id/],
    [[{ id: 'a', key: Buffer.alloc(31) }], /Buffer of 32 bytes/], [[{ id: 'a b', key: Buffer.alloc(32) }], /id of key 1/],
    [[{ id: 'x'.repeat(65), key: Buffer.alloc(32) }], /id of key 1/],
    [[{ id: 'a', key: Buffer.alloc(32) }, { id: 'a', key: Buffer.alloc(32, 1) }], /same id/],
    [Array.from({ length: 17 }, (_, i) => ({ id: `k${i}`, key: Buffer.alloc(32) })), /at most 16/],
  ];
  for (const [keys, message] of bad) assert.throws(() => client.setKeys(keys), message);
  client.setKeys(Array.from({ length: 16 }, (_, i) => ({ id: `k${i}`, key: Buffer.alloc(32, i) })));
});

test('the vault is bounded: beyond vaultMaxBytes the oldest go, counted as full', async (t) => {
  const { client, directory } = await contentClient(t, { vaultMaxBytes: 1048576 });
  for (let i = 0; i < 6; i++) {
    client.emit('ChatTurnFull', { prompt: String(i).repeat(262144) });
    await client.flush();
  }
  const { vault } = client.status();
  assert.equal(vault.pending, 3);
  assert.equal(vault.dropped.full, 3);
  assert.ok(vault.bytes <= 1048576);
  assert.equal(vaultFiles(directory).length, 3);
});

test('in a burst each text is kept or counted as full, and the events stay', async (t) => {
  const { client } = await contentClient(t, { vaultMaxBytes: 1 << 26 });
  for (let i = 0; i < 40; i++) assert.equal(client.emit('ProposalDiff', { proposalId: `p${i}`, diff: 'd'.repeat(524288) }), true);
  await client.flush();
  const { vault, kept } = client.status();
  assert.equal(kept, 40);
  assert.equal(vault.pending + vault.dropped.full, 40); // how many depends on how fast the worker is
});

test('a getter, a bigint, a Date and an emit inside a getter go their way beside content', async (t) => {
  const { endpoint, got } = await collector(t);
  const schema = schemaOf({ v: { kind: 'content' }, n: { kind: 'int' }, at: { kind: 'time' }, h: { kind: 'hash' } }, { level: 'content' });
  const { client } = await contentClient(t, { endpoint, schema });
  const payload = {
    get v() { client.emit('Sample', { v: 'inner', n: 1 }); return 'outer'; },
    n: 7n, at: new Date(Date.UTC(2026, 10, 21)), h: 12345678901234567890n, unknown: PROMPT,
  };
  assert.equal(client.emit('Sample', payload), true);
  assert.equal(client.emit('Sample', { get v() { throw new Error('no'); } }), false);
  assert.equal(client.emit('Sample', [1]), false);
  await client.upload();
  assert.deepEqual(got.attachments.map(({ text }) => text).sort(), ['inner', 'outer']);
  const outer = got.events.find((event) => event.payload.n === 7);
  assert.equal(outer.payload.at, '2026-11-21T00:00:00.000Z');
  assert.match(outer.payload.h, /^[0-9a-f]{32}$/);
  assert.equal(client.status().dropped.bad_payload, 2);
});

test('with another exporter full content is off and says so: nobody would take the texts', async (t) => {
  const client = openClient(t, { exporter: 'file' });
  await client.setFullContent(true);
  assert.deepEqual(client.status().full_content, { enabled: false, decided_by: 'exporter' });
  assert.equal(client.emit('ChatTurnFull', { prompt: 'p', response: 'r' }), false);
});
