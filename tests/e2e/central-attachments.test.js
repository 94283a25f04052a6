'use strict';
// POST and GET /api/v1/attachments/{event_id} of a real collector: texts of full content, stored once.
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const zlib = require('node:zlib');
const { TOKEN, raw, scratch, toolCall, uuid7 } = require('./central-support.js');
const { DAY_MS, attach, makeToken, read, sha256, startWithContent } = require('./attachments-support.js');
const { until } = require('./pipe-support.js');

const refusals = async (central, reason) =>
  (await central.metrics()).get(`candor_central_attachments_refused_total{reason="${reason}"}`);

test('a text is stored once, answered after that, and read back byte for byte', async (t) => {
  const central = await startWithContent(t);
  const text = 'Grüße, 世界 \u{1F600}\r\n\u0000 end';
  for (const gzip of [false, true]) {
    const id = uuid7();
    const first = await attach(central, text, { id, gzip, headers: { 'candor-content-sha256': sha256(text) } });
    assert.equal(first.status, 201);
    assert.deepEqual(first.json, { stored: true, duplicate: false, size: Buffer.byteLength(text), sha256: sha256(text) });
    const again = await attach(central, text, { id, gzip: !gzip });
    assert.equal(again.status, 200);
    assert.deepEqual([again.json.stored, again.json.duplicate, again.json.sha256], [false, true, sha256(text)]);
    const other = await attach(central, `${text}!`, { id });
    assert.equal(other.status, 409);
    assert.equal(other.headers.get('content-type'), 'application/problem+json');
    const back = await read(central, id, { field: 'noteBody' });
    assert.equal(back.status, 200);
    assert.equal(back.text, text);
    assert.equal(back.headers.get('content-type'), 'text/plain; charset=utf-8');
    assert.equal(back.headers.get('content-disposition'), 'attachment');
    assert.equal(back.headers.get('x-content-type-options'), 'nosniff');
  }
  const metrics = await central.metrics();
  assert.equal(metrics.get('candor_central_attachments_stored_total'), 2);
  assert.equal(metrics.get('candor_central_attachments_duplicate_total'), 2);
  assert.equal(metrics.get('candor_central_attachment_bytes_total'), 2 * Buffer.byteLength(text));
  assert.equal(await refusals(central, 'conflict'), 2);
});

test('the list of an event names its fields with size, digest and time, and never the text', async (t) => {
  const central = await startWithContent(t);
  const id = uuid7();
  await attach(central, 'of a page', { id, field: 'pageText' });
  await attach(central, '', { id, field: 'note_body' }); // the alias of noteBody
  const { status, json, headers } = await read(central, id);
  assert.equal(status, 200);
  assert.equal(headers.get('content-disposition'), null);
  assert.deepEqual(json.attachments.map(({ field, size, sha256: hash }) => [field, size, hash]),
    [['noteBody', 0, sha256('')], ['pageText', 9, sha256('of a page')]]);
  assert.ok(json.attachments.every(({ received }) => Math.abs(Date.parse(received) - Date.now()) < 60_000));
  assert.equal((await read(central, id, { field: 'note_body' })).text, '');
  assert.deepEqual((await read(central, uuid7())).json, { attachments: [] });
  assert.equal((await read(central, uuid7(), { field: 'noteBody' })).status, 404);
  assert.equal((await read(central, 'seven')).status, 400);
  assert.equal((await central.fetch('/api/v1/attachments/')).status, 404);
  const wrong = await central.fetch(`/api/v1/attachments/${id}`, { method: 'DELETE' });
  assert.deepEqual([wrong.status, wrong.headers.get('allow')], [405, 'GET, HEAD, POST']);
});

test('without proof of consent to full content nothing is taken', async (t) => {
  const central = await startWithContent(t);
  const id = uuid7();
  for (const consent of [null, '', 'user;epoch=2', 'user;epoch=2;content=0', 'content=1', 'user;content=1;content=0', 'user;content=10']) {
    const { status, json } = await attach(central, 'secret', { id, headers: { 'candor-consent': consent } });
    assert.equal(status, 403, String(consent));
    assert.match(json.detail, /content=1.*user has it turned on/);
  }
  assert.deepEqual((await read(central, id)).json.attachments, []);
  assert.equal(await refusals(central, 'consent'), 7);
  assert.equal((await attach(central, 'secret', { id, headers: { 'candor-consent': 'settings ; content=1 ; later=x' } })).status, 201);
});

