'use strict';
// npm run test:hostile-host: hosts that have OpenSSL, zlib, SQLite and libcurl of their own (Node has, Electron has
// BoringSSL), made as bad as can be: each function of those names aborts. Addons that are linked carelessly must die of
// it, the shipped binary must not. How the hosts are made: ../package/poison.js.

const fs = require('node:fs');
const https = require('node:https');
const os = require('node:os');
const path = require('node:path');
const zlib = require('node:zlib');
const { once } = require('node:events');
const { parseArgs } = require('node:util');
const { readElf } = require('../../scripts/prebuild/elf');
const { EXPORTS } = require('../../scripts/prebuild/targets');
const { MAJORS, nodeBinary, start } = require('../package/nodes.js');
const { hideExports, makePoison, names } = require('../package/poison.js');
const { makeCa, makeServer } = require('../support/pki.js');
const { CONTROLS, SHIPPED, buildControl } = require('./controls.js');

const ROOT = path.join(__dirname, '..', '..');
const OURS = path.join(ROOT, 'prebuilds', 'linux-x64', 'candor.node');

/** @typedef {import('./controls.js').Control} Control */
/** @typedef {{node: string, version: string, env: NodeJS.ProcessEnv}} Host */

const { values: args } = parseArgs({ options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } } });

/** @param {string} text */
function say(text) {
  if (!args.json) console.error(text);
}

/** Names that it offers to the process besides those that Node asks for. @param {string} file */
function leaked(file) {
  return readElf(fs.readFileSync(file)).symbols.filter(({ name, defined }) => defined && !EXPORTS.includes(name)).length;
}

/** The function that a program died of, or why it ended otherwise; undefined: it ended well. @param {{code: number | null, signal: string | null, stderr: string}} done */
function death({ code, signal, stderr }) {
  const poisoned = /^poisoned: (\S+)/m.exec(stderr)?.[1];
  if (signal === 'SIGABRT' && poisoned !== undefined) return poisoned;
  return code === 0 ? undefined : `${signal ?? code}: ${stderr.slice(0, 300)}`;
}

/** A collector that takes everything, over TLS. @param {string} dir */
async function collector(dir) {
  makeCa(dir, 'ca');
  makeServer(dir, 'ca', 'server');
  const server = https.createServer({ key: fs.readFileSync(path.join(dir, 'server.key')), cert: fs.readFileSync(path.join(dir, 'server.pem')) }, (request, response) => {
    /** @type {Buffer[]} */
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const accepted = zlib.gunzipSync(Buffer.concat(chunks)).toString().trim().split('\n').length;
      response.writeHead(202, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ accepted, duplicates: 0, rejected: 0 }));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return { server, endpoint: `https://127.0.0.1:${port}`, caFile: path.join(dir, 'ca.pem') };
}

/** What each call of a control does in a host. @param {Control} control @param {string} addon @param {Host} host @returns {Promise<string[]>} what it died of */
async function diesOf({ calls }, addon, { node, env }) {
  const deaths = [];
  for (const name of calls) {
    const found = death(await start(node, ['-e', `process.exit(require(${JSON.stringify(addon)}).call(${JSON.stringify(name)}) === 1 ? 0 : 9)`], { cwd: ROOT, env }));
    if (found !== undefined) deaths.push(found);
  }
  return deaths;
}

/** @param {Control} control @param {string} addon @param {Host[]} hosts @param {Host} plain */
async function judgeControl(control, addon, hosts, plain) {
  const problems = (await diesOf(control, addon, plain)).map((text) => `${control.name}: it dies in an ordinary host as well: ${text}`);
  /** @type {Set<string>} */
  const died = new Set();
  for (const host of hosts) {
    const deaths = await diesOf(control, addon, host);
    for (const name of deaths) died.add(name);
    if (deaths.join() !== control.dies.join()) problems.push(`${control.name} on Node ${host.version}: it died of ${deaths.join(', ') || 'nothing'}, and should of ${control.dies.join(', ') || 'nothing'}`);
  }
  const exported = leaked(addon);
  say(`${control.name}: dies of ${[...died].join(', ') || 'nothing'}, exports ${exported} names`);
  return { fails: died.size > 0 || exported > 0, died_of: [...died], exports: exported, problems };
}

/** @param {Host[]} hosts @param {string} dir @param {{endpoint: string, caFile: string}} to */
async function judgeOurs(hosts, dir, { endpoint, caFile }) {
  const problems = [];
  for (const { node, version, env } of hosts) {
    const options = JSON.stringify({ app: `guest-${version}`, directory: path.join(dir, `spool-${version}`), endpoint, caFile, token: 't' });
    const why = death(await start(node, [path.join(__dirname, 'guest.js'), options], { cwd: ROOT, env: { ...env, CANDOR_ADDON: OURS } }));
    say(`ours on Node ${version}: ${why ?? 'works'}`);
    if (why !== undefined) problems.push(`ours on Node ${version}: ${why}`);
  }
  const exported = leaked(OURS);
  if (exported > 0) problems.push(`ours exports ${exported} names of its own`);
  return problems;
}

/** Node of each version whose own symbols of those libraries are hidden behind ones that abort. @param {string} dir @returns {Promise<Host[]>} */
async function makeHosts(dir) {
  const all = names();
  const preload = makePoison(all, dir);
  const hosts = [];
  for (const major of MAJORS) {
    const node = path.join(dir, `node-${major}`);
    hideExports(all, nodeBinary('linux-x64', major), node);
    const env = { PATH: process.env.PATH, HOME: dir, LD_PRELOAD: preload };
    const { stdout } = await start(node, ['--version'], { cwd: dir, env });
    hosts.push({ node, version: stdout.trim(), env });
  }
  return hosts;
}

/** @param {string} dir */
async function run(dir) {
  const hosts = await makeHosts(dir);
  const plain = { node: nodeBinary('linux-x64', 22), version: 'plain', env: { PATH: process.env.PATH, HOME: dir } };
  /** @type {Record<string, {fails: boolean, died_of: string[], exports: number}>} */
  const controls = {};
  const problems = [];
  for (const control of CONTROLS) {
    const { problems: own, ...result } = await judgeControl(control, buildControl(control, dir), hosts, plain);
    controls[control.name] = result;
    problems.push(...own);
    if (!result.fails) problems.push(`the control ${control.name} passes: the host is not hostile`);
  }
  const shipped = await judgeControl(SHIPPED, buildControl(SHIPPED, dir), hosts, plain);
  if (shipped.fails) problems.push(`${SHIPPED.name}: it exports ${shipped.exports} names`);
  const to = await collector(dir);
  try {
    const ours = await judgeOurs(hosts, dir, to);
    return {
      nodes: hosts.map(({ version }) => version), ours: ours.length === 0 ? 'pass' : 'fail', controls,
      [SHIPPED.name]: shipped.problems.length === 0 && !shipped.fails ? 'pass' : 'fail',
      problems: [...problems, ...shipped.problems, ...ours],
    };
  } finally {
    to.server.closeAllConnections();
    to.server.close();
  }
}

async function main() {
  if (args.help) return console.log('Usage: npm run test:hostile-host -- [--json]');
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error('it needs Linux on x64');
  if (!fs.existsSync(OURS)) throw new Error('there is no prebuilds/linux-x64: npm run prebuild -- --target linux-x64');
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'candor-hostile-'));
  try {
    const result = await run(dir);
    console.log(JSON.stringify(result));
    if (result.problems.length > 0) process.exitCode = 1;
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

main().catch((error) => {
  console.error(`test:hostile-host: ${error.message}`);
  process.exitCode = 2;
});
