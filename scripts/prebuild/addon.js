'use strict';
// Compiles the layers and links them with the static libraries into one file that asks its host for Node-API and
// the system's own libraries alone. addon-<format>.js has what differs. The same bytes from any folder: no path, time or order of the machine reaches the result.

const fs = require('node:fs');
const path = require('node:path');
const { sources } = require('../addon-config');
const { nodeDirectory } = require('../build-addon');
const elf = require('./addon-elf');
const macho = require('./addon-macho');
const pe = require('./addon-pe');
const { parallel, ROOT, run, say } = require('./tools');

/** @typedef {import('./targets').Target} Target */

/** The defines and warnings are binding.gyp's, but for libcurl, which is linked here and loaded by name there. */
const DEFINES = ['-DCANDOR_CURL_LINKED', '-DNAPI_VERSION=8', '-DNODE_API_NO_EXTERNAL_BUFFERS_ALLOWED', '-DNDEBUG'];
const COMPILE = [
  '-std=c11', '-O2', '-Wall', '-Wextra', '-Wconversion', '-Wshadow', '-Wvla', '-Werror', '-ffunction-sections', '-fdata-sections',
];
/** As the linker wants them: who asks comes before who answers. */
const ARCHIVES = [['curl', 'libcurl.a'], ['openssl', 'libssl.a'], ['openssl', 'libcrypto.a'], ['sqlite3', 'libsqlite3.a'], ['zlib', 'libz.a']];

/** @param {Record<string, string>} libraries */
const archivesOf = (libraries) => ARCHIVES.map(([library, file]) => path.join(libraries[library], 'lib', file));

/** @param {Target} target */
const nodeInclude = (target) => (target.format !== 'elf' ? require('node-api-headers').include_dir : path.join(nodeDirectory(say), 'include', 'node'));

/**
 * Compile every source below root into work. @returns the object files, in order
 * @param {Target} target @param {Record<string, string>} libraries @param {string} root @param {string} work
 */
async function compile(target, libraries, root, work) {
  const { COMPILE: format, DEFINES: defines } = { elf, pe, macho }[target.format];
  const own = target.format === 'macho' ? [...format, ...macho.processorFlags(target)] : format;
  const include = [path.join(root, 'native'), path.join(root, 'native', 'include'), ...Object.values(libraries).map((dir) => path.join(dir, 'include')), nodeInclude(target)];
  const common = [...DEFINES, ...defines, ...COMPILE, ...own, `-ffile-prefix-map=${root}=candor`, ...include.map((dir) => `-I${dir}`)];
  const units = sources(target.name.split('-')[0]).map((file) => ({ file, object: path.join(work, `${file.replaceAll('/', '-')}.o`) }));
  await parallel(units, ({ file, object }) => run(`${target.prefix}gcc`, ['-c', ...common, '-o', object, path.join(root, file)]));
  const more = target.format === 'pe' ? await pe.extras(target, COMPILE, work) : target.format === 'elf' ? await elf.extras(target, COMPILE, work) : [];
  return [...units.map(({ object }) => object), ...more];
}

/**
 * Build the addon of one target.
 * @param {Target} target
 * @param {Record<string, string>} libraries  Folders of the static libraries.
 * @param {{root?: string, work: string, out: string}} where  root: holds native/; work: an empty folder; out: the file.
 */
async function buildPrebuilt(target, libraries, { root = ROOT, work, out }) {
  const objects = await compile(target, libraries, root, work);
  const archives = archivesOf(libraries);
  fs.mkdirSync(path.dirname(out), { recursive: true });
  if (target.format === 'pe') await pe.link(target, objects, archives, work, out);
  else if (target.format === 'macho') await macho.link(target, objects, archives, work, out);
  else await elf.link(target, objects, archives, work, out);
}

module.exports = { archivesOf, buildPrebuilt, compile };
