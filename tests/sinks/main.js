'use strict';
// The conformance suite of sinks, each against its real server: npm run test:sinks -- [--sink NAME,...] [--json]
// What is not installed is skipped by name; with --require it fails.
const { spawn } = require('node:child_process');
const path = require('node:path');
const { Server, SERVERS } = require('./servers');

const PROGRAMS = ['test_sinks', 'test_sink_stats'].map((name) => path.join(__dirname, '..', '..', 'build', 'asan', name));
const LOCAL = ['memory', 'sqlite', 'jsonl', 'composite'];
const ALL = [...LOCAL, ...SERVERS];

/** @typedef {{sink: string, passed: number, failed: number, skipped?: string, output?: string}} Outcome */

/** @param {string} program @param {string} name @param {Record<string, string>} env @returns {Promise<Outcome>} */
function part(program, name, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [], { env: { PATH: process.env.PATH, CANDOR_SINK: name, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => { output += data; });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      const count = (/** @type {RegExp} */ pattern) => [...output.matchAll(pattern)].reduce((sum, match) => sum + Number(match[1]), 0);
      const passed = count(/\[ {2}PASSED {2}\] (\d+) test\(s\)/g);
      const failed = count(/\[ {2}FAILED {2}\] (\d+) test\(s\)/g);
      const bad = failed > 0 || code !== 0 || passed === 0;
      resolve({ sink: name, passed, failed: bad ? Math.max(failed, 1) : 0, ...(bad ? { output: `${output}\n${signal ?? `exit ${code}`}` } : {}) });
    });
  });
}

/** Sums are held against SQLite, which is not held against itself. @param {string} name @param {Record<string, string>} env @returns {Promise<Outcome>} */
async function suite(name, env) {
  const programs = ['sqlite', 'composite'].includes(name) ? PROGRAMS.slice(0, 1) : PROGRAMS;
  /** @type {Outcome} */
  const all = { sink: name, passed: 0, failed: 0 };
  for (const [i, program] of programs.entries()) {
    const fresh = env[`CANDOR_SINK_FRESH_URL_${i}`];
    const { passed, failed, output } = await part(program, name, { ...env, ...(fresh !== undefined ? { CANDOR_SINK_FRESH_URL: fresh } : {}) });
    all.passed += passed;
    all.failed += failed;
    if (output !== undefined) all.output = `${all.output ?? ''}${output}`;
  }
  return all;
}

/** @param {string} name @returns {Promise<Outcome>} */
async function onServer(name) {
  const server = await Server.start(/** @type {any} */ (name));
  try {
    const url = await server.create('candor');
    const fresh = [await server.create('fresh'), await server.create('fresh_sums')]; // each is left in a later version
    const outcome = await suite(name, { CANDOR_SINK_URL: url, CANDOR_SINK_FRESH_URL_0: fresh[0], CANDOR_SINK_FRESH_URL_1: fresh[1] });
    if (name !== 'mysql' || outcome.failed > 0) return outcome;
    // Row by row, as a server that is not MariaDB has it.
    const rows = await suite(name, { CANDOR_SINK_URL: `${await server.create('by_rows')}?bulk=0` });
    return { ...rows, passed: outcome.passed + rows.passed };
  } finally {
    await server.remove();
  }
}

/** @param {string} name @param {boolean} required @returns {Promise<Outcome>} */
async function one(name, required) {
  if (LOCAL.includes(name)) return suite(name, {});
  const missing = Server.missing(/** @type {any} */ (name));
  if (missing === null) return onServer(name);
  return required ? { sink: name, passed: 0, failed: 1, output: missing } : { sink: name, passed: 0, failed: 0, skipped: missing };
}

/** @param {string[]} args */
async function main(args) {
  const at = args.indexOf('--sink');
  const names = at === -1 ? ALL : args[at + 1].split(',');
  const unknown = names.filter((name) => !ALL.includes(name));
  if (unknown.length > 0) throw new Error(`unknown sink ${unknown.join(', ')}; known: ${ALL.join(', ')}`);
  /** @type {Outcome[]} */
  const outcomes = [];
  for (const name of names) {
    const outcome = await one(name, args.includes('--require')).catch((error) => ({ sink: name, passed: 0, failed: 1, output: String(error.message) }));
    outcomes.push(outcome);
    process.stderr.write(`${name}: ${outcome.skipped ?? `${outcome.passed} passed, ${outcome.failed} failed`}\n`);
    if (outcome.output !== undefined) process.stderr.write(`${outcome.output}\n`);
  }
  const ok = outcomes.every(({ failed }) => failed === 0);
  if (args.includes('--json')) process.stdout.write(`${JSON.stringify({ ok, sinks: outcomes.map(({ output, ...rest }) => rest) })}\n`);
  return ok ? 0 : 1;
}

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1)); // ends the servers
main(process.argv.slice(2)).then(
  (code) => { process.exitCode = code; },
  (error) => { process.stderr.write(`test:sinks: ${error.message}\n`); process.exitCode = 1; },
);
