'use strict';
// The competitors of emit.js. Each has a loop of its own, literally: a shared loop would make every
// call site megamorphic and charge all of them for it. run(n) returns the nanoseconds of n calls;
// settle() empties buffers outside the clock; total() is what really arrived; close() releases.
const fs = require('node:fs');
const path = require('node:path');

const NAME = 'ChatTurn';

function versionOf(name) {
  return require(path.join(__dirname, '..', 'node_modules', name, 'package.json')).version;
}

function elapsed(since) {
  return Number(process.hrtime.bigint() - since);
}

/** JSON.stringify alone: what every peer that writes JSON pays before anything else. */
function stringifier(pool) {
  const mask = pool.length - 1;
  let bytes = 0;
  let calls = 0;
  return {
    name: 'stringify',
    what: 'JSON.stringify(payload), the text is thrown away',
    run(n) {
      let sum = 0;
      const start = process.hrtime.bigint();
      for (let i = 0; i < n; i += 1) sum += JSON.stringify(pool[i & mask]).length;
      const ns = elapsed(start);
      bytes += sum; // used, so the call cannot be optimised away
      calls += n;
      return ns;
    },
    settle: async () => {},
    total: () => (bytes > 0 ? calls : 0),
    close: async () => {},
  };
}

/** The product: sanitised and in the journal, safe from SIGKILL, when emit returns. */
function candorEmitter({ client, type = NAME, pool, name = 'candor' }) {
  const mask = pool.length - 1;
  let kept = 0;
  return {
    name,
    what: 'sanitised, in the memory-mapped journal: survives SIGKILL',
    run(n) {
      let ok = 0;
      const start = process.hrtime.bigint();
      for (let i = 0; i < n; i += 1) if (client.emit(type, pool[i & mask])) ok += 1;
      const ns = elapsed(start);
      kept += ok;
      return ns;
    },
    settle: () => client.flush(),
    total: () => kept,
    close: async () => {},
  };
}

function pinoSync(pool, directory) {
  const pino = require('pino');
  const file = path.join(directory, 'pino.jsonl');
  const destination = pino.destination({ dest: file, sync: true });
  const logger = pino({}, destination);
  const mask = pool.length - 1;
  return {
    name: 'pino_sync',
    what: 'a line written to a file by write(2)',
    version: versionOf('pino'),
    run(n) {
      const start = process.hrtime.bigint();
      for (let i = 0; i < n; i += 1) logger.info(pool[i & mask], NAME);
      return elapsed(start);
    },
    settle: async () => destination.flushSync(),
    total: () => countLines(file),
    close: async () => destination.destroy(),
  };
}

function appendFileSync(pool, directory) {
  const file = path.join(directory, 'append.jsonl');
  const mask = pool.length - 1;
  return {
    name: 'append_file_sync',
    what: 'fs.appendFileSync of a line: open, write, close',
    run(n) {
      const start = process.hrtime.bigint();
      for (let i = 0; i < n; i += 1) fs.appendFileSync(file, `${JSON.stringify(pool[i & mask])}\n`);
      return elapsed(start);
    },
    settle: async () => {},
    total: () => countLines(file),
    close: async () => {},
  };
}

function openTelemetryLogs(pool, burst) {
  const { LoggerProvider, BatchLogRecordProcessor } = require('@opentelemetry/sdk-logs');
  const { SeverityNumber } = require('@opentelemetry/api-logs');
  let exported = 0;
  const exporter = {
    export(records, done) {
      exported += records.length;
      done({ code: 0 });
    },
    shutdown: async () => {},
    forceFlush: async () => {},
  };
  // A queue for a whole burst: with the default of 2 048 most of a burst would be dropped, and a
  // dropped record costs nothing.
  const processor = new BatchLogRecordProcessor({ exporter, maxQueueSize: burst * 2 });
  const provider = new LoggerProvider({ processors: [processor] });
  const logger = provider.getLogger('bench');
  const mask = pool.length - 1;
  return {
    name: 'otel',
    what: 'a log record in memory; batching and a null exporter run outside the clock',
    version: versionOf('@opentelemetry/sdk-logs'),
    run(n) {
      const start = process.hrtime.bigint();
      for (let i = 0; i < n; i += 1) {
        logger.emit({ eventName: NAME, severityNumber: SeverityNumber.INFO, attributes: pool[i & mask] });
      }
      return elapsed(start);
    },
    settle: () => provider.forceFlush(),
    total: () => exported,
    close: () => provider.shutdown(),
  };
}

function posthogCapture(pool, burst) {
  const { PostHog } = require('posthog-node');
  const { gunzipSync } = require('node:zlib');
  let sent = 0;
  const client = new PostHog('phc_bench', {
    host: 'http://127.0.0.1:9',
    flushAt: burst * 4,
    maxQueueSize: burst * 4,
    flushInterval: 0x7fffffff,
    disableGeoip: true,
    // Never the network: every request is answered here.
    fetch: async (url, { body }) => {
      if (/\/batch\/?/.test(url)) sent += batchLength(body, gunzipSync);
      return { status: 200, ok: true, headers: new Map(), text: async () => 'ok', json: async () => ({ status: 'ok' }) };
    },
  });
  const mask = pool.length - 1;
  const drained = () => new Promise((resolve) => { setImmediate(resolve); });
  return {
    name: 'posthog',
    what: 'an event in the memory queue, promises drained',
    version: versionOf('posthog-node'),
    // capture() only starts a promise chain; its work runs before the next turn of the event loop.
    async run(n) {
      const start = process.hrtime.bigint();
      for (let i = 0; i < n; i += 1) client.capture({ distinctId: 'bench', event: NAME, properties: pool[i & mask] });
      await drained();
      return elapsed(start);
    },
    settle: () => client.flush(),
    total: () => sent,
    close: () => client.shutdown(),
  };
}

function batchLength(body, gunzipSync) {
  const bytes = Buffer.from(body);
  const text = bytes[0] === 0x1f ? gunzipSync(bytes).toString() : bytes.toString();
  return JSON.parse(text).batch.length;
}

function countLines(file) {
  const bytes = fs.readFileSync(file);
  let lines = 0;
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) lines += 1;
  return lines;
}

module.exports = { appendFileSync, candorEmitter, openTelemetryLogs, pinoSync, posthogCapture, stringifier };
