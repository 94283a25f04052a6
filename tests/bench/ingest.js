'use strict';
// Events per second that candor-central makes durable, beside bare SQLite inserting the same rows and
// beside a plain FastAPI collector taking the same requests. Method and columns: docs/benchmarks.md.
const fs = require('node:fs');
const path = require('node:path');
const { machine, parseCommand, progress, runMain, table } = require('./lib/cli');
const { Fleet } = require('./lib/events');
const { SINKS, describeSinks, measureSinks } = require('./lib/ingest-sinks');
const { buildTool, runTool } = require('./lib/native');
const { buildRequests } = require('./lib/requests');
const { withScratch } = require('./lib/scratch');
const servers = require('./lib/servers');
const { median, minMedianMax, round } = require('./lib/stats');

const COMMAND = 'ingest.js';
const SUMMARY = 'Durable events per second over loopback: candor-central, bare SQLite, FastAPI; interleaved, median of rounds.';
const OPTIONS = [
  { name: 'events', type: 'number', default: 300000, min: 1000, max: 2e7, doc: 'events in one run' },
  { name: 'batch', type: 'number', default: 100, max: 1000, doc: 'events in one request' },
  { name: 'rounds', type: 'number', default: 3, max: 100, doc: 'rounds; a round runs every competitor once' },
  { name: 'connections', type: 'number', max: 1024, doc: 'keep-alive connections (default 64; with --sink 256)' },
  { name: 'sink', type: 'string', values: [...SINKS, 'all'], doc: 'this sink alone, beside the bare insert into its store' },
  { name: 'bare-rows', type: 'number', default: 10000, max: 1e6, doc: 'rows in one transaction of the bare insert, with --sink' },
  { name: 'format', type: 'string', values: ['both', 'ndjson', 'array'], default: 'both', doc: 'body format; the client sends ndjson' },
  { name: 'mix', type: 'string', values: ['crowd', 'session'], default: 'crowd', doc: 'a session an event, or one session a batch' },
  { name: 'spread-ms', type: 'number', min: 0, max: 6e5, doc: 'how late ids arrive in the spread load (default 30000); 0: without it; with --sink: in the load (default 0)' },
  { name: 'gzip-level', type: 'number', default: 6, min: 1, max: 9, doc: 'compression of the bodies' },
];
const EVENTS_PER_MS = 300; // how densely the ids lie in time: about the rate of the run itself

/** What is sent: events in the order of their ids, in each body format, and once with ids that arrive
 * late. Rows of the first and the last for bare SQLite. */
function plannedLoads(options) {
  const formats = options.format === 'both' ? ['ndjson', 'array'] : [options.format];
  const loads = formats.map((format, i) => ({ name: format, format, spreadMs: 0, rows: i === 0, peers: true }));
  if (options['spread-ms'] > 0) {
    loads.push({ name: 'spread', format: formats[0], spreadMs: options['spread-ms'], rows: true, peers: false });
  }
  return loads;
}

function buildLoad(directory, plan, options) {
  const start = Date.now();
  const batches = Math.ceil(options.events / options.batch);
  const span = Math.ceil((batches * options.batch) / EVENTS_PER_MS);
  progress(`building ${batches} requests of ${options.batch} events: ${plan.name}`);
  const file = path.join(directory, `${plan.name}.requests`);
  const rowsFile = plan.rows ? path.join(directory, `${plan.name}.rows`) : undefined;
  const sinkRowsFile = plan.sinkRows ? path.join(directory, `${plan.name}.sink-rows`) : undefined;
  const totals = buildRequests(new Fleet({ seed: start & 0x7fffffff }), {
    file, rowsFile, sinkRowsFile, batches, perBatch: options.batch, mix: options.mix, format: plan.format,
    gzipLevel: options['gzip-level'], token: servers.TOKEN,
    timeOf: (batch, i) => Math.floor(start - span + (batch * options.batch + i) / EVENTS_PER_MS
      - Math.random() * plan.spreadMs),
  });
  return { ...plan, file, rowsFile, sinkRowsFile, ...totals };
}

