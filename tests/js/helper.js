'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { open } = require('../../js');

const ROOT = path.join(__dirname, '..', '..');

/** What decides about consent or endpoints must not come from the machine that runs the tests. */
for (const name of ['DO_NOT_TRACK', 'TELEMETRY_ENABLED', 'TELEMETRY_ENDPOINT', 'TELEMETRY_TOKEN', 'TELEMETRY_USER_ID', 'TELEMETRY_FULL_CONTENT']) {
  delete process.env[name];
}

/** What a test leaves: clients are closed before their directories go. */
const leftovers = new WeakMap();

function leftoversOf(t) {
  let found = leftovers.get(t);
  if (found === undefined) {
    found = { clients: [], dirs: [] };
    leftovers.set(t, found);
    t.after(() => {
      for (const client of found.clients) client.close();
      for (const dir of found.dirs) fs.rmSync(dir, { recursive: true, force: true });
    });
  }
  return found;
}

/** A directory that goes with the test. */
function tempDir(t) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'candor-js-'));
  leftoversOf(t).dirs.push(dir);
  return dir;
}

/** Options of a client that keeps to itself. */
function quiet(directory, more = {}) {
  return { app: 'js-test', directory, mode: 'manual', notice: 'none', machineId: 'test-machine', minFreeDiskBytes: 0, batchEvents: 1000, requireNative: true, ...more };
}

/** A client in a directory of its own, closed after the test. */
function openClient(t, more = {}) {
  const directory = more.directory ?? path.join(tempDir(t), 'spool');
  const client = open(quiet(directory, more));
  leftoversOf(t).clients.push(client);
  return client;
}

/** The lines that wait to be sent, as text. Flush once a test: the next upload is one batch. */
async function pendingText(client) {
  await client.flush();
  return client.preview().split('\n').filter(Boolean);
}

async function pendingEvents(client) {
  return (await pendingText(client)).map((line) => JSON.parse(line));
}

/** The payload of an event line, byte for byte: it is the last member. */
function payloadText(line) {
  const key = '"payload":';
  return line.slice(line.indexOf(key) + key.length, -1);
}

/** Emit one event and return what reached the spool of it. */
async function roundTrip(client, type, payload, meta) {
  if (!client.emit(type, payload, meta)) return undefined;
  const events = await pendingEvents(client);
  return events[events.length - 1];
}

/** A schema of one event with the given fields. */
function schemaOf(fields, more = {}) {
  return {
    schema: 'js-test', version: 1, notice: 1, governance_id: 'T-1',
    events: {
      Sample: {
        category: 'test', level: 'usage', owner: 'tests', purpose: 'Tests.', expires: '2099-12-31', fields, ...more,
      },
    },
  };
}

/** Run Node and collect what it says. Environment: a home of its own. */
function run(args, { dir, env = {}, input } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      env: { ...process.env, HOME: dir, XDG_DATA_HOME: dir === undefined ? undefined : path.join(dir, 'data'), ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => { stdout += chunk; });
    child.stderr.on('data', (chunk) => { stderr += chunk; });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
    child.stdin.on('error', () => {}); // it may have ended without reading
    child.stdin.end(input ?? '');
  });
}

/** Run a script text in a child; `candor` and `options` are there for it. */
function runScript(body, directory, { options = {}, ...more } = {}) {
  const script = `const candor = require(${JSON.stringify(path.join(ROOT, 'js'))});\n` +
    `const options = ${JSON.stringify(quiet(directory, options))};\n${body}`;
  return run(['-e', script], { dir: path.dirname(directory), ...more });
}

module.exports = { ROOT, tempDir, quiet, openClient, pendingText, pendingEvents, payloadText, roundTrip, schemaOf, run, runScript };
