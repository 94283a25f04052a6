'use strict';
// What an app does with the installed package; copied into the project that the package is installed in. argv: JSON.
// Answers with one JSON line.

const fs = require('node:fs');
const path = require('node:path');
const { Worker, isMainThread } = require('node:worker_threads');
const candor = require('candor');

/** Libraries that must not come from the machine or from the host. */
const OUTSIDE = /[\\/](lib)?(ssl|crypto|curl|sqlite3|z|zlib1|deflate)[-.][^\\/]*$/i;

/** Files mapped into this process. What a system folder of Windows holds is Windows's: Wine has its zlib there. */
function mapped() {
  if (process.platform === 'win32') {
    const files = /** @type {any} */ (process.report.getReport()).sharedObjects;
    return files.filter((/** @type {string} */ file) => !/^c:\\windows\\system32\\/i.test(file));
  }
  const rows = fs.readFileSync('/proc/self/maps', 'utf8').split('\n');
  return [...new Set(rows.map((row) => row.slice(row.indexOf('/'))).filter((file) => file.startsWith('/')))];
}

/** (module (memory (export "memory") 1 1) (func (export "go") (result i32) i32.const 7)) */
const WASM = '0061736d010000000105016000017f03020100050401010101070f02066d656d6f7279020002676f00000a0601040041070b';

/** Each way into the package is one module, for require and for import. @param {string} name @returns {Promise<boolean>} */
async function sameModule(name) {
  const required = require(name);
  const imported = await import(name);
  const names = Object.keys(required);
  return names.length > 0 && imported.default === required && names.every((key) => imported[key] === required[key]);
}

/** A plugin runs in a thread of the package's own file. @param {import('candor').Client} client */
async function plugin(client) {
  const file = path.join(__dirname, 'go.wasm');
  fs.writeFileSync(file, Buffer.from(WASM, 'hex'));
  const { PluginHost } = require('candor/plugins');
  const host = new PluginHost(client);
  // Emulated processors start threads slowly.
  const loaded = await host.load(file, { callTimeoutMs: 60_000 });
  const result = await loaded.call('go');
  await host.close();
  return result === 7;
}

/** One log record of OpenTelemetry. @param {import('candor').Client} client @returns {Promise<boolean>} kept */
function logRecord(client) {
  const { CandorLogRecordExporter } = require('candor/otel');
  const record = { severityNumber: 9, body: 'probe', attributes: {}, resource: { attributes: {} } };
  return new Promise((resolve) => {
    new CandorLogRecordExporter({ client }).export([record], ({ code }) => resolve(code === 0));
  });
}

/** Load and unload in threads: what a binary registers with the C library must go with it. */
async function threads(/** @type {number} */ cycles) {
  for (let i = 0; i < cycles; i += 1) {
    const codes = await Promise.all([0, 1].map(() => new Promise((resolve, reject) => {
      new Worker(__filename).on('error', reject).on('exit', resolve);
    })));
    if (codes.some((code) => code !== 0)) return false;
  }
  return true;
}

async function main() {
  const { options, caFile, strangerFile, count, cycles } = JSON.parse(process.argv[2]);
  const configFile = path.join(__dirname, `${options.app}.toml`);
  fs.writeFileSync(configFile, '[telemetry]\nlocal_retention_days = 3\n');
  const client = candor.open({ ...options, configFile, caFile });
  let kept = 0;
  for (let i = 0; i < count; i += 1) {
    if (client.emit('ToolCall', { toolName: 'probe', durationMs: i, success: true }, { correlationId: `p-${i}` })) kept += 1;
  }
  const otel = await logRecord(client);
  const plugins = await plugin(client);
  const { config } = client.status();
  const upload = await client.upload();
  client.close();
  const wary = candor.open({ ...options, directory: `${options.directory}-wary`, caFile: strangerFile });
  wary.emit('ToolCall', { toolName: 'probe' });
  const refused = await wary.upload();
  wary.close();
  const files = mapped();
  return {
    kept, uploaded: upload.events, error: upload.error, refused: refused.error,
    addon: files.filter((file) => file.endsWith('candor.node')).map((file) => path.relative(fs.realpathSync(__dirname), file).replaceAll('\\', '/')),
    outside: files.filter((file) => OUTSIDE.test(file)),
    modules: Object.fromEntries(await Promise.all(['candor', 'candor/otel', 'candor/plugins'].map(async (name) => [name, await sameModule(name)]))),
    otel, plugins, config: config.error ?? config.sets.join(),
    threads: await threads(cycles),
    version: process.version,
  };
}

if (isMainThread) {
  main().then((value) => console.log(JSON.stringify(value)), (error) => {
    console.log(JSON.stringify({ error: error.stack }));
    process.exitCode = 1;
  });
} else {
  if (candor.settings().length === 0) process.exit(1);
}