function checkLoad(name, result, events) {
  if (result.accepted !== events || Object.keys(result.status).join() !== '202') {
    throw new Error(`${name} accepted ${result.accepted} of ${events} events, answers by status: ${JSON.stringify(result.status)}`);
  }
}

async function runCentral(directory, load, connections) {
  const server = await servers.startCentral(directory);
  try {
    const before = server.cpuSeconds();
    const result = await runTool('loadgen', ['127.0.0.1', server.port, load.file, connections]);
    const cpu = server.cpuSeconds() - before;
    checkLoad('candor-central', result, load.events);
    const stored = await storedEvents(server.port);
    if (stored !== load.events) throw new Error(`candor-central stored ${stored} of ${load.events} acknowledged events`);
    return { eps: result.events / result.seconds, rssMiB: server.peakRssMiB(), cpuUs: cpu * 1e6 / result.events, latency: result.latency_us };
  } finally {
    await server.stop();
  }
}

async function storedEvents(port) {
  const stats = await servers.getJson(port, '/api/telemetry/stats?from=1970-01-01T00:00:00Z');
  return stats.events.total;
}

async function runFastapi(directory, load, connections, store) {
  const server = await servers.startFastapi(directory, store);
  let result;
  try {
    result = await runTool('loadgen', ['127.0.0.1', server.port, load.file, connections]);
    checkLoad('fastapi', result, load.events);
  } finally {
    await server.stop();
  }
  const stored = fs.readdirSync(directory).reduce((sum, file) => sum + countIds(path.join(directory, file)), 0);
  if (stored !== load.events) throw new Error(`fastapi wrote ${stored} of ${load.events} events`);
  return { eps: result.events / result.seconds, latency: result.latency_us };
}

function countIds(file) {
  const bytes = fs.readFileSync(file);
  let ids = 0;
  for (let at = bytes.indexOf('"event_id":'); at !== -1; at = bytes.indexOf('"event_id":', at + 11)) ids += 1;
  return ids;
}

async function runBare(directory, load, perTransaction) {
  const result = await runTool('bare_sqlite', [path.join(directory, 'bare.db'), load.rowsFile, perTransaction]);
  if (result.rows !== load.events) throw new Error(`bare SQLite inserted ${result.rows} of ${load.events} rows`);
  return { eps: result.rows / result.seconds };
}

function competitorsOf(loads, options) {
  const [main] = loads;
  const list = [{ name: 'bare_sqlite_100', run: (dir) => runBare(dir, main, 100) }];
  for (const load of loads) {
    const suffix = load === main ? '' : `_${load.name}`;
    if (load.rows) list.push({ name: `bare_sqlite${suffix}`, run: (dir) => runBare(dir, load, 1000) });
    list.push({ name: `candor_sqlite${suffix}`, run: (dir) => runCentral(dir, load, options.connections) });
    if (load.peers) list.push({ name: `fastapi_jsonl${suffix}`, run: (dir) => runFastapi(dir, load, options.connections, 'lines') });
    if (load === main) list.push({ name: 'fastapi_raw', run: (dir) => runFastapi(dir, load, options.connections, 'raw') });
  }
  return list;
}

async function runRounds(root, competitors, rounds) {
  const results = new Map(competitors.map(({ name }) => [name, []]));
  for (let r = 0; r < rounds; r += 1) {
    for (let c = 0; c < competitors.length; c += 1) {
      const { name, run } = competitors[(c + r) % competitors.length];
      const directory = fs.mkdtempSync(path.join(root, `${name}-`));
      const result = await run(directory);
      fs.rmSync(directory, { recursive: true, force: true });
      results.get(name).push(result);
      progress(`round ${r + 1} of ${rounds}: ${name} ${Math.round(result.eps)} events/s`);
    }
  }
  return results;
}

