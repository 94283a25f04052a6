'use strict';
// Starts and stops the collectors under test: candor-central and the plain FastAPI one. Each gets a
// fresh data directory, a free port of the system's choice and the same token.
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const path = require('node:path');
const { ROOT } = require('./native');
const { atExit } = require('./scratch');

const START_MS = 20000;
const STOP_MS = 30000;
const CENTRAL = process.env.CANDOR_BENCH_CENTRAL ?? path.join(ROOT, 'build', 'release', 'candor-central');
// Debian's interpreter, whatever comes first in PATH: python3-fastapi is installed for it.
const PYTHON = '/usr/bin/python3';
const TOKEN = `cnd_0badc0de_${'5eed'.repeat(16)}`;

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function request(port, urlPath, headers = {}) {
  return new Promise((resolve, reject) => {
    const req = http.get({ host: '127.0.0.1', port, path: urlPath, agent, headers }, (res) => {
      const parts = [];
      res.on('data', (part) => parts.push(part));
      res.on('end', () => resolve({ status: res.statusCode, body: Buffer.concat(parts).toString() }));
      res.on('error', reject);
    });
    req.on('error', reject);
  });
}

/** A GET with the benchmark's token; anything but 200 is an error. */
async function getJson(port, urlPath) {
  const { status, body } = await request(port, urlPath, { Authorization: `Bearer ${TOKEN}` });
  if (status !== 200) throw new Error(`GET ${urlPath} answered ${status}: ${body.slice(0, 300)}`);
  return JSON.parse(body);
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** One spawned server: its log is kept in memory for the error message. */
class Server {
  #child; #log = ''; #exited;

  constructor(name, command, args, env) {
    this.name = name;
    // The shell's own settings of a collector must not steer the one under test.
    const inherited = Object.entries(process.env).filter(([key]) => !key.startsWith('CANDOR_CENTRAL_'));
    this.#child = spawn(command, args, { env: { ...Object.fromEntries(inherited), ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.on('data', (text) => { this.#log = (this.#log + text).slice(-4000); });
    }
    this.#exited = new Promise((resolve) => {
      this.#child.on('error', (error) => { this.#log += error.message; resolve(-1); });
      this.#child.on('exit', (code, signal) => resolve(code ?? signal));
    });
    this.running = true;
    const forget = atExit(() => this.#child.kill('SIGKILL'));
    this.#exited.then((code) => { forget(); this.running = false; this.exitCode = code; });
  }

  failure(what) {
    return new Error(`${this.name} ${what}; its log ends with:\n${this.#log.slice(-1500)}`);
  }

  /** Wait until probe() gives a value; there is nothing to wait on but the server's answer. */
  async ready(probe) {
    const end = Date.now() + START_MS;
    while (Date.now() < end) {
      if (!this.running) throw this.failure(`ended with ${this.exitCode} before it listened`);
      const value = await probe().catch(() => undefined);
      if (value !== undefined) return value;
      await pause(20);
    }
    await this.stop();
    throw this.failure(`did not listen within ${START_MS / 1000} s`);
  }

  #statusMiB(key) {
    const status = fs.readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    return Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(status)[1]) / 1024;
  }

  /** Resident memory of the process in MiB, and the most it ever was (proc(5)). */
  rssMiB() {
    return this.#statusMiB('VmRSS');
  }

  peakRssMiB() {
    return this.#statusMiB('VmHWM');
  }

  /** Processor time used so far, all threads (proc(5), utime and stime in ticks of 10 ms). */
  cpuSeconds() {
    const stat = fs.readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  async stop() {
    if (this.running) this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    await this.#exited;
    clearTimeout(timer);
    agent.destroy(); // idle sockets to a server that is gone
  }
}

/** candor-central as an operator runs it; only the rate limit is off, because one machine sends it all. */
async function startCentral(directory, flags = [], binary = CENTRAL) {
  if (!fs.existsSync(binary)) throw new Error(`${path.relative(ROOT, binary)} is missing: node scripts/build.js release`);
  const portFile = path.join(directory, 'port');
  const server = new Server('candor-central', binary, ['serve', '--listen', '127.0.0.1:0', '--data',
    path.join(directory, 'data'), '--port-file', portFile, '--uploads-per-minute', '0', ...flags],
  { CANDOR_CENTRAL_TOKEN: TOKEN });
  server.port = await server.ready(async () => {
    const port = Number(fs.readFileSync(portFile, 'utf8'));
    const { status } = await request(port, '/api/v1/health');
    return status === 200 ? port : undefined;
  });
  return server;
}

/** @param {string} directory @param {'lines'|'raw'} store as fastapi_collector.py describes them */
async function startFastapi(directory, store) {
  const port = await freePort();
  const server = new Server('uvicorn', PYTHON, ['-m', 'uvicorn', '--workers', '2', '--loop', 'uvloop', '--http',
    'httptools', '--no-access-log', '--log-level', 'warning', '--host', '127.0.0.1', '--port', String(port),
    '--app-dir', path.join(ROOT, 'tests', 'bench'), 'fastapi_collector:app'],
  { FASTAPI_COLLECTOR_DIR: directory, FASTAPI_COLLECTOR_STORE: store, FASTAPI_COLLECTOR_TOKEN: TOKEN, PYTHONDONTWRITEBYTECODE: '1' });
  server.port = port;
  // Both workers have opened their store once there are two files.
  await server.ready(async () => {
    const { status } = await request(port, '/api/v1/health');
    return status === 200 && fs.readdirSync(directory).length >= 2 ? port : undefined;
  });
  return server;
}

module.exports = { TOKEN, getJson, request, startCentral, startFastapi };
