'use strict';
// How long every /api/telemetry query takes over HTTP, and how much longer with many times the events.
// Method and columns: docs/benchmarks.md.
const fs = require('node:fs');
const path = require('node:path');
const { machine, parseCommand, progress, runMain, table } = require('./lib/cli');
const { DAY_MS, fill } = require('./lib/fill');
const { buildTool } = require('./lib/native');
const { queries } = require('./lib/queries');
const { SINKS, describeSink, measureSink } = require('./lib/query-sinks');
const { withScratch } = require('./lib/scratch');
const servers = require('./lib/servers');
const { median, quantiles, round } = require('./lib/stats');

const COMMAND = 'query.js';
const SUMMARY = 'Latency of every /api/telemetry query with a million events and with many, over one keep-alive connection.';
const OPTIONS = [
  { name: 'events', type: 'number', default: 5000000, min: 1000, max: 1e9, doc: 'events of the larger store' },
  { name: 'base', type: 'number', default: 1000000, min: 1000, max: 1e8, doc: 'events of the smaller one' },
  { name: 'requests', type: 'number', default: 250, min: 50, max: 1e5, doc: 'requests of each query to each store' },
  { name: 'days', type: 'number', default: 60, min: 45, max: 80, doc: 'days of history' },
  { name: 'sink', type: 'string', values: SINKS, doc: 'sums and sessions of this sink first, with --events events' },
];
const GROUPS = 5; // the ratio compares the medians of this many p95: one slow moment must not decide
const WARM_UP = 10;
const FLOOR_MS = 1; // below it a ratio compares the machine's noise
const DEEP_PAGES = 40;

