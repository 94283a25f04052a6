'use strict';
// npm run demo: the whole pipe on real input, with the things that go wrong in real life.
const { fork } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { parseArgs } = require('node:util');
const { Collector } = require('../support/collector.js');
const { compare } = require('../support/witness.js');
const { report } = require('./report.js');

const { values: args } = parseArgs({
  options: {
    folder: { type: 'string', default: path.join(__dirname, '..', '..') },
    events: { type: 'string', default: '1000' },
    json: { type: 'boolean', default: false },
    stay: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const USAGE = `Usage: npm run demo -- [--folder DIR] [--events N] [--stay] [--json]
  --folder DIR  what the agents work on (default: this repository)
  --events N    events each of the two agents emits at least (default 1000)
  --stay        leave the collector and its dashboard running and say where (also --keep)
  --json        one object instead of the tables`;

const say = (/** @type {string} */ text) => {
  if (!args.json) console.log(text);
};

class Agent {
  #waiting = new Map();
  #serial = 0;

  /** @param {string} name @param {string} scratch @param {Collector} collector */
  constructor(name, scratch, collector) {
    this.witness = path.join(scratch, `witness-${name}`);
    this.counts = { emitted: 0, kept: 0 };
    this.child = fork(path.join(__dirname, 'agent.js'),
      [name, path.resolve(args.folder), path.join(scratch, 'spool'), collector.url, this.witness, args.events],
      { stdio: ['ignore', 'inherit', args.json ? 'ignore' : 'inherit', 'ipc'], env: { ...process.env, TELEMETRY_TOKEN: collector.token } });
    this.gone = new Promise((resolve) => this.child.once('exit', resolve));
    /** @type {() => void} */
    let finished = () => {};
    this.done = new Promise((resolve) => { finished = () => resolve(undefined); });
    this.child.on('message', (/** @type {any} */ message) => {
      if (message.progress) this.counts = message.progress;
      if (message.counts) this.counts = message.counts;
      if (message.done) finished();
      if (message.reply !== undefined) {
        const { resolve, reject } = this.#waiting.get(message.reply);
        this.#waiting.delete(message.reply);
        if (message.error) reject(new Error(message.error));
        else resolve(message.value);
      }
      this.onProgress?.();
    });
  }

  /** @type {(() => void) | undefined} */
  onProgress;

  /** @param {string} order @returns {Promise<any>} */
  ask(order) {
    this.#serial += 1;
    const id = this.#serial;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.child.send({ order, id });
    });
  }

  /** Resolves once it has emitted this many, or has ended. @param {number} emitted */
  reached(emitted) {
    return Promise.race([this.gone, this.done, new Promise((resolve) => {
      this.onProgress = () => {
        if (this.counts.emitted >= emitted) resolve(undefined);
      };
    })]);
  }
}

/** Ask for uploads until nothing is left. @param {Agent} agent */
async function drain(agent) {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    await agent.ask('upload');
    const status = await agent.ask('status');
    if (status.spool.batches === 0 && status.pending_journal === 0) return status;
    await sleep(100);
  }
  throw new Error(`the spool did not drain: ${JSON.stringify(await agent.ask('status'))}`);
}

/** @param {string} directory */
function eventFiles(directory) {
  return ['journal', 'spool', 'quarantine'].flatMap((part) => {
    const folder = path.join(directory, part);
    return fs.existsSync(folder) ? fs.readdirSync(folder).map((file) => path.join(part, file)) : [];
  });
}

/** @param {string} scratch @param {Collector} collector */
async function story(scratch, collector) {
  const half = Math.floor(Number(args.events) / 2);
  say(`A collector listens on ${collector.url}, with SQLite in ${path.join(scratch, 'central')}.`);
  const [a, b] = [new Agent('a', scratch, collector), new Agent('b', scratch, collector)];
  say(`Two agents work on ${path.resolve(args.folder)} and share one spool.`);

  await a.reached(half);
  a.child.kill('SIGKILL');
  await a.gone;
  say(`Agent a is killed with SIGKILL in the middle, after ${fs.readFileSync(a.witness, 'utf8').split('\n').length - 1} kept events.`);

  await b.reached(half);
  await collector.stop();
  say('The collector goes down. Agent b goes on, offline.');
  await b.ask('crash');
  await b.done;
  say(`Agent b has emitted ${b.counts.emitted} events; what is not sent waits on disk.`);
  await collector.start();
  say('The collector is up again. Agent b uploads, and picks up what agent a left.');
  await b.ask('end');
  await drain(b);

  await b.ask('off');
  await b.ask('emitWhileOff');
  say(`Telemetry is turned off in agent b; it goes on working. Event files on disk: ${eventFiles(path.join(scratch, 'spool')).length}.`);
  const status = await b.ask('status');
  await b.ask('leave');
  await b.gone;
  return { status, witnesses: [a.witness, b.witness] };
}

async function main() {
  if (args.help) {
    console.log(USAGE);
    return;
  }
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'candor-demo-'));
  const collector = new Collector({ directory: path.join(scratch, 'central'), args: ['--uploads-per-minute', '6000'] });
  try {
    await collector.start();
    const { status, witnesses } = await story(scratch, collector);
    const result = await compare(witnesses, collector.events());
    const stats = await collector.get('/api/telemetry/stats');
    const ok = report({ status, result, stats, json: args.json });
    if (!ok) process.exitCode = 1;
    if (args.stay || args.keep) {
      process.stderr.write(`The collector stays: ${collector.url}, token ${collector.token}. Ctrl-C ends it.\nIts dashboard: ${collector.url}/dashboard\n`);
      await new Promise((resolve) => process.once('SIGINT', resolve));
    }
  } finally {
    await collector.stop();
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
