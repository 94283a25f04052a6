'use strict';
// The app of the leak test: puts each secret wherever a payload could carry it. Copies journal and spool
// while they are full, because upload empties them.
const fs = require('node:fs');
const path = require('node:path');
const { open } = require('../../js');

/** @param {ReturnType<typeof open>} client @param {{text: string}} secret */
function plant(client, { text }) {
  const around = `before ${text} after`;
  client.emit('Error', {
    errorType: 'TypeError',
    message: around,
    stackTrace: `TypeError: ${text}\n    at ${text} (${text}:1:2)\n    at run (/home/x/y.js:3:4)`,
    context: text,
  });
  client.emit('Error', { errorType: text, message: text.repeat(3), context: `${'x'.repeat(240)} ${text}` });
  client.emit('ToolCall', { toolName: text, durationMs: 1, success: false, errorType: text });
  client.emit('ChatTurn', { promptLength: 1, model: text, prompt: text, [text]: text }, { correlationId: text });
  client.emit('WorkspaceSelected', { workspaceHash: text, isGitRepo: true });
  client.emit('SessionStart', { userId: text, machineId: text, appVersion: text, os: text });
  client.emit(text, { message: text });
  const attrs = { 'http.request.method': text, 'error.type': text, 'service.name': around, [text]: text, 'url.full': text };
  client.metric(text, 1, attrs, { unit: text });
  client.emit('span', { traceId: text, spanId: text, name: around, kind: text, startNs: text, attrs });
  client.emit('log', { severity: text, body: around, attrs });
  client.startSpan(around, { attrs }).setAttributes(attrs).recordError(new Error(text)).end();
}

process.once('message', async (/** @type {any} */ { directory, endpoint, secrets, journalCopy }) => {
  const client = open({
    app: 'leak-test', appVersion: '1.0.0', directory, endpoint, mode: 'manual', minFreeDiskBytes: 0,
    userId: secrets[0].text, machineId: secrets[1].text, batchIntervalMs: 3_600_000, batchEvents: 1000,
  });
  for (const secret of secrets) plant(client, secret);
  fs.cpSync(path.join(directory, 'journal'), path.join(journalCopy, 'journal'), { recursive: true });
  await client.flush();
  fs.cpSync(path.join(directory, 'spool'), path.join(journalCopy, 'spool'), { recursive: true });
  for (const name of fs.readdirSync(directory)) {
    if (name.startsWith('state.db')) fs.copyFileSync(path.join(directory, name), path.join(journalCopy, name));
  }
  const result = await client.upload();
  if (result.pending !== 0) throw new Error(`not everything was uploaded: ${JSON.stringify(result)}`);
  client.close();
  process.disconnect();
});
