'use strict';

const { CliError, line, json, warn, count } = require('./terminal');
const { withClient } = require('./spool');

/** Exactly the bytes of the next upload. @param {import('./spool').Flags} flags */
async function preview(flags) {
  return withClient(flags, (client) => {
    const text = client.preview();
    if (flags.json) json({ bytes: Buffer.byteLength(text), text });
    else if (text === '') warn('nothing waits to be sent');
    else process.stdout.write(text);
  });
}

/** @param {import('./spool').Flags} flags */
async function upload(flags) {
  return withClient(flags, async (client) => {
    const done = await client.upload();
    if (flags.json) json(done);
    else line(`Sent ${count(done.uploaded ?? 0, 'batch', 'batches')} with ${count(done.events ?? 0, 'event')}; ` +
      `${count(done.pending ?? 0, 'event')} still waiting.`);
    if (done.error) throw new CliError(`upload failed: ${done.error}`);
  });
}

/** @param {import('./spool').Flags} flags */
async function purge(flags) {
  return withClient(flags, async (client) => {
    const done = await client.purge();
    if (flags.json) json(done);
    else line(`Deleted: ${count(done.purged ?? 0, 'event')}.`);
  });
}

module.exports = { preview, upload, purge };