async function startFilled(root, name, events, options) {
  const directory = path.join(root, name);
  fs.mkdirSync(directory);
  // History older than the default clock bounds comes in through the same door.
  const server = await servers.startCentral(directory, ['--max-age-days', '90', '--retention-days', '120']);
  try {
    const start = Date.now();
    const done = await fill({
      port: server.port, events, days: options.days, directory, seed: events,
      onProgress: (sent) => progress(`${name}: ${sent} of ${events} events`),
    });
    const stored = (await servers.getJson(server.port, '/api/telemetry/stats?from=1970-01-01T00:00:00Z')).events.total;
    if (stored !== done.events) throw new Error(`stored ${stored} of ${done.events} events`);
    const fillSeconds = (Date.now() - start) / 1000;
    progress(`${name}: filled in ${round(fillSeconds, 1)} s, sending took ${round(done.seconds, 1)} s`);
    return { name, server, events: done.events, fillSeconds, ingestEps: done.events / done.seconds };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** A page far behind the newest event: a cursor goes on with the filters that it was given for. */
async function deepPage(port) {
  const to = new Date(Date.now() - 20 * DAY_MS).toISOString();
  let page = await servers.getJson(port, `/api/telemetry/events?limit=500&to=${to}`);
  for (let i = 1; i < DEEP_PAGES; i += 1) {
    if (page.next_cursor === null) throw new Error(`there are only ${i} pages of events older than 20 days, and the deep page is page ${DEEP_PAGES}: raise --base`);
    page = await servers.getJson(port, `/api/telemetry/events?limit=500&to=${to}&cursor=${encodeURIComponent(page.next_cursor)}`);
  }
  return { to, cursor: page.next_cursor };
}

async function timeRequests(store, query, first, n) {
  const samples = [];
  const headers = { Authorization: `Bearer ${servers.TOKEN}` };
  for (let i = first; i < first + n; i += 1) {
    const urlPath = query.path(i, store);
    const start = process.hrtime.bigint();
    const { status, body } = await servers.request(store.server.port, urlPath, headers);
    samples.push(Number(process.hrtime.bigint() - start) / 1e6);
    if (status !== 200) throw new Error(`GET ${urlPath} answered ${status}: ${body.slice(0, 300)}`);
    store.answerBytes = body.length;
  }
  return samples;
}

/** Groups of requests to one store and the other in turn, so that both see the same machine. */
async function measureQuery(query, stores, requests) {
  const perGroup = Math.ceil(requests / GROUPS);
  const measured = stores.map(() => ({ all: [], p95: [] }));
  for (const store of stores) await timeRequests(store, query, 0, WARM_UP);
  for (let group = 0; group < GROUPS; group += 1) {
    for (let s = 0; s < stores.length; s += 1) {
      const samples = await timeRequests(stores[s], query, group * perGroup, perGroup);
      measured[s].all.push(...samples);
      measured[s].p95.push(quantiles(samples).p95);
    }
  }
  return measured.map(({ all, p95 }, s) => {
    const { p50, p95: whole, p99, max } = quantiles(all);
    return {
      p50_ms: round(p50, 2), p95_ms: round(whole, 2), p99_ms: round(p99, 2), max_ms: round(max, 2),
      group_p95_ms: median(p95), answer_bytes: stores[s].answerBytes,
    };
  });
}

/** 1 when both are below the floor. */
function ratioOf(small, large) {
  return Math.max(large.group_p95_ms, FLOOR_MS) / Math.max(small.group_p95_ms, FLOOR_MS);
}

async function measureAll(stores, options) {
  const out = {};
  for (const query of queries()) {
    const [small, large] = await measureQuery(query, stores, options.requests);
    const ratio = round(ratioOf(small, large), 2);
    for (const side of [small, large]) side.group_p95_ms = round(side.group_p95_ms, 2);
    out[query.name] = { chart: query.chart === true, p50: small.p50_ms, p95: small.p95_ms, p95_large: large.p95_ms, ratio, n: small, n_large: large };
    progress(`${query.name}: p95 ${small.p95_ms} ms, ${large.p95_ms} ms with ${options.events} events`);
  }
  return out;
}

function resultOf(options, stores, measured) {
  const all = Object.values(measured);
  const worst = (pick) => round(Math.max(...all.map(pick)), 2);
  const charts = all.filter((query) => query.chart);
  return {
    benchmark: 'query',
    machine: machine(),
    p95_ms_max: worst((query) => Math.max(query.p95, query.p95_large)),
    p95_ms_max_n: worst((query) => query.p95),
    ratio: round(Math.max(...charts.map((query) => query.ratio)), 2),
    events: stores[1].events,
    base: stores[0].events,
    days: options.days,
    requests: Math.ceil(options.requests / GROUPS) * GROUPS,
    fill: Object.fromEntries(stores.map((store) => [store.name,
      { seconds: round(store.fillSeconds, 1), ingest_eps: round(store.ingestEps) }])),
    queries: measured,
  };
}

function measure(options) {
  if (options.sink !== undefined) return withScratch('query', (root) => measureSink(options, root));
  if (options.events <= options.base) throw new Error(`--events ${options.events} is not more than --base ${options.base}`);
  return withScratch('query', async (root) => {
    const stores = [];
    try {
      buildTool('loadgen');
      stores.push(await startFilled(root, 'n', options.base, options));
      stores.push(await startFilled(root, 'n_large', options.events, options));
      for (const store of stores) store.deepPage = await deepPage(store.server.port);
      return resultOf(options, stores, await measureAll(stores, options));
    } finally {
      for (const store of stores) await store.server.stop();
    }
  });
}

function describe(result) {
  if (result.sink !== undefined) return describeSink(result);
  const rows = Object.entries(result.queries).map(([name, query]) => [
    name, query.n.p50_ms, query.n.p95_ms, query.n_large.p50_ms, query.n_large.p95_ms,
    query.chart ? query.ratio : '', query.n.answer_bytes,
  ]);
  return [
    `ms per query over HTTP, ${result.requests} requests each; ${result.base} and ${result.events} events over`
      + ` ${result.days} days, ${result.machine.cores} cores`,
    '',
    table(['query', 'p50 base', 'p95 base', 'p50 large', 'p95 large', 'ratio', 'bytes'], rows),
    '',
    `largest p95 = ${result.p95_ms_max} ms   largest ratio of charts and cards = ${result.ratio}`,
  ].join('\n');
}

runMain(COMMAND, parseCommand(COMMAND, SUMMARY, OPTIONS), measure, describe);
