'use strict';
// libcandor as an embedder meets it: installed to a prefix, found by pkg-config, the example program built
// against it and run beside a real collector. `node scripts/build.js embed release` comes first.
const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { before, test } = require('node:test');
const { startCollector, stored } = require('../e2e/pipe-support.js');
const { tempDir } = require('../js/helper.js');

const ROOT = path.join(__dirname, '..', '..');
const STRICT = ['-Wall', '-Wextra', '-Wpedantic', '-Werror'];
/** @type {string} */
let prefix;
/** @type {string} */
let lib;

/** @param {string} command @param {string[]} args @param {Record<string, string>} [env] */
function run(command, args, env = {}) {
  return execFileSync(command, args, { encoding: 'utf8', env: { ...process.env, ...env } });
}

function pkgConfig(...args) {
  return run('pkg-config', args, { PKG_CONFIG_PATH: path.join(lib, 'pkgconfig') }).trim().split(/\s+/);
}

before((t) => {
  prefix = tempDir(t);
  run('cmake', ['--install', path.join(ROOT, 'build', 'embed'), '--prefix', prefix]);
  lib = path.dirname(run('find', [prefix, '-name', 'libcandor.a']).trim());
  // cmake --install --prefix moves the files, not what the pkg-config file says of them.
  const pc = path.join(lib, 'pkgconfig', 'candor.pc');
  fs.writeFileSync(pc, fs.readFileSync(pc, 'utf8').replace(/^prefix=.*/m, `prefix=${prefix}`));
});

function buildExample(directory, flags) {
  const program = path.join(directory, 'embed');
  run('cc', ['-std=c11', ...STRICT, path.join(ROOT, 'examples', 'embed', 'main.c'), '-o', program, ...flags, '-pthread']);
  return program;
}

for (const kind of ['shared', 'static']) {
  test(`the example, linked to the ${kind} library, sends an event to a collector and says so`, async (t) => {
    const directory = tempDir(t);
    const flags = kind === 'shared'
      ? pkgConfig('--cflags', '--libs', 'candor')
      // Candor alone is static: `pkg-config --static` asks for static libraries of the others too.
      : [...pkgConfig('--cflags', 'candor'), path.join(lib, 'libcandor.a'),
        ...pkgConfig('--libs', 'sqlite3', 'libcrypto', 'zlib'), '-ldl', '-lm'];
    const program = buildExample(directory, flags);
    const collector = await startCollector(t);
    const schema = path.join(pkgConfig('--variable=schemadir', 'candor')[0], 'default.json');
    const out = run(program, [path.join(directory, 'spool'), schema], {
      LD_LIBRARY_PATH: lib, TELEMETRY_ENDPOINT: collector.url, TELEMETRY_TOKEN: collector.token,
    });
    assert.match(out, /^emit: kept$/m);
    assert.match(out, /"uploaded":1,"events":1,"pending":0,"error":null/);
    const [event, ...more] = await stored(collector);
    assert.equal(more.length, 0);
    assert.equal(event.app, 'embed-example');
    assert.equal(event.correlation_id, 'request-1');
    assert.deepEqual(event.payload, { toolName: 'search', durationMs: 12.5, success: true });
  });
}

test('the shared library exports the C API and nothing else', () => {
  const names = run('nm', ['-D', '--defined-only', path.join(lib, 'libcandor.so')])
    .trim().split('\n').map((line) => line.split(' ').pop());
  const header = ['candor.h', 'base/types.h'].map((name) => fs.readFileSync(path.join(prefix, 'include', 'candor', name), 'utf8')).join('');
  const declared = [...header.matchAll(/CANDOR_API[^;(]*?\b(candor_\w+)\(/g)].map((match) => match[1]);
  assert.ok(declared.length > 10);
  assert.deepEqual(names.sort(), declared.sort());
});

test('the header is clean C11 and C++11', (t) => {
  const directory = tempDir(t);
  const flags = pkgConfig('--cflags', 'candor');
  for (const [file, compiler] of [['a.c', ['cc', '-std=c11', '-Wconversion']], ['a.cc', ['c++', '-std=c++11']]]) {
    const source = path.join(directory, file);
    fs.writeFileSync(source, '#include <candor.h>\nint main() { return candor_bytes_str("x").n == 1 ? 0 : 1; }\n');
    run(compiler[0], [...compiler.slice(1), ...STRICT, '-fsyntax-only', source, ...flags]);
  }
});
