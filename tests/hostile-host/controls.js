'use strict';
// Addons that are linked as people link them without thinking of the host: each must fail in the poisoned host, or the
// test proves nothing. And the same code linked as ours is, which must pass: then it is the linking that counts.

const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { nodeDirectory } = require('../../scripts/build-addon');
const { EXPORTS } = require('../../scripts/prebuild/targets');

const OWN = ['naive', 'naive_vendored'];
/** Debian's archives are position-independent, and every name in them is visible. */
const ARCHIVES = ['-l:libssl.a', '-l:libcrypto.a'];

/**
 * @typedef {object} Control
 * @property {string} name
 * @property {string} about
 * @property {string[]} units  C files of this folder
 * @property {string[]} [compile]
 * @property {string[]} link
 * @property {string[]} calls  what it uses of libraries
 * @property {string[]} dies  those of them that must abort in the poisoned host; none: it fails by what it exports
 */

/** @type {Control[]} */
const CONTROLS = [
  {
    name: 'dynamic', about: "bound to the machine's shared libraries", units: ['naive'], compile: ['-DWITH_CURL'],
    link: ['-lcurl', '-lssl', '-lcrypto', '-lsqlite3', '-lz'],
    calls: ['OPENSSL_init_ssl', 'curl_global_init', 'sqlite3_libversion', 'zlibVersion'],
    dies: ['OPENSSL_init_ssl', 'curl_global_init', 'sqlite3_libversion', 'zlibVersion'],
  },
  {
    name: 'static', about: 'libraries inside, default visibility', units: OWN, link: ARCHIVES,
    calls: ['OPENSSL_init_ssl', 'sqlite3_libversion', 'zlibVersion'], dies: ['OPENSSL_init_ssl', 'sqlite3_libversion', 'zlibVersion'],
  },
  {
    name: 'exclude_libs', about: 'libraries inside, --exclude-libs and nothing else', units: OWN, link: ['-Wl,--exclude-libs,ALL', ...ARCHIVES],
    calls: ['OPENSSL_init_ssl', 'sqlite3_libversion', 'zlibVersion'], dies: ['sqlite3_libversion', 'zlibVersion'],
  },
  {
    name: 'bsymbolic', about: 'libraries inside, -Bsymbolic and nothing else: it finds its own, and so does every other addon', units: OWN,
    link: ['-Wl,-Bsymbolic', ...ARCHIVES], calls: ['OPENSSL_init_ssl', 'sqlite3_libversion', 'zlibVersion'], dies: [],
  },
];

/** @type {Control} */
const SHIPPED = {
  name: 'as_shipped', about: 'the same code, linked as the shipped binary is', units: OWN, compile: ['-fvisibility=hidden'],
  link: ['-Wl,--exclude-libs,ALL', '-Wl,-Bsymbolic', '-Wl,--version-script=exports.map', ...ARCHIVES],
  calls: ['OPENSSL_init_ssl', 'sqlite3_libversion', 'zlibVersion'], dies: [],
};

/** @param {Control} control @param {string} dir @returns {string} the addon */
function buildControl({ name, units, compile = [], link }, dir) {
  const work = path.join(dir, name);
  fs.mkdirSync(work);
  fs.writeFileSync(path.join(work, 'exports.map'), `{ global: ${EXPORTS.join('; ')}; local: *; };\n`);
  const include = path.join(nodeDirectory(() => {}), 'include', 'node');
  const out = path.join(work, 'naive.node');
  execFileSync('gcc', ['-std=c11', '-O1', '-fPIC', '-shared', '-Wall', '-Wextra', '-Werror', `-I${include}`, ...compile, '-o', out,
    ...units.map((unit) => path.join(__dirname, `${unit}.c`)), ...link], { cwd: work, stdio: ['ignore', 'ignore', 'inherit'] });
  return out;
}

module.exports = { CONTROLS, SHIPPED, buildControl };
