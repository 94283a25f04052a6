'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync, spawnSync } = require('node:child_process');
const { checkPe } = require('../../scripts/prebuild/check-pe');
const { TARGETS } = require('../../scripts/prebuild/targets');
const { nodeApi } = require('../../scripts/prebuild/node-api');
const { scratch } = require('./fixture');

/** @typedef {import('../../scripts/prebuild/targets').PeTarget} PeTarget */

const TARGET = /** @type {PeTarget} */ (TARGETS['win32-x64']);
const GCC = `${TARGET.prefix}gcc`;
const skip = spawnSync(GCC, ['--version']).error === undefined ? false : `${GCC} is not installed`;
const FLAGS = ['-Wl,--no-insert-timestamp', '-Wl,--dynamicbase', '-Wl,--nxcompat', '-Wl,--high-entropy-va'];

const SOURCE = `
#define API __declspec(dllexport)
int napi_create_object(void *env, void *out);
unsigned long GetCurrentProcessId(void);
API int node_api_module_get_api_version_v1(void) { return 8; }
API int napi_register_module_v1(void *env, char *exports) { return napi_create_object(env, exports) + (int)GetCurrentProcessId(); }
`;
const HOOK = 'typedef void *(*hook)(unsigned, void *); hook __pfnDliNotifyHook2;\n';

/**
 * A DLL that asks node.exe for Node-API when it is called, or when it is loaded.
 * @param {string} dir @param {{source?: string, more?: string, delayed?: boolean, flags?: string[]}} [options]
 */
function compile(dir, { source = SOURCE, more = '', delayed = true, flags = FLAGS } = {}) {
  fs.writeFileSync(path.join(dir, 'x.c'), source + more + (delayed ? HOOK : ''));
  fs.writeFileSync(path.join(dir, 'node.def'), 'LIBRARY node.exe\nEXPORTS\nnapi_create_object\nSSL_new\n');
  execFileSync(`${TARGET.prefix}dlltool`, ['-t', 'node', '-d', 'node.def', delayed ? '-y' : '-l', 'libnode.a'], { cwd: dir });
  execFileSync(GCC, ['-shared', '-s', '-o', 'candor.node', 'x.c', 'libnode.a', '-ldelayimp', ...flags], { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] });
  return path.join(dir, 'candor.node');
}

/** @param {string} file */
const problems = (file) => checkPe(fs.readFileSync(file), TARGET);

test('a DLL that offers its registration and asks a host of any name for Node-API passes', { skip }, (t) => {
  assert.deepEqual(problems(compile(scratch(t))), []);
});

test('a DLL that only loads into node.exe is a problem', { skip }, (t) => {
  const found = problems(compile(scratch(t), { delayed: false })).join('\n');
  assert.match(found, /^needs node\.exe \(napi_create_object\):/m);
  assert.match(found, /^asks its host for nothing:/m);
});

test('another export is a problem by name, and so is a missing registration', { skip }, (t) => {
  const dir = scratch(t);
  assert.deepEqual(problems(compile(dir, { more: 'API int leaked(void) { return 1; }\n' })).map((text) => text.split(':')[0]), ['exports leaked']);
  assert.match(problems(compile(dir, { source: SOURCE.replaceAll('napi_register_module_v1', 'napi_register_module_v2') })).join('\n'), /does not export napi_register_module_v1/);
});

test('a DLL that is not of Windows is a problem by name', { skip }, (t) => {
  const dir = scratch(t);
  fs.writeFileSync(path.join(dir, 'other.def'), 'LIBRARY libcurl-4.dll\nEXPORTS\ncurl_easy_init\n');
  execFileSync(`${TARGET.prefix}dlltool`, ['-d', 'other.def', '-l', 'libother.a'], { cwd: dir });
  const more = 'void *curl_easy_init(void); API void *use(void) { return curl_easy_init(); }\n';
  assert.match(problems(compile(dir, { more, flags: [...FLAGS, 'libother.a'] })).join('\n'), /^needs libcurl-4\.dll \(curl_easy_init\):/m);
});

test('a function of the host that is not of Node-API is a problem by name', { skip }, (t) => {
  const more = 'int SSL_new(void); int __attribute__((used)) use(void) { return SSL_new(); }\n';
  assert.match(problems(compile(scratch(t), { more })).join('\n'), /^asks its host for SSL_new, /m);
});

test('the time of the link and a missing hardening flag are problems', { skip }, (t) => {
  const dir = scratch(t);
  assert.deepEqual(problems(compile(dir, { flags: FLAGS.slice(1) })), ['holds the time of its link']);
  assert.deepEqual(problems(compile(dir, { flags: [FLAGS[0], FLAGS[1], '-Wl,--disable-nxcompat', FLAGS[3]] })), ['is not linked for data that does not run']);
});

test('what is no DLL of this machine is a problem and no crash', { skip }, (t) => {
  const dir = scratch(t);
  const whole = fs.readFileSync(compile(dir));
  assert.deepEqual(checkPe(Buffer.from('no'), TARGET), ['is no PE file']);
  for (let n = 0; n < whole.length; n += 997) assert.notDeepEqual(checkPe(whole.subarray(0, n), TARGET), [], `cut to ${n} bytes`);
  whole.writeUInt16LE(0xaa64, whole.readUInt32LE(0x3c) + 4);
  assert.deepEqual(checkPe(whole, TARGET), ['is for machine 0xaa64, not for win32-x64']);
});

test('the list of Node-API is that of its headers', () => {
  const names = nodeApi();
  for (const name of ['napi_create_object', 'napi_create_threadsafe_function', 'node_api_symbol_for']) assert.ok(names.includes(name), name);
  assert.ok(names.length > 130);
});
