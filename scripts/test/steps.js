'use strict';
// The steps of `npm test`, in order: cheap checks first.
const fs = require('node:fs');
const path = require('node:path');
const { checkLayers } = require('../check-layers.js');
const { cTests } = require('./c-tests.js');
const { root, run, tail } = require('./run.js');

/** @typedef {import('./tally.js').Tally} Tally */
/** @typedef {{verbose: boolean, env?: Record<string, string>}} Options */

/**
 * One command that passes by its exit code.
 * @param {Tally} tally @param {string} name @param {string} command @param {string[]} args
 * @param {Options} options
 */
async function command(tally, name, command, args, options) {
  const { code, output } = await run(command, args, { echo: options.verbose });
  if (code === 0) tally.pass();
  else tally.fail(name, tail(output));
}

/** @param {Tally} tally @param {string[]} targets @param {Options} options */
async function build(tally, targets, options) {
  await command(tally, `build ${targets.join(' ')}`, 'node', ['scripts/build.js', ...targets], options);
}

/** @param {Tally} tally */
function layers(tally) {
  const { files, problems } = checkLayers();
  tally.pass(files - problems.length > 0 ? 1 : 0);
  for (const problem of problems) tally.fail('layers', problem);
}

function cFiles() {
  const found = [];
  const visit = (dir) => {
    for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
      const full = path.join(dir, entry.name);
      if (entry.isDirectory() && entry.name !== 'node_modules') visit(full);
      else if (/\.[ch]$/.test(entry.name)) found.push(path.relative(root, full));
    }
  };
  for (const dir of ['native', 'central', 'tests', 'examples']) visit(path.join(root, dir));
  return found;
}

/** @param {Tally} tally @param {Options} options */
async function style(tally, options) {
  await command(tally, 'clang-format', 'clang-format', ['--dry-run', '-Werror', ...cFiles()], options);
  await command(tally, 'tsc', 'npx', ['--no-install', 'tsc', '-p', 'tsconfig.json', '--noEmit'], options);
  if (fs.existsSync(path.join(root, 'dashboard', 'node_modules'))) await command(tally, 'tsc of the dashboard', 'npx', ['--no-install', 'tsc', '-p', 'dashboard/tsconfig.json'], options);
  else tally.skip('tsc of the dashboard: its npm packages are missing; sh scripts/setup.sh installs them');
  await command(tally, 'tsc of the Electron sample', 'npx', ['--no-install', 'tsc', '-p', 'tests/electron/tsconfig.json'], options);
}

