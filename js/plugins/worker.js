'use strict';
// The thread a plugin runs in. It knows the module, its imports and its rates; the host's thread knows the
// client. A plugin has no network, no environment, no clock but WASI's, and of files only /in and /out of an
// exporter.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parentPort, workerData } = require('node:worker_threads');
const { WASI } = require('node:wasi');

/** @typedef {import('./plugin').WorkerData} WorkerData */

const OK = 0;
const MALFORMED = -1;
const TOO_MANY = -2;
const TOO_LARGE = -3;
const EVENT_MAX_BYTES = 65536;
const LOG_MAX_BYTES = 4096;
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error'];
const MINUTE_MS = 60_000;
/** Calls over the limit that are answered with TOO_MANY before the plugin is cut off. */
const FLOOD_FACTOR = 10;

const data = /** @type {WorkerData} */ (workerData);
const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
/** In Node's types only together with the DOM's. */
const { WebAssembly } = /** @type {any} */ (globalThis);
const decoder = new TextDecoder('utf-8', { fatal: true });
/** @type {{exports: Record<string, any>}} */
let instance;

/** Ends the plugin: thrown through WebAssembly, where it cannot be caught. */
class Misbehaviour extends Error {
  /** @param {string} reason @param {string} message */
  constructor(reason, message) {
    super(message);
    this.reason = reason;
  }
}

class Rate {
  #limit; #count = 0; #until = 0;

  /** @param {number} limit calls a minute */
  constructor(limit) {
    this.#limit = limit;
  }

  /** @param {string} what @returns {boolean} */
  take(what) {
    const now = performance.now();
    if (now >= this.#until) {
      this.#until = now + MINUTE_MS;
      this.#count = 0;
    }
    this.#count += 1;
    if (this.#count > this.#limit * FLOOD_FACTOR) {
      throw new Misbehaviour('flood', `${this.#count} ${what} in a minute, where ${this.#limit} are allowed`);
    }
    return this.#count <= this.#limit;
  }
}

const logs = new Rate(data.logsPerMinute);
const events = new Rate(data.eventsPerMinute);

/** Guest text. @param {number} at @param {number} length @param {number} max @returns {string | undefined} undefined: too large */
function text(at, length, max) {
  const memory = instance.exports.memory.buffer;
  const start = at >>> 0;
  const size = length >>> 0;
  if (start + size > memory.byteLength) throw new Misbehaviour('bad_pointer', 'it named memory that it does not have');
  return size > max ? undefined : decoder.decode(new Uint8Array(memory, start, size));
}

/** A text that is not UTF-8 is the plugin's mistake, not its end. @param {() => number} answer */
function forgiving(answer) {
  try {
    return answer();
  } catch (error) {
    if (error instanceof Misbehaviour) throw error;
    return MALFORMED;
  }
}

/** telemetry.log(level, msg) @param {number} level @param {number} at @param {number} length */
function log(level, at, length) {
  if (!logs.take('log lines')) {
    port.postMessage({ type: 'limited' });
    return;
  }
  forgiving(() => {
    const message = text(at, Math.min(length >>> 0, LOG_MAX_BYTES), LOG_MAX_BYTES);
    port.postMessage({ type: 'log', level: LEVELS[level] ?? 'info', message });
    return OK;
  });
}

/** host_telemetry_event(json_ptr, len): {"event_type", "payload", "correlation_id"?} @param {number} at @param {number} length */
function hostTelemetryEvent(at, length) {
  if (!events.take('events')) {
    port.postMessage({ type: 'limited' });
    return TOO_MANY;
  }
  return forgiving(() => {
    const json = text(at, length, EVENT_MAX_BYTES);
    if (json === undefined) return TOO_LARGE;
    const event = JSON.parse(json);
    if (typeof event?.event_type !== 'string') return MALFORMED;
    port.postMessage({ type: 'event', event });
    return OK;
  });
}

function imports() {
  const given = { log };
  return data.capabilities.includes('telemetry') ? { ...given, host_telemetry_event: hostTelemetryEvent } : given;
}

async function start() {
  const nowhere = fs.openSync(os.devNull, 'r+'); // the host's standard streams are not the plugin's
  const wasi = new WASI({
    version: 'preview1', args: [], env: {}, returnOnExit: true,
    stdin: nowhere, stdout: nowhere, stderr: nowhere,
    preopens: data.exchange === undefined ? {} : {
      '/in': path.join(data.exchange, 'in'), '/out': path.join(data.exchange, 'out'),
    },
  });
  const module = await WebAssembly.compile(data.bytes);
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    if (from === 'telemetry' && !Object.hasOwn(imports(), name)) {
      throw new Error(name === 'host_telemetry_event'
        ? 'it imports telemetry.host_telemetry_event, for which it needs the capability "telemetry"'
        : `it imports telemetry.${name}, which does not exist`);
    }
  }
  // Not getImportObject(): Node 18 does not have it.
  instance = await WebAssembly.instantiate(module, { wasi_snapshot_preview1: wasi.wasiImport, telemetry: imports() });
  if (typeof instance.exports._start === 'function') wasi.start(instance);
  else wasi.initialize(instance);
}

/** @param {string} name @param {string | undefined} argument */
function call(name, argument) {
  const { exports } = instance;
  const fn = exports[name];
  if (typeof fn !== 'function') throw new TypeError(`it exports no function ${name}`);
  if (argument === undefined) return Number(fn());
  const bytes = new TextEncoder().encode(argument);
  if (typeof exports.candor_alloc !== 'function') throw new TypeError('it exports no function candor_alloc(size)');
  const at = exports.candor_alloc(bytes.length) >>> 0;
  const memory = exports.memory.buffer;
  if (at === 0 || at + bytes.length > memory.byteLength) throw new Misbehaviour('bad_pointer', 'candor_alloc gave no memory');
  new Uint8Array(memory, at, bytes.length).set(bytes);
  return Number(fn(at, bytes.length));
}

/** @param {unknown} error */
function reasonOf(error) {
  if (error instanceof Misbehaviour) return error.reason;
  return error instanceof WebAssembly.RuntimeError || error instanceof RangeError ? 'trap' : 'refused';
}

/** @param {() => unknown} work @param {number} id */
async function answer(work, id) {
  try {
    const value = await work();
    port.postMessage({ type: 'done', id, value });
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    port.postMessage({ type: 'failed', id, reason: reasonOf(error), message });
  }
}

port.on('message', ({ id, name, argument }) => answer(() => call(name, argument), id));
answer(start, 0);
