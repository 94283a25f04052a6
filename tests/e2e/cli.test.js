'use strict';
// The command line against the real collector: what it uploads arrives once, and what it says is so.

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { Central, TOKEN } = require('./central-support');
const { appThatRan } = require('../js/cli-helper');
const { makeCa, makeServer } = require('../support/pki');

/** A part of the day that holds now, and one that does not. */
function windows() {
  const text = (hours) => `${String((new Date().getHours() + hours + 24) % 24).padStart(2, '0')}:00`;
  return { now: `${text(-1)}-${text(2)}`, later: `${text(4)}-${text(6)}` };
}

async function setUp(t, more) {
  const central = await Central.start(t);
  const app = await appThatRan(t, more);
  const env = { TELEMETRY_ENDPOINT: central.url, TELEMETRY_TOKEN: TOKEN };
  return { central, ...app, json: (args, code) => app.json(args, env, code), cli: (args) => app.cli(args, env) };
}

test('preview, dry run, upload and ledger tell the same, and the events arrive once', async (t) => {
  const { central, cli, json } = await setUp(t, { events: 3 });
  const preview = (await cli(['preview'])).stdout;
  const ids = preview.trim().split('\n').map((line) => JSON.parse(line).event_id);
  const plan = await json(['upload', '--dry-run']);
  assert.deepEqual([plan.dry_run, plan.batches, plan.events], [true, 1, 3]);
  assert.deepEqual(await central.ids(), [], 'a dry run sends nothing');
  const done = await json(['upload']);
  assert.deepEqual([done.uploaded, done.events, done.pending, done.error], [1, 3, 0, null]);
  assert.deepEqual((await central.ids()).sort(), ids.sort());
  const { entries } = await json(['ledger']);
  assert.equal(entries.length, 1);
  assert.deepEqual([entries[0].events, entries[0].accepted, entries[0].bytes], [3, 3, plan.bytes]);
  assert.match((await cli(['ledger'])).stdout, /entry +sent at[\s\S]*\n +1 /);
  assert.deepEqual((await json(['ledger', '--verify'])).ok, true);
});

test('a ledger that somebody has changed is exit code 1, and a problem to doctor', async (t) => {
  const { directory, cli, json } = await setUp(t);
  await json(['upload']);
  const file = path.join(directory, 'ledger.jsonl');
  fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('"events":2', '"events":1'));
  const verify = await cli(['ledger', '--verify']);
  assert.equal(verify.code, 1);
  assert.match(verify.stderr, /the ledger is broken at entry 1/);
  const { findings } = await json(['doctor'], 3);
  assert.equal(findings.find((finding) => finding.check === 'ledger').level, 'fail');
  fs.appendFileSync(file, '\n'.repeat(2 ** 20));
  const large = await cli(['ledger', '--verify']);
  assert.equal(large.code, 1);
  assert.match(large.stderr, /^candor: the ledger cannot be proved: ledger\.jsonl is larger than/);
  assert.equal(large.stdout, '');
  assert.equal((await json(['ledger'])).entries.length, 0); // its last lines are empty
});

test('an export is reviewed, sent with --file, and leaves the spool as it was', async (t) => {
  const { dir, central, cli, json } = await setUp(t);
  const output = path.join(dir, 'rc-metrics.json');
  const done = await json(['export', '--output', output]);
  assert.deepEqual([done.path, done.events], [output, 2]);
  assert.equal(fs.statSync(output).mode & 0o777, 0o600);
  assert.equal(JSON.parse(fs.readFileSync(output, 'utf8')).events.length, 2);
  assert.equal((await json(['status'])).spool.events, 2);
  assert.equal((await json(['export', '--output', output, '--since', '2090-01-01'])).events, 0);
  fs.writeFileSync(output, '{"schema_version":"9"}');
  const refused = await cli(['upload', '--file', output]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /schema_version/);
  assert.deepEqual(await central.ids(), []);
});

test('upload --since leaves older batches', async (t) => {
  const { json } = await setUp(t);
  assert.deepEqual((await json(['upload', '--since', '2090-01-01'])).uploaded, 0);
  assert.deepEqual((await json(['upload', '--since', '24h'])).uploaded, 1);
});

test('upload --auto --from uploads within the window only, and not while the mode or telemetry is off', async (t) => {
  const { central, cli, json } = await setUp(t);
  const { now, later } = windows();
  const outside = await cli(['upload', '--auto', '--from', later]);
  assert.equal(outside.code, 0, outside.stderr);
  assert.match(outside.stdout, new RegExp(`it is not ${later} now`));
  await json(['mode', 'off']);
  assert.match((await json(['upload', '--auto', '--from', now])).skipped, /mode is off/);
  await json(['mode', 'manual']);
  await json(['off']);
  assert.match((await json(['upload', '--auto'])).skipped, /telemetry is off/);
  await json(['on']);
  assert.deepEqual((await central.ids()), []);
  assert.equal((await json(['upload', '--auto', '--from', now])).error, null);
});

test('upload --auto --from within the window sends what waits', async (t) => {
  const { central, json } = await setUp(t);
  assert.equal((await json(['upload', '--auto', '--from', windows().now])).events, 2);
  assert.equal((await central.ids()).length, 2);
});

test('options of upload that contradict each other are wrong usage', async (t) => {
  const { cli } = await setUp(t);
  for (const args of [['--from', '22:00-06:00'], ['--file', 'x', '--since', '1d'], ['--file', 'x', '--dry-run'], ['--auto', '--from', 'night']]) {
    assert.equal((await cli(['upload', ...args])).code, 2, args.join(' '));
  }
});

test('doctor finds the real collector well, its token good, its schema the same; nothing is stored', async (t) => {
  const { central, json, cli } = await setUp(t);
  const { findings } = await json(['doctor']);
  const text = (check) => findings.filter((finding) => finding.check === check).map((finding) => `${finding.level} ${finding.text}`).join('\n');
  assert.match(text('endpoint'), /^ok/);
  assert.match(text('token'), /^ok/);
  assert.match(text('clock'), /ok The clock agrees/);
  assert.match(text('schema'), /ok The collector has the same schema/);
  assert.deepEqual(await central.ids(), []);
  const wrong = await cli(['doctor', '--token', 'cnd_00000000_0000']);
  assert.equal(wrong.code, 3);
  assert.match(wrong.stdout, /fail +token +The collector refuses the token/);
});

test('doctor tells of a certificate that is not trusted, and --ca-file mends it', async (t) => {
  const app = await appThatRan(t);
  const file = (name) => path.join(app.dir, name);
  makeCa(app.dir, 'ca');
  makeServer(app.dir, 'ca', 'server');
  const central = await Central.start(t, { args: ['--tls-cert', file('server.pem'), '--tls-key', file('server.key')] });
  const env = { TELEMETRY_ENDPOINT: `https://127.0.0.1:${central.port}`, TELEMETRY_TOKEN: TOKEN, NO_PROXY: '127.0.0.1' };
  const found = (report) => report.findings.find((finding) => finding.check === 'endpoint');
  const untrusted = found(await app.json(['doctor'], env, 3));
  assert.equal(untrusted.level, 'fail');
  assert.match(untrusted.text, /certificate/);
  const report = await app.json(['doctor', '--ca-file', file('ca.pem')], env);
  assert.equal(found(report).level, 'ok');
  assert.match(report.findings.find((finding) => finding.check === 'certificates').text, /1 certificate\./);
});
