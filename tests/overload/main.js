'use strict';
// npm run test:overload: four times the load that the collector sustains, from clients that do not wait,
// beside clients that are slow in every way. Then the count: memory stayed within what the settings
// allow, every request was answered or its connection closed, and what was acknowledged is stored once.
const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { machine, parseCommand, progress, runMain, table } = require('../bench/lib/cli');
const { buildTool, runTool } = require('../bench/lib/native');
const { atExit, withScratch } = require('../bench/lib/scratch');
const servers = require('../bench/lib/servers');
const { compare, writeTemplates } = require('./requests');

const COMMAND = 'npm run test:overload --';
const SUMMARY = 'Several times the sustainable load and slow clients: bounded memory, every request answered, nothing lost.';
const OPTIONS = [
  { name: 'seconds', type: 'number', default: 60, min: 1, max: 3600, doc: 'of the overload' },
  { name: 'factor', type: 'number', default: 4, min: 1, max: 100, doc: 'times the sustainable rate' },
  { name: 'slow', type: 'number', default: 500, min: 0, max: 1500, doc: 'slow clients' },
  { name: 'events', type: 'number', default: 100, max: 100, doc: 'events in one request, as many as a batch of the client has' },
  { name: 'resets', type: 'number', default: 0, min: 0, max: 1e9, doc: 'connections that may end with a reset: one that was refused and is slower than hundreds after it to read so' },
  { name: 'connections', type: 'number', default: 6000, min: 1, max: 20000, doc: 'connections the load opens at most; the collector takes 2000' },
];
const ADDRESSES = 250; // where the load comes from; the slow clients have one of their own
const PER_MINUTE = 600; // of one machine; 20 times that of one address
const CALIBRATE_CONNECTIONS = 256;
const MIB = 1048576;

/** What the settings allow beside the memory of a collector at rest: docs/central.md, "Memory". */
const LIMITS = { buffer: 32 * MIB, queue: 16 * MIB, response: 32 * MIB, perConnection: 80 * 1024, connections: 2000 + 64 };
const boundOf = (restBytes) => restBytes + 2 * (LIMITS.buffer + LIMITS.queue + LIMITS.response) + LIMITS.perConnection * LIMITS.connections;

function startSlow(port, count) {
  const child = spawn(process.execPath, [path.join(__dirname, 'slow.js'), String(port), servers.TOKEN, String(count)],
    { stdio: ['pipe', 'pipe', 'inherit'] });
  const forget = atExit(() => child.kill('SIGKILL'));
  let text = '';
  child.stdout.on('data', (data) => { text += data; });
  const ended = new Promise((resolve) => child.once('close', resolve));
  return async () => {
    child.stdin.end();
    await ended;
    forget();
    return JSON.parse(text);
  };
}

/** Closed loop: as many requests as it answers with 202. */
async function sustainableRate(directory, port, templates, seconds, seed) {
  const result = await runTool('flood', [port, templates, 0, seconds, CALIBRATE_CONNECTIONS, ADDRESSES, seed, path.join(directory, 'calibrate.acks')]);
  if (result.acked === 0) throw new Error(`no request was acknowledged: ${JSON.stringify(result)}`);
  return { ...result, perSecond: Math.round(result.acked / result.seconds) };
}

/** After the load: one request is answered at once. */
async function recovered(port) {
  const stats = await servers.getJson(port, '/api/telemetry/stats?from=1970-01-01T00:00:00Z');
  return stats.events.total;
}

function storedIds(directory) {
  return execFileSync(buildTool('dump_ids'), [path.join(directory, 'data', 'events.db')], { maxBuffer: 1 << 30 });
}

async function overload(directory, options) {
  const templates = path.join(directory, 'templates');
  writeTemplates(templates, { templates: 64, events: options.events, token: servers.TOKEN, seed: 7 });
  const server = await servers.startCentral(directory, ['--uploads-per-minute', String(PER_MINUTE)]);
  try {
    const calibrate = Math.min(5, Math.max(2, options.seconds / 4));
    await sustainableRate(directory, server.port, templates, calibrate, 0); // caches fill, memory is taken once
    const sustainable = await sustainableRate(directory, server.port, templates, calibrate, 1);
    const rssStart = server.rssMiB();
    progress(`sustainable: ${sustainable.perSecond} requests/s of ${options.events} events; RSS ${rssStart.toFixed(1)} MiB`);
    const endSlow = startSlow(server.port, options.slow);
    const rate = sustainable.perSecond * options.factor;
    const acks = path.join(directory, 'overload.acks');
    const seed = 2;
    const load = await runTool('flood', [server.port, templates, rate, options.seconds, options.connections, ADDRESSES, seed, acks]);
    const slow = await endSlow();
    const total = await recovered(server.port);
    const rssMax = server.peakRssMiB();
    await server.stop();
    const ids = storedIds(directory);
    return { options, sustainable, rate, load, slow, total, rssStart, rssMax, rows: ids.length / 16,
      ...compare(ids, acks, seed, load.sent, options.events) };
  } finally {
    await server.stop();
  }
}

function resultOf({ options, sustainable, rate, load, slow, total, rssStart, rssMax, rows, lost, duplicates, stored }) {
  const { '202': accepted = 0, '429': limited = 0, '503': shed = 0, ...others } = load.status;
  const bound = boundOf(rssStart * MIB) / MIB;
  const strays = Object.values(others).reduce((sum, n) => sum + n, 0);
  const result = {
    test: 'overload', machine: machine(), seconds: options.seconds, events_per_request: options.events,
    sustainable_per_s: sustainable.perSecond, offered_per_s: rate, sent_per_s: Math.round(load.sent / load.seconds),
    sent: load.sent, withheld: load.withheld, connections_most: load.connections,
    answered: { 202: accepted, 429: limited, 503: shed, ...others },
    closed: load.closed, reset: load.reset, torn: load.torn, not_connected: load.unconnected, unanswered: load.unanswered,
    without_retry_after: load.without_retry_after,
    goodput_per_s: Math.round(accepted / load.seconds), p50_ms: load.p50_us / 1000, p99_ms: load.p99_us / 1000,
    slow, rss_start_mib: Math.round(rssStart), rss_max_mib: Math.round(rssMax), rss_bound_mib: Math.round(bound),
    acknowledged: load.acked, lost, duplicates: duplicates + Math.abs(total - rows), stored,
  };
  const slowResets = Object.values(slow).reduce((sum, { reset }) => sum + reset, 0);
  return { ...result, ok: rssMax <= bound && load.unanswered === 0 && load.torn === 0 && load.not_http === 0 && strays === 0
    && load.reset + slowResets <= options.resets && load.without_retry_after === 0 && lost === 0 && result.duplicates === 0 && accepted > 0 };
}

async function measure(options) {
  for (const tool of ['flood', 'dump_ids']) buildTool(tool);
  const result = await withScratch('overload', async (directory) => resultOf(await overload(directory, options)));
  if (!result.ok) process.exitCode = 1;
  return result;
}

function describe(result) {
  return table(['what', 'figure'], Object.entries(result).map(([key, value]) => [key, typeof value === 'object' ? JSON.stringify(value) : value]));
}

runMain(COMMAND, parseCommand(COMMAND, SUMMARY, OPTIONS), measure, describe);
