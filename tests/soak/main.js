'use strict';
// npm run test:soak: half of the rate that this machine can, for half an hour, while the collector and one of two apps are
// killed or stopped again and again. Memory must stay flat and nothing may be lost. Figures: docs/soak.md.
const { fork } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { parseArgs } = require('node:util');
const { open } = require('../../js');
const { Collector } = require('../../scripts/support/collector.js');
const { seeded } = require('../crash/fleet.js');

const BURST_MAX = 64; // of app.js: what a SIGKILL can come before the witness of
const SAMPLE_MS = 2000;
const SETTLED_MS = 20_000; // after a restart, until a collector's memory is looked at
const FLAT = 1.05;
const { values: args } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' }, rate: { type: 'string', default: '0' }, seed: { type: 'string', default: String(Date.now() % 1e9) },
    json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
  },
});
const say = (/** @type {string} */ text) => process.stderr.write(`${text}\n`);

/** Resident memory in KiB, 0 when the process is gone. @param {number | undefined} pid */
function rssKib(pid) {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

class App {
  /** @param {string} scratch @param {Collector} collector @param {string} version @param {number} rate */
  static async start(scratch, collector, version, rate) {
    const app = new App();
    app.version = version;
    app.witness = path.join(scratch, `witness-${version}`);
    app.child = fork(path.join(__dirname, 'app.js'), [path.join(scratch, 'spool'), collector.url, version, app.witness, String(rate)],
      { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], env: { ...process.env, TELEMETRY_TOKEN: collector.token } });
    const end = () => app.child.kill('SIGKILL');
    process.once('exit', end);
    app.child.once('exit', () => process.off('exit', end));
    await once(app.child, 'message');
    return app;
  }

  /** What its witness says that emit took. */
  get kept() {
    const bytes = fs.readFileSync(this.witness);
    return bytes.length === 8 ? Number(bytes.readBigUInt64LE()) : 0;
  }

  async status() {
    this.child.send('status');
    const [status] = await once(this.child, 'message');
    return status;
  }

  /** @param {boolean} kindly */
  async end(kindly) {
    const gone = once(this.child, 'exit');
    if (kindly) this.child.send('exit');
    else this.child.kill('SIGKILL');
    await gone;
  }
}

/** Upload what is left. @param {string} scratch @param {Collector} collector */
async function drain(scratch, collector) {
  const client = open({ app: 'soak', directory: path.join(scratch, 'spool'), endpoint: collector.url, token: collector.token, notice: 'none', mode: 'manual', minFreeDiskBytes: 0 });
  const until = Date.now() + 300_000;
  let status = client.status();
  do {
    await client.upload();
    status = client.status();
    if (status.spool.batches + status.pending_journal > 0) await sleep(50);
  } while (status.spool.batches + status.pending_journal > 0 && Date.now() < until);
  client.close();
  return status;
}

/** Stored events of each version. @param {Collector} collector @returns {Promise<Map<string, number>>} */
async function stored(collector) {
  const { groups, omitted } = await collector.get('/api/telemetry/aggregate/version');
  if (omitted !== 0) throw new Error('too many versions to tell');
  return new Map(groups.map((/** @type {{version: string, count: number}} */ group) => [group.version, group.count]));
}

/** Below the ports that a system gives away by itself, so that nobody takes it while the collector is down. @param {string} directory */
function collectorIn(directory) {
  const collector = new Collector({ directory: path.join(directory, 'central'), args: ['--uploads-per-minute', '0'] });
  collector.port = 20_000 + Math.floor(Math.random() * 10_000);
  return collector;
}

/** What one app and a collector can do together. @param {string} scratch */
async function peakRate(scratch) {
  const directory = path.join(scratch, 'peak');
  fs.mkdirSync(directory);
  const collector = collectorIn(directory);
  await collector.start();
  const app = await App.start(directory, collector, 'peak', 0);
  const count = async () => (await stored(collector)).get('peak') ?? 0;
  await sleep(5000);
  const from = await count();
  const began = process.hrtime.bigint();
  await sleep(15_000);
  const rate = (await count() - from) / (Number(process.hrtime.bigint() - began) / 1e9);
  await app.end(false);
  await collector.kill();
  fs.rmSync(directory, { recursive: true, force: true });
  return rate;
}

/** @param {number[]} values */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length === 0 ? NaN : sorted[Math.floor(sorted.length / 2)];
}

/** Medians of the middle and the last third of the time, in MiB. @param {{at: number, kib: number}[]} samples @param {number} ms */
function thirds(samples, ms) {
  const part = (/** @type {number} */ from, /** @type {number} */ to) => median(samples.filter(({ at }) => at >= from * ms && at < to * ms).map(({ kib }) => kib));
  const middle = part(1 / 3, 2 / 3);
  const last = part(2 / 3, 2);
  return { middle_mib: Number((middle / 1024).toFixed(2)), last_mib: Number((last / 1024).toFixed(2)), ratio: Number((last / middle).toFixed(4)) };
}