test('scopes: who may send may not read, who may read may not send', async (t) => {
  const central = await startWithContent(t);
  const [ingest, reader] = [await makeToken(central, '--scopes', 'ingest'), await makeToken(central, '--scopes', 'read')];
  const id = uuid7();
  await until('the tokens are known', async () => (await read(central, id, { token: reader })).status === 200);
  assert.equal((await attach(central, 'x', { id, token: null })).status, 401);
  assert.equal((await attach(central, 'x', { id, token: reader })).status, 403);
  assert.equal((await attach(central, 'x', { id, token: ingest })).status, 201);
  assert.equal((await read(central, id, { token: ingest })).status, 403);
  assert.equal((await read(central, id, { token: null })).status, 401);
  assert.equal((await read(central, id, { token: reader, field: 'noteBody' })).text, 'x');
});

test('a token bound to an app sends texts for its events alone, and sees no others', async (t) => {
  const central = await startWithContent(t);
  const demo = await makeToken(central, '--scopes', 'ingest,read', '--app', 'demo');
  const other = await makeToken(central, '--scopes', 'ingest,read', '--app', 'other');
  const [event, late] = [toolCall(), toolCall()]; // of app demo
  await central.post([event]);
  await until('the tokens are known', async () => (await read(central, event.event_id, { token: other })).status === 200);
  const foreign = await attach(central, 'x', { id: event.event_id, token: other });
  assert.equal(foreign.status, 403);
  assert.match(foreign.json.detail, /bound to the app "other"/);
  assert.equal((await attach(central, 'x', { id: event.event_id, token: demo })).status, 201);
  assert.equal((await attach(central, 'x', { id: event.event_id, token: other })).status, 403);
  assert.equal((await attach(central, 'late', { id: late.event_id })).status, 201); // its event comes after it
  for (const [id, mine] of [[event.event_id, 1], [late.event_id, 0]]) {
    assert.equal((await read(central, id, { token: demo })).json.attachments.length, mine);
    assert.equal((await read(central, id, { token: other })).json.attachments.length, 0);
    assert.equal((await read(central, id, { token: other, field: 'noteBody' })).status, 404);
  }
  await central.post([late]);
  assert.equal((await read(central, late.event_id, { token: demo, field: 'noteBody' })).text, 'late');
});

test('what is no text of a content field of a recent event is refused, and each refusal is counted', async (t) => {
  const central = await startWithContent(t);
  const good = { 'candor-content-sha256': sha256('text') };
  const cases = [
    [415, 'type', 'text', { headers: { 'content-type': 'text/plain' } }],
    [415, 'type', 'text', { headers: { 'content-type': 'text/plain; charset=latin1' } }],
    [415, 'type', 'text', { headers: { 'content-type': 'text/html; charset=utf-8' } }],
    [415, 'type', 'text', { headers: { 'content-encoding': 'br' } }],
    [400, 'event_id', 'text', { id: 'seven' }],
    [400, 'event_id', 'text', { id: '0193a1b2-0000-4000-8000-000000000001' }],
    [400, 'event_id', 'text', { id: uuid7(Date.now() - 31 * DAY_MS) }],
    [400, 'event_id', 'text', { id: uuid7(Date.now() + 1.1 * DAY_MS) }],
    [400, 'field', 'text', { field: null }],
    [400, 'field', 'text', { field: 'x'.repeat(65) }],
    [404, 'field', 'text', { field: 'toolName' }],
    [404, 'field', 'text', { field: 'noteKind' }],
    [400, 'digest', 'text', { headers: { 'candor-content-sha256': 'abc' } }],
    [400, 'digest', 'texT', { headers: good }],
    [400, 'digest', 'texT', { headers: good, gzip: true }],
    [400, 'utf8', Buffer.from('a\xffb', 'latin1'), {}],
    [400, 'utf8', Buffer.from('eda080', 'hex'), {}], // a lone surrogate
    [400, 'gzip', 'text', { headers: { 'content-encoding': 'gzip' } }],
    [400, 'gzip', zlib.gzipSync('text').subarray(0, -3), { headers: { 'content-encoding': 'gzip' } }],
    [413, 'too_large', 'x'.repeat(2001), {}],
  ];
  const counts = {};
  for (const [status, reason, text, options] of cases) {
    const answer = await attach(central, text, options);
    assert.equal(answer.status, status, `${reason}: ${answer.text}`);
    assert.equal(answer.json.status, status);
    assert.ok(answer.json.detail.length > 15);
    counts[reason] = (counts[reason] ?? 0) + 1;
    assert.equal(await refusals(central, reason), counts[reason], `${reason}: ${answer.text}`);
  }
  assert.equal((await central.metrics()).get('candor_central_attachments_stored_total'), 0);
  assert.equal((await attach(central, 'text', { headers: good, id: uuid7(Date.now() - 29 * DAY_MS) })).status, 201);
});

