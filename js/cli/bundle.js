'use strict';
// candor debug-bundle: what somebody who helps needs to know, and nothing about a person: no event, no
// id, no path, no token. Shown before it is written.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const index = require('../index');
const { diagnose } = require('./doctor');
const { tomlOf, explain } = require('./explain');
const { listFiles } = require('./files');
const { withClient, needNative } = require('./spool');
const { tarGz } = require('./tar');
const { CliError, EXIT, line, json, size, printable, canAsk, ask } = require('./terminal');

/** @typedef {import('./spool').Flags} Flags */

const LEDGER_ENTRIES = 50;
const FILES_MAX = 500;
const QUARANTINED = 3;
/** Opaque as they are, they are what a person's events can be found by. */
const IDS = ['user_id', 'machine_id', 'session_id'];
const SECRET = /token|key|pem|password|secret/i;
const NAME_MIN = 3;

/** A text that is one of ours, whatever it looks like to the redactor. */
class OurOwn {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }
}

/** What Candor calls a file in one of its folders: a UUID, maybe behind a time, with endings. */
const OUR_NAME = /^(\d{10,16}-)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(\.\w{1,32}){0,3}$/;

/** A file's name without its folder. @param {string} full  as listFiles gives it: outside of folders our own only */
function nameOf(full) {
  const name = path.posix.basename(full);
  return !full.includes('/') || OUR_NAME.test(name) ? new OurOwn(name) : name;
}

/** This machine's own names, which no rule can know. @returns {[string, string][]} text and what it becomes */
function localNames() {
  /** @type {[string, string][]} */
  const names = [[os.homedir(), '<home>'], [os.hostname(), '<host>']];
  try {
    names.push([os.userInfo().username, '<user>']);
  } catch {
    // A container's user may have no name.
  }
  return names.filter(([text]) => text.length >= NAME_MIN && text !== 'localhost');
}

/** A redactor of texts. @returns {(text: string) => string} */
function redactor() {
  const native = needNative();
  const names = localNames();
  return (text) => native.redactText(names.reduce((left, [name, mark]) => left.replaceAll(name, mark), text));
}

/**
 * Every text of a value through the redactor; ids go, secrets are masked by their key.
 * @param {unknown} value @param {(text: string) => string} redact @returns {unknown}
 */
function redacted(value, redact) {
  if (typeof value === 'string') return redact(value);
  if (value instanceof OurOwn) return value.text;
  if (Array.isArray(value)) return value.map((one) => redacted(one, redact));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => !IDS.includes(key)).map(([key, one]) => {
    return [redact(key), typeof one === 'string' && SECRET.test(key) ? '<secret>' : redacted(one, redact)];
  }));
}

/** The options in force as far as they are known here. @param {Record<string, any>} toml @param {NodeJS.ProcessEnv} env */
function effectiveSettings(toml, env) {
  return index.settings().map(({ name, default: usual, env: variable }) => {
    if (variable !== null && env[variable]) return { name, value: SECRET.test(name) ? '<secret>' : env[variable], from: variable };
    if (Object.hasOwn(toml, name)) return { name, value: toml[name], from: 'telemetry.toml' };
    return { name, value: usual, from: 'default; the app may set another' };
  });
}

/** Folder and name apart: together they read like a path. @param {string} directory */
function fileList(directory) {
  const files = listFiles(directory);
  const listed = files.slice(0, FILES_MAX).map(({ name, directory: folder, size: bytes, mode, mtimeMs }) => ({
    folder: name.includes('/') ? path.posix.dirname(name) : '.', name: nameOf(name), type: folder ? 'directory' : 'file', bytes, mode: mode.toString(8), modified: new Date(mtimeMs).toISOString(),
  }));
  return { total: files.length, files: listed };
}

/** The latest names, for their time and kind; the content stays. @param {string} directory */
function quarantined(directory) {
  const names = listFiles(directory).map((entry) => entry.name).filter((name) => name.startsWith('quarantine/'));
  return { total: names.length, latest: names.slice(-QUARANTINED).map(nameOf) };
}

/** @param {Record<string, any>} status */
function about(status) {
  const { modules, napi, openssl, uv } = process.versions;
  return {
    made_at: new Date().toISOString(), candor: index.version, node: process.version, versions: { modules, napi, openssl, uv },
    platform: process.platform, arch: process.arch, os_release: os.release(), schema: status.schema ?? null,
  };
}

/** @param {Flags} flags */
async function collect(flags) {
  const { findings, status } = await diagnose(flags);
  const { directory, ledger } = await withClient(flags, (client, place) => ({
    directory: place.directory, ledger: client.ledger({ limit: LEDGER_ENTRIES }),
  }));
  const parts = {
    about: about(status),
    status,
    precedence: explain(status, directory, flags.endpoint),
    settings: effectiveSettings(tomlOf(directory), process.env),
    doctor: findings,
    ledger,
    files: fileList(directory),
    quarantine: quarantined(directory),
  };
  const redact = redactor();
  return Object.entries(parts).map(([name, value]) => ({
    name: `candor-debug/${name}.json`, text: `${JSON.stringify(redacted(value, redact), null, 2)}\n`,
  }));
}

/** Never over a file that is there. @param {string} file @param {Buffer} bytes */
function write(file, bytes) {
  try {
    fs.writeFileSync(file, bytes, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
    throw new CliError(code === 'EEXIST' ? `${file} exists already: give another name with --output` : `cannot write: ${message}`);
  }
}

/** @param {Flags} flags */
async function debugBundle(flags) {
  const sure = flags.yes || flags.json;
  if (!sure && !canAsk()) throw new CliError('nobody is here to say yes: --yes writes the bundle without asking', EXIT.usage);
  const files = await collect(flags);
  const stamp = new Date().toISOString().replace(/[-:]|\..*/g, '');
  const output = path.resolve(flags.output ?? `candor-debug-${stamp}.tar.gz`);
  const bytes = tarGz(files, Date.now());
  const listed = files.map(({ name, text }) => ({ name, bytes: Buffer.byteLength(text) }));
  if (!flags.json) {
    line(`${printable(output)} will hold, without events, ids, paths, addresses and tokens:`);
    for (const one of listed) line(`  ${one.name}  ${size(one.bytes)}`);
  }
  if (!sure && !await ask('Write it?')) {
    line('Nothing was written.');
    return;
  }
  write(output, bytes);
  if (flags.json) json({ path: output, bytes: bytes.length, files: listed });
  else line(`Wrote ${printable(output)}, ${size(bytes.length)}. Read it before you send it: tar -xzf`);
}

module.exports = { debugBundle };
