'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync, spawnSync } = require('node:child_process');
const { checkMachO } = require('../../scripts/prebuild/check-macho');
const { readMachO } = require('../../scripts/prebuild/macho');
const { LINK } = require('../../scripts/prebuild/addon-macho');
const { EXPORTS, TARGETS } = require('../../scripts/prebuild/targets');
const { SOURCE, scratch } = require('./fixture');

/** @typedef {import('../../scripts/prebuild/targets').MachOTarget} MachOTarget */

const TARGET = /** @type {MachOTarget} */ (TARGETS['darwin-arm64']);
const has = (/** @type {string} */ tool) => spawnSync(tool, ['--version']).error === undefined;
const LINKER = ['ld64.lld-19', 'ld64.lld-14'].find(has);
const skip = LINKER === undefined || !has('clang') ? 'clang and lld are not installed' : false;

/** A stand-in for a library's stub. @param {string} name @param {string[]} symbols */
const stub = (name, symbols) => `--- !tapi-tbd
tbd-version: 4
targets: [ x86_64-macos, arm64-macos ]
install-name: '${name}'
exports:
  - targets: [ x86_64-macos, arm64-macos ]
    symbols: [ ${symbols.join(', ')} ]
...
`;
const SYSTEM = stub('/usr/lib/libSystem.B.dylib', ['_strlen', '_brand_new', 'dyld_stub_binder']);

/**
 * @param {string} dir @param {{source?: string, more?: string, link?: string[], exports?: string[], arch?: string, open?: string[]}} [options]
 *   link: instead of the usual words; open: names that the process may have
 */
function compile(dir, { source = SOURCE, more = '', link = LINK, exports = EXPORTS, arch = 'arm64', open = ['napi_create_object'] } = {}) {
  const at = (/** @type {string} */ name) => path.join(dir, name);
  fs.writeFileSync(at('x.c'), source + more);
  fs.writeFileSync(at('libSystem.tbd'), SYSTEM);
  fs.writeFileSync(at('exports.txt'), exports.map((name) => `_${name}\n`).join(''));
  execFileSync('clang', ['-target', `${arch}-apple-macos11.0`, '-ffreestanding', '-fno-builtin', '-fvisibility=hidden', '-c', at('x.c'), '-o', at('x.o')]);
  execFileSync(String(LINKER), ['-arch', arch, ...link, ...open.flatMap((name) => ['-U', `_${name}`]), '-exported_symbols_list', at('exports.txt'),
    '-o', at('candor.node'), at('x.o'), at('libSystem.tbd')], { stdio: ['ignore', 'ignore', 'pipe'] });
  return at('candor.node');
}

/** @param {string | Buffer} file @param {MachOTarget} [target] */
const problems = (file, target = TARGET) => checkMachO(typeof file === 'string' ? fs.readFileSync(file) : file, target);
const without = (/** @type {string} */ word) => LINK.filter((one) => one !== word);

test('a signed bundle that offers its registration, and asks for Node-API and libSystem, passes on both processors', { skip }, (t) => {
  const dir = scratch(t);
  assert.deepEqual(problems(compile(dir)), []);
  assert.deepEqual(problems(compile(dir, { arch: 'x86_64' }), /** @type {MachOTarget} */ (TARGETS['darwin-x64'])), []);
});

test('another export is a problem by name, and so is a missing registration', { skip }, (t) => {
  const dir = scratch(t);
  const leaky = compile(dir, { more: 'API int SSL_new(void); API int SSL_new(void) { return 1; } API int leaked_data; int leaked_data = 2;', exports: [...EXPORTS, 'SSL_new', 'leaked_data'] });
  assert.deepEqual(problems(leaky).map((text) => text.split(':')[0]).sort(), ['exports _SSL_new', 'exports _leaked_data']);
  const other = compile(dir, { source: SOURCE.replaceAll('napi_register_module_v1', 'napi_register_module_v2'), exports: [EXPORTS[1], 'napi_register_module_v2'] });
  assert.deepEqual(problems(other).map((text) => text.split(':')[0]).sort(), ['does not export _napi_register_module_v1', 'exports _napi_register_module_v2']);
});

test('a function that the process might have, but that is not of Node-API, is a problem by name', { skip }, (t) => {
  const more = 'extern int SSL_new(void); __attribute__((used)) static int use(void) { return SSL_new(); }';
  assert.deepEqual(problems(compile(scratch(t), { more, open: ['napi_create_object', 'SSL_new'] })), ['asks the process for _SSL_new, which is not of Node-API']);
});

