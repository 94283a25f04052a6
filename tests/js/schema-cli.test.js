'use strict';
// candor schema: as a person or a CI job runs it.

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { ROOT, tempDir, run, schemaOf } = require('./helper');

const MAIN = path.join(ROOT, 'js', 'cli', 'main.js');
const FIELDS = { plain: { kind: 'bool' }, size: { kind: 'bucket', bounds: [0, 10], unit: 'files' }, who: { kind: 'hash', note: 'The *name* | hashed' } };

/** A directory with a schema file. */
function place(t, schema = schemaOf(FIELDS)) {
  const dir = tempDir(t);
  const file = path.join(dir, 'acme.json');
  const write = (value) => fs.writeFileSync(file, JSON.stringify(value, null, 2));
  write(schema);
  return { dir, file, write, cli: (...args) => run([MAIN, 'schema', ...args], { dir }) };
}

function git(dir, ...args) {
  const who = ['-c', 'user.name=t', '-c', 'user.email=t@example.invalid', '-c', 'commit.gpgsign=false'];
  return execFileSync('git', ['-C', dir, ...who, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
}

test('check of the default catalogue is fine', async (t) => {
  const { cli } = place(t);
  const done = await cli('check', '--today', '2026-11-21');
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, /candor-default, version \d+, notice \d+, \d+ events: fine/);
});

test('check says file, line, column and the nearest word for a mistake', async (t) => {
  const { cli, file, write } = place(t);
  write(schemaOf(FIELDS, { sampel: 0.5 }));
  const done = await cli('check', '--schema', file);
  assert.equal(done.code, 1);
  assert.equal(done.stdout, '');
  assert.match(done.stderr, /acme\.json:\d+:\d+: unknown key "sampel" in an event, did you mean "sample"\?/);
});

for (const key of ['owner', 'purpose', 'expires', 'level']) {
  test(`check refuses an event without ${key}`, async (t) => {
    const schema = schemaOf(FIELDS);
    delete schema.events.Sample[key];
    const { cli, file } = place(t, schema);
    const done = await cli('check', '--schema', file);
    assert.equal(done.code, 1);
    assert.match(done.stderr, new RegExp(`acme\\.json:\\d+:\\d+: .*"${key}"`));
  });
}

test('an event is fine on the day it expires, and an error with its line the day after', async (t) => {
  const schema = schemaOf({ expires: { kind: 'bool' } }, { expires: '2026-11-21' });
  const { cli, file } = place(t, schema);
  const lines = fs.readFileSync(file, 'utf8').split('\n');
  const line = lines.findIndex((text) => text.includes('2026-11-21')) + 1;
  assert.equal((await cli('check', '--schema', file, '--today', '2026-11-21')).code, 0);
  const done = await cli('check', '--schema', file, '--today', '2026-11-22');
  assert.equal(done.code, 1);
  assert.match(done.stderr, new RegExp(`acme\\.json:${line}:${lines[line - 1].indexOf('"') + 1}: event "Sample" expired on 2026-11-21`));
});

test('check --against names each change and what is missing', async (t) => {
  const { cli, dir, file, write } = place(t);
  const old = path.join(dir, 'old.json');
  fs.copyFileSync(file, old);
  assert.match((await cli('check', '--schema', file, '--against', old)).stdout, /Nothing changed/);
  const next = schemaOf({ ...FIELDS, size: { kind: 'bucket', bounds: [0, 5, 10] }, title: { kind: 'text' } });
  delete next.events.Sample.fields.plain;
  write(next);
  const refused = await cli('check', '--schema', file, '--against', old);
  assert.equal(refused.code, 1);
  assert.match(refused.stdout, /^widened +Sample\.size has finer classes: new bounds 5$/m);
  assert.match(refused.stdout, /^widened, about people +Sample\.title is a new field: text, up to 512 bytes$/m);
  assert.match(refused.stdout, /^narrowed +Sample\.plain is no longer collected$/m);
  assert.match(refused.stderr, /"version" must be raised above 1: 2 changes to collect more/);
  assert.match(refused.stderr, /"notice" must be raised above 1: 1 change to learn more about people/);
  write({ ...next, version: 2, notice: 2 });
  const done = await cli('check', '--schema', file, '--against', old);
  assert.equal(done.code, 0, done.stderr);
});

test('check --json holds the verdict', async (t) => {
  const { cli, dir, file, write } = place(t);
  const old = path.join(dir, 'old.json');
  fs.copyFileSync(file, old);
  write({ ...schemaOf({ ...FIELDS, title: { kind: 'text' } }), version: 2 });
  const done = await cli('check', '--schema', file, '--against', old, '--json');
  assert.equal(done.code, 1);
  const report = JSON.parse(done.stdout);
  assert.deepEqual([report.ok, report.compared, report.version, report.missing.length, report.expired], [false, true, 2, 1, []]);
  assert.deepEqual(report.changes, [{ at: 'Sample.title', direction: 'widened', person: true, text: 'is a new field: text, up to 512 bytes' }]);
});

test('check --git compares with a revision, and says when the file is new', async (t) => {
  const { cli, dir, file, write } = place(t);
  git(dir, 'init', '-q');
  git(dir, 'commit', '-q', '--allow-empty', '-m', 'none');
  const fresh = await cli('check', '--schema', file, '--git', 'HEAD', '--json');
  assert.equal(fresh.code, 0, fresh.stderr);
  assert.equal(JSON.parse(fresh.stdout).compared, false);
  git(dir, 'add', 'acme.json');
  git(dir, 'commit', '-q', '-m', 'schema');
  write(schemaOf({ ...FIELDS, title: { kind: 'text' } }));
  const refused = await cli('check', '--schema', file, '--git', 'HEAD');
  assert.equal(refused.code, 1);
  assert.match(refused.stdout, /Sample\.title is a new field/);
  for (const [ref, code] of [['no-such-branch', 1], ['--output=x', 2], ['', 2]]) {
    const done = await cli('check', '--schema', file, `--git=${ref}`);
    assert.equal(done.code, code, `${ref}: ${done.stderr}`);
    assert.ok(!done.stderr.includes('    at '), done.stderr);
  }
});

test('wrong usage is a sentence and exit code 2', async (t) => {
  const { cli, dir, file } = place(t);
  for (const args of [[], ['frobnicate'], ['check', 'more'], ['check', '--output', 'x'], ['types', '--git', 'HEAD'], ['docs', '--today', '2026-01-01'],
    ['check', '--today', 'soon'], ['check', '--today', '2026-02-30'], ['check', '--app', 'x'],
    ['check', '--schema', file, '--against', file, '--git', 'HEAD']]) {
    const done = await cli(...args);
    assert.equal(done.code, 2, `${args.join(' ')}: ${done.stderr}`);
    assert.match(done.stderr, /^candor: /);
  }
  const missing = await cli('check', '--schema', path.join(dir, 'none.json'));
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /cannot read schema file.*none\.json/);
});