/** node --test: its TAP summary is the count. @param {Tally} tally @param {string[]} files @param {Options} options */
async function nodeTests(tally, files, options) {
  const { code, output } = await run(
    process.execPath,
    ['--test', '--test-reporter=tap', ...files],
    { echo: options.verbose, env: options.env },
  );
  const count = (key) => Number(new RegExp(`^# ${key} (\\d+)`, 'm').exec(output)?.[1] ?? 0);
  tally.pass(count('pass'));
  if (count('skipped') > 0) {
    tally.skip([...output.matchAll(/# SKIP (.*)/g)].map((match) => match[1]).join('; '), count('skipped'));
  }
  const failed = count('fail') + count('cancelled');
  if (failed > 0 || code !== 0) {
    const blocks = output.match(/^ *not ok[^]*?^ *\.\.\.$/gm)?.join('\n'); // with the YAML that says why
    tally.fail('node --test', blocks ?? tail(output, 120), Math.max(failed, 1));
  }
}

/** @param {string} dir */
function testFiles(dir) {
  return fs.readdirSync(path.join(root, dir)).filter((name) => name.endsWith('.test.js')).sort()
    .map((name) => path.join(dir, name));
}

/** A test program that ends with one JSON object; ok decides. */
async function jsonTest(tally, name, args, ok, options) {
  const { code, stdout, output } = await run(process.execPath, args, { echo: options.verbose });
  const line = stdout.trim().split('\n').pop() ?? '';
  let value = null;
  try {
    value = JSON.parse(line);
  } catch {
    /* reported below */
  }
  if (code === 0 && value !== null && ok(value)) tally.pass();
  else tally.fail(name, `exit ${code}: ${tail(output)}`);
}

/** The conformance suite and serving, against the servers that are installed. @param {Tally} tally @param {Options} options */
async function sinks(tally, options) {
  await build(tally, ['release', 'asan'], options);
  const { code, stdout, output } = await run(process.execPath, ['tests/sinks/main.js', '--json'], { echo: options.verbose });
  let value = null;
  try {
    value = JSON.parse(stdout.trim().split('\n').pop() ?? '');
  } catch {
    /* reported below */
  }
  for (const { sink, passed, skipped } of value?.sinks ?? []) {
    tally.pass(passed);
    if (skipped !== undefined) tally.skip(`${sink}: ${skipped}; npm run test:sinks installs it`);
  }
  if (code !== 0 || value?.ok !== true) tally.fail('test:sinks', tail(output, 80));
  await nodeTests(tally, testFiles('tests/sinks'), options);
}

const steps = [
  { name: 'layers', about: 'dependencies point one way', run: async (tally) => layers(tally) },
  { name: 'build', about: 'collector and addon, gcc', run: (tally, options) => build(tally, ['release', 'addon'], options) },
  { name: 'fresh', about: 'generated files are up to date', run: async (tally, options) => {
    await command(tally, 'generate --check', 'node', ['scripts/generate.js', '--check'], options);
    await command(tally, 'check-limits', 'node', ['scripts/check-limits.js'], options);
    await command(tally, 'check-links', 'node', ['scripts/check-links.js'], options);
  } },
  { name: 'style', about: 'clang-format, tsc --checkJs', run: style },
  { name: 'c-asan', about: 'C tests under ASan and UBSan, clang', run: (tally, options) => cTests(tally, 'asan', [], options) },
  { name: 'c-tsan', about: 'C tests of plat, net and client under TSan, clang', run: (tally, options) => cTests(tally, 'tsan', ['plat', 'net', 'client'], options) },
  { name: 'c-darwin', about: 'C tests of plat with its files for macOS, over Linux', run: (tally, options) => cTests(tally, 'darwin', [], options) },
  { name: 'js', about: 'addon, JS API, CLI', run: (tally, options) => nodeTests(tally, testFiles('tests/js'), options) },
  { name: 'e2e', about: 'real collector over HTTP and TLS', run: (tally, options) => nodeTests(tally, testFiles('tests/e2e'), options) },
  { name: 'e2e-tsan', about: 'a collector under TSan: reloading, and texts in parts from many senders', run: async (tally, options) => {
    await build(tally, ['tsan'], options);
    await nodeTests(tally, ['tests/e2e/central-reload.test.js', 'tests/e2e/central-uploads.test.js'],
      { ...options, env: { CANDOR_CENTRAL_BINARY: path.join(root, 'build', 'tsan', 'candor-central') } }); // a report in its log fails the test
  } },
  { name: 'sinks', about: 'every sink against its real server, where it is installed', run: sinks },
  { name: 'ops', about: 'systemd unit, Prometheus, Grafana queries, compose, where they are installed', run: (tally, options) => nodeTests(tally, testFiles('tests/ops'), options) },
  { name: 'encrypted', about: 'the collector that encrypts its databases, where it was built before', run: async (tally, options) => {
    if (fs.existsSync(path.join(root, 'build', 'encrypted', 'candor-central-encrypted'))) await build(tally, ['release', 'encrypted'], options);
    await nodeTests(tally, testFiles('tests/encrypted'), options);
  } },
  { name: 'prebuild', about: 'checks of prebuilt binaries', run: (tally, options) => nodeTests(tally, testFiles('tests/prebuild'), options) },
  { name: 'package', about: 'the packed package, installed without a compiler on Node 18 to 24', run: async (tally, options) => {
    if (fs.existsSync(path.join(root, 'prebuilds'))) await jsonTest(tally, 'test:package', ['tests/package/main.js', '--json'], (value) => value.ok === true, options);
    else tally.skip('test:package: there are no prebuilt binaries; npm run prebuild builds them');
  } },
  { name: 'hostile', about: 'the shipped binary in hosts whose own OpenSSL, zlib, SQLite and libcurl abort', run: async (tally, options) => {
    if (fs.existsSync(path.join(root, 'prebuilds', 'linux-x64'))) await jsonTest(tally, 'test:hostile-host', ['tests/hostile-host/main.js', '--json'], (value) => value.ours === 'pass' && value.problems.length === 0, options);
    else tally.skip('test:hostile-host: there is no prebuilds/linux-x64; npm run prebuild builds it');
  } },
  { name: 'vscode', about: 'the sample extension in a real VS Code', run: (tally, options) => nodeTests(tally, testFiles('tests/vscode'), options) },
  { name: 'embed', about: 'libcandor installed, the example program built against it', run: async (tally, options) => {
    await build(tally, ['embed'], options);
    await nodeTests(tally, testFiles('tests/embed'), options);
  } },
  { name: 'crash', about: 'SIGKILL of app and collector', run: (tally, options) => jsonTest(tally, 'test:crash', ['tests/crash/main.js', '--rounds', '12', '--json'], (value) => value.lost === 0 && value.duplicates === 0 && value.kept > 0, options) },
  { name: 'consent', about: 'off in one of three processes silences all', run: (tally, options) => jsonTest(tally, 'test:consent', ['tests/consent/main.js', '--json'], (value) => value.silent_ms < 1000 && value.bytes_left === 0 && value.sockets_after === 0, options) },
  { name: 'windows', about: 'eight processes on one spool, random kills', run: (tally, options) => jsonTest(tally, 'test:windows', ['tests/windows/main.js', '--kills', '12', '--json'], (value) => value.lost === 0 && value.duplicates === 0 && value.uploaders_max === 1 && value.kept > 0, options) },
  { name: 'overload', about: 'four times the sustainable load and slow clients', run: (tally, options) => jsonTest(tally, 'test:overload', ['tests/overload/main.js', '--seconds', '6', '--connections', '2500', '--resets', '1000000', '--json'], (value) => value.ok === true, options) },
  { name: 'leak', about: 'planted secrets are found nowhere', run: async (tally, options) => {
    await build(tally, ['hooks', 'addon-hooks'], options);
    await jsonTest(tally, 'test:leak', ['tests/leak/main.js', '--json'], (value) => value.found === 0 && value.planted > 0, options);
  } },
  { name: 'otel', about: 'OpenTelemetry SDKs with our exporters; spans survive SIGKILL', run: async (tally, options) => {
    await nodeTests(tally, testFiles('tests/otel'), options);
    for (const processor of ['simple', 'batch']) {
      await jsonTest(tally, `test:otel-durable ${processor}`, ['tests/otel/durable.js', '--json', '--processor', processor], (value) => value.stored === 10000 && value.lost === 0 && value.duplicates === 0, options);
    }
  } },
  { name: 'dashboard', about: 'the dashboard in Chromium, over a month of events', run: (tally, options) => nodeTests(tally, testFiles('tests/dashboard'), options) },
  { name: 'electron', about: 'the sample behind the real preload, in Chromium', run: (tally, options) => nodeTests(tally, testFiles('tests/electron'), options) },
];

module.exports = { steps };
