'use strict';
// The documents against the product: examples are taken from them as they are.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const candor = require('../../js');
const { Client } = require('../../js/client');
const { checkFile, checkPacked } = require('../../scripts/check-links.js');
const { ROOT, openClient, run, tempDir } = require('./helper.js');

const read = (name) => fs.readFileSync(path.join(ROOT, name), 'utf8');
const PAGES = ['README.md', ...fs.readdirSync(path.join(ROOT, 'docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];

/** Code blocks of a language. */
const blocks = (name, language) => [...read(name).matchAll(/^```(\w+)\n([^]*?)^```/gm)].filter((m) => m[1] === language).map((m) => m[2]);

/** First cells of a table's rows, the names in backticks. */
const rowNames = (text) => [...text.matchAll(/^\| (`[^|]*) \|/gm)].flatMap((m) => [...m[1].matchAll(/`([\w.]+)`/g)].map((name) => name[1]));

test('the example of telemetry.toml is a file that works', (t) => {
  const directory = path.join(tempDir(t), 'spool');
  fs.mkdirSync(directory, { mode: 0o700 });
  const [text] = blocks('docs/settings.md', 'toml');
  fs.writeFileSync(path.join(directory, 'telemetry.toml'), text);
  const { config, enabled } = openClient(t, { directory }).status();
  const exporters = candor.settings().some((row) => row.name === 'exporter');
  if (exporters || !text.includes('exporter =')) assert.deepEqual([config.error, enabled], [null, true]);
});

test('status() has the keys of docs/status.md, and no other', (t) => {
  const [table] = read('docs/status.md').split('\n## ');
  const documented = new Set(rowNames(table.slice(table.indexOf('| key |'))).map((name) => name.split('.')[0]));
  assert.deepEqual(Object.keys(openClient(t).status()).sort(), [...documented].sort());
});

test('every reason and kind of docs/status.md is counted, and no other', (t) => {
  const reasons = rowNames(read('docs/status.md').split('\n## `dropped`')[1].split('\n## ')[0]);
  assert.deepEqual(Object.keys(openClient(t).status().dropped).sort(), reasons.sort());
});

test('docs/api.md has a heading for every method of a client, and no other method', () => {
  const methods = Object.getOwnPropertyNames(Client.prototype).filter((name) => name !== 'constructor' && name !== 'enabled');
  const api = read('docs/api.md').split('\n## client\n')[1].split('\n## ')[0];
  const documented = [...api.matchAll(/^### (.+)$/gm)].flatMap(([, heading]) => heading.replace(/\([^]*/, '').split(/, /));
  assert.deepEqual(documented.sort(), methods.sort());
});

/** What the examples take for granted. */
const GIVEN = `
  const prompt = 'p', answer = 'a', response = 'r', latencyMs = 1, tokenCount = 2, token = 't', endpoint = 'http://127.0.0.1:9';
  const key = require('node:crypto').randomBytes(32), ask = async () => ({ tokens: 3 });
  let client = { emit() {} };`;
const RUN_HERE = (code) => !/\.wasm|@opentelemetry|'electron'/.test(code);

for (const page of PAGES) {
  for (const [i, code] of blocks(page, 'js').entries()) {
    test(`example ${i + 1} of ${page} ${RUN_HERE(code) ? 'runs, and prints nothing' : 'is JavaScript'}`, async (t) => {
      const script = `${GIVEN}\n(async () => {\n${code}\n})().catch((error) => { console.error(error); process.exitCode = 1; });`;
      const dir = tempDir(t);
      fs.mkdirSync(path.join(dir, 'node_modules'));
      fs.symlinkSync(ROOT, path.join(dir, 'node_modules', 'candor'));
      fs.writeFileSync(path.join(dir, 'example.js'), script);
      const { code: status, stdout, stderr } = await run([...(RUN_HERE(code) ? [] : ['--check']), path.join(dir, 'example.js')], { dir });
      assert.deepEqual([status, stdout, stderr], [0, '', '']);
    });
  }
}

test('a link to a file or a heading that is not there is found', (t) => {
  const dir = tempDir(t);
  fs.writeFileSync(path.join(dir, 'a.md'), '# Here & now\n[x](#here--now) [y](b.md) [z](#there)\n```\n[w](nowhere.md)\n```\n[s](https://example.com/x)\n');
  assert.deepEqual(checkFile(path.join(dir, 'a.md')).map((text) => text.replace(/^.*a\.md/, 'a.md')),
    ['a.md:2: b.md: there is no such file', 'a.md:2: #there: there is no such heading']);
});

test('what npm publishes is documented in itself: no link of its documents leads out of it', () => {
  const [{ files }] = JSON.parse(execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  const packed = files.map((file) => file.path);
  assert.ok(['README.md', 'docs/api.md', 'docs/images/pipe.svg'].every((name) => packed.includes(name)), packed.join());
  assert.deepEqual(checkPacked(packed), []);
  assert.equal(checkPacked(packed.filter((name) => name !== 'docs/cli.md')).length > 0, true);
  const large = files.filter((file) => file.path.startsWith('docs/') && file.size > 200 * 1024);
  assert.deepEqual(large.map((file) => file.path), [], 'images of the documents are small in the package');
});
