'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { ROOT, quiet, openClient, schemaOf } = require('./helper');
const { APP, appThatRan, fakeCollector } = require('./cli-helper');

const of = (report, check) => report.findings.filter((finding) => finding.check === check);
const levels = (report, check) => of(report, check).map((finding) => finding.level);
/** Everything below a directory, with what is in it. */
const snapshot = (dir) => fs.readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  .map((entry) => path.join(entry.parentPath, entry.name)).sort().map((file) => [file, fs.readFileSync(file).toString('base64')]);

test('an app that is well gets no warning and exit code 0', async (t) => {
  const { cli, json } = await appThatRan(t);
  const report = await json(['doctor']);
  assert.equal(report.ok, true, JSON.stringify(report));
  assert.deepEqual(report.findings.filter((finding) => ['warn', 'fail'].includes(finding.level)), []);
  for (const check of ['consent', 'permissions', 'disk', 'clock', 'processes', 'quarantine', 'backlog', 'schema', 'losses', 'settings', 'proxy', 'certificates', 'endpoint', 'token']) {
    assert.ok(of(report, check).length > 0, check);
  }
  const text = await cli(['doctor']);
  assert.match(text.stdout, /All is well\.\n$/);
  assert.ok(!text.stdout.includes('\u001b'));
});

test('files that others may read are a problem with exit code 3, and what to do', async (t) => {
  const { directory, json } = await appThatRan(t);
  fs.chmodSync(path.join(directory, 'salt'), 0o644);
  const report = await json(['doctor'], {}, 3);
  assert.deepEqual(levels(report, 'permissions'), ['fail']);
  assert.match(of(report, 'permissions')[0].text, /salt/);
  assert.match(of(report, 'permissions')[0].todo, /chmod/);
  assert.equal(report.ok, false);
});

test('too little disk for minFreeDiskBytes is a problem', async (t) => {
  const { json } = await appThatRan(t);
  const { disk } = require('../../js/cli/doctor/directory');
  assert.deepEqual(levels(await json(['doctor']), 'disk'), ['ok']);
  assert.equal(disk('/', Number.MAX_SAFE_INTEGER)[0].level, 'fail');
  assert.equal(disk('/does/not/exist', 1)[0].level, 'warn');
});

test('a file from the future means that the clock jumped', async (t) => {
  const { directory, json } = await appThatRan(t);
  const ahead = Date.now() / 1000 + 7200;
  fs.utimesSync(path.join(directory, 'salt'), ahead, ahead);
  const [clock] = of(await json(['doctor']), 'clock');
  assert.equal(clock.level, 'warn');
  assert.match(clock.text, /(119|120) minutes/);
});

test('journals of a process that was killed are seen, and nothing of them is lost', async (t) => {
  const { directory, cli, json } = await appThatRan(t, { events: 0 });
  const script = `const c = require(${JSON.stringify(path.join(ROOT, 'js'))}).open(${JSON.stringify(quiet(directory, { app: APP, batchIntervalMs: 86400000 }))});
    c.emit('ToolCall', { toolName: 'x' }); console.log('kept'); setInterval(() => {}, 1e6);`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const living = await json(['doctor']);
  assert.match(of(living, 'processes')[0].text, /hold \d+ journals?\./);
  assert.deepEqual(of(living, 'journal'), []);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const dead = await json(['doctor']);
  assert.match(of(dead, 'processes')[0].text, /No process/);
  assert.match(of(dead, 'journal')[0].text, /^\d+ journals? of processes that ended/);
  assert.match((await cli(['preview'])).stdout, /ToolCall/, 'nothing is lost');
});

test('what is in quarantine is named, what was lost is counted by reason with what to do', async (t) => {
  const { directory, json } = await appThatRan(t, { before: (client) => { client.emit('NoSuchEvent', {}); } });
  fs.mkdirSync(path.join(directory, 'quarantine'), { recursive: true, mode: 0o700 });
  const name = `${Date.now()}-${crypto.randomUUID()}.jsonl.gz`;
  fs.writeFileSync(path.join(directory, 'quarantine', name), 'broken', { mode: 0o600 });
  const report = await json(['doctor']);
  assert.match(of(report, 'quarantine')[0].text, new RegExp(name));
  const [loss] = of(report, 'losses');
  assert.match(loss.text, /^1 event not kept: unknown_event/);
  assert.match(loss.todo, /NODE_DEBUG=candor/);
});

test('encrypted batches, which the command line has no key for, are a warning and no problem', async (t) => {
  const { json } = await appThatRan(t, {
    options: { encryptSpool: true }, before: (client) => client.setKeys([{ id: 'k1', key: crypto.randomBytes(32) }]),
  });
  const report = await json(['doctor']);
  assert.match(of(report, 'encryption')[0].text, /^1 batch encrypted/);
  assert.deepEqual(of(report, 'directory'), []);
  assert.match((await json(['status'])).worker.error, /key/, 'the client does speak of it');
});

test('every reason for a loss has its advice', () => {
  const { LOSSES } = require('../../js/cli/doctor/report');
  const status = fs.readFileSync(path.join(ROOT, 'docs', 'status.md'), 'utf8').split('## `dropped`')[1].split('\n## ')[0];
  const reasons = [...status.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]);
  assert.ok(reasons.length > 10);
  for (const reason of reasons) assert.ok(LOSSES[reason], reason);
});

test('another schema than the one that recorded, and an event that has expired, are warned of', async (t) => {
  const { dir, json } = await appThatRan(t);
  const file = path.join(dir, 'schema.json');
  fs.writeFileSync(file, JSON.stringify(schemaOf({ n: { kind: 'int' } }, { expires: '2020-01-01' })));
  const schema = of(await json(['doctor', '--schema', file]), 'schema');
  assert.match(schema[0].text, /^1 batch was recorded with another schema/);
  assert.match(schema[1].text, /"Sample" expired on 2020-01-01/);
});

