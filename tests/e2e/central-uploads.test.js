'use strict';
// PATCH and HEAD /api/v1/uploads/{event_id} of a real collector: texts of full content in parts, resumed by digest and offset.
const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const test = require('node:test');
const fc = require('fast-check');
const { TOKEN, run, scratch, toolCall, uuid7 } = require('./central-support.js');
const { attach, makeToken, part, partHeaders, place, read, sha256, startWithContent, upload } = require('./attachments-support.js');
const { until } = require('../support/until.js');

/** Text that does not compress. @param {number} size */
const words = (size) => Buffer.from(crypto.randomBytes(size).toString('base64').slice(0, size));
const metric = async (central, name) => (await central.metrics()).get(`candor_central_${name}`);
const dropped = (central, reason) => metric(central, `attachments_partial_dropped_total{reason="${reason}"}`);

/** Begin a part over a socket of its own, and break off behind `sent` bytes of its body. */
async function cut(central, up, { offset, sent }) {
  const head = Object.entries({ host: 'x', authorization: `Bearer ${TOKEN}`, 'content-length': up.text.length - offset, ...partHeaders(up, { offset, last: true }) });
  const socket = net.connect(central.port, '127.0.0.1');
  socket.write(`PATCH ${up.path} HTTP/1.1\r\n${head.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
  socket.end(up.text.subarray(offset, offset + sent));
  socket.resume();
  await new Promise((resolve) => { socket.once('close', resolve); socket.once('error', resolve); });
}

test('a text in parts is whole, readable and counted once the last part is there, and not before', async (t) => {
  const central = await startWithContent(t);
  const up = upload(Buffer.from('Grüße, 世界 \u{1F600}\r\n\u0000'.repeat(2000)));
  assert.deepEqual(await place(central, up), { status: 204, offset: 0, whole: false, limit: 'max-size=1048576, min-append-size=1024, max-age=86400' });
  const middle = 20_001; // inside a character
  const first = await part(central, up, { end: middle });
  assert.deepEqual([first.status, first.text, first.headers.get('upload-offset'), first.headers.get('upload-complete')], [204, '', String(middle), '?0']);
  assert.equal(first.headers.get('content-length'), null);
  assert.deepEqual((await read(central, up.id)).json.attachments, []);
  assert.equal((await read(central, up.id, { field: up.field })).status, 404);
  assert.equal(await metric(central, 'attachments_partial'), 1);
  assert.equal(await metric(central, 'attachments_partial_bytes'), middle);
  assert.equal((await part(central, up, { offset: middle, end: 40_000, gzip: true })).headers.get('upload-offset'), '40000');
  assert.deepEqual({ ...(await place(central, up)), limit: '' }, { status: 204, offset: 40_000, whole: false, limit: '' });
  const last = await part(central, up, { offset: 40_000 });
  assert.equal(last.status, 201);
  assert.deepEqual(last.json, { stored: true, duplicate: false, size: up.text.length, sha256: up.hash });
  assert.deepEqual([last.headers.get('upload-offset'), last.headers.get('upload-complete')], [String(up.text.length), '?1']);
  assert.equal((await read(central, up.id, { field: up.field })).text, String(up.text));
  assert.equal((await place(central, up)).whole, true);
  const again = await part(central, up, { offset: 40_000 }); // its answer was lost
  assert.deepEqual([again.status, again.json], [200, { stored: false, duplicate: true, size: up.text.length, sha256: up.hash }]);
  const names = ['attachments_partial', 'attachments_partial_bytes', 'attachment_parts_total', 'attachments_stored_total', 'attachment_bytes_total'];
  assert.deepEqual(await Promise.all(names.map((name) => metric(central, name))), [0, 0, 3, 1, up.text.length]);
  assert.deepEqual((await central.get('/api/v1/health')).partial_texts, { count: 0, bytes: 0, dropped: { expired: 0, room: 0, refused: 0, overtaken: 0, erased: 0 } });
});

test('a text of one part, and an empty one, are whole at once', async (t) => {
  const central = await startWithContent(t);
  for (const text of [Buffer.from('short'), Buffer.alloc(0)]) {
    const up = upload(text);
    assert.equal((await part(central, up)).status, 201);
    assert.equal((await read(central, up.id, { field: up.field })).text, String(text));
  }
});

test('what came over a connection that broke is kept, and the upload goes on behind it', async (t) => {
  const central = await startWithContent(t);
  const up = upload(words(300_000));
  await cut(central, up, { offset: 0, sent: 100_000 });
  await until('the first cut is stored', async () => (await place(central, up)).offset > 0);
  const { offset } = await place(central, up);
  assert.ok(offset <= 100_000 && offset >= 1024, String(offset));
  await cut(central, up, { offset, sent: 70_000 });
  await until('the second cut is stored', async () => (await place(central, up)).offset > offset);
  const rest = (await place(central, up)).offset;
  assert.equal((await part(central, up, { offset: rest })).status, 201);
  assert.equal((await read(central, up.id, { field: up.field })).text, String(up.text));
});

test('a part that stalls is kept as far as it came', async (t) => {
  const central = await startWithContent(t, { args: ['--read-timeout-ms', '300'] });
  const up = upload(words(50_000));
  const socket = net.connect(central.port, '127.0.0.1');
  t.after(() => socket.destroy());
  const head = Object.entries({ host: 'x', authorization: `Bearer ${TOKEN}`, 'content-length': 50_000, ...partHeaders(up, { offset: 0, last: true }) });
  socket.write(`PATCH ${up.path} HTTP/1.1\r\n${head.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
  socket.write(up.text.subarray(0, 2000));
  const answer = await new Promise((resolve) => { socket.once('data', (data) => resolve(String(data))); });
  assert.match(answer, /^HTTP\/1\.1 408 /);
  await until('it is stored', async () => (await place(central, up)).offset === 2000);
});

test('an offset that was answered survives SIGKILL, and the upload is finished by the next collector', async (t) => {
  const dir = scratch(t);
  const up = upload(words(200_000));
  let central = await startWithContent(t, { dir });
  let offset = 0;
  for (const end of [60_000, 130_000, 200_000]) {
    assert.equal((await place(central, up)).offset, offset);
    const { status } = await part(central, up, { offset, end });
    assert.equal(status, end === 200_000 ? 201 : 204);
    await central.end('SIGKILL');
    central = await startWithContent(t, { dir });
    offset = end;
  }
  assert.equal((await read(central, up.id, { field: up.field })).text, String(up.text));
  assert.deepEqual([(await place(central, up)).whole, await metric(central, 'attachments_partial')], [true, 0]);
});

test('a part that does not begin where the text ends gets 409 with the place, and changes nothing', async (t) => {
  const central = await startWithContent(t);
  const up = upload(words(9000));
  for (const offset of [1, 9000]) {
    const { status, json, headers } = await part(central, up, { offset });
    assert.deepEqual([status, json.code, headers.get('upload-offset'), headers.get('upload-complete')], [409, 'offset_mismatch', '0', '?0']);
  }
  assert.equal((await part(central, up, { end: 4000 })).status, 204);
  for (const offset of [0, 3999, 4001]) {
    const { status, json, headers } = await part(central, up, { offset });
    assert.deepEqual([status, json.code, headers.get('upload-offset')], [409, 'offset_mismatch', '4000']);
  }
  assert.equal((await part(central, up, { offset: 4000 })).status, 201);
});

test('a text that is whole and not the one of its digest is dropped with 400, as is one that is not UTF-8', async (t) => {
  const central = await startWithContent(t);
  const wrong = upload(words(5000), { hash: sha256('another') });
  const bad = upload(Buffer.concat([words(5000), Buffer.from('ff', 'hex')]));
  for (const [up, code] of [[wrong, 'digest_mismatch'], [bad, 'bad_text']]) {
    assert.equal((await part(central, up, { end: 2000 })).status, 204);
    const { status, json, headers } = await part(central, up, { offset: 2000 });
    assert.deepEqual([status, json.code, headers.get('upload-offset')], [400, code, '0']);
    assert.equal((await place(central, up)).offset, 0);
    assert.equal((await read(central, up.id, { field: up.field })).status, 404);
  }
  assert.equal(await dropped(central, 'refused'), 2);
  assert.equal(await metric(central, 'attachments_partial'), 0);
});

test('without proof of consent to full content no part is taken', async (t) => {
  const central = await startWithContent(t);
  const up = upload(words(5000));
  assert.equal((await part(central, up, { end: 2000 })).status, 204);
  for (const consent of [null, 'user;epoch=2']) {
    const { status, json } = await part(central, up, { offset: 2000, headers: { 'candor-consent': consent } });
    assert.deepEqual([status, json.code], [403, 'consent_missing']);
  }
  assert.equal((await place(central, up)).offset, 2000);
});

test('what is no part of a text is refused and counted by reason', async (t) => {
  const central = await startWithContent(t, { args: ['--max-attachment-bytes', '20000'] });
  const up = upload(words(30_000));
  const small = upload(words(2000));
  const cases = [
    [415, 'type', up, { headers: { 'content-type': 'text/plain; charset=utf-8' } }],
    [415, 'type', up, { headers: { 'content-encoding': 'br' } }],
    [400, 'digest', up, { headers: { 'candor-content-sha256': null } }],
    [400, 'digest', up, { headers: { 'candor-content-sha256': 'ab' } }],
    [400, 'part', small, { headers: { 'upload-offset': null } }],
    [400, 'part', small, { headers: { 'upload-offset': '-1' } }],
    [400, 'part', small, { headers: { 'upload-offset': '1'.repeat(16) } }],
    [400, 'part', small, { headers: { 'upload-complete': null } }],
    [400, 'part', small, { headers: { 'upload-complete': '?2' } }],
    [400, 'part', small, { end: 1023 }],
    [400, 'gzip', small, { headers: { 'content-encoding': 'gzip' } }],
    [400, 'event_id', upload(words(2000), { id: 'seven' }), {}],
    [404, 'field', upload(words(2000), { field: 'toolName' }), {}],
    [413, 'too_large', small, { headers: { 'upload-offset': '20001' } }],
    [413, 'too_large', up, {}],
    [413, 'too_large', up, { gzip: true, end: 20_001 }],
  ];
  const counts = {};
  for (const [status, reason, one, options] of cases) {
    const answer = await part(central, one, options);
    assert.equal(answer.status, status, `${reason}: ${answer.text}`);
    assert.ok(answer.json.detail.length > 15);
    counts[reason] = (counts[reason] ?? 0) + 1;
    assert.equal(await metric(central, `attachments_refused_total{reason="${reason}"}`), counts[reason], `${reason}: ${answer.text}`);
  }
  assert.equal((await part(central, up, { end: 20_000, last: false })).status, 204);
  assert.equal((await part(central, up, { offset: 20_000, end: 21_024 })).status, 413, 'behind the largest text there is nothing');
  for (const method of ['GET', 'POST', 'DELETE']) {
    const { status, headers } = await central.fetch(up.path, { method });
    assert.deepEqual([status, headers.get('allow')], [405, 'HEAD, PATCH']);
  }
  assert.equal((await central.fetch(`/api/v1/uploads/x/${up.id}?field=pageText`, { method: 'HEAD', headers: { 'candor-content-sha256': up.hash } })).status, 400);
});

test('scopes and apps: parts are for who may send, and a bound token sees and feeds its own alone', async (t) => {
  const central = await startWithContent(t);
  const reader = await makeToken(central, '--scopes', 'read');
  const demo = await makeToken(central, '--scopes', 'ingest', '--app', 'demo');
  const other = await makeToken(central, '--scopes', 'ingest', '--app', 'other');
  const event = toolCall(); // of app demo
  await central.post([event]);
  const up = upload(words(5000), { id: event.event_id });
  await until('the tokens are known', async () => (await place(central, up, { token: other })).status === 204);
  assert.equal((await place(central, up, { token: reader })).status, 403);
  assert.equal((await part(central, up, { token: null })).status, 401);
  assert.equal((await part(central, up, { token: other, end: 2000 })).status, 403);
  assert.equal((await part(central, up, { token: demo, end: 2000 })).status, 204);
  assert.equal((await place(central, up, { token: other })).status, 403);
  assert.equal((await part(central, up, { token: other, offset: 2000 })).status, 403);
  assert.equal((await part(central, up, { token: demo, offset: 2000 })).status, 201);
});

test('two senders of one text at once store it once, undamaged', async (t) => {
  const central = await startWithContent(t);
  const up = upload(words(120_000));
  const sender = async () => {
    for (let tries = 0; tries < 200; tries++) {
      const { offset, whole } = await place(central, up);
      if (whole) return;
      const { status } = await part(central, up, { offset, end: Math.min(offset + 10_000, up.text.length) });
      assert.ok([200, 201, 204, 409].includes(status), String(status));
    }
    assert.fail('it never became whole');
  };
  await Promise.all([sender(), sender(), sender(), sender()]);
  assert.equal((await read(central, up.id, { field: up.field })).text, String(up.text));
  assert.deepEqual([await metric(central, 'attachments_stored_total'), await metric(central, 'attachments_partial')], [1, 0]);
});

test('the text that is whole first stays; what there is of others of its field goes', async (t) => {
  const central = await startWithContent(t);
  const id = uuid7();
  const [one, two] = [upload(words(5000), { id }), upload(words(6000), { id })];
  assert.equal((await part(central, one, { end: 2000 })).status, 204);
  assert.equal((await part(central, two, { end: 2000 })).status, 204);
  assert.equal((await part(central, upload(words(5000), { id, field: 'noteBody' }), { end: 1500 })).status, 204);
  assert.equal((await part(central, two, { offset: 2000 })).status, 201);
  assert.equal(await dropped(central, 'overtaken'), 1);
  assert.deepEqual([(await part(central, one, { offset: 2000 })).json.code, (await place(central, one)).status], ['conflict', 409]);
  assert.equal((await attach(central, 'at once', { id })).status, 201); // noteBody
  assert.equal(await dropped(central, 'overtaken'), 2);
  assert.equal(await metric(central, 'attachments_partial'), 0);
});

test('texts that are not whole have bounded room; who was quiet longest begins again', async (t) => {
  const central = await startWithContent(t, { args: ['--partial-bytes', '65536'] });
  const [one, two] = [upload(words(90_000)), upload(words(50_000))];
  assert.equal((await part(central, one, { end: 30_000 })).status, 204);
  assert.equal((await part(central, two, { end: 30_000 })).status, 204);
  assert.equal((await part(central, two, { offset: 30_000, end: 40_000 })).status, 204);
  assert.equal(await dropped(central, 'room'), 1);
  assert.deepEqual([(await place(central, one)).offset, (await place(central, two)).offset], [0, 40_000]);
  assert.equal((await part(central, one, { end: 80_000 })).status, 204, 'one text always fits');
  assert.deepEqual([await dropped(central, 'room'), await metric(central, 'attachments_partial_bytes')], [2, 80_000]);
  assert.equal((await part(central, one, { offset: 80_000 })).status, 201);
});

test('a text that has not grown for --partial-age-s is dropped, also from the files', async (t) => {
  const dir = scratch(t);
  const central = await startWithContent(t, { dir, args: ['--partial-age-s', '1'] });
  const up = upload(words(5000));
  assert.equal((await part(central, up, { end: 3000 })).status, 204);
  await until('it is too old', async () => (await place(central, up)).offset === 0);
  assert.equal(await dropped(central, 'expired'), 1);
  await central.end('SIGTERM');
  for (const name of ['attachments.db', 'attachments.db-wal']) {
    const file = path.join(central.data, name);
    assert.ok(!fs.existsSync(file) || !fs.readFileSync(file).includes(Buffer.from(up.hash, 'hex')), name);
  }
});

test('an erasure takes texts that are not whole, and counts them', async (t) => {
  const central = await startWithContent(t);
  const admin = (await run(['token', 'create', '--scopes', 'admin', '--data', central.data])).stdout.trim();
  const [gone, stays] = [toolCall('grep', 1, { user_id: 'u-gone' }), toolCall('grep', 1, { user_id: 'u-stays' })];
  await central.post([gone, stays]);
  const [one, two] = [gone, stays].map((event) => upload(words(5000), { id: event.event_id }));
  for (const up of [one, two]) assert.equal((await part(central, up, { end: 2000 })).status, 204);
  await until('the token is known', async () => (await central.fetch('/api/telemetry/quality', { token: admin })).status === 200);
  const { status, json } = await central.fetch('/api/v1/erasures', { method: 'POST', token: admin, body: '{"user_id":"u-gone"}', headers: { 'content-type': 'application/json' } });
  assert.deepEqual([status, json.attachments], [200, 1]);
  assert.deepEqual([(await place(central, one)).offset, (await place(central, two)).offset], [0, 2000]);
  assert.equal(await dropped(central, 'erased'), 1);
});

/* --- any order of requests, against a model -------------------------------------------------------- */

const texts = [words(3000), words(5000)];
const aStep = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('part'), which: fc.nat(1), right: fc.boolean(), at: fc.constantFrom(0, 1500, 2999), size: fc.constantFrom(1024, 1500, 5000), gzip: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('place'), which: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('whole'), which: fc.nat(1) }) },
);