function summarise(results) {
  return Object.fromEntries([...results].map(([name, list]) => {
    const { min, median: middle, max } = minMedianMax(list.map((result) => result.eps));
    const figure = { median_eps: round(middle), min_eps: round(min), max_eps: round(max) };
    if (list[0].latency) {
      figure.request_p50_ms = round(median(list.map((result) => result.latency.p50)) / 1000, 2);
      figure.request_p99_ms = round(median(list.map((result) => result.latency.p99)) / 1000, 2);
    }
    if (list[0].cpuUs) figure.cpu_us_per_event = round(median(list.map((result) => result.cpuUs)), 2);
    return [name, figure];
  }));
}

function resultOf(options, loads, results) {
  const figures = summarise(results);
  const [main] = loads;
  const eps = (name) => figures[name].median_eps;
  const rss = [...results.values()].flat().map((result) => result.rssMiB ?? 0);
  return {
    benchmark: 'ingest',
    machine: machine(),
    candor_sqlite_eps: eps('candor_sqlite'),
    bare_sqlite_eps: eps('bare_sqlite'),
    bare_sqlite_100_eps: eps('bare_sqlite_100'),
    fastapi_jsonl_eps: eps('fastapi_jsonl'),
    fastapi_raw_eps: eps('fastapi_raw'),
    rss_mb: round(Math.max(...rss), 1),
    candor_vs_bare: round(eps('candor_sqlite') / eps('bare_sqlite'), 2),
    candor_vs_fastapi: round(eps('candor_sqlite') / eps('fastapi_jsonl'), 2),
    candor_vs_fastapi_raw: round(eps('candor_sqlite') / eps('fastapi_raw'), 2),
    rounds: figures,
    format: main.format,
    events_per_run: main.events,
    batch: options.batch,
    connections: options.connections,
    mix: options.mix,
    spread_ms: options['spread-ms'],
    line_bytes: round(main.textBytes / main.events),
    body_bytes: round(main.bodyBytes / main.batches),
  };
}

/** One load for all sinks: what clients send, arriving in the order of its ids unless --spread-ms says otherwise. */
function sinkLoad(root, options) {
  const format = options.format === 'both' ? 'ndjson' : options.format;
  return buildLoad(root, { name: 'sinks', format, spreadMs: options['spread-ms'], rows: true, sinkRows: true }, options);
}

function measure(given) {
  const alone = given.sink === undefined;
  const options = { ...given, connections: given.connections ?? (alone ? 64 : 256), 'spread-ms': given['spread-ms'] ?? (alone ? 30000 : 0) };
  return withScratch('ingest', async (root) => {
    if (options.sink !== undefined) return measureSinks(root, () => sinkLoad(root, options), options);
    for (const tool of ['loadgen', 'bare_sqlite']) buildTool(tool);
    const loads = plannedLoads(options).map((plan) => buildLoad(root, plan, options));
    return resultOf(options, loads, await runRounds(root, competitorsOf(loads, options), options.rounds));
  });
}

function describe(result) {
  if (result.sinks !== undefined) return describeSinks(result);
  const rows = Object.entries(result.rounds).map(([name, figure]) => [
    name, figure.median_eps, figure.min_eps, figure.max_eps, round(figure.median_eps / result.candor_sqlite_eps, 2),
    figure.request_p50_ms ?? '', figure.request_p99_ms ?? '', figure.cpu_us_per_event ?? '',
  ]);
  return [
    `events per second, gzip batches of ${result.batch} (${result.line_bytes} bytes a line), ${result.connections} connections,`
      + ` ${result.machine.cores} cores shared with the load`,
    '',
    table(['events/s', 'median', 'min', 'max', 'x candor', 'p50 ms', 'p99 ms', 'cpu us/event'], rows),
    '',
    `candor / bare = ${result.candor_vs_bare}   candor / fastapi = ${result.candor_vs_fastapi} (raw: ${result.candor_vs_fastapi_raw})   peak RSS ${result.rss_mb} MiB`,
  ].join('\n');
}

runMain(COMMAND, parseCommand(COMMAND, SUMMARY, OPTIONS), measure, describe);