test('a settings file that cannot be used is a problem', async (t) => {
  const { directory, json } = await appThatRan(t);
  fs.writeFileSync(path.join(directory, 'telemetry.toml'), '[telemetry]\nenabeld = true\n');
  const [settings] = of(await json(['doctor'], {}, 3), 'settings');
  assert.equal(settings.level, 'fail');
  assert.match(settings.text, /enabeld/);
});

test('the collector is asked for its health, and with an upload of nothing for the token; no event is sent', async (t) => {
  const { directory, json } = await appThatRan(t);
  const collector = await fakeCollector(t, (request) => (request.method === 'POST'
    ? { json: { accepted: 0, duplicates: 0, rejected: 0, schema: { hash: 'x', match: false } } } : undefined));
  const before = snapshot(path.join(directory, 'spool'));
  const report = await json(['doctor', '--endpoint', collector.url], { TELEMETRY_TOKEN: 'cnd_t' });
  assert.deepEqual(collector.requests.map(({ method, url }) => `${method} ${url}`), ['GET /api/v1/health', 'POST /api/v1/events']);
  const [health, upload] = collector.requests;
  assert.equal(health.headers.authorization, undefined, 'health is public');
  assert.equal(upload.headers.authorization, 'Bearer cnd_t');
  assert.equal(upload.body.toString(), '[]');
  assert.match(upload.headers['candor-schema-hash'], /^[0-9a-f]{16,}$/);
  assert.deepEqual([levels(report, 'endpoint'), levels(report, 'token')], [['ok'], ['ok']]);
  assert.deepEqual(levels(report, 'clock'), ['ok', 'ok']);
  assert.deepEqual(levels(report, 'schema'), ['ok', 'warn'], 'the collector has another one');
  assert.deepEqual(snapshot(path.join(directory, 'spool')), before);
});

test('what the collector answers is told apart', async (t) => {
  const { json } = await appThatRan(t);
  let answers = {};
  const collector = await fakeCollector(t, (request) => answers[request.method]);
  const ask = (code) => json(['doctor', '--endpoint', collector.url], {}, code);
  const date = (ms) => ({ headers: { date: new Date(Date.now() + ms).toUTCString() } });
  answers = { POST: { status: 401 } };
  assert.match(of(await ask(3), 'token')[0].text, /refuses the token.*No token is set/);
  answers = { POST: { status: 403 } };
  assert.match(of(await ask(3), 'token')[0].text, /ingest/);
  answers = { POST: { status: 429 } };
  assert.equal(of(await ask(0), 'token')[0].level, 'warn');
  answers = { GET: { status: 503, json: { reason: 'disk_low' } } };
  assert.match(of(await ask(0), 'endpoint')[0].text, /disk_low/);
  answers = { GET: { status: 404 } };
  assert.match(of(await ask(3), 'endpoint')[0].text, /not like a collector/);
  answers = { GET: date(3600e3) };
  assert.match(of(await ask(0), 'clock')[1].text, /60 minutes behind/);
  answers = { GET: date(-86400e3 * 2) };
  assert.match(of(await ask(3), 'clock')[1].text, /ahead of/);
});

test('an endpoint that cannot be reached is a problem with its cause', async (t) => {
  const { json } = await appThatRan(t);
  const report = await json(['doctor', '--endpoint', 'http://127.0.0.1:9'], {}, 3);
  assert.match(of(report, 'endpoint')[0].text, /cannot connect/);
  assert.deepEqual(levels(report, 'token'), ['skip']);
});

test('nobody is asked while telemetry is off, nor with --offline', async (t) => {
  const { json } = await appThatRan(t);
  const collector = await fakeCollector(t);
  await json(['doctor', '--endpoint', collector.url], { DO_NOT_TRACK: '1' });
  await json(['doctor', '--endpoint', collector.url, '--offline']);
  assert.deepEqual(collector.requests, []);
});

test('proxy and certificates: what cannot work is a problem, and a password is not shown', async (t) => {
  const { dir, json } = await appThatRan(t);
  const good = await json(['doctor'], { HTTPS_PROXY: 'http://bob:hunter2@proxy.example:3128' });
  assert.match(of(good, 'proxy')[0].text, /proxy\.example/);
  assert.ok(!JSON.stringify(good).includes('hunter2'));
  assert.deepEqual(levels(await json(['doctor'], { HTTPS_PROXY: 'ftp://proxy' }, 3), 'proxy'), ['fail']);
  const file = path.join(dir, 'roots.pem');
  fs.writeFileSync(file, 'nothing');
  assert.match(of(await json(['doctor', '--ca-file', file], {}, 3), 'certificates')[0].text, /no certificate/);
  fs.writeFileSync(file, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
  assert.match(of(await json(['doctor', '--ca-file', file], {}, 3), 'certificates')[0].text, /damaged/);
  assert.deepEqual(levels(await json(['doctor', '--ca-file', path.join(dir, 'none.pem')], {}, 1).catch(() => json(['doctor', '--ca-file', path.join(dir, 'none.pem')], {}, 3)), 'certificates'), ['fail']);
});

test('a second process that is open holds a journal', async (t) => {
  const client = openClient(t);
  const { native } = require('../../js/native').load();
  const { segments } = JSON.parse(native.inspect(client.status().directory));
  assert.deepEqual(segments.map((segment) => segment.alive), segments.map(() => true));
  assert.ok(segments.length > 0);
});
