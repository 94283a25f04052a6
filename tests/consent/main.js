'use strict';
// npm run test:consent: three processes share a directory, record and upload; one of them turns telemetry off.
// What the others still do is seen from outside: their TCP sockets in /proc, the bytes in the directory, and the
// last event that an app says was kept.
const { fork } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { parseArgs } = require('node:util');
const zlib = require('node:zlib');

const PROCESSES = 3;
const LIMIT_MS = 1000; // requirements R26
const WATCH_MS = 2000; // looked at for this long after "off": what is gone must stay gone
const LOOK_MS = 5;
const READY_MS = 20000;
const FOLDERS = ['journal', 'spool', 'quarantine', 'sent', 'vault', 'rollup'];

const { values: args } = parseArgs({
  options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
});

class App {
  #child;
  #asked = new Map();
  #serial = 0;

  constructor(options, witness) {
    const env = { ...process.env };
    for (const name of ['DO_NOT_TRACK', 'TELEMETRY_ENABLED', 'TELEMETRY_ENDPOINT', 'TELEMETRY_TOKEN']) delete env[name];
    this.witness = witness;
    this.#child = fork(path.join(__dirname, 'app.js'), [JSON.stringify(options), witness], { env });
    this.ready = new Promise((resolve) => this.#asked.set(0, { resolve }));
    this.#child.on('message', ({ id, value, error }) => {
      const { resolve, reject } = this.#asked.get(id);
      if (error === undefined) resolve(value);
      else reject(new Error(error));
    });
  }

  get pid() {
    return this.#child.pid;
  }

  ask(name, ...rest) {
    const id = ++this.#serial;
    const answer = new Promise((resolve, reject) => this.#asked.set(id, { resolve, reject }));
    answer.catch(() => {});
    this.#child.send({ id, name, args: rest });
    return answer;
  }

  async kill() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}

/** What a collector says to a batch that it took. @param {Buffer} body */
function receipt(body) {
  const events = zlib.gunzipSync(body).toString().split('\n').filter(Boolean).length;
  return JSON.stringify({ accepted: events, duplicates: 0, rejected: 0 });
}

/** A collector. hang: the answer begins and never ends. */
async function startServer(hang) {
  const state = { requests: 0, hanging: 0 };
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
      const text = receipt(Buffer.concat(chunks));
      state.requests++;
      response.writeHead(202, { 'content-type': 'application/json', 'content-length': text.length });
      if (!hang) {
        response.end(text);
        return;
      }
      response.write(text.slice(0, 10));
      state.hanging++;
    });
  });
  server.keepAliveTimeout = 600_000; // an idle connection stays until the client closes it
  server.requestTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, state, url: `http://127.0.0.1:${server.address().port}` };
}

function tcpInodes(pid) {
  const inodes = new Set();
  for (const table of ['tcp', 'tcp6']) {
    const lines = fs.readFileSync(`/proc/${pid}/net/${table}`, 'utf8').trim().split('\n').slice(1);
    for (const line of lines) inodes.add(line.trim().split(/\s+/)[9]);
  }
  return inodes;
}

/** TCP sockets that the process has open, in any state. */
function sockets(pid) {
  const inodes = tcpInodes(pid);
  let n = 0;
  for (const fd of fs.readdirSync(`/proc/${pid}/fd`)) {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(fs.readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      if (inode !== undefined && inodes.has(inode)) n++;
    } catch {
      // closed meanwhile
    }
  }
  return n;
}

function bytesIn(directory) {
  let bytes = 0;
  for (const folder of FOLDERS) {
    let names = [];
    try {
      names = fs.readdirSync(path.join(directory, folder));
    } catch {
      continue; // there is none
    }
    for (const name of names) {
      try {
        bytes += fs.statSync(path.join(directory, folder, name)).size;
      } catch {
        // deleted meanwhile
      }
    }
  }
  return bytes;
}

