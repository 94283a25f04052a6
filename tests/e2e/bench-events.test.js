'use strict';
// The events that the benchmarks send: one that the collector refused, or had to change, would be measured
// for something that no client sends.

const assert = require('node:assert/strict');
const test = require('node:test');
const { Central } = require('./central-support.js');
const { Fleet } = require('../bench/lib/events.js');

test('events of the benchmarks are of every type, and are taken as they are', async (t) => {
  const central = await Central.start(t);
  const fleet = new Fleet({ seed: 1, machines: 10, users: 8, sessions: 20 });
  const context = (type, i) => ({
    event_id: fleet.uuid7(Date.now()), event_type: type.name, timestamp: new Date().toISOString(),
    ...JSON.parse(`{${fleet.session().context.slice(0, -1)}}`), payload: JSON.parse(type.payloads[i]),
  });
  for (let i = 0; i < 10; i++) {
    const events = fleet.types.map((type) => context(type, i));
    const { status, json } = await central.post(events, { gzip: true });
    assert.deepEqual([status, json.accepted, json.adjusted], [202, events.length, {}], JSON.stringify(json.results));
  }
  const lines = Array.from({ length: 500 }, () => fleet.event(fleet.session(), Date.now()).line);
  const { json } = await central.post(lines.join('\n'), { headers: { 'content-type': 'application/x-ndjson' } });
  assert.deepEqual([json.accepted, json.adjusted], [500, {}]);
});
