'use strict';
// What the collector's end-to-end tests share: a real process, real sockets, scratch directories.
const { spawn } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const zlib = require('node:zlib');

const BINARY = process.env.CANDOR_CENTRAL_BINARY
  ?? path.join(__dirname, '..', '..', 'build', 'release', 'candor-central');
const TOKEN = `cnd_0badc0de_${'5eed'.repeat(16)}`;

/** What a test leaves: processes end before their folders go, which they still write to. */
const leftovers = new WeakMap();
/** @param {import('node:test').TestContext} t @returns {{centrals: Central[], dirs: string[]}} */
function leftoversOf(t) {
  let left = leftovers.get(t);
  if (left === undefined) {
    left = { centrals: [], dirs: [] };
    leftovers.set(t, left);
    t.after(async () => {
      for (const central of left.centrals) await central.end('SIGKILL');
      for (const dir of left.dirs) fs.rmSync(dir, { recursive: true, force: true });
      for (const { log } of left.centrals) if (/Sanitizer|runtime error/.test(log)) throw new Error(log);
    });
  }
  return left;
}

/** @param {import('node:test').TestContext} t */
function scratch(t) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'candor-central-'));
  leftoversOf(t).dirs.push(dir);
  return dir;
}

/** Run to the end. @param {string[]} args @param {Record<string, string>} [env] */
function run(args, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(BINARY, args, { env: { PATH: process.env.PATH, HOME: os.tmpdir(), ...env } });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data) => { stdout += data; });
    child.stderr.on('data', (data) => { stderr += data; });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

class Central {
  /**
   * @param {import('node:test').TestContext} t
   * @param {{args?: string[], env?: Record<string, string>, dir?: string, token?: boolean, port?: number}} [options]
   */
  static async start(t, options = {}) {
    const central = new Central();
    central.dir = options.dir ?? scratch(t);
    central.data = path.join(central.dir, 'data');
    central.log = '';
    central.stdout = '';
    const portFile = path.join(central.dir, 'port');
    fs.rmSync(portFile, { force: true });
    const env = { PATH: process.env.PATH, HOME: central.dir, ...options.env };
    if (options.token !== false) env.CANDOR_CENTRAL_TOKEN = TOKEN;
    const child = spawn(BINARY, ['serve', '--data', central.data, '--listen', `127.0.0.1:${options.port ?? 0}`,
      '--port-file', portFile, '--uploads-per-minute', '0', ...(options.args ?? [])], { env });
    central.child = child;
    leftoversOf(t).centrals.push(central);
    child.stdout.on('data', (data) => { central.stdout += data; });
    central.ended = new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
    await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => reject(new Error(`ended with ${code}: ${central.log}`)));
      child.stderr.on('data', (data) => {
        central.log += data;
        if (central.log.includes('"listening"')) resolve(undefined);
      });
    });
    central.port = Number(fs.readFileSync(portFile, 'utf8'));
    central.url = `http://127.0.0.1:${central.port}`;
    return central;
  }

  /** @param {NodeJS.Signals} signal */
  end(signal) {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    return this.ended;
  }

  /** @param {string} route @param {RequestInit & {token?: string | null}} [options] */
  async fetch(route, options = {}) {
    const headers = new Headers(options.headers);
    const token = options.token === undefined ? TOKEN : options.token;
    if (token !== null) headers.set('authorization', `Bearer ${token}`);
    const response = await fetch(this.url + route, { ...options, headers });
    const text = await response.text();
    const json = text !== '' && (response.headers.get('content-type') ?? '').includes('json') ? JSON.parse(text) : undefined;
    return { status: response.status, headers: response.headers, text, json };
  }

  /** @param {unknown} body @param {{gzip?: boolean, headers?: Record<string, string>, query?: string, token?: string | null}} [options] */
  post(body, options = {}) {
    const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    return this.fetch(`/api/v1/events${options.query ?? ''}`, {
      method: 'POST',
      body: options.gzip ? zlib.gzipSync(text) : text,
      headers: {
        'content-type': 'application/json',
        ...(options.gzip ? { 'content-encoding': 'gzip' } : {}),
        ...options.headers,
      },
      token: options.token,
    });
  }

  async get(route) {
    const { status, json, text } = await this.fetch(route);
    if (status !== 200) throw new Error(`GET ${route}: ${status} ${text}`);
    return json;
  }

  /** Ids of every stored event. */
  async ids() {
    const ids = [];
    let cursor = null;
    do {
      const page = await this.get(`/api/telemetry/events?limit=500${cursor === null ? '' : `&cursor=${cursor}`}`);
      ids.push(...page.events.map((event) => event.event_id));
      cursor = page.next_cursor;
    } while (cursor !== null);
    return ids;
  }

  async metrics() {
    const { text } = await this.fetch('/metrics');
    return parseMetrics(text);
  }
}

