'use strict';
// What encryption at rest costs: the same requests into candor-central and candor-central-encrypted, and
// the same queries out of both; rounds by turns.
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { machine, parseCommand, progress, runMain, table } = require('./lib/cli');
const { Fleet } = require('./lib/events');
const { ROOT, buildTool, runTool } = require('./lib/native');
const { buildRequests } = require('./lib/requests');
const { withScratch } = require('./lib/scratch');
const servers = require('./lib/servers');
const { median, round } = require('./lib/stats');

const COMMAND = 'at-rest.js';
const SUMMARY = 'Ingest and queries of candor-central-encrypted beside candor-central; interleaved, median of rounds.';
const OPTIONS = [
  { name: 'events', type: 'number', default: 300000, min: 1000, max: 2e7, doc: 'events in one run' },
  { name: 'rounds', type: 'number', default: 3, max: 100, doc: 'rounds; a round runs both once' },
  { name: 'connections', type: 'number', default: 64, max: 1024, doc: 'keep-alive connections' },
];
const PER_BATCH = 100;
const ENCRYPTED = path.join(ROOT, 'build', 'encrypted', 'candor-central-encrypted');
const QUERIES = ['/api/telemetry/events?limit=500', '/api/telemetry/events?limit=500&user=nobody', '/api/telemetry/stats'];

function buildLoad(directory, options) {
  const batches = Math.ceil(options.events / PER_BATCH);
  const start = Date.now();
  const file = path.join(directory, 'requests');
  progress(`building ${batches} requests of ${PER_BATCH} events`);
  return { file, ...buildRequests(new Fleet({ seed: 11 }), {
    file, batches, perBatch: PER_BATCH, mix: 'crowd', format: 'ndjson', gzipLevel: 6, token: servers.TOKEN,
    timeOf: (batch, i) => start - 60000 + Math.floor((batch * PER_BATCH + i) / 300),
  }) };
}

async function queryMs(port) {
  const times = [];
  for (const query of QUERIES) {
    for (let i = 0; i < 5; i += 1) {
      const from = process.hrtime.bigint();
      await servers.getJson(port, query);
      times.push(Number(process.hrtime.bigint() - from) / 1e6);
    }
  }
  return times.reduce((sum, ms) => sum + ms, 0) / times.length;
}

async function runOne(directory, load, options, encrypted) {
  const key = path.join(directory, 'key');
  fs.writeFileSync(key, crypto.randomBytes(32).toString('hex'), { mode: 0o600 });
  const server = await servers.startCentral(directory, encrypted ? ['--key-file', key] : [], encrypted ? ENCRYPTED : undefined);
  try {
    const before = server.cpuSeconds();
    const result = await runTool('loadgen', ['127.0.0.1', server.port, load.file, options.connections]);
    const cpu = server.cpuSeconds() - before;
    if (result.accepted !== load.events) throw new Error(`accepted ${result.accepted} of ${load.events} events`);
    return { eps: result.events / result.seconds, cpuUs: cpu * 1e6 / result.events, queryMs: await queryMs(server.port),
      dbBytes: fs.statSync(path.join(directory, 'data', 'events.db')).size };
  } finally {
    await server.stop();
  }
}

async function runRounds(root, load, options) {
  const results = { plain: [], encrypted: [] };
  for (let r = 0; r < options.rounds; r += 1) {
    for (const name of r % 2 === 0 ? ['plain', 'encrypted'] : ['encrypted', 'plain']) {
      const directory = fs.mkdtempSync(path.join(root, `${name}-`));
      const result = await runOne(directory, load, options, name === 'encrypted');
      fs.rmSync(directory, { recursive: true, force: true });
      results[name].push(result);
      progress(`round ${r + 1} of ${options.rounds}: ${name} ${Math.round(result.eps)} events/s`);
    }
  }
  return results;
}

function figures(list) {
  const of = (key) => median(list.map((result) => result[key]));
  return { eps: round(of('eps')), cpu_us_per_event: round(of('cpuUs'), 2), query_ms: round(of('queryMs'), 2), db_bytes: of('dbBytes') };
}

function measure(options) {
  if (!fs.existsSync(ENCRYPTED)) throw new Error('candor-central-encrypted is missing: sh scripts/setup.sh encrypted && node scripts/build.js encrypted');
  return withScratch('at-rest', async (root) => {
    buildTool('loadgen');
    const load = buildLoad(root, options);
    const results = await runRounds(root, load, options);
    const [plain, encrypted] = [figures(results.plain), figures(results.encrypted)];
    return { benchmark: 'at-rest', machine: machine(), events: load.events, rounds: options.rounds, plain, encrypted,
      encrypted_vs_plain: { eps: round(encrypted.eps / plain.eps, 2), cpu: round(encrypted.cpu_us_per_event / plain.cpu_us_per_event, 2),
        query: round(encrypted.query_ms / plain.query_ms, 2), bytes: round(encrypted.db_bytes / plain.db_bytes, 3) } };
  });
}

function describe(result) {
  const row = (name) => [name, result[name].eps, result[name].cpu_us_per_event, result[name].query_ms, result[name].db_bytes];
  return table(['collector', 'events/s', 'cpu us/event', 'query ms', 'events.db'], [row('plain'), row('encrypted')]);
}

runMain(COMMAND, parseCommand(COMMAND, SUMMARY, OPTIONS), measure, describe);
