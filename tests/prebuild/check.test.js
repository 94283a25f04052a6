'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { checkElf, oldEnough } = require('../../scripts/prebuild/check-elf');
const { TARGETS } = require('../../scripts/prebuild/targets');
const { SOURCE, compile, scratch } = require('./fixture');

const MAIN = path.join(__dirname, '..', '..', 'scripts', 'prebuild', 'main.js');
const NATIVE = TARGETS[`${process.platform}-${process.arch}`];
const skip = NATIVE === undefined ? `no target for ${process.platform}-${process.arch}` : false;

/** @param {string} file @param {import('../../scripts/prebuild/targets').Target} [target] */
const problems = (file, target = NATIVE) => checkElf(fs.readFileSync(file), target).problems;

test('a binary that offers its registration and asks for Node-API and an old C library passes', { skip }, (t) => {
  const { problems: found, glibc } = checkElf(fs.readFileSync(compile(scratch(t))), NATIVE);
  assert.deepEqual(found, []);
  assert.match(glibc, /^2\.\d+/);
});

test('a leaked symbol is a problem by name', { skip }, (t) => {
  const file = compile(scratch(t), { more: 'API int SSL_new(void); API int SSL_new(void) { return 1; } API int leaked_data; int leaked_data = 2;' });
  assert.deepEqual(problems(file).map((text) => text.split(':')[0]).sort(), ['exports SSL_new', 'exports leaked_data']);
});

test('a weak leaked symbol is one too', { skip }, (t) => {
  const file = compile(scratch(t), { more: 'API __attribute__((weak)) int SSL_new(void) { return 1; }' });
  assert.match(problems(file).join('\n'), /^exports SSL_new:/);
});

test('a binary that Node cannot register is a problem', { skip }, (t) => {
  const file = compile(scratch(t), { source: SOURCE.replaceAll('napi_register_module_v1', 'napi_register_module_v2') });
  assert.match(problems(file).join('\n'), /does not export napi_register_module_v1/);
});

test('a version of the C library over 2.28 is a problem, with the functions that ask for it', { skip }, (t) => {
  // gettid came with glibc 2.30.
  const file = compile(scratch(t), { more: 'extern int gettid(void); int use(void); __attribute__((used)) int use(void) { return gettid(); }' });
  assert.match(problems(file).join('\n'), /asks for libc\.so\.6 GLIBC_2\.30 \(gettid\)/);
});

test('versions of the C library compare by number, and private ones are refused', () => {
  for (const fine of ['GLIBC_2.28', 'GLIBC_2.2.5', 'GLIBC_2.9', 'GLIBC_2.3.4']) assert.equal(oldEnough(fine), true, fine);
  for (const bad of ['GLIBC_2.29', 'GLIBC_2.28.1', 'GLIBC_3.0', 'GLIBC_PRIVATE', 'GLIBC_ABI_DT_RELR', 'GLIBCXX_3.4', 'GLIBC_', '']) assert.equal(oldEnough(bad), false, bad);
});

test('an unexpected library is a problem by name', { skip }, (t) => {
  const dir = scratch(t);
  const other = compile(dir, { name: 'libother.so.3', source: 'int other(void); __attribute__((visibility("default"))) int other(void) { return 1; }\n', flags: ['-Wl,-soname,libother.so.3'] });
  const file = compile(dir, { flags: ['-Wl,--no-as-needed', other] });
  assert.match(problems(file).join('\n'), /^needs libother\.so\.3:/);
});

test('a symbol that nobody is known to offer is a problem by name', { skip }, (t) => {
  const file = compile(scratch(t), { more: 'extern int SSL_new(void); int use(void); __attribute__((used)) int use(void) { return SSL_new(); }' });
  assert.match(problems(file).join('\n'), /^asks for SSL_new, which is neither of Node-API nor of the C library$/m);
});

test('so is a weak one', { skip }, (t) => {
  const file = compile(scratch(t), { more: 'extern __attribute__((weak)) int SSL_new(void); int use(void); __attribute__((used)) int use(void) { return SSL_new ? SSL_new() : 0; }' });
  assert.match(problems(file).join('\n'), /^asks for SSL_new/m);
});