/** Prometheus text format 0.0.4; throws on a line that is not of it. @param {string} text */
function parseMetrics(text) {
  const out = new Map();
  const line = /^([a-zA-Z_:][\w:]*)(\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\.)*",?)*\})? (\S+)$/;
  for (const row of text.split('\n')) {
    if (row === '' || /^# (HELP|TYPE) [a-zA-Z_:][\w:]* .+$/.test(row)) continue;
    const match = line.exec(row);
    if (match === null || Number.isNaN(Number(match[3].replace('+Inf', 'Infinity')))) throw new Error(`not a metric: ${row}`);
    out.set(match[1] + (match[2] ?? ''), Number(match[3]));
  }
  return out;
}

/** Send raw bytes, read until the server closes or the response is complete. */
function raw(port, parts, { until = 'close', timeoutMs = 10000 } = {}) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1');
    let text = '';
    const timer = setTimeout(() => { socket.destroy(); reject(new Error(`no end; so far: ${text}`)); }, timeoutMs);
    const done = () => { clearTimeout(timer); socket.destroy(); resolve(text); };
    socket.on('data', (data) => {
      text += data.toString('latin1');
      if (until !== 'close' && text.includes(until)) done();
    });
    socket.on('error', (error) => { if (text === '') { clearTimeout(timer); reject(error); } else done(); });
    socket.on('close', done);
    for (const part of Array.isArray(parts) ? parts : [parts]) socket.write(Buffer.from(part, 'latin1'));
  });
}

function uuid7(ms = Date.now()) {
  const bytes = crypto.randomBytes(16);
  bytes.writeUIntBE(ms, 0, 6);
  bytes[6] = 0x70 | (bytes[6] & 15);
  bytes[8] = 0x80 | (bytes[8] & 63);
  return bytes.toString('hex').replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5');
}

function event(type, payload, more = {}) {
  return {
    event_id: uuid7(), event_type: type, timestamp: new Date().toISOString(),
    session_id: '0193a1b2-0000-7000-8000-000000000001', user_id: 'u-1', machine_id: 'a'.repeat(32),
    app: 'demo', app_version: '1.2.3', platform: 'linux-x64', payload, ...more,
  };
}

const toolCall = (toolName = 'grep', durationMs = 10, more = {}) => event('ToolCall', { toolName, durationMs, success: true }, more);

/** Events a batch, one token, until stop() is called; remembers the ids of acknowledged events. */
class Load {
  /** @param {Central} central */
  constructor(central, connections = 4) {
    this.central = central;
    this.acknowledged = [];
    this.sent = [];
    this.running = true;
    this.first = new Promise((resolve) => { this.onFirst = resolve; });
    this.workers = Array.from({ length: connections }, () => this.work());
  }

  async work() {
    while (this.running) {
      const batch = Array.from({ length: 20 }, () => toolCall());
      const ids = batch.map((one) => one.event_id);
      this.sent.push(...ids);
      try {
        const { status, json } = await this.central.post(batch, { gzip: true });
        if (status === 202 && json.accepted === 20) this.acknowledged.push(...ids);
        if (this.acknowledged.length >= 400) this.onFirst();
      } catch {
        return; // the server went away: what follows is not acknowledged
      }
    }
  }

  async stop() {
    this.running = false;
    await Promise.all(this.workers);
  }
}

module.exports = { BINARY, Central, Load, TOKEN, event, parseMetrics, raw, run, scratch, toolCall, uuid7 };
