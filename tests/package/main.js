'use strict';
// npm run test:package: what npm would publish, installed into empty projects on machines without a compiler, on each
// supported Node, and used there: events go over TLS to a real collector. One line a host, then the sum.

const fs = require('node:fs');
const https = require('node:https');
const os = require('node:os');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { parseArgs } = require('node:util');
const { Collector } = require('../../scripts/support/collector.js');
const { makeCa, makeServer } = require('../support/pki.js');
const { MAJORS, bareEnvironment, binWith, nodeBinary, npmScript, qemu, start } = require('./nodes.js');
const { hideExports, makePoison, names } = require('./poison.js');
const { HOSTS, MAJORS_ON_WINE, onWine } = require('./windows.js');
const { Wine, wine } = require('./wine.js');

const ROOT = path.join(__dirname, '..', '..');
const COUNT = 5;
/** And a log record of candor/otel. */
const EVENTS = COUNT + 1;
const CYCLES = 5;
const STATUS_MS = 60_000;

const { values: args } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    target: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

/** @param {Record<string, unknown>} value */
function report(value) {
  if (args.json) console.log(JSON.stringify(value));
  else console.log(Object.entries(value).map(([key, one]) => `${key}: ${typeof one === 'object' ? JSON.stringify(one) : one}`).join(', '));
}

/** Two authorities and a certificate of the first for 127.0.0.1. @param {string} dir */
function makePki(dir) {
  makeCa(dir, 'ca');
  makeCa(dir, 'stranger');
  makeServer(dir, 'ca', 'server');
  return (/** @type {string} */ name) => path.join(dir, name);
}

