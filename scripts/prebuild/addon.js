'use strict';
// Compiles the layers and links them with the static libraries into one file that asks its host for Node-API and
// the C library alone. The same bytes from any folder: no path, time or order of the machine reaches the result.

const fs = require('node:fs');
const path = require('node:path');
const { sources } = require('../addon-config');
const { nodeDirectory } = require('../build-addon');
const { EXPORTS, GLIBC_MAX, NEEDED } = require('./targets');
const { makeStandIns } = require('./glibc');
const { parallel, ROOT, run, say } = require('./tools');

/** @typedef {import('./targets').Target} Target */

/** The defines and warnings are binding.gyp's, but for libcurl, which is linked here and loaded by name there. */
const DEFINES = ['-DCANDOR_CURL_LINKED', '-DNAPI_VERSION=8', '-DNODE_API_NO_EXTERNAL_BUFFERS_ALLOWED', '-D_GNU_SOURCE', '-DNDEBUG'];
const COMPILE = [
  '-std=c11', '-O2', '-Wall', '-Wextra', '-Wconversion', '-Wshadow', '-Wvla', '-Werror', '-pthread', '-fPIC', '-fvisibility=hidden',
  '-ffunction-sections', '-fdata-sections', '-fno-merge-constants', '-fstack-protector-strong', '-U_FORTIFY_SOURCE', '-D_FORTIFY_SOURCE=2',
];
const LINK = ['-shared', '-nodefaultlibs', '-s', '-Wl,-z,relro', '-Wl,-z,now', '-Wl,-z,noexecstack', '-Wl,--gc-sections', '-Wl,--exclude-libs,ALL', '-Wl,-Bsymbolic'];
/** As the linker wants them: who asks comes before who answers. */
const ARCHIVES = [['curl', 'libcurl.a'], ['openssl', 'libssl.a'], ['openssl', 'libcrypto.a'], ['sqlite3', 'libsqlite3.a'], ['zlib', 'libz.a']];

/**
 * Compile every source below root into work. @returns the object files, in order
 * @param {Target} target @param {Record<string, string>} libraries @param {string} root @param {string} work
 */
async function compile(target, libraries, root, work) {
  const node = path.join(nodeDirectory(say), 'include', 'node');
  const include = [path.join(root, 'native'), path.join(root, 'native', 'include'), ...Object.values(libraries).map((dir) => path.join(dir, 'include')), node];
  const common = [...DEFINES, ...COMPILE, `-ffile-prefix-map=${root}=candor`, ...include.map((dir) => `-I${dir}`)];
  const units = sources().map((file) => ({ file, object: path.join(work, `${file.replaceAll('/', '-')}.o`) }));
  await parallel(units, ({ file, object }) => run(`${target.prefix}gcc`, ['-c', ...common, '-o', object, path.join(root, file)]));
  const compat = path.join(work, 'glibc-compat.o');
  await run(`${target.prefix}gcc`, ['-c', ...COMPILE, '-fno-builtin', `-DCANDOR_STAT_VERSION=${target.statVersion}`, '-o', compat, path.join(__dirname, 'glibc-compat.c')]);
  return [...units.map(({ object }) => object), compat];
}

/**
 * Build the addon of one target.
 * @param {Target} target
 * @param {Record<string, string>} libraries  Folders of the static libraries.
 * @param {{root?: string, work: string, out: string}} where  root: holds native/; work: an empty folder; out: the file.
 */
async function buildPrebuilt(target, libraries, { root = ROOT, work, out }) {
  const objects = await compile(target, libraries, root, work);
  const stands = path.join(work, 'glibc');
  await makeStandIns(target, [...NEEDED, target.loader], GLIBC_MAX, stands);
  const script = path.join(work, 'exports.map');
  fs.writeFileSync(script, `{ global: ${EXPORTS.join('; ')}; local: *; };\n`);
  fs.mkdirSync(path.dirname(out), { recursive: true });
  await run(`${target.prefix}gcc`, [...LINK, `-Wl,--version-script=${script}`, '-o', out, ...objects,
    ...ARCHIVES.map(([library, file]) => path.join(libraries[library], 'lib', file)),
    '-Wl,--as-needed', ...[...NEEDED, target.loader].map((name) => path.join(stands, name)), '-lgcc', '-l:libc_nonshared.a']);
}

module.exports = { buildPrebuilt };
