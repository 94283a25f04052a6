'use strict';
// Uploads that keep on until somebody acknowledges them: a batch that one collector did not answer with 202 goes to
// the next one, as a client behind a balancer would do it.
const http = require('node:http');
const zlib = require('node:zlib');
const { Fleet } = require('../bench/lib/events');

const BATCH = 100;
const REQUEST_MS = 60_000; // a dead peer that never closes
const AGAIN_MS = 100;

/** @typedef {{url: string, token: string}} Target */
/** @typedef {{ids: string[], body: Buffer, bytes: number}} Batch */

/** Ids as clients of now make them. @param {number} events @returns {Batch[]} */
function makeBatches(events) {
  const fleet = new Fleet({ seed: Date.now() & 0x7fffffff });
  const now = Date.now();
  return Array.from({ length: Math.ceil(events / BATCH) }, (_, at) => {
    const made = Array.from({ length: Math.min(BATCH, events - at * BATCH) }, () => fleet.event(fleet.session(), now + at));
    const text = `${made.map(({ line }) => line).join('\n')}\n`;
    return { ids: made.map(({ line }) => JSON.parse(line).event_id), body: zlib.gzipSync(text, { level: 1 }), bytes: text.length };
  });
}

class Load {
  /** @param {Target[]} targets @param {number} events @param {number} connections */
  constructor(targets, events, connections) {
    this.targets = targets;
    this.connections = connections;
    this.batches = makeBatches(events);
    this.sent = this.batches.reduce((sum, { ids }) => sum + ids.length, 0);
    this.bytes = this.batches.reduce((sum, { bytes }) => sum + bytes, 0);
    /** @type {string[]} */
    this.acknowledged = [];
    this.answers = /** @type {Record<string, number>} */ ({});
    this.toldDuplicate = 0;
    this.rejected = 0;
    this.next = 0;
    this.agent = new http.Agent({ keepAlive: true, maxSockets: connections });
    /** @type {{at: number, resolve: () => void}[]} */
    this.waiting = [];
    this.failed = /** @type {Error | null} */ (null);
  }

  /** @param {Target} target @param {Batch} batch @returns {Promise<{status: number | string, text: string}>} */
  post(target, batch) {
    return new Promise((resolve) => {
      const request = http.request(`${target.url}/api/v1/events`, {
        method: 'POST', agent: this.agent, timeout: REQUEST_MS,
        headers: { authorization: `Bearer ${target.token}`, 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip', 'content-length': batch.body.length },
      }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk) => { text += chunk; });
        response.once('end', () => resolve({ status: response.statusCode ?? 0, text }));
        response.once('error', () => resolve({ status: 'broken', text }));
      });
      request.once('timeout', () => request.destroy(new Error('timeout')));
      request.once('error', (error) => resolve({ status: /** @type {any} */ (error).code ?? error.message, text: '' }));
      request.end(batch.body);
    });
  }

  /** @param {Batch} batch @param {number} turn @param {number} deadline */
  async deliver(batch, turn, deadline) {
    for (let attempt = turn; ; attempt += 1) {
      const { status, text } = await this.post(this.targets[attempt % this.targets.length], batch);
      this.answers[status] = (this.answers[status] ?? 0) + 1;
      if (status === 202) {
        const { duplicates, rejected } = JSON.parse(text);
        this.toldDuplicate += duplicates;
        this.rejected += rejected;
        this.acknowledged.push(...batch.ids);
        this.waiting = this.waiting.filter(({ at, resolve }) => this.acknowledged.length < at || resolve());
        return;
      }
      if (Date.now() > deadline) throw new Error(`a batch was never acknowledged; the last answer: ${status} ${text}`);
      await new Promise((resolve) => { setTimeout(resolve, AGAIN_MS); });
    }
  }

  /** Once that many events are acknowledged. @param {number} at @returns {Promise<void>} */
  reached(at) {
    return new Promise((resolve) => {
      if (this.acknowledged.length >= at) resolve();
      else this.waiting.push({ at, resolve: () => resolve() });
    });
  }

  /** All of it, from several connections. @param {number} limitMs  a bound for a broken build */
  async run(limitMs) {
    const start = Date.now();
    const workers = Array.from({ length: this.connections }, async (_, worker) => {
      while (this.next < this.batches.length) {
        const batch = this.batches[this.next];
        this.next += 1;
        await this.deliver(batch, worker, start + limitMs);
      }
    });
    await Promise.all(workers);
    this.agent.destroy();
    this.seconds = (Date.now() - start) / 1000;
  }
}

module.exports = { Load };
