'use strict';
// bench:ingest --sink: what each sink makes durable a second, beside the bare insert of the same rows into the same
// store. Each round runs both, one after the other, in turn first: the machine's moods cancel out of their ratio.
const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');
const { Server, PASSWORD } = require('../../sinks/servers');
const { machine, progress, table } = require('./cli');
const { buildTool, runTool } = require('./native');
const { atExit } = require('./scratch');
const servers = require('./servers');
const { median, minMedianMax, round } = require('./stats');

const SINKS = ['sqlite', 'jsonl', 'postgres', 'mariadb', 'clickhouse'];
const GOAL_BARE = 0.6;
const GOAL_FASTAPI = 3;
// Hundreds of connections that begin at once are slow on a machine that is busy with much else.
const PATIENT = ['--read-timeout-ms', '60000'];
const SQLITE_ROWS = 1000; // a transaction of bare SQLite: more are not faster there

/** What --sink and the server of the tests call it. @param {string} sink */
const sinkName = (sink) => (sink === 'mariadb' ? 'mysql' : sink);

/** Where bare_sink finds the database of a sink's URL. @param {string} sink @param {string} text */
function whereOf(sink, text) {
  const url = new URL(text);
  if (sink === 'mariadb') return [url.hostname, url.port, url.username, PASSWORD, url.pathname.slice(1)].join(':');
  if (sink === 'clickhouse') return `${url.origin.replace('//', `//${url.username}:${PASSWORD}@`)}/?database=${url.pathname.slice(1)}`;
  return text;
}

/** The first and the last request of the load: their events are of every day that its events are of. */
function edgesOf(load) {
  const bytes = fs.readFileSync(load.file);
  const starts = [];
  for (let at = 0; at < bytes.length; at += 8 + bytes.readUInt32LE(at)) starts.push(at);
  return Buffer.concat([starts[0], starts[starts.length - 1]].map((at) => bytes.subarray(at, at + 8 + bytes.readUInt32LE(at))));
}

/** One store under test: a server that runs for all rounds, or files that are new in each. */
class Store {
  #databases = 0;

  /** @param {string} sink @param {string} root @param {any} load @param {any} options */
  constructor(sink, root, load, options) {
    this.sink = sink;
    this.root = root;
    this.load = load;
    this.options = options;
    this.server = null;
  }

  async open() {
    if (!(['sqlite', 'jsonl'].includes(this.sink))) this.server = await Server.start(/** @type {any} */ (sinkName(this.sink)));
    this.forget = atExit(() => this.server?.kill());
  }

  async close() {
    await this.server?.remove();
    this.forget?.();
  }

  /** An empty database; its tables are made by the collector. @returns {Promise<string>} */
  async database() {
    this.#databases += 1;
    return this.server.create(`bench_${this.#databases}`);
  }

  /** @param {string} directory @param {string | undefined} url */
  startCentral(directory, url) {
    const sink = this.sink === 'sqlite' ? [] : ['--sink', sinkName(this.sink), ...(url === undefined ? [] : ['--sink-url', url])];
    return servers.startCentral(directory, [...PATIENT, ...sink]);
  }

  /** @param {any} server @param {string} directory @param {string | undefined} url */
  async stored(server, directory, url) {
    if (this.sink === 'sqlite') {
      return (await servers.getJson(server.port, '/api/telemetry/stats?from=1970-01-01T00:00:00Z')).events.total;
    }
    if (this.sink === 'jsonl') return linesBelow(path.join(directory, 'data', 'jsonl'));
    return (await runTool('bare_sink', [this.sink, whereOf(this.sink, url ?? ''), '-', 1])).rows;
  }

