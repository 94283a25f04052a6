'use strict';
// What an app does with the shipped binary in the poisoned host: each library inside is used, on the main thread and in
// another. argv: options as JSON. One JSON line; whatever is wrong ends with a code above 0.

const { Worker, isMainThread, workerData } = require('node:worker_threads');
const { open } = require('../../js');

/** @param {import('../../js').Options} options */
async function use(options) {
  const client = open({ mode: 'manual', notice: 'none', machineId: 'hostile-host', minFreeDiskBytes: 0, requireNative: true, ...options });
  const workspaceHash = '/home/somebody/work'; // hashed by libcrypto
  const kept = client.emit('WorkspaceSelected', { workspaceHash, isGitRepo: true });
  await client.flush(); // gzip by zlib, a row by SQLite
  const { uploaded, error } = await client.upload(); // TLS by OpenSSL, below libcurl
  const { sent } = client.status();
  client.close();
  if (!kept || uploaded !== 1 || sent.events !== 1) throw new Error(`kept ${kept}, uploaded ${uploaded}, sent ${sent.events}: ${error}`);
}

async function main() {
  const options = JSON.parse(process.argv[2]);
  await use({ ...options, directory: `${options.directory}-main` });
  const code = await new Promise((resolve, reject) => {
    new Worker(__filename, { workerData: { ...options, directory: `${options.directory}-thread` } }).on('error', reject).on('exit', resolve);
  });
  if (code !== 0) throw new Error(`the thread ended with ${code}`);
  console.log(JSON.stringify({ version: process.version }));
}

(isMainThread ? main() : use(workerData)).catch((error) => {
  console.error(error.message);
  process.exit(1);
});