test('a binary that would load libraries at run time is a problem', { skip }, (t) => {
  const file = compile(scratch(t), { more: 'extern void *dlopen(const char *, int); int use(void); __attribute__((used)) int use(void) { return dlopen("libcurl.so.4", 2) != 0; }', flags: ['-ldl'] });
  assert.match(problems(file).join('\n'), /^asks for dlopen: it would take libraries of the machine/m);
});

test('what the compiler\'s start files ask for may be missing, so a binary must not insist on it', { skip }, (t) => {
  const file = compile(scratch(t), { more: 'extern int __gmon_start__(void); int use(void); __attribute__((used)) int use(void) { return __gmon_start__(); }' });
  assert.match(problems(file).join('\n'), /^asks for __gmon_start__/m);
});

test('relocations in code and a file that is a program are problems', { skip }, (t) => {
  const file = compile(scratch(t), { more: '__asm__(".text\\n.balign 8\\n.quad strlen\\n");', flags: ['-Wl,-z,notext'] });
  assert.deepEqual(problems(file), ['has relocations in its code']);
  const program = fs.readFileSync(compile(scratch(t)));
  program.writeUInt16LE(2, 0x10); // ET_EXEC
  assert.deepEqual(checkElf(program, NATIVE).problems, ['is no shared object']);
});

test('a folder of libraries, an executable stack and another machine are problems', { skip }, (t) => {
  const file = compile(scratch(t), { flags: ['-Wl,-rpath,/opt/lib', '-Wl,-z,execstack'] });
  const other = Object.values(TARGETS).find(({ machine }) => machine !== NATIVE.machine);
  const text = problems(file, other).join('\n');
  assert.match(text, /looks for libraries in \/opt\/lib/);
  assert.match(text, /asks for an executable stack/);
  assert.match(text, new RegExp(`is for machine ${NATIVE.machine}, not for ${other?.name}`));
});

test('a torn or foreign file is a problem, never an exception', { skip }, (t) => {
  const bytes = fs.readFileSync(compile(scratch(t)));
  for (const part of [Buffer.alloc(0), Buffer.from('this is no shared library'), Buffer.alloc(64, 0xff)]) {
    assert.match(checkElf(part, NATIVE).problems[0], /cannot be read as a shared object/);
  }
  for (let n = 1; n < bytes.length; n += 97) {
    assert.notDeepEqual(checkElf(bytes.subarray(0, n), NATIVE).problems, [], `${n} bytes`);
  }
  for (let at = 0; at < bytes.length; at += 13) { // damage may go unseen where nothing reads it, but must not throw
    const damaged = Buffer.from(bytes);
    damaged[at] ^= 0xff;
    checkElf(damaged, NATIVE);
  }
});

test('--check names the file and the problem, and fails; it passes when the file is right', { skip }, (t) => {
  const dir = scratch(t);
  const name = path.join(NATIVE.name, 'candor.node');
  const main = (/** @type {string[]} */ ...args) => spawnSync(process.execPath, [MAIN, '--check', '--dir', dir, ...args], { encoding: 'utf8' });
  assert.equal(main().status, 2); // an empty folder
  compile(dir, { name });
  fs.rmSync(path.join(dir, `${name}.c`));
  const fine = main('--json');
  assert.equal(fine.status, 0, fine.stderr);
  assert.equal(JSON.parse(fine.stdout).ok, true);
  compile(dir, { name, more: 'API int SSL_new(void); API int SSL_new(void) { return 1; }' });
  const bad = main();
  assert.equal(bad.status, 1);
  assert.match(bad.stdout, new RegExp(`FAIL ${NATIVE.name}[^]*${name} exports SSL_new`));
  fs.mkdirSync(path.join(dir, 'plan9-mips'));
  assert.match(main().stdout, /FAIL plan9-mips[^]*no such target/);
});

test('a target that is asked for must be there', (t) => {
  const dir = scratch(t);
  const done = spawnSync(process.execPath, [MAIN, '--check', '--dir', dir, '--target', 'linux-arm64'], { encoding: 'utf8' });
  assert.equal(done.status, 1);
  assert.match(done.stdout, /FAIL linux-arm64[^]*is not there/);
});

test('an unknown target is exit code 2 with the known ones', () => {
  const done = spawnSync(process.execPath, [MAIN, '--target', 'linux-x46'], { encoding: 'utf8' });
  assert.equal(done.status, 2);
  assert.match(done.stderr, /linux-x46.*linux-x64.*linux-arm64/);
});
