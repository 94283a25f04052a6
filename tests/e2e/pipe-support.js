'use strict';
// What the tests of the whole pipe share: a real collector, servers that misbehave in one way, a relay
// that cuts, and an app in a process of its own.
const assert = require('node:assert/strict');
const net = require('node:net');
const path = require('node:path');
const { fork } = require('node:child_process');
const { once } = require('node:events');
const { Collector } = require('../../scripts/support/collector.js');
const { quiet, tempDir } = require('../js/helper.js');
const { listen, receipt: receiptOf, reply, serve } = require('../support/http.js');
const { until } = require('../support/until.js');

/** A collector that ends with the test. @param {import('../../scripts/support/collector.js').CollectorOptions} [more] */
async function startCollector(t, more = {}) {
  const collector = new Collector({ directory: path.join(tempDir(t), 'central'), ...more });
  collector.options.args = ['--uploads-per-minute', '0', ...(more.args ?? [])];
  t.after(() => collector.kill());
  return collector.start();
}

/** Every stored event. @param {Collector} collector */
async function stored(collector) {
  const all = [];
  for await (const event of collector.events()) all.push(event);
  return all;
}

/** The correlation ids c-0 .. c-(n-1) are stored, each once, and nothing else is. */
function assertOnce(events, n) {
  const ids = events.map((event) => event.correlation_id).sort();
  assert.deepEqual(ids, Array.from({ length: n }, (_, i) => `c-${i}`).sort());
  assert.equal(new Set(events.map((event) => event.event_id)).size, n);
}

/** Emit n events that assertOnce knows. @returns {number} how many were kept */
function emitMany(client, n, from = 0) {
  let kept = 0;
  for (let i = from; i < from + n; i++) {
    if (client.emit('ToolCall', { toolName: 'read_file', durationMs: i, success: true }, { correlationId: `c-${i}` })) kept++;
  }
  return kept;
}

/**
 * An endpoint of the test's own. answer(got, response, n) writes the response, or leaves it hanging.
 * @param {(got: {headers: any, text: string, at: number}, response: import('node:http').ServerResponse, n: number) => void} answer
 */
async function fakeCollector(t, answer) {
  const requests = [];
  let wake = () => {};
  const url = await serve(t, (one, response) => {
    const got = { ...one, at: Date.now() };
    requests.push(got);
    answer(got, response, requests.length);
    wake();
  });
  return {
    requests,
    url,
    /** Wait until n requests have come. @param {number} n */
    async arrived(n) {
      while (requests.length < n) await new Promise((resolve) => { wake = resolve; });
      return requests[n - 1];
    },
  };
}

/** The receipt of a collector that stored everything. */
function receipt(response, got) {
  reply(response, 202, receiptOf(got));
}

/**
 * A TCP relay in front of a collector. onAnswer(data, client, n) sees what comes back on the n-th
 * connection, and decides what the client gets of it.
 * @param {(data: Buffer, client: net.Socket, n: number) => void} onAnswer
 */
async function relay(t, port, onAnswer) {
  let connections = 0;
  const server = net.createServer((client) => {
    const n = ++connections;
    const upstream = net.connect(port(), '127.0.0.1');
    const close = () => { client.destroy(); upstream.destroy(); };
    client.on('data', (data) => upstream.write(data));
    upstream.on('data', (data) => onAnswer(data, client, n));
    for (const socket of [client, upstream]) {
      socket.on('error', close);
      socket.on('close', close);
    }
  });
  return `http://127.0.0.1:${await listen(t, server)}`;
}

/** An app in a process of its own, told what to do; see pipe-app.js. Its stdout must stay empty. */
class App {
  #child;
  #answers = new Map();
  #serial = 0;
  #ended;
  stdout = '';
  stderr = '';

  constructor(t, directory, options = {}, env = {}) {
    this.#child = fork(path.join(__dirname, 'pipe-app.js'), [JSON.stringify(quiet(directory, options))], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, ...env },
    });
    this.#child.stdout.on('data', (data) => { this.stdout += data; });
    this.#child.stderr.on('data', (data) => { this.stderr += data; });
    this.#child.on('message', ({ id, value, error }) => {
      const { resolve, reject } = this.#answers.get(id);
      this.#answers.delete(id);
      if (error === undefined) resolve(value);
      else reject(new Error(error));
    });
    this.#ended = once(this.#child, 'close').then(([code, signal]) => {
      for (const { reject } of this.#answers.values()) reject(new Error(`the app ended: ${this.stderr}`));
      this.#answers.clear();
      return { code, signal };
    });
    t.after(() => this.kill());
  }

  get pid() {
    return this.#child.pid;
  }

  /** Call a method of the app's client, or one of pipe-app.js. @returns {Promise<any>} */
  ask(method, ...args) {
    const id = ++this.#serial;
    const answer = new Promise((resolve, reject) => this.#answers.set(id, { resolve, reject }));
    answer.catch(() => {}); // a killed app owes answers that nobody waits for
    this.#child.send({ id, method, args }, () => {});
    return answer;
  }

  async #end(how) {
    if (this.#child.exitCode === null && this.#child.signalCode === null) how();
    const ended = await this.#ended;
    assert.equal(this.stdout, '', 'the library printed on stdout');
    return ended;
  }

  kill() {
    return this.#end(() => this.#child.kill('SIGKILL'));
  }

  exit() {
    return this.#end(() => this.#child.send({ id: 0, method: 'exit', args: [] }));
  }
}

module.exports = { startCollector, stored, assertOnce, emitMany, listen, fakeCollector, receipt, relay, until, App };