async function until(what, condition) {
  const end = Date.now() + READY_MS;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`${what} did not happen in ${READY_MS} ms`);
    await sleep(LOOK_MS);
  }
}

function lastKept(apps) {
  return Math.max(...apps.map((app) => Number(fs.readFileSync(app.witness, 'utf8')) || 0));
}

/** Turn off in the first app, then look until WATCH_MS have passed. */
async function silence(apps, directory) {
  const look = () => ({ sockets: apps.reduce((n, app) => n + sockets(app.pid), 0), bytes: bytesIn(directory) });
  const before = look();
  const start = Date.now();
  const off = apps[0].ask('off');
  let quiet; // end of the first look that saw nothing, and after which none saw anything
  let last;
  while (Date.now() - start < WATCH_MS) {
    last = look();
    if (last.sockets > 0 || last.bytes > 0) quiet = undefined;
    else quiet ??= Date.now();
    await sleep(LOOK_MS);
  }
  await off;
  const silent = Math.max(quiet ?? Date.now(), lastKept(apps)) - start;
  return { silent_ms: silent, bytes_left: last.bytes, sockets_after: last.sockets, before };
}

/** The second app's upload hangs in the middle of the response while it does nothing else; the others record. */
async function prepareHang(apps, { state }) {
  await apps[1].ask('emit', 20);
  await until('a hanging upload', () => state.hanging > 0);
  await apps[0].ask('record');
  await apps[2].ask('record');
  await sleep(300); // batches and journals fill
}

/** Each has sent what it had and sleeps. */
async function prepareIdle(apps) {
  for (const app of apps) {
    await app.ask('emit', 20);
    const { error } = await app.ask('upload');
    if (error !== null) throw new Error(`upload: ${error}`);
  }
  await sleep(300);
}

async function variant(name) {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'candor-consent-'));
  const directory = path.join(scratch, 'data');
  const collector = await startServer(name === 'hang');
  const options = {
    app: 'consent-test', directory, endpoint: collector.url, notice: 'none', minFreeDiskBytes: 0, requireNative: true,
    mode: name === 'hang' ? 'auto' : 'manual', batchEvents: 10, uploadIntervalMs: 20,
  };
  const apps = Array.from({ length: PROCESSES }, (_, i) => new App(options, path.join(scratch, `witness-${i}`)));
  try {
    await Promise.all(apps.map((app) => app.ready));
    await (name === 'hang' ? prepareHang : prepareIdle)(apps, collector);
    const result = await silence(apps, directory);
    const statuses = await Promise.all(apps.map((app) => app.ask('status')));
    if (statuses.some((status) => status.enabled)) throw new Error('a process says that telemetry is on');
    if (lastKept(apps) === 0 || collector.state.requests === 0 || result.before.bytes === 0) {
      throw new Error('nothing was recorded or sent: there was nothing to silence');
    }
    if (name === 'hang' && result.before.sockets === 0) throw new Error('no upload was in flight');
    return result;
  } finally {
    await Promise.all(apps.map((app) => app.kill()));
    collector.server.closeAllConnections();
    collector.server.close();
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

async function main() {
  if (args.help) {
    console.log('Usage: npm run test:consent -- [--json]');
    return;
  }
  const variants = {};
  for (const name of ['hang', 'idle']) variants[name] = await variant(name);
  const worst = (key) => Math.max(...Object.values(variants).map((result) => result[key]));
  const line = {
    processes: PROCESSES, silent_ms: worst('silent_ms'), bytes_left: worst('bytes_left'), sockets_after: worst('sockets_after'),
    variants,
  };
  if (args.json) console.log(JSON.stringify(line));
  else console.table(Object.entries(variants).map(([name, { before, ...rest }]) => ({ variant: name, ...rest, sockets_before: before.sockets, bytes_before: before.bytes })));
  if (!(line.silent_ms < LIMIT_MS && line.bytes_left === 0 && line.sockets_after === 0)) process.exitCode = 1;
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
