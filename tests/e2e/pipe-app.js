'use strict';
// An app of the pipe tests: does what its parent says over IPC. argv: the options of open as JSON.
const { open } = require('../../js');

const client = open(JSON.parse(process.argv[2]));

const calls = {
  /** How many of n events were kept; ids c-from and on, so that the store can be held against them. */
  emitMany(n, from = 0, type = 'ToolCall', payload = { toolName: 'read_file', durationMs: 1, success: true }) {
    let kept = 0;
    for (let i = from; i < from + n; i++) {
      if (client.emit(type, payload, { correlationId: `c-${i}` })) kept++;
    }
    return kept;
  },
  exit() {
    process.exit(0);
  },
};

process.on('message', async ({ id, method, args }) => {
  try {
    const value = method in calls ? calls[method](...args) : await client[method](...args);
    process.send({ id, value });
  } catch (error) {
    process.send({ id, error: error.message });
  }
});
