'use strict';
// The conformance suite of sinks against the cluster of deploy/clickhouse, and what its configuration promises to
// people who ask it themselves. Under load: npm run test:cluster.
const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const path = require('node:path');
const test = require('node:test');
const { Cluster } = require('./cluster.js');

const PROGRAM = path.join(__dirname, '..', '..', 'build', 'asan', 'test_sinks');
const missing = Cluster.missing();

test('the ClickHouse sink keeps its promises on two shards of two replicas', { skip: missing ?? false }, async (t) => {
  const cluster = await Cluster.start();
  t.after(() => cluster.remove());
  const { code, output } = await new Promise((resolve) => {
    execFile(PROGRAM, { env: { PATH: process.env.PATH, CANDOR_SINK: 'clickhouse', CANDOR_SINK_URL: cluster.sinkUrl } }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : 1, output: stdout + stderr });
    });
  });
  assert.equal(code, 0, output);
  assert.match(output, /\[ {2}PASSED {2}\] \d+ test/);
  // People ask a Distributed table, made on every server at once.
  await cluster.ask('1a', 'CREATE TABLE candor.candor_all ON CLUSTER candor AS candor.candor_events ENGINE=Distributed(candor, candor, candor_events)');
  const sum = Number(await cluster.ask('1b', 'SELECT uniqExact(event_id) FROM candor_events')) + Number(await cluster.ask('2a', 'SELECT uniqExact(event_id) FROM candor_events'));
  assert.equal(Number(await cluster.ask('2b', 'SELECT uniqExact(event_id) FROM candor_all')), sum);
});
