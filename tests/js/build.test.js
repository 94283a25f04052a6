'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { sources, LAYERS } = require('../../scripts/addon-config');
const { ROOT, run } = require('./helper');

const BUILD = path.join(ROOT, 'scripts', 'build.js');

test('the addon is built from every C file of its layers, and from no other platform', () => {
  const listed = sources();
  for (const layer of LAYERS) {
    const files = fs.readdirSync(path.join(ROOT, 'native', layer)).filter((name) => name.endsWith('.c'));
    const missing = files.filter((name) => !listed.includes(`native/${layer}/${name}`));
    assert.ok(missing.every((name) => /^(windows|posix|darwin|linux)_/.test(name)), missing.join());
  }
  assert.ok(listed.every((file) => fs.existsSync(path.join(ROOT, file))));
  const foreign = { win32: /(posix|darwin|linux)_/, darwin: /(windows|linux)_/ }[process.platform] ?? /(windows|darwin)_/;
  assert.ok(!listed.some((file) => foreign.test(path.basename(file))));
});

test('the build prints nothing on stdout, and nothing at all when it is up to date', async () => {
  const first = await run([BUILD, 'addon'], {});
  assert.deepEqual([first.code, first.stdout], [0, ''], first.stderr);
  const second = await run([BUILD, 'addon'], {});
  assert.deepEqual([second.code, second.stdout, second.stderr], [0, '', '']);
});

test('an unknown build target is exit code 2 with the known ones', async () => {
  const done = await run([BUILD, 'addom'], {});
  assert.equal(done.code, 2);
  assert.match(done.stderr, /addom.*release.*addon/);
});

test('the addon exports its registration and nothing else', async (t) => {
  const { execFileSync } = require('node:child_process');
  let text;
  try {
    text = execFileSync('nm', ['-D', '--defined-only', path.join(ROOT, 'build', 'addon', 'candor.node')], { encoding: 'utf8' });
  } catch (error) {
    t.skip(`nm: ${error.message}`);
    return;
  }
  const names = text.trim().split('\n').map((row) => row.split(' ').pop()).sort();
  assert.deepEqual(names, ['napi_register_module_v1', 'node_api_module_get_api_version_v1']);
});