/** Stored events of an app. @param {Collector} collector @param {string} caFile @param {string} app @returns {Promise<any[]>} */
function stored(collector, caFile, app) {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${collector.token}` };
    https.get(`${collector.url}/api/telemetry/events?limit=500`, { ca: fs.readFileSync(caFile), headers, agent: false }, (response) => {
      let text = '';
      response.on('data', (data) => { text += data; });
      response.on('end', () => {
        if (response.statusCode !== 200) reject(new Error(text));
        else resolve(JSON.parse(text).events.filter((/** @type {any} */ event) => event.app === app));
      });
    }).on('error', reject);
  });
}

/** npm pack, and what must be true of the file. @param {string} dir */
function pack(dir) {
  const [made] = JSON.parse(execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', dir], { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  const files = made.files.map((/** @type {any} */ file) => file.path);
  const prebuilds = files.filter((/** @type {string} */ file) => file.startsWith('prebuilds/'));
  return { file: path.join(dir, made.filename), bytes: made.size, prebuilds };
}

/** An empty project with the package in it. @param {string} dir @param {string} tarball @param {string} node @param {string[]} flags */
async function install(dir, tarball, node, flags) {
  const project = path.join(dir, 'project');
  fs.mkdirSync(project, { recursive: true });
  fs.writeFileSync(path.join(project, 'package.json'), '{"name":"empty","version":"1.0.0","private":true}\n');
  const env = bareEnvironment(binWith(path.join(dir, 'bin'), node), dir);
  // One cache for all: the dependency is fetched once.
  env.npm_config_cache = path.join(path.dirname(dir), 'npm-cache');
  const done = await start(node, [npmScript(), 'install', ...flags, '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error', tarball], { cwd: project, env });
  if (done.code !== 0) throw new Error(`npm install failed: ${done.stderr}`);
  const packages = fs.readdirSync(path.join(project, 'node_modules')).filter((name) => !name.startsWith('.'));
  if (packages.join() !== 'candor,smol-toml') throw new Error(`npm installed ${packages.join(', ')}`);
  fs.copyFileSync(path.join(__dirname, 'probe.js'), path.join(project, 'probe.js'));
  return project;
}

/** The command as npm installs it. @param {string} project */
function bin(project) {
  return path.join(project, 'node_modules', '.bin', 'candor');
}

/** What `candor status` says of the spool that the probe left. @param {string} project @param {string[]} cli @param {string} directory
 * @param {NodeJS.ProcessEnv} env @param {typeof start} run @returns {Promise<string[]>} problems */
async function cliStatus(project, cli, directory, env, run) {
  let sent = 0;
  // Where it waits too long for its own worker, it shows what is known until then.
  for (const deadline = Date.now() + STATUS_MS; sent !== EVENTS && Date.now() < deadline;) {
    const done = await run(cli[0], [...cli.slice(1), 'status', '--json', '--dir', directory], { cwd: project, env });
    if (done.code !== 0) return [`candor status ended with ${done.signal ?? done.code}: ${done.stderr.slice(0, 600)}`];
    sent = JSON.parse(done.stdout).sent.events;
  }
  return sent === EVENTS ? [] : [`candor status says that ${sent} of ${EVENTS} events were sent`];
}

/**
 * Run the probe and judge it.
 * @param {{collector: Collector, pki: (name: string) => string, dir: string}} world
 * @param {{project: string, app: string, target: string, command: string[], cli?: string[], env: NodeJS.ProcessEnv, run?: typeof start, place?: (file: string) => string}} host
 *   command: Node; cli: of the installed package, run by that Node unless given; place: a file as the host names it
 */
async function probe({ collector, pki, dir }, { project, app, target, command, cli = [...command, bin(project)], env, run = start, place = (file) => file }) {
  const options = { app, directory: place(path.join(dir, 'spool', app)), endpoint: collector.url, token: collector.token, mode: 'manual', notice: 'none', machineId: 'package-test', minFreeDiskBytes: 0, requireNative: true };
  fs.mkdirSync(path.join(dir, 'spool'), { recursive: true, mode: 0o700 });
  const given = JSON.stringify({ options, caFile: place(pki('ca.pem')), strangerFile: place(pki('stranger.pem')), count: COUNT, cycles: CYCLES });
  const done = await run(command[0], [...command.slice(1), path.join(project, 'probe.js'), given], { cwd: project, env });
  /** @type {any} */
  let said = {};
  try {
    said = JSON.parse(done.stdout);
  } catch { /* judged below */ }
  if (done.code !== 0) return { version: said.version, problems: [`it ended with ${done.signal ?? done.code}: ${(said.error ?? done.stderr).slice(0, 600)}`] };
  const addon = `node_modules/candor/prebuilds/${target}/candor.node`;
  const problems = [
    (said.kept !== COUNT || said.otel !== true || said.uploaded !== EVENTS || said.error !== null) && `kept ${said.kept} of ${COUNT} and a log record (${said.otel}), and uploaded ${said.uploaded}: ${said.error}`,
    !/certificate|trust/.test(said.refused ?? '') && `a certificate of a stranger was not refused: ${said.refused}`,
    (said.addon?.length !== 1 || said.addon[0] !== addon) && `the binary is not ${addon}: ${said.addon}`,
    said.outside?.length !== 0 && `libraries of the machine were loaded: ${said.outside}`,
    ...Object.entries(said.modules ?? {}).map(([name, same]) => !same && `the ES module ${name} is another module`),
    said.plugins !== true && 'a plugin does not run',
    said.config !== 'retentionDays' && `telemetry.toml does not hold: ${said.config}`,
    said.threads !== true && 'a worker thread failed',
  ].filter((text) => text !== false);
  if (problems.length === 0) {
    const found = (await stored(collector, pki('ca.pem'), app)).length;
    if (found !== EVENTS) problems.push(`the collector stores ${found} of ${EVENTS} events`);
    problems.push(...await cliStatus(project, cli, options.directory, env, run));
  }
  return { version: said.version, problems };
}

/** The poison must bite: the development build, which takes the machine's libraries, dies of it. @param {World} world
 * @param {number} major @param {(dir: string) => {all: Set<string>, preload: string}} poison */
async function control(world, major, poison) {
  const node = nodeBinary('linux-x64', major);
  const dir = path.join(world.dir, 'control');
  const project = await install(dir, world.tarball, node, ['--ignore-scripts']);
  const { all, preload } = poison(world.dir);
  const hiding = path.join(dir, 'poisoned-node');
  hideExports(all, node, hiding);
  const env = { ...bareEnvironment(path.join(dir, 'bin'), dir), LD_PRELOAD: preload, CANDOR_ADDON: path.join(ROOT, 'build', 'addon', 'candor.node') };
  const { stderr, signal } = await start(hiding, ['-e', `const c = require('candor').open({ app: 'control', directory: ${JSON.stringify(path.join(dir, 'spool'))}, mode: 'manual', notice: 'none', requireNative: true }); c.emit('ToolCall', {}); c.flush();`], { cwd: project, env });
  const died = /^poisoned: (\S+)/m.exec(stderr)?.[1];
  return { control: 'the development build in the poisoned host', died_of: died, problems: signal === 'SIGABRT' && died !== undefined ? [] : [`it did not die of the poison: ${signal} ${stderr.slice(0, 600)}`] };
}

/** @typedef {{collector: Collector, pki: (name: string) => string, dir: string, tarball: string}} World */

/** Node of one version, as it is and as a poisoned host. @param {World} world @param {number} major @param {(dir: string) => {all: Set<string>, preload: string}} poison */
async function onX64(world, major, poison) {
  const node = nodeBinary('linux-x64', major);
  const dir = path.join(world.dir, `x64-${major}`);
  const project = await install(dir, world.tarball, node, ['--ignore-scripts']);
  const env = bareEnvironment(path.join(dir, 'bin'), dir);
  const plain = await probe(world, { project, app: `x64-${major}`, target: 'linux-x64', command: [node], cli: [bin(project)], env });
  const { all, preload } = poison(world.dir);
  const hiding = path.join(dir, 'poisoned-node');
  const hidden = hideExports(all, node, hiding);
  const poisoned = await probe(world, { project, app: `poisoned-${major}`, target: 'linux-x64', command: [hiding], env: { ...env, LD_PRELOAD: preload } });
  fs.rmSync(hiding);
  return [
    { node: `${major}.x`, target: 'linux-x64', ...plain },
    { node: `${major}.x`, target: 'linux-x64', host: `its ${hidden} own symbols of OpenSSL and others abort`, ...poisoned },
  ];
}

/** @param {World} world @param {number} major @param {string} emulator */
async function onArm64(world, major, emulator) {
  const dir = path.join(world.dir, `arm64-${major}`);
  const project = await install(dir, world.tarball, nodeBinary('linux-x64', major), ['--ignore-scripts']);
  const command = [emulator, '-L', '/usr/aarch64-linux-gnu', nodeBinary('linux-arm64', major)];
  const result = await probe(world, { project, app: `arm64-${major}`, target: 'linux-arm64', command, env: bareEnvironment(path.join(dir, 'bin'), dir) });
  return { node: `${major}.x`, target: 'linux-arm64', host: 'qemu-user', ...result };
}

/**
 * @param {World} world @param {boolean} built
 * @param {(label: Record<string, unknown>, work: () => Promise<any>) => Promise<void>} attempt
 * @param {(why: string) => void} skip
 */
async function windows(world, built, attempt, skip) {
  const program = wine();
  if (!built || program === null) {
    for (const major of MAJORS_ON_WINE) skip(`win32-x64 on Node ${major}: ${built ? 'wine64 is not installed' : 'not built'}`);
    return;
  }
  const dir = path.join(world.dir, 'wine');
  fs.mkdirSync(dir);
  const machine = new Wine(program, dir);
  try {
    await machine.begin();
    for (const major of MAJORS_ON_WINE) {
      for (const host of HOSTS) await attempt({ node: `${major}.x`, target: 'win32-x64', host }, () => onWine({ ...world, wine: machine, install, probe, events: stored }, major, host));
    }
  } finally {
    await machine.end();
  }
}

/** Made once. */
function poisoner() {
  /** @type {{all: Set<string>, preload: string} | undefined} */
  let made;
  return (/** @type {string} */ dir) => {
    if (made === undefined) {
      const all = names();
      made = { all, preload: makePoison(all, dir) };
    }
    return made;
  };
}

async function main() {
  if (args.help) return console.log('Usage: npm run test:package -- [--target linux-x64|linux-arm64|win32-x64] [--json] [--keep]');
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'candor-package-'));
  const pki = makePki(dir);
  const collector = new Collector({ directory: path.join(dir, 'central'), scheme: 'https', args: ['--uploads-per-minute', '0', '--tls-cert', pki('server.pem'), '--tls-key', pki('server.key')] });
  let failed = 0;
  let passed = 0;
  /** @type {string[]} */
  const skipped = [];
  const note = (/** @type {{problems: string[]}} */ { problems, ...rest }) => {
    const ok = problems.length === 0;
    if (ok) passed += 1;
    else failed += 1;
    report({ ...rest, ok, ...(ok ? {} : { problems }) });
  };
  const skip = (/** @type {string} */ why) => {
    skipped.push(why);
    report({ skipped: why });
  };
  /** One host's trouble is one line, not the end. */
  const attempt = async (/** @type {Record<string, unknown>} */ label, /** @type {() => Promise<any>} */ work) => {
    try {
      for (const result of [await work()].flat()) note(result);
    } catch (error) {
      note({ ...label, problems: [/** @type {Error} */ (error).message] });
    }
  };
  try {
    const packed = pack(dir);
    if (packed.prebuilds.length === 0) throw new Error('the package holds no binary: build them with npm run prebuild');
    report({ package: path.basename(packed.file), bytes: packed.bytes, prebuilds: packed.prebuilds });
    await collector.start();
    const world = { collector, pki, dir, tarball: packed.file };
    const wanted = (/** @type {string} */ target) => (args.target ?? target).split(',').includes(target);
    const has = (/** @type {string} */ target) => packed.prebuilds.includes(`prebuilds/${target}/candor.node`);
    await attempt({ install: 'with scripts allowed' }, async () => {
      await install(path.join(dir, 'allowed'), packed.file, nodeBinary('linux-x64', 22), []);
      return { install: 'with scripts allowed', problems: [] };
    });
    const poison = poisoner();
    for (const major of wanted('linux-x64') ? MAJORS : []) {
      if (has('linux-x64')) await attempt({ node: `${major}.x`, target: 'linux-x64' }, () => onX64(world, major, poison));
      else skip(`linux-x64 on Node ${major}: not built`);
    }
    if (wanted('linux-x64') && has('linux-x64')) await attempt({ control: 'the development build in the poisoned host' }, () => control(world, 22, poison));
    const emulator = qemu();
    for (const major of wanted('linux-arm64') ? MAJORS : []) {
      if (!has('linux-arm64')) skip(`linux-arm64 on Node ${major}: not built`);
      else if (emulator === null) skip(`linux-arm64 on Node ${major}: qemu-user is not installed`);
      else await attempt({ node: `${major}.x`, target: 'linux-arm64' }, () => onArm64(world, major, emulator));
    }
    if (wanted('win32-x64')) await windows(world, has('win32-x64'), attempt, skip);
  } finally {
    await collector.stop();
    if (!args.keep) fs.rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
  report({ ok: failed === 0 && passed > 0, passed, failed, skipped });
  if (failed > 0 || passed === 0) process.exitCode = 1;
}

main().catch((error) => {
  console.error(`test:package: ${error.message}`);
  process.exitCode = 2;
});
