'use strict';
// The app of the soak: a steady rate of events, and a file that says how many emit took. Its version names the process,
// so that the collector's own sums tell what arrived of it.
const fs = require('node:fs');
const { open } = require('../../js');

const TICK_MS = 20;
const BURST_MAX = 64; // events between two notes of the witness

const [directory, endpoint, version, witnessFile, rate] = process.argv.slice(2);
const perSecond = Number(rate); // 0: as fast as they are taken
const witness = fs.openSync(witnessFile, 'w', 0o600);
const note = Buffer.alloc(8);
const client = open({
  app: 'soak', appVersion: version, directory, endpoint, notice: 'none', minFreeDiskBytes: 0,
  batchEvents: 1000, batchIntervalMs: 200, uploadIntervalMs: 100, retryBaseMs: 50, retryMaxMs: 1000,
});

let kept = 0;
let refused = 0;
let owed = 0;
let last = process.hrtime.bigint();

/** @param {number} n @returns {boolean} whether all were taken */
function burst(n) {
  const before = kept;
  for (let i = 0; i < n; i += 1) {
    if (client.emit('ToolCall', { toolName: 'read_file', durationMs: i, success: true })) kept += 1;
    else refused += 1;
  }
  note.writeBigUInt64LE(BigInt(kept));
  fs.writeSync(witness, note, 0, 8, 0);
  return kept - before === n;
}

function tick() {
  const now = process.hrtime.bigint();
  // A process that stood still does not make up for more than a second.
  owed = perSecond === 0 ? Infinity : Math.min(owed + (perSecond * Number(now - last)) / 1e9, perSecond);
  last = now;
  const until = Date.now() + TICK_MS / 2;
  while (owed >= 1 && Date.now() < until) {
    const n = Math.min(BURST_MAX, Math.floor(owed));
    owed -= n;
    if (!burst(n)) break; // the journal is full: its worker comes first
  }
}

setInterval(tick, TICK_MS);
process.on('message', (message) => {
  if (message === 'status') process.send?.({ kept, refused, rss: process.memoryUsage.rss(), dropped: client.status().dropped });
  if (message === 'exit') process.exit(0);
});
process.send?.('emitting');