test('what is generated goes to stdout, or into --output', async (t) => {
  const { cli, dir, file } = place(t);
  for (const verb of ['types', 'docs', 'vscode', 'jsonschema']) {
    const out = path.join(dir, `out.${verb}`);
    const shown = await cli(verb, '--schema', file);
    assert.equal(shown.code, 0, shown.stderr);
    const written = await cli(verb, '--schema', file, '--output', out, '--json');
    assert.deepEqual(JSON.parse(written.stdout), { output: out, bytes: Buffer.byteLength(shown.stdout) });
    assert.equal(fs.readFileSync(out, 'utf8'), shown.stdout);
    assert.equal(JSON.parse((await cli(verb, '--schema', file, '--json')).stdout).text, shown.stdout);
  }
  const failed = await cli('types', '--schema', file, '--output', path.join(dir, 'no', 'such', 'directory'));
  assert.equal(failed.code, 1);
  assert.match(failed.stderr, /cannot write/);
});

test('docs names every field in words, and text of the schema stays text', async (t) => {
  const { cli, file } = place(t);
  const { stdout } = await cli('docs', '--schema', file);
  assert.match(stdout, /^\| `plain` \| Yes or no \|/m);
  assert.match(stdout, /^\| `size` \| A size class in files: 0; 10 \| Only the class is kept/m);
  assert.match(stdout, /^\| `who` \| A code that stands for a value \| Hashed on the machine .* \| The \\\*name\\\* \\\| hashed \|$/m);
  for (const word of ['owner: tests', '2099-12-31', '`usage`', 'T-1', '`machine_id`']) {
    assert.ok(stdout.toLowerCase().includes(word.toLowerCase()), word);
  }
});

test('docs of the default catalogue names every event and field', async (t) => {
  const { cli } = place(t);
  const { stdout } = await cli('docs');
  const { events } = JSON.parse(fs.readFileSync(path.join(ROOT, 'schema', 'default.json'), 'utf8'));
  for (const [name, event] of Object.entries(events)) {
    const section = stdout.split(/^### /m).find((part) => part.startsWith(`${name.replaceAll('_', '\\_')}\n`));
    assert.ok(section, name);
    for (const field of Object.keys(event.fields)) assert.ok(section.includes(`| \`${field}\` |`), `${name}.${field}`);
  }
});

test("vscode gives every property VS Code's classification and purpose", async (t) => {
  const classifications = ['SystemMetaData', 'CallstackOrException', 'CustomerContent', 'EndUserPseudonymizedInformation'];
  const { cli } = place(t);
  const { events, commonProperties } = JSON.parse((await cli('vscode')).stdout);
  const check = (property) => {
    assert.ok(classifications.includes(property.classification));
    assert.ok(['FeatureInsight', 'PerformanceAndHealth'].includes(property.purpose));
    assert.ok(property.comment);
  };
  for (const { owner, comment, ...properties } of Object.values(events)) {
    assert.ok(owner && comment);
    Object.values(properties).forEach(check);
  }
  Object.values(commonProperties).forEach(check);
  assert.deepEqual(events.ToolCall.durationMs, {
    classification: 'SystemMetaData', purpose: 'PerformanceAndHealth', comment: 'a duration in ms', isMeasurement: true,
  });
  assert.equal(events.Error.stackTrace.classification, 'CallstackOrException');
  assert.equal(events.WorkspaceSelected.workspaceHash.classification, 'EndUserPseudonymizedInformation');
});

test("vscode refuses a field whose name VS Code's file keeps for itself", async (t) => {
  const { cli, file } = place(t, schemaOf({ owner: { kind: 'bool' } }));
  const done = await cli('vscode', '--schema', file);
  assert.equal(done.code, 1);
  assert.match(done.stderr, /"owner".*rename the field/);
});