/** What one step must get, and what is there after it. @param {{stored: number, offsets: number[]}} model */
function expected(model, { kind, which, right, at, size }) {
  const [own, end] = [model.offsets[which], texts[which].length];
  if (model.stored >= 0) return model.stored === which ? { status: kind === 'place' ? 204 : 200, whole: true } : { status: 409, code: 'conflict' };
  if (kind === 'place') return { status: 204, offset: own };
  const offset = kind === 'whole' || right ? own : at;
  if (offset !== own) return { status: 409, code: 'offset_mismatch', offset: own };
  if (kind === 'part' && offset + size < end) {
    model.offsets[which] = offset + size;
    return { status: 204, offset: offset + size };
  }
  model.offsets = [0, 0];
  model.stored = which;
  return { status: 201, whole: true };
}

/** What it got. */
async function got(central, ups, model, { kind, which, right, at, size, gzip }) {
  const up = ups[which];
  if (kind === 'place') {
    const { status, offset, whole } = await place(central, up);
    return { status, offset, whole };
  }
  if (kind === 'whole') {
    const { status, json } = await attach(central, up.text, { id: up.id, field: up.field });
    return { status, code: json.code, whole: status < 300 };
  }
  const offset = right ? model.offsets[which] : at;
  const { status, json, headers } = await part(central, up, { offset, end: Math.min(offset + size, up.text.length), gzip });
  return { status, code: json && json.code, offset: Number(headers.get('upload-offset')), whole: headers.get('upload-complete') === '?1' };
}

test('any order of parts, whole texts and questions gets what a model of them says', async (t) => {
  const central = await startWithContent(t, { args: ['--attachments-per-minute', '0'] });
  await fc.assert(fc.asyncProperty(fc.array(aStep, { minLength: 4, maxLength: 14 }), async (steps) => {
    const id = uuid7();
    const ups = texts.map((text) => upload(text, { id }));
    const model = { stored: -1, offsets: [0, 0] };
    for (const step of steps) {
      const real = await got(central, ups, model, step);
      const { status, code, offset, whole } = expected(model, step);
      const about = `${JSON.stringify(step)}: ${JSON.stringify(real)}`;
      assert.equal(real.status, status, about);
      if (code !== undefined && step.kind !== 'place') assert.equal(real.code, code, about);
      if (offset !== undefined) assert.equal(real.offset, offset, about);
      if (status < 300) assert.equal(real.whole, whole === true, about);
    }
    const { status, text } = await read(central, id, { field: 'pageText' });
    assert.deepEqual([status, status === 200 ? text : ''], model.stored >= 0 ? [200, String(texts[model.stored])] : [404, '']);
  }), { numRuns: 60, seed: 20261122, endOnFailure: true });
});
