'use strict';
// candor-central import: files end up as uploads of the same bytes would.
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const zlib = require('node:zlib');
const { Central, event, run, scratch, toolCall, uuid7 } = require('./central-support.js');
const { makePackage, sendPackage } = require('./package-support.js');

const lines = (events) => events.map((one) => `${JSON.stringify(one)}\n`).join('');
const calls = (n) => Array.from({ length: n }, () => toolCall());

/** @param {import('node:test').TestContext} t */
function place(t) {
  const dir = scratch(t);
  const data = path.join(dir, 'data');
  const write = (name, body) => {
    fs.writeFileSync(path.join(dir, name), body);
    return path.join(dir, name);
  };
  const load = async (files, ...args) => {
    const { code, stdout, stderr } = await run(['import', ...files, '--json', '--data', data, ...args]);
    return { code, stderr, ...JSON.parse(stdout || '{}') };
  };
  return { dir, data, write, load };
}

test('NDJSON, arrays and packages, plain and gzipped, are stored once and served', async (t) => {
  const { dir, write, load } = place(t);
  const [a, b, c, d] = [calls(3), calls(4), calls(5), calls(6)];
  const files = [write('a.ndjson', lines(a)), write('b.jsonl.gz', zlib.gzipSync(lines(b).trimEnd())), write('c.json', JSON.stringify(c)),
    write('d.json.gz', zlib.gzipSync(JSON.stringify(makePackage(d), null, 2)))];
  const first = await load(files);
  assert.equal(first.code, 0, first.stderr);
  assert.deepEqual(first.files.map((f) => [f.kind, f.accepted, f.duplicates, f.rejected, f.error]), [
    ['ndjson', 3, 0, 0, null], ['ndjson', 4, 0, 0, null], ['array', 5, 0, 0, null], ['package', 6, 0, 0, null]]);
  assert.deepEqual([first.accepted, first.failed], [18, 0]);
  const again = await load(files);
  assert.deepEqual([again.accepted, again.duplicates, again.rejected], [0, 18, 0]);
  const central = await Central.start(t, { dir });
  assert.deepEqual((await central.ids()).sort(), [...a, ...b, ...c, ...d].map((one) => one.event_id).sort());
});

test('what was uploaded is known to an import, and the other way round', async (t) => {
  const { dir, write, load } = place(t);
  const central = await Central.start(t, { dir });
  const [pack, sent] = [makePackage(calls(4)), calls(3)];
  await sendPackage(central, pack);
  await central.post(sent);
  await central.end('SIGTERM');
  const fresh = calls(2);
  const done = await load([write('p.json', JSON.stringify(pack)), write('s.ndjson', lines([...sent, ...fresh]))]);
  assert.deepEqual(done.files.map((f) => [f.accepted, f.duplicates]), [[0, 4], [2, 3]]);
  const later = makePackage(calls(2));
  await load([write('l.json', JSON.stringify(later))]);
  const again = await Central.start(t, { dir });
  const { json } = await sendPackage(again, later);
  assert.deepEqual([json.accepted, json.duplicate_batch], [0, true]);
  assert.equal((await again.ids()).length, 11);
});

test('the same checks as at the door: bad lines, unknown events, old events and raw data', async (t) => {
  const { write, load } = place(t);
  const old = toolCall('x', 1, { event_id: uuid7(Date.now() - 60 * 86400000) });
  const mixed = `${lines([toolCall()])}{"broken\n\n${lines([event('Nope', {}), old])}[]\n`;
  const done = await load([write('m.ndjson', mixed)]);
  assert.deepEqual([done.code, done.accepted, done.rejected], [0, 1, 4]);
  assert.deepEqual(done.reasons, { not_an_object: 1, unknown_event: 1, clock_skew: 1, bad_json: 1 });
  assert.equal((await load([write('o.ndjson', lines([old]))], '--max-age-days', '90')).accepted, 1);
  const raw = makePackage([event('Error', { errorType: 'E', message: 'in /home/bob/secret/plan.txt' })]);
  const refused = await load([write('raw.json', JSON.stringify(raw))]);
  assert.deepEqual([refused.code, refused.accepted, refused.failed], [1, 0, 1]);
  assert.match(refused.files[0].error, /events\[0\]/);
});

test('a file that is damaged, missing or too large fails alone, with a sentence', async (t) => {
  const { dir, write, load } = place(t);
  const whole = zlib.gzipSync(lines(calls(2000)));
  const done = await load([write('torn.gz', whole.subarray(0, whole.length - 2000)), path.join(dir, 'nothing'), write('array.json', '[{"event_id":'),
    write('long.ndjson', `{"event_id":"${'x'.repeat(3_000_000)}`), write('good.ndjson', lines(calls(2))),
    write('big.json', JSON.stringify(makePackage(calls(50)))), dir, write('empty', ''), write('junk', Buffer.from('\x7fELF\0\0\n\x01'))], '--max-package-events', '49');
  assert.equal(done.code, 1);
  const errors = done.files.map((f) => f.error);
  assert.match(errors[0], /damaged or cut short/);
  assert.ok(done.files[0].accepted < 2000);
  assert.match(errors[1], /cannot open/);
  assert.match(errors[2], /malformed JSON at line 1/);
  assert.match(errors[3], /longer than 1048576 bytes/);
  assert.deepEqual([errors[4], done.files[4].accepted], [null, 2]);
  assert.match(errors[5], /more than 49 events/);
  assert.ok(errors[6].length > 10);
  assert.deepEqual([errors[7], done.files[7].accepted], [null, 0]);
  assert.equal(done.files[8].accepted, 0);
  assert.equal(done.failed, 6);
});

test('an import that was interrupted is finished by running it again', async (t) => {
  const { dir, write, load } = place(t);
  const events = calls(12000);
  const bytes = zlib.gzipSync(lines(events));
  const torn = await load([write('torn.gz', bytes.subarray(0, Math.floor(bytes.length * 0.7)))]);
  assert.equal(torn.code, 1);
  assert.ok(torn.accepted >= 5000 && torn.accepted < 12000, `${torn.accepted}`);
  const whole = await load([write('whole.gz', bytes)]);
  assert.deepEqual([whole.accepted + torn.accepted, whole.duplicates], [12000, torn.accepted]);
  const central = await Central.start(t, { dir });
  assert.equal((await central.get('/api/telemetry/stats')).events.total, 12000);
});

test('usage and a running collector are said in words; without --json a line for each file', async (t) => {
  const { dir, data, write } = place(t);
  const file = write('a.ndjson', lines(calls(2)));
  assert.equal((await run(['import', '--data', data])).code, 2);
  assert.equal((await run(['import', file, '--colour', 'red', '--data', data])).code, 2);
  assert.match((await run(['import', ...Array(257).fill(file), '--data', data])).stderr, /more than 256 files/);
  assert.match((await run(['import', '--help'])).stdout, /Usage/);
  const { code, stdout, stderr } = await run(['import', file, '--data', data]);
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /a\.ndjson \(ndjson\): 2 stored, 0 known before, 0 rejected\n/);
  await Central.start(t, { dir });
  const busy = await run(['import', file, '--data', data]);
  assert.equal(busy.code, 1);
  assert.match(busy.stderr, /another candor-central/);
});