test('a text takes the bytes its field names and no more, plain or inflated', async (t) => {
  const central = await startWithContent(t);
  for (const gzip of [false, true]) {
    assert.equal((await attach(central, 'x'.repeat(2000), { gzip })).status, 201); // the larger of the two events
    const { status, json } = await attach(central, 'x'.repeat(2001), { gzip });
    assert.equal(status, 413);
    assert.match(json.detail, /larger than 2000 bytes.*"noteBody"/);
  }
});

test('a text of just max-attachment-bytes is taken, one byte more gets 413, as does a gzip bomb', async (t) => {
  const central = await startWithContent(t, { args: ['--max-attachment-bytes', '5000'] });
  const send = (text, gzip = false) => attach(central, text, { field: 'pageText', gzip });
  assert.equal((await send('x'.repeat(5000))).status, 201);
  const over = await send('x'.repeat(5001));
  assert.equal(over.status, 413);
  assert.match(over.json.detail, /larger than 5000 bytes/);
  assert.equal(await refusals(central, 'too_large'), 1);
  const bomb = zlib.gzipSync(Buffer.alloc(4_000_000, 'x'));
  assert.ok(bomb.length < 5000);
  const before = (await central.metrics()).get('candor_central_attachments_stored_total');
  assert.equal((await attach(central, bomb, { field: 'pageText', headers: { 'content-encoding': 'gzip' } })).status, 413);
  assert.equal((await central.metrics()).get('candor_central_attachments_stored_total'), before);
  const id = uuid7();
  const chunked = await raw(central.port, [`POST /api/v1/attachments/${id}?field=pageText HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n` +
    'Candor-Consent: user;content=1\r\nContent-Type: text/plain; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n', `1389\r\n${'x'.repeat(5001)}\r\n0\r\n\r\n`]);
  assert.match(chunked, /^HTTP\/1\.1 413 /);
});

test('16 parallel uploads of one text store one; of differing texts the first stays', async (t) => {
  const central = await startWithContent(t);
  const id = uuid7();
  const same = await Promise.all(Array.from({ length: 16 }, () => attach(central, 'the same', { id })));
  assert.deepEqual(same.map(({ status }) => status).sort(), [...Array(15).fill(200), 201]);
  const differing = await Promise.all(Array.from({ length: 16 }, (_, i) => attach(central, `text ${i}`, { id, field: 'pageText' })));
  assert.deepEqual(differing.map(({ status }) => status).sort(), [201, ...Array(15).fill(409)]);
  const stored = differing.findIndex(({ status }) => status === 201);
  assert.equal((await read(central, id, { field: 'pageText' })).text, `text ${stored}`);
  assert.equal((await central.metrics()).get('candor_central_attachments_stored_total'), 2);
});

test('what was answered is there after SIGKILL; the files are for their owner alone', async (t) => {
  const dir = scratch(t);
  const central = await startWithContent(t, { dir });
  const id = uuid7();
  const text = 'the text';
  assert.equal((await attach(central, text, { id })).status, 201);
  await central.end('SIGKILL');
  for (const name of fs.readdirSync(central.data).filter((file) => file.startsWith('attachments.db'))) {
    assert.equal(fs.statSync(path.join(central.data, name)).mode & 0o777, 0o600, name);
  }
  const again = await startWithContent(t, { dir });
  assert.equal((await read(again, id, { field: 'noteBody' })).text, text);
  assert.equal((await attach(again, text, { id })).status, 200);
});

