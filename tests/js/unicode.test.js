'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const { openClient, pendingEvents, schemaOf } = require('./helper');

const TEXT = schemaOf({ v: { kind: 'text', maxLength: 4000 }, list: { kind: 'list', of: { kind: 'text', maxLength: 400 }, max: 32 } });

/** Short, so that they take the loop, and long, so that they take the bulk copy. */
const SAMPLES = [
  'plain', '\u{1F600} emoji \u{1F468}\u200d\u{1F469}\u200d\u{1F467}', 'Grüße aus Köln', 'Привет мир', '日本語のテキスト', 'עברית العربية',
  'smart “quotes” – dash … euro € ™', // text that breaks in CP-1252
  '\u0081\u008d\u008f', 'e\u0301 combining', 'zero\u0000byte'.replace('\u0000', ' '), '\ufeffbom', '\u{10FFFF}', 'tab\tnew\nline "quoted" back \\ slash',
];

test('text arrives as it was sent, short or long', async (t) => {
  const client = openClient(t, { schema: TEXT });
  const samples = [...SAMPLES, ...SAMPLES.map((s) => `${s} `.repeat(20).trim())];
  for (const v of samples) assert.equal(client.emit('Sample', { v }), true);
  const events = await pendingEvents(client);
  const c1 = /[\u0080-\u009f]/; // C1 controls may be blanked
  events.forEach((event, i) => {
    if (!c1.test(samples[i])) assert.equal(event.payload.v, samples[i]);
  });
});

test('a lone surrogate becomes U+FFFD wherever it stands', async (t) => {
  const client = openClient(t, { schema: TEXT });
  const cases = [
    ['\ud83d', '\ufffd'], ['a\ude00b', 'a\ufffdb'], ['\ude00\ud83d', '\ufffd\ufffd'],
    [`${'long text '.repeat(10)}\ud83d`, `${'long text '.repeat(10)}\ufffd`],
    ['pair \u{1F600} and half \ud83d end', 'pair \u{1F600} and half \ufffd end'],
  ];
  for (const [v] of cases) assert.equal(client.emit('Sample', { v, list: [v, v] }), true);
  const events = await pendingEvents(client);
  events.forEach((event, i) => {
    assert.equal(event.payload.v, cases[i][1]);
    assert.deepEqual(event.payload.list, [cases[i][1], cases[i][1]]);
  });
});

test('a cut never splits a character', async (t) => {
  for (const unit of ['\u{1F600}', 'é', '語', 'a\u{1F600}']) {
    for (const maxLength of [1, 2, 3, 4, 5, 6, 7, 48, 49]) {
      const client = openClient(t, { schema: schemaOf({ v: { kind: 'text', maxLength } }) });
      client.emit('Sample', { v: unit.repeat(30000) });
      const [event] = await pendingEvents(client);
      const { v } = event.payload;
      assert.ok(Buffer.byteLength(v) <= maxLength);
      assert.ok(unit.repeat(100).startsWith(v), JSON.stringify(v));
      client.close();
    }
  }
});

test('field names and enum values outside ASCII are refused or kept whole', async (t) => {
  const schema = schemaOf({ v: { kind: 'enum', values: ['größer', 'other'], other: 'other' } });
  let client;
  try {
    client = openClient(t, { schema });
  } catch (error) {
    assert.equal(error.code, 'ERR_CANDOR_SCHEMA');
    return;
  }
  client.emit('Sample', { v: 'größer' });
  assert.deepEqual((await pendingEvents(client))[0].payload, { v: 'größer' });
});
