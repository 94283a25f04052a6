'use strict';
// candor/plugins: WebAssembly modules (WASI preview 1) that add events, or export what was recorded.

const fs = require('node:fs/promises');
const os = require('node:os');
const path = require('node:path');
const { MODULE_MAX_BYTES, checkModule, invalid } = require('./module');
const { Plugin } = require('./plugin');

/** @typedef {import('./plugin').PluginLog} PluginLog */
/** @typedef {import('./plugin').PluginStatus} PluginStatus */
/** @typedef {{emit(type: string, payload?: object | null, meta?: {correlationId?: string}): boolean}} Emitter */

/**
 * @typedef {object} PluginOptions
 * @property {string} [name]  an id of at most 64 characters; default: the file's name without its extension
 * @property {('telemetry' | 'export')[]} [capabilities]  telemetry: host_telemetry_event; export: /in and /out
 * @property {number} [callTimeoutMs]  1 to 60000, default 1000: loading, and each call
 * @property {number} [memoryMaxBytes]  default 64 MiB; the module must declare a maximum, and a lower one
 * @property {number} [logsPerMinute]  default 600; ten times as many cut the plugin off
 * @property {number} [eventsPerMinute]  default 600; likewise
 */

const CAPABILITIES = ['telemetry', 'export'];
const PLUGINS_MAX = 32;
const EXPORT_FILES_MAX = 16;
const EXPORT_BYTES_MAX = 64 * 1024 * 1024;
/** Name, default, least and largest of the numeric options. @type {['callTimeoutMs' | 'memoryMaxBytes' | 'logsPerMinute' | 'eventsPerMinute', number, number, number][]} */
const NUMBERS = [
  ['callTimeoutMs', 1000, 1, 60_000],
  ['memoryMaxBytes', 64 * 1024 * 1024, 65536, 1024 * 1024 * 1024],
  ['logsPerMinute', 600, 0, 60_000],
  ['eventsPerMinute', 600, 0, 60_000],
];

/** @param {string} file @param {PluginOptions} options */
function readOptions(file, options) {
  const known = new Set(['name', 'capabilities', ...NUMBERS.map(([key]) => key)]);
  for (const key of Object.keys(options)) if (!known.has(key)) throw invalid(`unknown plugin option "${key}"`);
  const numbers = { callTimeoutMs: 0, memoryMaxBytes: 0, logsPerMinute: 0, eventsPerMinute: 0 };
  for (const [key, fallback, min, max] of NUMBERS) {
    const value = options[key] ?? fallback;
    if (typeof value !== 'number' || !(value >= min && value <= max)) throw invalid(`${key} must be a number from ${min} to ${max}`);
    numbers[key] = value;
  }
  const capabilities = options.capabilities ?? [];
  for (const capability of capabilities) {
    if (!CAPABILITIES.includes(capability)) throw invalid(`unknown capability "${capability}"; there are ${CAPABILITIES.join(', ')}`);
  }
  const name = options.name ?? path.parse(file).name;
  if (!/^[A-Za-z0-9._:+-]{1,64}$/.test(name)) throw invalid(`the plugin's name "${name}" is no id: letters, digits and . _ : + - only`);
  return { name, capabilities, ...numbers };
}

/** @param {string} file */
async function readModule(file) {
  const { size } = await fs.stat(file);
  if (size > MODULE_MAX_BYTES) throw invalid(`${file} is larger than ${MODULE_MAX_BYTES} bytes`);
  return fs.readFile(file);
}

/** The plugins of one client. */
class PluginHost {
  #client; #onLog;
  /** @type {Map<string, {plugin: Plugin, exchange: string | undefined}>} */
  #plugins = new Map();
  /** Names whose modules are being read. @type {Set<string>} */
  #loading = new Set();

  /**
   * @param {Emitter} client
   * @param {{onLog?: (entry: PluginLog) => void}} [options]
   */
  constructor(client, options = {}) {
    this.#client = client;
    this.#onLog = options.onLog;
  }

