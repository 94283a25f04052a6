'use strict';
// Limits of the client that no other test shows, and that docs/limits.md tells the truth about all.

const test = require('node:test');
const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const path = require('node:path');
const zlib = require('node:zlib');
const { once } = require('node:events');
const { open, settings } = require('../../js');
const { checkLimits } = require('../../scripts/check-limits.js');
const { ROOT, openClient, pendingEvents, quiet, schemaOf, tempDir } = require('./helper');

/* --- the table ------------------------------------------------------------------------------- */

test('docs/limits.md agrees with the code and the tests', () => {
  const { rows, problems } = checkLimits();
  assert.deepEqual(problems, []);
  assert.ok(rows > 80);
});

/** The problems when one file has another text. */
function problemsWith(file, change) {
  const read = (name) => {
    const text = fs.readFileSync(path.join(ROOT, name), 'utf8');
    if (name !== file) return text;
    const changed = change(text);
    assert.notEqual(changed, text, 'the change must change something');
    return changed;
  };
  return checkLimits({ read }).problems;
}

test('the check of the limits sees what is wrong, in table, code and tests', () => {
  const cases = [
    ['native/contract/limits.h', (text) => text.replace(/(CANDOR_FIELDS_MAX +)64/, (_, start) => `${start}63`), /CANDOR_FIELDS_MAX is 63 in .*, 64 in the table/],
    ['native/contract/limits.h', (text) => text.replace('#define CANDOR_FIELDS_MAX', '#define CANDOR_FIELDS_LIMIT'), /names no CANDOR_FIELDS_MAX/],
    ['native/contract/limits.h', (text) => text.replace('#define CANDOR_NAME_MAX', '#define CANDOR_NEW_MAX 7\n#define CANDOR_NAME_MAX'), /CANDOR_NEW_MAX has no row/],
    ['native/client/settings.c', (text) => text.replace('"batchEvents", "events", 100', '"batchEvents", "events", 101'), /batchEvents is 101, 1 to 1000 in/],
    ['native/client/settings.c', (text) => text.replace('1LL << 40', '1LL << 41'), /spoolMaxBytes/],
    ['central/config.h', (text) => text.replace('"max-events", 1000', '"max-events", 1001'), /--max-events is 1001/],
    ['central/config.h', (text) => text.replace('"max-events"', '"max-evts"'), /--max-evts has no row/],
    ['tests/c/contract/test_limits.c', (text) => text.replaceAll('an_event_takes_64_fields', 'renamed'), /has no test "an_event_takes_64_fields"/],
    ['docs/limits.md', (text) => text.replace('| 64 fields |', '| many fields |'), /"many fields" is no value/],
    ['docs/limits.md', (text) => text.replace(/^\| Fields of an event.*$/m, ''), /CANDOR_FIELDS_MAX has no row/],
    ['docs/limits.md', (text) => text.replace('native/contract/limits.h: CANDOR_FIELDS_MAX', 'native/contract/gone.h: CANDOR_FIELDS_MAX'), /native\/contract\/gone\.h does not exist/],
  ];
  for (const [file, change, says] of cases) {
    const problems = problemsWith(file, change);
    assert.ok(problems.some((problem) => says.test(problem)), `${says}: ${problems.join('; ')}`);
  }
});

/* --- options --------------------------------------------------------------------------------- */

/** The backoff's two bounds are wide apart, so that each of them can be moved alone. */
function openOff(more) {
  open(quiet('/nowhere', { mode: 'off', retryBaseMs: 1, retryMaxMs: 604_800_000, ...more })).close();
}

test('every number setting takes its bounds and refuses what lies beyond, naming option, bounds and unit', () => {
  const rows = settings().filter((row) => row.type === 'int');
  assert.ok(rows.length >= 14);
  for (const { name, min, max, unit } of rows) {
    for (const value of [min, max]) openOff({ [name]: value });
    for (const value of [min - 1, max + 1]) {
      assert.throws(() => openOff({ [name]: value }), (error) => {
        assert.equal(error.code, 'ERR_CANDOR_INVALID_OPTION');
        for (const part of [name, String(min), String(max), unit ?? '']) assert.ok(error.message.includes(part), error.message);
        return true;
      });
    }
  }
});