  /** @param {string} directory */
  async candor(directory) {
    const { load } = this;
    const url = this.server === null ? undefined : await this.database();
    const server = await this.startCentral(directory, url);
    try {
      const before = server.cpuSeconds();
      const result = await runTool('loadgen', ['127.0.0.1', server.port, load.file, this.options.connections]);
      const cpu = server.cpuSeconds() - before;
      if (result.accepted !== load.events) throw new Error(`${this.sink}: accepted ${result.accepted} of ${load.events} events, answers by status: ${JSON.stringify(result.status)}`);
      const stored = await this.stored(server, directory, url);
      if (stored !== load.events) throw new Error(`${this.sink}: stored ${stored} of ${load.events} acknowledged events`);
      return { eps: result.events / result.seconds, rssMiB: server.peakRssMiB(), cpuUs: cpu * 1e6 / result.events, latency: result.latency_us };
    } finally {
      await server.stop();
    }
  }

  /** The bare insert with the gzip that the sink uses. @param {string} directory */
  igzip(directory) {
    return this.bare(directory, 'jsonl_igzip');
  }

  /** @param {string} directory @param {string} [store]  as bare_sink calls it */
  async bare(directory, store = this.sink) {
    const { load, sink } = this;
    const rows = this.options['bare-rows'];
    const done = sink === 'sqlite' ? await runTool('bare_sqlite', [path.join(directory, 'bare.db'), load.rowsFile, SQLITE_ROWS])
      : await runTool('bare_sink', [store, sink === 'jsonl' ? directory : await this.emptied(directory), load.sinkRowsFile, rows]);
    if (done.rows !== load.events) throw new Error(`${sink}: the bare insert took ${done.rows} of ${load.events} rows`);
    return { eps: done.rows / done.seconds };
  }

  /** A database with the collector's tables and partitions, and no rows. @param {string} directory */
  async emptied(directory) {
    const url = await this.database();
    const edges = path.join(directory, 'edges.requests');
    fs.writeFileSync(edges, edgesOf(this.load));
    const server = await this.startCentral(directory, url);
    await runTool('loadgen', ['127.0.0.1', server.port, edges, 1]);
    await server.stop();
    const where = whereOf(this.sink, url);
    await runTool('bare_sink', [this.sink, where, 'empty', 1]);
    return where;
  }

  /** @param {string} directory */
  async fastapi(directory) {
    const server = await servers.startFastapi(directory, 'lines');
    try {
      const result = await runTool('loadgen', ['127.0.0.1', server.port, this.load.file, this.options.connections]);
      if (result.accepted !== this.load.events) throw new Error(`fastapi accepted ${result.accepted} of ${this.load.events} events`);
      return { eps: result.events / result.seconds };
    } finally {
      await server.stop();
    }
  }
}

/** Events in the day folders of the JSONL sink. @param {string} directory */
function linesBelow(directory) {
  return fs.readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('events.jsonl.gz'))
    .map((file) => zlib.gunzipSync(fs.readFileSync(path.join(directory, file))))
    .reduce((sum, text) => sum + countLines(text), 0);
}

/** @param {Buffer} text */
function countLines(text) {
  let lines = 0;
  for (let at = text.indexOf(10); at !== -1; at = text.indexOf(10, at + 1)) lines += 1;
  return lines;
}