  /**
   * Load a module and run its start function.
   * @param {string} file  a .wasm file
   * @param {PluginOptions} [options]
   * @returns {Promise<Plugin>}  rejects with a TelemetryError that says why the module cannot be used
   */
  async load(file, options = {}) {
    const { name, capabilities, ...limits } = readOptions(file, options);
    if (this.#plugins.has(name) || this.#loading.has(name)) throw invalid(`there is a plugin ${name} already`);
    if (this.#plugins.size + this.#loading.size >= PLUGINS_MAX) throw invalid(`${PLUGINS_MAX} plugins are the most that are loaded`);
    this.#loading.add(name); // a second one of the name may come while the file is read
    try {
      return await this.#loadAs(name, file, capabilities, limits);
    } finally {
      this.#loading.delete(name);
    }
  }

  /** @param {string} name @param {string} file @param {string[]} capabilities @param {Required<Pick<PluginOptions, 'callTimeoutMs' | 'memoryMaxBytes' | 'logsPerMinute' | 'eventsPerMinute'>>} limits */
  async #loadAs(name, file, capabilities, limits) {
    const bytes = await readModule(file);
    checkModule(bytes, limits.memoryMaxBytes);
    const exchange = capabilities.includes('export') ? await makeExchange() : undefined;
    if (!this.#loading.delete(name)) throw await dropped(exchange, name);
    const plugin = new Plugin(name, {
      bytes, capabilities, exchange, logsPerMinute: limits.logsPerMinute, eventsPerMinute: limits.eventsPerMinute,
    }, limits.callTimeoutMs, (from, message) => this.#deliver(from, message));
    this.#plugins.set(name, { plugin, exchange });
    try {
      await plugin.started();
    } catch (error) {
      if (plugin.status().state === 'ready') await this.unload(name); // refused, not cut off: nothing to report later
      throw error;
    }
    return plugin;
  }

  /**
   * Give a file to an exporter plugin: it sees a copy as /in/<name> and may write files to /out.
   * @param {string} name  of a plugin with the capability "export"
   * @param {string} file
   * @param {string} outputDirectory  where what it wrote goes
   * @returns {Promise<{result: number, files: string[]}>}  result: what its export(path) returned, 0 for success
   */
  async export(name, file, outputDirectory) {
    const entry = this.#plugins.get(name);
    if (entry?.exchange === undefined) throw invalid(`there is no plugin ${name} with the capability "export"`);
    const base = path.basename(file);
    await emptyFolders(entry.exchange);
    await fs.copyFile(file, path.join(entry.exchange, 'in', base));
    const result = await entry.plugin.call('export', `/in/${base}`);
    return { result, files: await collect(path.join(entry.exchange, 'out'), outputDirectory) };
  }

  /** @returns {PluginStatus[]} also of plugins that were cut off */
  status() {
    return [...this.#plugins.values()].map(({ plugin }) => plugin.status());
  }

  /** @param {string} name */
  async unload(name) {
    const entry = this.#plugins.get(name);
    if (entry === undefined) return;
    this.#plugins.delete(name);
    await entry.plugin.close();
    if (entry.exchange !== undefined) await fs.rm(entry.exchange, { recursive: true, force: true });
  }

  async close() {
    this.#loading.clear();
    await Promise.all([...this.#plugins.keys()].map((name) => this.unload(name)));
  }

  /** @param {string} plugin @param {any} message */
  #deliver(plugin, message) {
    if (message.type === 'event') {
      const { event_type: type, payload, correlation_id: correlationId } = message.event;
      return this.#client.emit(type, payload, typeof correlationId === 'string' ? { correlationId } : undefined);
    }
    const entry = { plugin, level: message.level, message: message.message };
    try {
      this.#onLog?.(entry);
    } catch {
      // The host's listener is the host's; the plugin and its other lines go on.
    }
    return this.#client.emit('plugin.log', entry);
  }
}

/** The host was closed while the module was read. @param {string | undefined} exchange @param {string} name */
async function dropped(exchange, name) {
  if (exchange !== undefined) await fs.rm(exchange, { recursive: true, force: true });
  return invalid(`the plugin ${name} was closed before it was loaded`);
}

async function makeExchange() {
  const exchange = await fs.mkdtemp(path.join(os.tmpdir(), 'candor-plugin-')); // mode 700
  await emptyFolders(exchange);
  return exchange;
}

/** @param {string} exchange */
async function emptyFolders(exchange) {
  for (const folder of ['in', 'out']) {
    await fs.rm(path.join(exchange, folder), { recursive: true, force: true });
    await fs.mkdir(path.join(exchange, folder), { mode: 0o700 });
  }
}

/** Move what the plugin wrote; regular files of the folder itself only. @param {string} from @param {string} to */
async function collect(from, to) {
  const entries = (await fs.readdir(from, { withFileTypes: true })).filter((entry) => entry.isFile());
  const sizes = await Promise.all(entries.map(async ({ name }) => (await fs.lstat(path.join(from, name))).size));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  if (entries.length > EXPORT_FILES_MAX || bytes > EXPORT_BYTES_MAX) {
    throw invalid(`the plugin wrote ${entries.length} files of ${bytes} bytes; at most ${EXPORT_FILES_MAX} of ${EXPORT_BYTES_MAX} are taken`);
  }
  await fs.mkdir(to, { recursive: true, mode: 0o700 });
  const files = entries.map(({ name }) => path.join(to, name));
  await Promise.all(entries.map(({ name }, i) => fs.copyFile(path.join(from, name), files[i])));
  return files;
}

module.exports = { PluginHost };