test('texts of events older than attachments-retention-days are deleted, also from the files, and not taken again', async (t) => {
  const dir = scratch(t);
  const central = await startWithContent(t, { dir });
  const [old, recent] = [uuid7(Date.now() - 10 * DAY_MS), uuid7()];
  for (const id of [old, recent]) assert.equal((await attach(central, 'kept or not', { id })).status, 201);
  const oldest = Buffer.from(old.replaceAll('-', ''), 'hex');
  await central.end('SIGTERM');
  assert.ok(fs.readFileSync(path.join(central.data, 'attachments.db')).includes(oldest));
  const again = await startWithContent(t, { dir, args: ['--attachments-retention-days', '5'] });
  await until('the old text is gone', async () => (await read(again, old)).json.attachments.length === 0);
  assert.equal((await read(again, recent)).json.attachments.length, 1);
  assert.equal((await again.metrics()).get('candor_central_attachments_purged_total'), 1);
  const late = await attach(again, 'kept or not', { id: old });
  assert.deepEqual([late.status, /more than 5 days ago/.test(late.json.detail)], [400, true]);
  await again.end('SIGTERM');
  for (const name of ['attachments.db', 'attachments.db-wal']) {
    const file = path.join(again.data, name);
    assert.ok(!fs.existsSync(file) || !fs.readFileSync(file).includes(oldest), name);
  }
});

test('texts have a rate of their own, which leaves events alone', async (t) => {
  const central = await startWithContent(t, { args: ['--attachments-per-minute', '3'] });
  const send = (machine) => attach(central, 'x', { headers: { 'candor-machine-id': machine } });
  for (let i = 0; i < 3; i++) assert.equal((await send('one')).status, 201);
  const over = await send('one');
  assert.equal(over.status, 429);
  assert.match(over.headers.get('retry-after'), /^\d+$/);
  assert.equal((await send('two')).status, 201);
  assert.equal((await central.post([toolCall()], { headers: { 'candor-machine-id': 'one' } })).status, 202);
});

test('too little free disk: a text gets 503 with Retry-After and may come again', async (t) => {
  const central = await startWithContent(t, { args: ['--min-free-bytes', '1099511627776'] });
  const { status, headers } = await attach(central, 'x');
  assert.equal(status, 503);
  assert.match(headers.get('retry-after'), /^\d+$/);
});

test('a slow sender of a text loses its connection', async (t) => {
  const central = await startWithContent(t, { args: ['--read-timeout-ms', '300'] });
  const answer = await raw(central.port, `POST /api/v1/attachments/${uuid7()}?field=noteBody HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n` +
    'Candor-Consent: user;content=1\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 100\r\n\r\nhalf');
  assert.match(answer, /^HTTP\/1\.1 408 /);
  assert.equal((await central.metrics()).get('candor_central_attachments_stored_total'), 0);
});

test('the consent header of an events upload is taken and nothing of it is stored', async (t) => {
  const central = await startWithContent(t);
  const proof = 'user;epoch=7;marker-0815';
  assert.equal((await central.post([toolCall()], { headers: { 'candor-consent': proof } })).json.accepted, 1);
  await central.end('SIGTERM');
  for (const name of fs.readdirSync(central.data)) assert.ok(!fs.readFileSync(path.join(central.data, name)).includes('marker-0815'), name);
});

test('trouble with attachments.db shows in health and metrics, and events are not affected', async (t) => {
  const dir = scratch(t);
  const before = await startWithContent(t, { dir });
  assert.equal((await before.get('/api/v1/health')).attachments, 'ok');
  assert.equal((await before.metrics()).get('candor_central_attachments_healthy'), 1);
  await before.end('SIGTERM');
  const file = path.join(before.data, 'attachments.db');
  const bytes = fs.readFileSync(file);
  bytes.fill(0xff, bytes.length - 6 * 4096); // the pages of the three empty tables and of their indexes come last
  fs.writeFileSync(file, bytes);
  const central = await startWithContent(t, { dir });
  assert.equal((await attach(central, 'a text')).status, 503);
  for (const route of ['/api/v1/health', '/api/telemetry/health']) {
    const { status, json } = await central.fetch(route, { token: null });
    assert.deepEqual([status, json.status, json.attachments], [200, 'ok', 'failing']);
  }
  const metrics = await central.metrics();
  assert.equal(metrics.get('candor_central_attachments_healthy'), 0);
  assert.ok(metrics.get('candor_central_attachments_failed_total') > 0);
  assert.match(central.log, /"attachments_trouble"/);
  assert.equal((await central.post([toolCall()])).json.accepted, 1);
});
