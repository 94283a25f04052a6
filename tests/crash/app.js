'use strict';
// The app that is killed: emits without pause, in small bursts, and tells its witness what was kept.
const { open } = require('../../js');
const { Witness } = require('../../scripts/support/witness.js');

const [directory, endpoint, witnessFile, prefix, pauseMs] = process.argv.slice(2);
const witness = new Witness(witnessFile);
const client = open({
  app: 'crash-test',
  appVersion: '1.0.0',
  directory,
  endpoint,
  notice: 'none',
  minFreeDiskBytes: 0,
  batchEvents: 20,
  batchIntervalMs: 40,
  uploadIntervalMs: 30,
  retryBaseMs: 20,
  retryMaxMs: 200,
});

let n = 0;
function burst() {
  for (let i = 0; i < 8; i += 1) {
    n += 1;
    const id = `${prefix}-${n}`;
    const kept = client.emit('ToolCall', { toolName: 'read_file', durationMs: n / 7, success: n % 5 !== 0 }, { correlationId: id });
    if (kept) witness.kept(id);
  }
}

process.send?.('emitting');
setInterval(burst, Number(pauseMs));
// An end of its own for the rounds in which the parent asks for one instead of killing.
process.on('message', (message) => {
  if (message === 'exit') process.exit(0);
});
