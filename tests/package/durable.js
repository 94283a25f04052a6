'use strict';
// Two runs of one app: the first emits, says so and waits to be killed; the second sends what is there. argv: JSON.

const candor = require('candor');

const { options, caFile, count, waits } = JSON.parse(process.argv[2]);
const client = candor.open({ ...options, caFile });
if (waits) {
  let kept = 0;
  for (let i = 0; i < count; i += 1) {
    if (client.emit('ToolCall', { toolName: 'durable', durationMs: i, success: true }, { correlationId: `d-${i}` })) kept += 1;
  }
  console.log(JSON.stringify({ kept, pending: client.status().pending_journal }));
  setInterval(() => {}, 60_000);
} else {
  client.upload().then(({ events, error }) => {
    client.close();
    console.log(JSON.stringify({ uploaded: events, error }));
  });
}
