'use strict';
// bench:query --sink: how long sums and sessions take where the first sink has no roll-ups: the whole range is read
// for each answer, so times are shown by the days asked for.
const fs = require('node:fs');
const path = require('node:path');
const { Server } = require('../../sinks/servers');
const { machine, progress, table } = require('./cli');
const { DAY_MS, fill } = require('./fill');
const { buildTool } = require('./native');
const { atExit } = require('./scratch');
const servers = require('./servers');
const { median, round } = require('./stats');

const SINKS = ['jsonl', 'postgres', 'mariadb', 'clickhouse'];
const REQUESTS = 5;
const RANGES = [1, 7, 30];
const ROUTES = {
  stats: 'stats',
  category: 'aggregate/category',
  timeline: 'aggregate/timeline?bucket=day',
  users: 'aggregate/users',
  version: 'aggregate/version',
  starts: 'aggregate/sessions',
  latency: 'aggregate/latency',
  groups: 'errors/groups',
  slo: 'errors/slo',
  sessions: 'sessions?limit=50',
};

/** @param {any} options @param {string} root @param {(port: number) => Promise<any>} use */
async function withFilled(options, root, use) {
  const local = options.sink === 'jsonl';
  const name = options.sink === 'mariadb' ? 'mysql' : options.sink;
  const database = local ? null : await Server.start(/** @type {any} */ (name));
  const forget = atExit(() => database?.kill());
  const directory = path.join(root, 'filled');
  fs.mkdirSync(directory);
  try {
    const url = database === null ? [] : ['--sink-url', await database.create('bench')];
    const server = await servers.startCentral(directory, ['--max-age-days', '90', '--retention-days', '120', '--sink', name, ...url]);
    try {
      const { seconds } = await fill({
        port: server.port, events: options.events, days: options.days, directory, seed: options.events,
        onProgress: (sent) => progress(`${options.sink}: ${sent} of ${options.events} events`),
      });
      return { fillSeconds: round(seconds, 1), queries: await use(server.port), rss_mb: round(server.peakRssMiB(), 1) };
    } finally {
      await server.stop();
    }
  } finally {
    await database?.remove();
    forget();
  }
}

/** The median in ms; null: it took longer than a query may. @param {number} port @param {string} route @param {number} days */
async function timeOf(port, route, days) {
  const samples = [];
  for (let i = 0; i < REQUESTS; i += 1) {
    const to = Date.now() - i * 3600000;
    const range = new URLSearchParams({ from: new Date(to - days * DAY_MS).toISOString(), to: new Date(to).toISOString() });
    const begin = process.hrtime.bigint();
    const { status, body } = await servers.request(port, `/api/telemetry/${route}${route.includes('?') ? '&' : '?'}${range}`,
      { Authorization: `Bearer ${servers.TOKEN}` });
    if (status === 503) return null;
    if (status !== 200) throw new Error(`GET ${route} answered ${status}: ${body.slice(0, 300)}`);
    samples.push(Number(process.hrtime.bigint() - begin) / 1e6);
  }
  return round(median(samples), 1);
}

/** @param {any} options @param {string} root */
async function measureSink(options, root) {
  buildTool('loadgen');
  const filled = await withFilled(options, root, async (port) => {
    /** @type {Record<string, Record<string, number | null>>} */
    const queries = {};
    for (const [name, route] of Object.entries(ROUTES)) {
      queries[name] = {};
      for (const days of RANGES) queries[name][`${days}d`] = await timeOf(port, route, days);
      progress(`${options.sink}: ${name} ${JSON.stringify(queries[name])}`);
    }
    return queries;
  });
  return { benchmark: 'query', machine: machine(), sink: options.sink, events: options.events, days: options.days, requests: REQUESTS, ...filled };
}

/** @param {any} result */
function describeSink(result) {
  const rows = Object.entries(result.queries).map(([name, times]) => [name, ...RANGES.map((days) => /** @type {any} */ (times)[`${days}d`] ?? 'too long')]);
  return [
    `${result.sink}: ms of an answer, median of ${result.requests}; ${result.events} events over ${result.days} days, ${result.machine.cores} cores`,
    '',
    table(['query', ...RANGES.map((days) => `${days} d`)], rows),
  ].join('\n');
}

module.exports = { SINKS, describeSink, measureSink };
