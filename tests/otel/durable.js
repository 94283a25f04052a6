'use strict';
// npm run test:otel-durable: an app with the OpenTelemetry SDK and our exporter makes spans while no
// collector runs, is killed with SIGKILL, and starts again when one does. Every span whose export was
// called back with success must be in the store, once. Each processor of the SDK gets its turn.
const { fork } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { Collector } = require('../../scripts/support/collector.js');
const { drain } = require('../crash/fleet.js');

const { values: args } = parseArgs({
  options: {
    spans: { type: 'string', default: '10000' },
    processor: { type: 'string', default: 'simple' },
    json: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

/** A collector that was up for a moment, so that its port is known and nobody listens. @param {string} scratch */
async function stoppedCollector(scratch) {
  const collector = new Collector({ directory: path.join(scratch, 'central'), args: ['--uploads-per-minute', '100000'] });
  await collector.start();
  await collector.stop();
  return collector;
}

/** @param {string} spool @param {Collector} collector @param {number} spans */
async function runAndKill(spool, collector, spans) {
  const child = fork(path.join(__dirname, 'app.js'), [spool, collector.url, String(spans), args.processor], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'], env: { ...process.env, TELEMETRY_TOKEN: collector.token },
  });
  const [said] = await Promise.race([once(child, 'message'), once(child, 'exit').then(() => [null])]);
  if (said === null) throw new Error('the app ended by itself');
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
  return /** @type {{ids: string[], failed: number}} */ (said);
}

/** @param {Collector} collector @param {string[]} ids */
async function count(collector, ids) {
  const stored = new Set();
  let duplicates = 0;
  let leaked = 0;
  for await (const event of collector.events()) {
    if (JSON.stringify(event).includes('anna')) leaked++;
    if (event.event_type !== 'span') continue;
    if (stored.has(event.payload.spanId)) duplicates++;
    stored.add(event.payload.spanId);
  }
  // An id of digits only has another first digit in the store (js/context.js).
  const { plainId } = require('../../js/context');
  const lost = ids.filter((id) => !stored.has(plainId(id))).length;
  return { spans: ids.length, stored: stored.size, lost, duplicates, leaked };
}

async function main() {
  const spans = Number(args.spans);
  if (args.help || !(spans >= 1) || !['simple', 'batch'].includes(args.processor)) {
    console.log('Usage: npm run test:otel-durable -- [--spans 10000] [--processor simple|batch] [--json] [--keep]');
    process.exitCode = args.help ? 0 : 2;
    return;
  }
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'candor-otel-'));
  const spool = path.join(scratch, 'spool');
  const collector = await stoppedCollector(scratch);
  const { ids, failed } = await runAndKill(spool, collector, spans);
  await collector.start();
  await drain(scratch, collector);
  const { leaked, ...line } = await count(collector, ids);
  await collector.stop();
  if (args.json) console.log(JSON.stringify(line));
  else console.table([line]);
  const ok = failed === 0 && line.spans === spans && line.stored === spans && line.lost === 0 && line.duplicates === 0 && leaked === 0;
  if (!ok) {
    console.error(`exports that failed: ${failed}; events with raw text: ${leaked}; the files are in ${scratch}`);
    process.exitCode = 1;
  } else if (!args.keep) {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