/** A text of n bytes that is no option's business but for its length. */
function textOf(name, n) {
  const start = { endpoint: 'https://h.example/', proxy: 'http://h.example/', directory: '/', caFile: '/' }[name] ?? '';
  return start + 'x'.repeat(n - start.length);
}

test('every text setting takes its longest value and refuses one byte more', () => {
  const rows = settings().filter((row) => row.type === 'string');
  assert.ok(rows.length >= 9);
  for (const { name, max } of rows) {
    openOff({ [name]: textOf(name, max) });
    assert.throws(() => openOff({ [name]: textOf(name, max + 1) }), (error) => {
      assert.equal(error.code, 'ERR_CANDOR_INVALID_OPTION');
      assert.ok(error.message.includes(name) && error.message.includes(String(max)), error.message);
      return true;
    });
  }
});

/* --- events and batches ---------------------------------------------------------------------- */

test('a correlation id takes 128 bytes; a longer one is left out and counted', async (t) => {
  const client = openClient(t);
  for (const n of [128, 129]) assert.equal(client.emit('ToolCall', {}, { correlationId: 'c'.repeat(n) }), true);
  const events = await pendingEvents(client);
  assert.deepEqual(events.map((event) => event.correlation_id?.length), [128, undefined]);
  assert.equal(client.status().adjusted.bad_value, 1);
});

/** The spool's files: lines and inflated bytes of each. */
function batchesIn(directory) {
  const spool = path.join(directory, 'spool');
  return fs.readdirSync(spool).sort().map((name) => {
    const bytes = zlib.gunzipSync(fs.readFileSync(path.join(spool, name)));
    return { events: bytes.toString().split('\n').filter(Boolean).length, bytes: bytes.length };
  });
}

test('a batch holds 1000 events at most', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  const client = openClient(t, { directory, batchIntervalMs: 86_400_000, journalMaxBytes: 64 * 1024 * 1024 });
  for (let i = 0; i < 2500; i++) assert.equal(client.emit('ToolCall', {}), true);
  await client.flush();
  const batches = batchesIn(directory);
  assert.equal(batches.reduce((sum, { events }) => sum + events, 0), 2500);
  assert.ok(Math.max(...batches.map(({ events }) => events)) <= 1000);
});

test('a batch holds 1 MiB at most', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  const client = openClient(t, {
    directory, schema: schemaOf({ v: { kind: 'text', maxLength: 16384 } }), batchIntervalMs: 86_400_000, journalMaxBytes: 64 * 1024 * 1024,
  });
  let kept = 0;
  for (let i = 0; i < 150; i++) if (client.emit('Sample', { v: 'plain words '.repeat(1300) })) kept++;
  await client.flush();
  const batches = batchesIn(directory);
  assert.equal(batches.reduce((sum, { events }) => sum + events, 0), kept);
  assert.ok(kept > 100 && batches.length > 1);
  for (const { bytes } of batches) assert.ok(bytes <= 1024 * 1024, String(bytes));
});

/* --- spool files that grew ------------------------------------------------------------------- */

for (const { name, content } of [
  { name: 'a spool file over 2 MiB is quarantined unread', content: () => zlib.gzipSync(crypto.randomBytes(2_200_000)) },
  { name: 'a spool file that inflates past a batch is quarantined', content: () => zlib.gzipSync(Buffer.alloc(50_000_000, 'x\n')) },
]) {
  test(name, async (t) => {
    const directory = path.join(tempDir(t), 'spool');
    const first = openClient(t, { directory });
    first.emit('ToolCall', {});
    await first.flush();
    first.close();
    const spool = path.join(directory, 'spool');
    fs.writeFileSync(path.join(spool, fs.readdirSync(spool)[0]), content());
    const server = http.createServer((request, response) => response.end('{"accepted":1}')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => { server.closeAllConnections(); server.close(); });
    let requests = 0;
    server.on('request', () => requests++);
    const client = openClient(t, { directory, endpoint: `http://127.0.0.1:${server.address().port}` });
    await client.upload();
    const { dropped, spool: left } = client.status();
    assert.deepEqual([dropped.corrupt, left.events, left.quarantined, requests], [1, 0, 1, 0]);
  });
}

