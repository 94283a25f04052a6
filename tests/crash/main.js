'use strict';
// npm run test:crash: SIGKILL at random moments of app and collector, then the count: what every emit
// accepted must be in the store, once. Apps share one spool; some end by process.exit instead.
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { parseArgs } = require('node:util');
const { Collector } = require('../../scripts/support/collector.js');
const { compare } = require('../../scripts/support/witness.js');
const { drain, endApp, seeded, startApp } = require('./fleet.js');

const { values: args } = parseArgs({
  options: {
    rounds: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 1e9) },
    json: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const note = (/** @type {string} */ text) => {
  if (!args.json) console.log(text);
};

async function main() {
  const rounds = Number(args.rounds);
  if (args.help || !Number.isInteger(rounds) || rounds < 1) {
    console.log('Usage: npm run test:crash -- [--rounds 200] [--seed N] [--json] [--keep]');
    process.exitCode = args.help ? 0 : 2;
    return;
  }
  const random = seeded(Number(args.seed));
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'candor-crash-'));
  const collector = new Collector({ directory: path.join(scratch, 'central'), args: ['--uploads-per-minute', '100000'] });
  await collector.start();
  const witnesses = [];
  const kills = { app: 0, collector: 0, exits: 0 };
  for (let round = 1; round <= rounds; round += 1) {
    const apps = [];
    for (let i = random() < 0.3 ? 2 : 1; i > 0; i -= 1) {
      apps.push(await startApp(scratch, collector, `r${round}a${i}`));
    }
    witnesses.push(...apps.map((app) => app.witness));
    await sleep(10 + random() * 120);
    if (random() < 0.4) {
      kills.collector += 1;
      await collector.kill();
      await sleep(random() * 40);
      if (random() < 0.5) await collector.start();
    }
    for (const { child } of apps) {
      const kindly = random() < 0.2;
      kills[kindly ? 'exits' : 'app'] += 1;
      await endApp(child, kindly);
    }
    if (collector.child === null) await collector.start();
    if (round % 20 === 0) note(`round ${round}/${rounds}`);
  }
  const status = await drain(scratch, collector);
  const result = await compare(witnesses, collector.events());
  const stats = await collector.get('/api/telemetry/stats');
  await collector.stop();
  const rolledUp = stats.events.total;
  // Roll-ups count rows really inserted: a double count shows here even where the rows are right.
  const duplicates = result.duplicates + Math.abs(rolledUp - result.stored);
  const line = {
    rounds, kept: result.kept, stored: result.stored, lost: result.lost, duplicates,
    witnessed: result.witnessed, rolled_up: rolledUp, seed: Number(args.seed), kills,
    dropped: Object.fromEntries(Object.entries(status.dropped).filter(([, n]) => n !== 0)),
  };
  if (args.json) console.log(JSON.stringify(line));
  else console.table([{ ...line, kills: JSON.stringify(kills), dropped: JSON.stringify(line.dropped) }]);
  if (line.lost > 0 || line.duplicates > 0 || line.kept === 0) {
    console.error(`lost: ${result.missing.slice(0, 10).join(' ')}; the files are in ${scratch}`);
    process.exitCode = 1;
  } else if (!args.keep) {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