async function inScratch(root, work) {
  const directory = fs.mkdtempSync(path.join(root, 'run-'));
  try {
    return await work(directory);
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

async function measureSink(sink, root, load, options) {
  const store = new Store(sink, root, load, options);
  const kinds = ['bare', 'candor', ...(sink === 'jsonl' ? ['fastapi', 'igzip'] : [])];
  const results = Object.fromEntries(kinds.map((kind) => [kind, /** @type {any[]} */ ([])]));
  try {
    await store.open();
    for (let r = 0; r < options.rounds; r += 1) {
      for (let k = 0; k < kinds.length; k += 1) {
        const kind = kinds[(k + r) % kinds.length];
        const result = await inScratch(root, (directory) => store[kind](directory));
        results[kind].push(result);
        progress(`${sink}, round ${r + 1} of ${options.rounds}: ${kind} ${Math.round(result.eps)} events/s`);
      }
    }
  } finally {
    await store.close();
  }
  return summarise(results);
}

/** The median of the ratios of each round: both sides of one saw the same machine. */
function ratioOf(over, under) {
  return round(median(over.map(({ eps }, i) => eps / under[i].eps)), 2);
}

function summarise({ bare, candor, fastapi, igzip }) {
  const { min, median: middle, max } = minMedianMax(candor.map(({ eps }) => eps));
  const figure = {
    candor_eps: round(middle), candor_min_eps: round(min), candor_max_eps: round(max),
    bare_eps: round(median(bare.map(({ eps }) => eps))),
    candor_vs_bare: ratioOf(candor, bare),
    request_p50_ms: round(median(candor.map(({ latency }) => latency.p50)) / 1000, 2),
    request_p99_ms: round(median(candor.map(({ latency }) => latency.p99)) / 1000, 2),
    cpu_us_per_event: round(median(candor.map(({ cpuUs }) => cpuUs)), 2),
    rss_mb: round(Math.max(...candor.map(({ rssMiB }) => rssMiB)), 1),
  };
  if (fastapi !== undefined) {
    figure.fastapi_eps = round(median(fastapi.map(({ eps }) => eps)));
    figure.candor_vs_fastapi = ratioOf(candor, fastapi);
  }
  if (igzip !== undefined) {
    figure.bare_igzip_eps = round(median(igzip.map(({ eps }) => eps)));
    figure.candor_vs_bare_igzip = ratioOf(candor, igzip);
  }
  figure.goal_met = figure.candor_vs_bare >= GOAL_BARE && (fastapi === undefined || figure.candor_vs_fastapi >= GOAL_FASTAPI);
  return figure;
}

/** @param {string} root @param {() => any} build  makes the load @param {any} options */
async function measureSinks(root, build, options) {
  for (const tool of ['loadgen', 'bare_sqlite', 'bare_sink']) buildTool(tool);
  const names = options.sink === 'all' ? SINKS : [options.sink];
  const missing = names.map((sink) => (['sqlite', 'jsonl'].includes(sink) ? null : Server.missing(/** @type {any} */ (sinkName(sink)))))
    .filter((why) => why !== null);
  if (missing.length > 0) throw new Error(`${missing.join(', ')}: scripts/setup.sh ingest installs the servers`);
  const load = build();
  /** @type {Record<string, any>} */
  const sinks = {};
  for (const sink of names) sinks[sink] = await measureSink(sink, root, load, options);
  return {
    benchmark: 'ingest', machine: machine(), sink: options.sink, sinks,
    goal: { candor_vs_bare: GOAL_BARE, jsonl_vs_fastapi: GOAL_FASTAPI },
    ...(names.length === 1 ? sinks[names[0]] : {}),
    events_per_run: load.events, batch: options.batch, rounds: options.rounds,
    connections: options.connections, bare_rows: options['bare-rows'], spread_ms: options['spread-ms'],
    line_bytes: round(load.textBytes / load.events),
  };
}

function describeSinks(result) {
  const rows = Object.entries(result.sinks).map(([sink, figure]) => [
    sink, figure.candor_eps, figure.bare_eps, figure.candor_vs_bare, figure.candor_vs_fastapi ?? '', figure.request_p50_ms,
    figure.request_p99_ms, figure.cpu_us_per_event, figure.rss_mb, figure.goal_met ? 'met' : 'missed',
  ]);
  const igzip = Object.values(result.sinks).filter((figure) => figure.bare_igzip_eps !== undefined)
    .map((figure) => `bare jsonl with the sink's igzip instead of libdeflate: ${figure.bare_igzip_eps}, x ${figure.candor_vs_bare_igzip}`);
  return [
    `events per second, gzip batches of ${result.batch} (${result.line_bytes} bytes a line), ${result.connections} connections, medians of`
      + ` ${result.rounds} rounds, ${result.machine.cores} cores shared by load, collector and store`,
    '',
    table(['sink', 'candor', 'bare', 'x bare', 'x fastapi', 'p50 ms', 'p99 ms', 'cpu us/event', 'RSS MiB', 'goal'], rows),
    '',
    `bare: one thread, ${result.bare_rows} rows a transaction (sqlite: ${SQLITE_ROWS})   goal: x bare ${GOAL_BARE}, jsonl x fastapi ${GOAL_FASTAPI}`,
    ...igzip,
  ].join('\n');
}

module.exports = { SINKS, describeSinks, measureSinks };
