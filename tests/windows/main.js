'use strict';
// npm run test:windows: the windows of an editor, each a process, share one spool and upload by turns; one
// after the other is killed at a random moment and replaced. Then the count: what every emit accepted is
// in the store, once, and there never were two uploads at a time.
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { parseArgs } = require('node:util');
const { Collector } = require('../../scripts/support/collector.js');
const { compare } = require('../../scripts/support/witness.js');
const { drain, endApp, seeded, startApp } = require('../crash/fleet.js');
const { Relay } = require('./relay.js');

const PAUSE_MS = 10; // between an app's bursts: eight apps on few processors
const USAGE = 'Usage: npm run test:windows -- [--processes 8] [--kills 60] [--seed N] [--json]';

const { values: args } = parseArgs({
  options: {
    processes: { type: 'string', default: '8' },
    kills: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1e9) },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

/** Kill and replace. @param {string} scratch @param {{url: string, token: string}} target @param {number} kills */
async function run(scratch, target, processes, kills, random) {
  const witnesses = [];
  let started = 0;
  const start = async () => {
    const app = await startApp(scratch, target, `w${started++}`, PAUSE_MS);
    witnesses.push(app.witness);
    return app;
  };
  const apps = await Promise.all(Array.from({ length: processes }, start));
  const ends = { killed: 0, exited: 0 };
  for (let n = 0; n < kills; n += 1) {
    await sleep(20 + random() * 150);
    const kindly = random() < 0.2;
    ends[kindly ? 'exited' : 'killed'] += 1;
    const [gone] = apps.splice(Math.floor(random() * apps.length), 1);
    await endApp(gone.child, kindly);
    apps.push(await start());
  }
  await Promise.all(apps.map(({ child }) => endApp(child, false)));
  return { witnesses, ends };
}

async function main() {
  const [processes, kills] = [Number(args.processes), Number(args.kills)];
  if (args.help || !(processes >= 2 && processes <= 64) || !(kills >= 1)) {
    console.log(USAGE);
    process.exitCode = args.help ? 0 : 2;
    return;
  }
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'candor-windows-'));
  const collector = new Collector({ directory: path.join(scratch, 'central'), args: ['--uploads-per-minute', '100000'] });
  await collector.start();
  const relay = new Relay(() => collector.url);
  await relay.start();
  const target = { url: relay.url, token: collector.token };
  const { witnesses, ends } = await run(scratch, target, processes, kills, seeded(Number(args.seed)));
  await drain(scratch, target);
  const result = await compare(witnesses, collector.events());
  const stats = await collector.get('/api/telemetry/stats');
  relay.stop();
  await collector.stop();
  const line = {
    processes, ...ends, kept: result.kept, stored: result.stored, lost: result.lost,
    duplicates: result.duplicates + Math.abs(stats.events.total - result.stored),
    uploads: relay.uploads, uploaders_max: relay.most, seed: Number(args.seed),
  };
  if (args.json) console.log(JSON.stringify(line));
  else console.table([line]);
  if (line.lost > 0 || line.duplicates > 0 || line.kept === 0 || line.uploaders_max !== 1) {
    console.error(`lost: ${result.missing.slice(0, 10).join(' ')}; the files are in ${scratch}`);
    process.exitCode = 1;
  } else {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