test('a file that asks its host for nothing is a problem', { skip }, (t) => {
  assert.match(problems(compile(scratch(t), { source: SOURCE.replaceAll('napi_create_object', 'strlen_') , more: 'int strlen_(void *env, void *out) { return env == out; }' })).join('\n'), /^asks its host for nothing:/m);
});

test('a function of libSystem that an old system may lack is a problem by name', { skip }, (t) => {
  const more = 'extern int brand_new(void); __attribute__((used)) static int use(void) { return brand_new(); }';
  assert.match(problems(compile(scratch(t), { more })).join('\n'), /^asks libSystem for _brand_new, which is not known to be in macOS 11\.0/m);
});

test('a library beside libSystem is a problem by name', { skip }, (t) => {
  const dir = scratch(t);
  fs.writeFileSync(path.join(dir, 'Security.tbd'), stub('/System/Library/Frameworks/Security.framework/Security', ['_SecTrustCreate']));
  const more = 'extern int SecTrustCreate(void); __attribute__((used)) static int use(void) { return SecTrustCreate(); }';
  const file = compile(dir, { more, link: [...LINK, path.join(dir, 'Security.tbd')] });
  assert.match(problems(file).join('\n'), /^needs \/System\/Library\/Frameworks\/Security\.framework\/Security: only libSystem/m);
});

test('a file without a signature, or changed after it was signed, is a problem', { skip }, (t) => {
  const dir = scratch(t);
  assert.deepEqual(problems(compile(dir, { link: [...without('-adhoc_codesign'), '-no_adhoc_codesign'] })), ['is not signed: macOS on arm64 does not load it']);
  const bytes = fs.readFileSync(compile(dir));
  assert.equal(readMachO(bytes).signature.adhoc, true);
  const at = bytes.indexOf('napi_create_object');
  bytes.write('napi_delete_object', at, 'latin1');
  assert.match(problems(bytes).join('\n'), /^was changed after it was signed \(page \d+\)/m);
});

test('a newer macOS, a dynamic library, a folder of libraries and another processor are problems', { skip }, (t) => {
  const dir = scratch(t);
  const newer = compile(dir, { link: LINK.map((word) => (word === '11.0' ? '12.3' : word)) });
  assert.deepEqual(problems(newer), ['asks for macOS 12.3: 11.0 must do']);
  assert.deepEqual(problems(compile(dir, { link: LINK.map((word) => (word === '-bundle' ? '-dylib' : word)) })), ['is no bundle']);
  assert.deepEqual(problems(compile(dir, { link: [...LINK, '-rpath', '/opt/lib'] })), ['looks for libraries in /opt/lib']);
  assert.deepEqual(problems(compile(dir), /** @type {MachOTarget} */ (TARGETS['darwin-x64'])), ['is for machine 0x100000c, not for darwin-x64']);
});

test('names that are looked for in the whole process are a problem', { skip }, (t) => {
  assert.match(problems(compile(scratch(t), { link: [...LINK, '-flat_namespace'] })).join('\n'), /^looks for every name in the whole process$/m);
});

test('a segment that is written and run is a problem', { skip }, (t) => {
  const bytes = fs.readFileSync(compile(scratch(t)));
  const at = bytes.indexOf('__TEXT\0', 32, 'latin1');
  bytes.writeUInt32LE(7, at + 8 + 40); // maxprot
  assert.match(problems(bytes).join('\n'), /^has a segment __TEXT that is written and run$/m);
});

test('a torn or foreign file is a problem, never an exception', { skip }, (t) => {
  const whole = fs.readFileSync(compile(scratch(t)));
  for (const part of [Buffer.alloc(0), Buffer.from('this is no bundle of macOS at all, not at all'), Buffer.alloc(64, 0xff)]) {
    assert.match(problems(part)[0], /^cannot be read as a Mach-O file/);
  }
  for (let n = 1; n < whole.length; n += 97) assert.notDeepEqual(problems(whole.subarray(0, n)), [], `cut to ${n} bytes`);
  const interesting = [...Array(2048).keys(), ...Array(whole.length - whole.indexOf('dyld_stub_binder')).keys()].filter((n) => n % 7 === 0);
  for (const at of interesting) { // damage is seen by the signature's hashes, if by nothing else
    const damaged = Buffer.from(whole);
    damaged[at] ^= 0xff;
    assert.notDeepEqual(problems(damaged), [], `byte ${at}`);
  }
});
