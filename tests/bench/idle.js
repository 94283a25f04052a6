'use strict';
// What Candor costs a process that hardly uses it: time and memory to open, and what happens while nothing
// does, beside what people use today. Method and columns: docs/benchmarks.md.
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { execFile } = require('node:child_process');
const { promisify } = require('node:util');
const { machine, parseCommand, progress, runMain, table } = require('./lib/cli');
const { withScratch } = require('./lib/scratch');
const { minMedianMax, round } = require('./lib/stats');
const { readElf } = require('../../scripts/prebuild/elf');

const COMMAND = 'idle.js';
const SUMMARY = 'require and open: milliseconds and resident memory; then wake-ups and CPU of a process with nothing to do.';
const OPTIONS = [
  { name: 'processes', type: 'number', default: 30, min: 3, max: 1000, doc: 'processes of each competitor that open and end' },
  { name: 'seconds', type: 'number', default: 60, min: 1, max: 3600, doc: 'idling that is watched' },
  { name: 'addon', type: 'string', doc: 'the binary of Candor; default: the one that a checkout uses' },
];
const COMPETITORS = ['candor', 'pino', 'otel', 'posthog'];
const PACKAGES = { pino: 'pino', otel: '@opentelemetry/sdk-logs', posthog: 'posthog-node' };
const CHILD = path.join(__dirname, 'lib', 'idle-child.js');

/** The shell that runs the benchmark may have opted out; this is not its telemetry. */
function environment(addon) {
  const env = { ...process.env };
  if (addon !== undefined) env.CANDOR_ADDON = path.resolve(addon);
  for (const name of ['DO_NOT_TRACK', 'TELEMETRY_ENABLED', 'TELEMETRY_ENDPOINT', 'TELEMETRY_TOKEN']) delete env[name];
  return env;
}

/** Starts the processes of one run. @param {string | undefined} addon */
function childrenWith(addon) {
  const env = environment(addon);
  return async (...args) => {
    const { stdout } = await promisify(execFile)(process.execPath, [CHILD, ...args], { env });
    return JSON.parse(stdout);
  };
}

/** What the package ships brings its libraries along; the development build takes the machine's. */
function binaryOf(addon) {
  const { needed } = readElf(fs.readFileSync(addon));
  return needed.some((name) => name.startsWith('libsqlite3.')) ? 'development' : 'prebuilt';
}

/** Takes every event of anybody. */
function startServer() {
  const server = http.createServer((request, response) => {
    request.resume().on('end', () => {
      response.setHeader('Content-Type', 'application/json');
      response.end('{"accepted":1,"duplicates":0,"rejected":0,"status":1}');
    });
  });
  return new Promise((resolve) => { server.listen(0, '127.0.0.1', () => resolve(server)); });
}

/** `none` runs in turn with the others: its growth is Node's own and is taken off. */
async function measureStarts(child, directory, endpoint, processes) {
  const names = ['none', ...COMPETITORS, 'candor_first'];
  const samples = Object.fromEntries(names.map((name) => [name, []]));
  await child('candor', 'start', path.join(directory, 'start-candor'), endpoint, '0'); // makes the directory
  for (let i = 0; i < processes; i += 1) {
    for (let n = 0; n < names.length; n += 1) {
      const name = names[(n + i) % names.length];
      const first = name === 'candor_first';
      const place = path.join(directory, first ? `first-${i}` : `start-${name}`);
      samples[name].push(await child(first ? 'candor' : name, 'start', place, endpoint, '0'));
    }
    if ((i + 1) % 10 === 0) progress(`start: ${i + 1} of ${processes} processes each`);
  }
  return samples;
}

/** All at once: idling processes do not disturb each other. */
async function measureIdling(child, directory, endpoint, seconds) {
  progress(`idle: ${seconds} s`);
  const names = ['none', ...COMPETITORS];
  const results = await Promise.all(names.map((name) =>
    child(name, 'idle', path.join(directory, `idle-${name}`), endpoint, String(seconds * 1000))));
  return Object.fromEntries(names.map((name, i) => [name, results[i]]));
}

function summariseStarts(samples) {
  const of = (name, key) => minMedianMax(samples[name].map((sample) => sample[key]));
  const base = { rss: of('none', 'rss_kib').median, dirty: of('none', 'dirty_kib').median };
  return Object.fromEntries(Object.keys(samples).filter((name) => name !== 'none').map((name) => {
    const ms = of(name, 'open_ms');
    return [name, {
      open_ms: round(ms.median, 2), open_ms_min: round(ms.min, 2), open_ms_max: round(ms.max, 2),
      rss_mb: round((of(name, 'rss_kib').median - base.rss) / 1024, 2),
      dirty_mb: round((of(name, 'dirty_kib').median - base.dirty) / 1024, 2),
    }];
  }));
}

function resultOf(options, addon, starts, idling) {
  const versions = Object.fromEntries(Object.entries(PACKAGES).map(([name, packageName]) =>
    [name, require(path.join(__dirname, 'node_modules', packageName, 'package.json')).version]));
  return {
    benchmark: 'idle',
    machine: machine(),
    binary: binaryOf(addon),
    addon,
    candor_open_ms: starts.candor.open_ms,
    candor_first_open_ms: starts.candor_first.open_ms,
    candor_rss_mb: starts.candor.rss_mb,
    candor_dirty_mb: starts.candor.dirty_mb,
    candor_worker_wakeups: idling.candor.thread_wakeups,
    candor_cpu_ms: round(idling.candor.cpu_ms, 1),
    start: starts,
    idle: Object.fromEntries(Object.entries(idling).map(([name, figures]) => [name, {
      cpu_ms: round(figures.cpu_ms, 1), process_wakeups: figures.process_wakeups, worker_wakeups: figures.thread_wakeups,
    }])),
    peers: versions,
    settings: { processes: options.processes, seconds: options.seconds },
  };
}

function measure(options) {
  const child = childrenWith(options.addon);
  return withScratch('idle', async (directory) => {
    const server = await startServer();
    const endpoint = `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`;
    try {
      const samples = await measureStarts(child, directory, endpoint, options.processes);
      const idling = await measureIdling(child, directory, endpoint, options.seconds);
      return resultOf(options, samples.candor[0].addon, summariseStarts(samples), idling);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
}

function describe(result) {
  const named = (name) => (result.peers[name] ? `${name} ${result.peers[name]}` : name);
  const starts = Object.entries(result.start).map(([name, figure]) =>
    [named(name), figure.open_ms, figure.open_ms_min, figure.open_ms_max, figure.rss_mb, figure.dirty_mb]);
  const idling = Object.entries(result.idle).map(([name, figure]) =>
    [named(name), figure.cpu_ms, figure.process_wakeups, figure.worker_wakeups ?? '']);
  return [
    `candor: the ${result.binary} binary, ${result.addon}`,
    '',
    `require and open, ${result.settings.processes} processes each, ${result.machine.cores} cores, Node ${result.machine.node}`,
    '',
    table(['', 'median ms', 'min', 'max', 'RSS MiB', 'of it dirty'], starts),
    '',
    `${result.settings.seconds} s of nothing, after one event`,
    '',
    table(['the process', 'CPU ms', 'wake-ups', 'of the worker'], idling),
  ].join('\n');
}

runMain(COMMAND, parseCommand(COMMAND, SUMMARY, OPTIONS), measure, describe);