/** @param {string} scratch @param {number} rate @param {number} ms */
async function soak(scratch, rate, ms) {
  const random = seeded(Number(args.seed));
  const collector = collectorIn(scratch);
  await collector.start();
  const steady = await App.start(scratch, collector, 'steady', rate / 2);
  const apps = [steady];
  let victim = await App.start(scratch, collector, 'victim-0', rate / 2);
  apps.push(victim);
  const restarts = { collector_killed: 0, collector_stopped: 0, app_killed: 0, app_exited: 0 };
  /** @type {Record<'collector' | 'app', {at: number, kib: number}[]>} */
  const samples = { collector: [], app: [] };
  const began = Date.now();
  const pause = () => 20_000 + random() * 40_000;
  let startedAt = began;
  let nextCollector = began + pause();
  let nextApp = began + pause();
  let told = began;
  while (Date.now() - began < ms) {
    await sleep(SAMPLE_MS);
    const now = Date.now();
    samples.app.push({ at: now - began, kib: rssKib(steady.child.pid) });
    if (now - startedAt > SETTLED_MS) samples.collector.push({ at: now - began, kib: rssKib(collector.child?.pid) });
    if (now >= nextCollector) {
      const killed = random() < 0.5;
      restarts[killed ? 'collector_killed' : 'collector_stopped'] += 1;
      await (killed ? collector.kill() : collector.stop());
      await sleep(random() * 3000);
      await collector.start();
      startedAt = Date.now();
      nextCollector = startedAt + pause();
    }
    if (now >= nextApp) {
      const kindly = random() < 0.3;
      restarts[kindly ? 'app_exited' : 'app_killed'] += 1;
      await victim.end(kindly);
      victim = await App.start(scratch, collector, `victim-${apps.length - 1}`, rate / 2);
      apps.push(victim);
      nextApp = Date.now() + pause();
    }
    if (now - told > 60_000) {
      told = now;
      say(`${Math.round((now - began) / 60_000)} min: ${samples.collector.at(-1)?.kib ?? 0} KiB collector, ${samples.app.at(-1)?.kib} KiB app, ${JSON.stringify(restarts)}`);
    }
  }
  const status = await steady.status();
  await steady.end(true);
  await victim.end(true);
  const left = await drain(scratch, collector);
  const sums = await stored(collector);
  const total = (await collector.get('/api/telemetry/stats')).events.total;
  await collector.stop();
  let kept = 0;
  let lost = 0;
  let duplicates = 0;
  let arrived = 0;
  for (const app of apps) {
    const there = sums.get(app.version) ?? 0;
    kept += app.kept;
    arrived += there;
    lost += Math.max(0, app.kept - there);
    duplicates += Math.max(0, there - app.kept - (app.version.startsWith('victim') ? BURST_MAX : 0));
  }
  const dropped = Object.fromEntries(Object.entries(/** @type {Record<string, number>} */ (left.dropped)).filter(([, n]) => n !== 0));
  return {
    minutes: ms / 60_000, rate_per_s: Math.round(rate), kept, stored: arrived, lost, duplicates: duplicates + Math.abs(total - [...sums.values()].reduce((a, b) => a + b, 0)),
    refused_at_emit: status.refused, dropped, restarts, collector: thirds(samples.collector, ms), app: thirds(samples.app, ms), seed: Number(args.seed),
  };
}

async function main() {
  const minutes = Number(args.minutes);
  if (args.help || !(minutes > 0)) {
    process.stdout.write('Usage: npm run test:soak -- [--minutes 30] [--rate EVENTS_PER_S] [--seed N] [--json]\nWithout --rate: half of what is measured first.\n');
    process.exitCode = args.help ? 0 : 2;
    return;
  }
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'candor-soak-'));
  let kept = true; // the files of a failure are there to be looked at
  try {
    const peak = Number(args.rate) > 0 ? Number(args.rate) * 2 : await peakRate(scratch);
    say(`peak ${Math.round(peak)} events/s; ${minutes} min at half of it`);
    const line = { peak_per_s: Math.round(peak), ...await soak(scratch, peak / 2, minutes * 60_000) };
    if (args.json) process.stdout.write(`${JSON.stringify(line)}\n`);
    else console.table(line);
    const flat = line.collector.ratio <= FLAT && line.app.ratio <= FLAT;
    if (!flat) say(`memory grew by more than ${Math.round((FLAT - 1) * 100)} %`);
    if (line.lost > 0 || line.duplicates > 0 || line.kept === 0 || !flat) process.exitCode = 1;
    kept = process.exitCode === 1;
  } finally {
    if (kept) say(`the files are in ${scratch}`);
    else fs.rmSync(scratch, { recursive: true, force: true });
  }
}

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1)); // ends what it started
main().catch((error) => {
  say(String(error.stack ?? error));
  process.exit(1);
});
