'use strict';
// npm run test:leak: plants secrets of every kind in every place of a payload, sends the events through
// the whole pipe, then searches journal, spool, state.db, the collector's database, all logs and the
// captured wire for each. Then the same with redaction switched off in a test build: the same search
// must find them, or it proves nothing.
const { fork } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { Collector } = require('../../scripts/support/collector.js');
const { recordingProxy } = require('./proxy.js');
const { readAll, search } = require('./search.js');
const { plantSecrets } = require('./secrets.js');

const { values: args } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const root = path.join(__dirname, '..', '..');
const BUILDS = {
  release: { addon: path.join(root, 'build/addon/candor.node'), collector: path.join(root, 'build/release/candor-central'), env: {} },
  hooks: { addon: path.join(root, 'build/addon-hooks/candor.node'), collector: path.join(root, 'build/hooks/candor-central'), env: { CANDOR_TEST_REDACT_OFF: '1' } },
};

/** The app in its own process, so that its stdout and stderr are captured whole. */
async function runApp(build, directory, endpoint, token, secrets, journalCopy) {
  const child = fork(path.join(__dirname, 'app.js'), [], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, ...build.env, CANDOR_ADDON: build.addon, CANDOR_DEBUG: 'stderr', TELEMETRY_TOKEN: token },
  });
  let printed = '';
  child.stdout?.on('data', (data) => { printed += data; });
  child.stderr?.on('data', (data) => { printed += data; });
  child.send({ directory, endpoint, secrets, journalCopy });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`the app ended with ${code}: ${printed}`);
  return printed;
}

async function pass(name, secrets) {
  const build = BUILDS[name];
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), `candor-leak-${name}-`));
  const spool = path.join(scratch, 'spool');
  const journalCopy = path.join(scratch, 'copies');
  fs.mkdirSync(journalCopy);
  const collector = new Collector({
    directory: path.join(scratch, 'central'), binary: build.collector, env: build.env,
    args: ['--uploads-per-minute', '100000'],
  });
  await collector.start();
  const proxy = await recordingProxy(() => collector.port);
  const printed = await runApp(build, spool, `http://127.0.0.1:${proxy.port}`, collector.token, secrets, journalCopy);
  const stored = (await collector.get('/api/telemetry/stats')).events.total;
  const answers = [];
  for await (const event of collector.events()) answers.push(JSON.stringify(event));
  const live = readAll(path.join(scratch, 'central'));
  await collector.stop();
  proxy.close();
  const places = {
    journal: readAll(path.join(journalCopy, 'journal')),
    spool: readAll(path.join(journalCopy, 'spool')),
    'state.db': readAll(spool).concat(readAll(journalCopy, (file) => /state\.db/.test(file))),
    'collector database': live.concat(readAll(path.join(scratch, 'central'))),
    'collector answers': [Buffer.from(answers.join('\n'))],
    logs: [Buffer.from(printed), Buffer.from(collector.log)],
    wire: [proxy.bytes()],
  };
  for (const place of ['journal', 'spool', 'wire', 'collector database']) {
    if (places[place].every((bytes) => bytes.length === 0)) throw new Error(`${place} is empty: nothing was searched`);
  }
  const found = search(secrets, places);
  if (!args.keep) fs.rmSync(scratch, { recursive: true, force: true });
  return { found, stored };
}

async function main() {
  if (args.help) {
    console.log('Usage: npm run test:leak -- [--json] [--keep]');
    return;
  }
  if (!fs.existsSync(BUILDS.hooks.addon) || !fs.existsSync(BUILDS.hooks.collector)) {
    throw new Error('the test build is missing: node scripts/build.js hooks addon-hooks');
  }
  const secrets = plantSecrets();
  const clean = await pass('release', secrets);
  const control = await pass('hooks', secrets);
  const MUST_FIND = ['journal', 'spool', 'wire', 'collector database', 'collector answers'];
  const blind = secrets.flatMap(({ kind }) => MUST_FIND
    .filter((place) => !control.found.some((hit) => hit.place === place && hit.kind === kind))
    .map((place) => `${kind} in ${place}`));
  const line = {
    planted: secrets.length, found: clean.found.length, events: clean.stored,
    control_found: control.found.length, control_missed: blind.length,
  };
  if (args.json) console.log(JSON.stringify(line));
  else console.table([line]);
  for (const { place, kind } of clean.found) console.error(`leak: ${kind} in ${place}`);
  for (const missed of blind) console.error(`the search is blind: with redaction off it did not find ${missed}`);
  if (clean.found.length > 0 || blind.length > 0 || clean.stored === 0) process.exitCode = 1;
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
