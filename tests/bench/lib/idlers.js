'use strict';
// The competitors of idle.js, each in a process of its own: open() is what an app does at its start, once()
// records one event and sees it off, close() ends it. Nothing is loaded before open().
const fs = require('node:fs');
const path = require('node:path');

const EVENT = { command: 'chat' };

/** @param {{directory: string, endpoint: string}} where */
function candor({ directory, endpoint }) {
  let client;
  return {
    open() {
      client = require('../../../js').open({
        app: 'candor-bench', appVersion: '1.0.0', directory, endpoint, notice: 'none', requireNative: true,
      });
    },
    async once() {
      if (!client.emit('ChatTurn', EVENT)) throw new Error('the event was not kept');
      const { uploaded, error } = await client.upload();
      if (uploaded !== 1) throw new Error(`the event was not uploaded: ${error}`);
    },
    close: async () => client.close(),
    thread: 'candor',
  };
}

function pino({ directory }) {
  let logger;
  let destination;
  return {
    open() {
      const make = require('pino');
      fs.mkdirSync(directory, { recursive: true });
      destination = make.destination({ dest: path.join(directory, 'pino.jsonl'), sync: false });
      logger = make({}, destination);
    },
    async once() {
      logger.info(EVENT, 'ChatTurn');
      await new Promise((resolve, reject) => { destination.flush((error) => (error ? reject(error) : resolve())); });
    },
    close: async () => destination.destroy(),
  };
}

/** Exports into nothing: an exporter of the network would only add to it. */
function otel() {
  let provider;
  let exported = 0;
  return {
    open() {
      const { LoggerProvider, BatchLogRecordProcessor } = require('@opentelemetry/sdk-logs');
      const exporter = {
        export(records, done) {
          exported += records.length;
          done({ code: 0 });
        },
        shutdown: async () => {},
        forceFlush: async () => {},
      };
      provider = new LoggerProvider({ processors: [new BatchLogRecordProcessor({ exporter })] });
    },
    async once() {
      provider.getLogger('bench').emit({ eventName: 'ChatTurn', attributes: EVENT });
      await provider.forceFlush();
      if (exported !== 1) throw new Error('the record was not exported');
    },
    close: () => provider.shutdown(),
  };
}

function posthog({ endpoint }) {
  let client;
  return {
    open() {
      const { PostHog } = require('posthog-node');
      client = new PostHog('phc_bench', { host: endpoint, disableGeoip: true });
    },
    async once() {
      client.capture({ distinctId: 'bench', event: 'ChatTurn', properties: EVENT });
      await client.flush();
    },
    close: () => client.shutdown(),
  };
}

/** The same process without any: what is to be taken off the others. */
function none() {
  return { open() {}, once: async () => {}, close: async () => {} };
}

module.exports = { candor, none, otel, pino, posthog };
