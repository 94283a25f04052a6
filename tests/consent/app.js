'use strict';
// One app of tests/consent: argv: options as JSON, witness file. Told what to do over the channel of fork; writes
// the time of every event that emit kept into the witness file, for the parent to read.
const fs = require('node:fs');
const { open } = require('../../js');

const client = open(JSON.parse(process.argv[2]));
const witness = fs.openSync(process.argv[3], 'w');
let timer;

function emit() {
  if (client.emit('ToolCall', { toolName: 'read_file', durationMs: 1 })) fs.writeSync(witness, String(Date.now()), 0);
}

const commands = {
  emit: (n) => { for (let i = 0; i < n; i++) emit(); },
  record: () => { timer = setInterval(emit, 1); },
  stop: () => clearInterval(timer),
  upload: () => client.upload(),
  off: () => client.setEnabled(false),
  status: () => client.status(),
};

process.on('message', async ({ id, name, args }) => {
  try {
    process.send({ id, value: await commands[name](...args) });
  } catch (error) {
    process.send({ id, error: String(error) });
  }
});
process.send({ id: 0 });