test('quarantine holds 16 MiB at most, the newest files stay', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  const client = openClient(t, { directory });
  const quarantine = path.join(directory, 'quarantine');
  await client.flush();
  for (let i = 0; i < 5; i++) {
    const file = path.join(quarantine, `${1000 + i}-state.db`);
    fs.writeFileSync(file, Buffer.alloc(4 * 1024 * 1024));
    fs.utimesSync(file, 1000 + i, 1000 + i);
  }
  client.close();
  fs.writeFileSync(path.join(directory, 'spool', '01a1fdb8-9a0d-708b-a500-ea7ada5fd501.jsonl.gz'), 'not gzip');
  const next = openClient(t, { directory });
  await next.flush();
  const files = fs.readdirSync(quarantine);
  const bytes = files.reduce((sum, name) => sum + fs.statSync(path.join(quarantine, name)).size, 0);
  assert.ok(bytes <= 16 * 1024 * 1024, String(bytes));
  assert.equal(files.length, 4);
  assert.ok(files.some((name) => name.endsWith('.jsonl.gz')) && !files.includes('1000-state.db') && !files.includes('1001-state.db'), files.join());
});

/* --- answers --------------------------------------------------------------------------------- */

/** A client whose collector answers so. @param {(response: http.ServerResponse) => void} answer */
async function clientOf(t, answer) {
  const server = http.createServer({ maxHeaderSize: 1 << 20 }, (request, response) => {
    request.resume();
    request.on('end', () => answer(response));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { server.closeAllConnections(); server.close(); });
  const client = openClient(t, { endpoint: `http://127.0.0.1:${server.address().port}` });
  client.emit('ToolCall', {});
  return client;
}

test('an answer over 1 MiB is refused, and the batch stays', async (t) => {
  const client = await clientOf(t, (response) => response.end(`{"accepted":1,"pad":"${'x'.repeat(1024 * 1024)}"}`));
  const { error } = await client.upload();
  assert.match(error, /larger than 1048576 bytes/);
  assert.equal(client.status().spool.events, 1);
});

test('an answer with headers over 64 KiB is refused, and the batch stays', async (t) => {
  const client = await clientOf(t, (response) => {
    for (let i = 0; i < 70; i++) response.setHeader(`x-${i}`, 'y'.repeat(1000));
    response.end('{"accepted":1}');
  });
  const { error } = await client.upload();
  assert.match(error, /headers: 65536/);
  assert.equal(client.status().spool.events, 1);
});

test('connectTimeoutMs ends a TLS handshake that nobody answers', async (t) => {
  const sockets = [];
  const server = net.createServer((socket) => { sockets.push(socket); socket.on('error', () => {}); }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { for (const socket of sockets) socket.destroy(); server.close(); });
  const client = openClient(t, { endpoint: `https://127.0.0.1:${server.address().port}`, connectTimeoutMs: 150 });
  client.emit('ToolCall', {});
  const { error } = await client.upload();
  assert.match(error, /in time/);
  assert.equal(client.status().spool.events, 1);
});

test('a CA file over 8 MiB is refused with a sentence', async (t) => {
  const file = path.join(tempDir(t), 'ca.pem');
  fs.writeFileSync(file, Buffer.alloc(8 * 1024 * 1024 + 1, '\n'));
  const client = openClient(t, { endpoint: 'https://127.0.0.1:9', caFile: file, caPem: 'x' });
  client.emit('ToolCall', {});
  const { error } = await client.upload();
  assert.match(error, /ca\.pem|limit|large/);
  assert.equal(client.status().spool.events, 1);
});

test('uploadIntervalMs is the shortest time between two rounds in mode auto', async (t) => {
  const at = [];
  let wake = () => {};
  const server = http.createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      at.push(performance.now());
      response.end('{"accepted":1,"duplicates":0,"rejected":0}');
      wake();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { server.closeAllConnections(); server.close(); });
  const client = openClient(t, {
    endpoint: `http://127.0.0.1:${server.address().port}`, mode: 'auto', uploadIntervalMs: 400, batchEvents: 1,
  });
  for (const n of [1, 2]) {
    client.emit('ToolCall', {});
    while (at.length < n) await new Promise((resolve) => { wake = resolve; });
  }
  assert.ok(at[1] - at[0] >= 380, `${at[1] - at[0]} ms`); // a lower bound is the setting's meaning
});
