'use strict';
// Tiny shared objects for the tests of the check, compiled on the spot.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFileSync } = require('node:child_process');

/** What a faultless binary holds: the two registration symbols, one call of Node-API, one of the C library. */
const SOURCE = `
#define API __attribute__((visibility("default")))
extern int napi_create_object(void *env, void *out);
extern unsigned long strlen(const char *text);
API int node_api_module_get_api_version_v1(void);
API int node_api_module_get_api_version_v1(void) { return 8; }
API int napi_register_module_v1(void *env, char *exports);
API int napi_register_module_v1(void *env, char *exports) { return napi_create_object(env, exports) + (int)strlen(exports); }
`;

/** @param {import('node:test').TestContext} t */
function scratch(t) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'candor-prebuild-test-'));
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/**
 * Compile a shared object.
 * @param {string} dir
 * @param {{name?: string, source?: string, more?: string, flags?: string[]}} [options]  more: source after SOURCE.
 * @returns {string} its file
 */
function compile(dir, { name = 'candor.node', source = SOURCE, more = '', flags = [] } = {}) {
  const file = path.join(dir, name);
  const text = path.join(dir, `${name}.c`);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(text, source + more);
  execFileSync('gcc', ['-shared', '-fPIC', '-fvisibility=hidden', '-fno-builtin', '-o', file, text, ...flags]);
  return file;
}

module.exports = { SOURCE, compile, scratch };
