'use strict';
// Fills a collector with history through its real ingest path. One thread builds the next chunk of
// requests while the load generator sends the last one.
const fs = require('node:fs');
const path = require('node:path');
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');
const { Fleet } = require('./events');
const { runTool } = require('./native');
const { buildRequests } = require('./requests');
const { TOKEN } = require('./servers');

const DAY_MS = 86400000;
const CHUNK_EVENTS = 250000;
const BATCH_EVENTS = 500; // larger than a client's 100, to fill faster; the rows are the same
const CONNECTIONS = 16;

/** The worker: one chunk for each message, in the order of time, as history happened. */
function buildChunks({ seed, events, days, until, directory }) {
  const fleet = new Fleet({ seed });
  const from = until - days * DAY_MS;
  let built = 0;
  parentPort.on('message', () => {
    const batches = Math.ceil(Math.min(CHUNK_EVENTS, events - built) / BATCH_EVENTS);
    const offset = built;
    const file = path.join(directory, `chunk-${offset}`);
    const totals = buildRequests(fleet, {
      file, batches, perBatch: BATCH_EVENTS, mix: 'crowd', format: 'ndjson', gzipLevel: 0, token: TOKEN,
      timeOf: (batch, i) => Math.floor(from + ((offset + batch * BATCH_EVENTS + i) / events) * (until - from)),
    });
    built += totals.events;
    parentPort.postMessage({ file, events: totals.events });
  });
}

/**
 * @param {object} options
 * @param {number} options.port
 * @param {number} options.events  Rounded up to whole batches.
 * @param {number} options.days  History ends now and reaches this far back.
 * @param {string} options.directory  For the chunks, which are deleted as they are sent.
 * @param {number} options.seed
 * @param {(sent: number) => void} options.onProgress
 * @returns {Promise<{events: number, seconds: number}>} seconds: of sending alone
 */
async function fill({ port, events, days, directory, seed, onProgress }) {
  const wanted = Math.ceil(events / BATCH_EVENTS) * BATCH_EVENTS;
  const worker = new Worker(__filename, { workerData: { seed, events: wanted, days, until: Date.now(), directory } });
  const nextChunk = () => new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.postMessage('next');
  });
  const done = { events: 0, seconds: 0 };
  try {
    let building = nextChunk();
    while (done.events < wanted) {
      const chunk = await building;
      const last = done.events + chunk.events >= wanted;
      if (!last) {
        building = nextChunk();
        building.catch(() => {}); // awaited, and reported, once this chunk is sent
      }
      const result = await runTool('loadgen', ['127.0.0.1', port, chunk.file, CONNECTIONS]);
      fs.rmSync(chunk.file);
      if (result.accepted !== chunk.events) {
        throw new Error(`the collector accepted ${result.accepted} of ${chunk.events} events: ${JSON.stringify(result.status)}`);
      }
      done.events += chunk.events;
      done.seconds += result.seconds;
      onProgress(done.events);
    }
  } finally {
    await worker.terminate();
  }
  return done;
}

if (!isMainThread && workerData?.directory) buildChunks(workerData);

module.exports = { DAY_MS, fill };
