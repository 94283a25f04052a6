'use strict';
// The package in Node for Windows, under Wine, as node.exe and as a host of another name.

const fs = require('node:fs');
const path = require('node:path');
const { setTimeout: wait } = require('node:timers/promises');
const { nodeBinary } = require('./nodes.js');
const { windowsPath } = require('./wine.js');

/** Node 24 does not start under Debian 12's Wine 8. */
const MAJORS_ON_WINE = [18, 20, 22];
const HOSTS = ['node.exe', 'Code.exe'];
const DURABLE = 200;
const DEADLINE_MS = 120_000;

/** @typedef {import('./wine.js').Wine} Wine */
/** @typedef {{wine: Wine, project: string, exe: string, given: Record<string, unknown>}} Durable */

/** Emit, and die without a word to the library. @param {Durable} run @returns {Promise<string[]>} problems */
async function emitAndDie({ wine, project, exe, given }) {
  const { child, done, stdout } = wine.spawn([exe, windowsPath(path.join(project, 'durable.js')), JSON.stringify({ ...given, waits: true })], { cwd: project });
  const deadline = Date.now() + DEADLINE_MS;
  while (!stdout().includes('\n') && child.exitCode === null && Date.now() < deadline) await wait(50);
  child.kill('SIGKILL');
  const { code, signal, stdout: text, stderr } = await done;
  if (signal !== 'SIGKILL') return [`the emitting host ended with ${signal ?? code} before it was killed: ${(text + stderr).slice(0, 600)}`];
  const said = JSON.parse(text.split('\n')[0] || '{}');
  return said.kept === DURABLE && said.pending === DURABLE ? [] : [`before the kill ${said.kept} of ${DURABLE} events were kept, ${said.pending} in the journal`];
}

/** What is left is sent by the next run, each event once. @param {Durable} run @returns {Promise<string[]>} problems */
async function sendRest({ wine, project, exe, given }) {
  const done = await wine.run([exe, windowsPath(path.join(project, 'durable.js')), JSON.stringify({ ...given, waits: false })], { cwd: project });
  const said = JSON.parse(done.stdout.split('\n')[0] || '{}');
  return said.uploaded === DURABLE ? [] : [`after the kill ${said.uploaded} of ${DURABLE} events were sent: ${said.error} ${done.stderr.slice(0, 600)}`];
}

/** Files that anybody else on the machine may open: Wine makes modes of access lists. SQLite's own take the list that the
 * directory hands down, which Wine does not do. @param {string} dir @returns {string[]} */
function open(dir) {
  const names = fs.readdirSync(dir, { recursive: true }).map(String).filter((name) => !name.startsWith('state.db'));
  return ['.', ...names].map((name) => path.join(dir, name)).filter((file) => (fs.statSync(file).mode & 0o007) !== 0);
}

/**
 * @param {any} world  As in main.js.
 * @param {number} major @param {string} host
 */
async function onWine(world, major, host) {
  const { wine, collector, pki, install, probe, events } = world;
  const app = `win-${major}-${host.split('.')[0].toLowerCase()}`;
  const dir = path.join(world.dir, app);
  const project = await install(dir, world.tarball, nodeBinary('linux-x64', major === 24 ? 22 : major), ['--ignore-scripts']);
  fs.copyFileSync(path.join(__dirname, 'durable.js'), path.join(project, 'durable.js'));
  const exe = path.join(dir, 'bin', host);
  fs.copyFileSync(nodeBinary('win-x64', major), exe);
  const run = (/** @type {string} */ _, /** @type {string[]} */ words) => wine.run([exe, ...words.map((word) => (path.isAbsolute(word) ? windowsPath(word) : word))], { cwd: project });
  const cli = path.join(project, 'node_modules', 'candor', 'js', 'cli', 'main.js');
  const result = await probe(world, { project, app, target: 'win32-x64', command: [exe], cli: [exe, cli], env: {}, run, place: windowsPath });
  if (result.problems.length > 0) return { node: `${major}.x`, target: 'win32-x64', host, ...result };
  const directory = path.join(world.dir, 'spool', `${app}-durable`);
  const options = { app: `${app}-durable`, directory: windowsPath(directory), endpoint: collector.url, token: collector.token, mode: 'manual', notice: 'none', machineId: 'package-test', minFreeDiskBytes: 0, requireNative: true, batchEvents: 1000, batchIntervalMs: 3_600_000 };
  const durable = { wine, project, exe, given: { options, caFile: windowsPath(pki('ca.pem')), count: DURABLE } };
  result.problems.push(...await emitAndDie(durable));
  if (result.problems.length > 0) return { node: `${major}.x`, target: 'win32-x64', host, ...result };
  result.problems.push(...open(directory).map((file) => `others may open ${path.relative(world.dir, file)}`));
  result.problems.push(...await sendRest(durable));
  const stored = (await events(collector, pki('ca.pem'), options.app)).map((/** @type {any} */ event) => event.correlation_id);
  if (stored.length !== DURABLE || new Set(stored).size !== DURABLE) result.problems.push(`the collector stores ${stored.length} events of ${DURABLE}, ${new Set(stored).size} different ones`);
  return { node: `${major}.x`, target: 'win32-x64', host: `${host} under Wine`, survived_kill: DURABLE, ...result };
}

module.exports = { HOSTS, MAJORS_ON_WINE, onWine };
