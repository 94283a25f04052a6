'use strict';
// npm run test:wine: the layers compiled for Windows, with those C tests that ask for nothing of POSIX and with
// test_windows.c for native/plat, under Wine. One line a program, then the sum.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { archivesOf, compile } = require('../../scripts/prebuild/addon');
const { COMPILE, DEFINES, SYSTEM } = require('../../scripts/prebuild/addon-pe');
const { SHIPPED, libraries } = require('../../scripts/prebuild/libraries');
const { TARGETS } = require('../../scripts/prebuild/targets');
const { ROOT, parallel, run } = require('../../scripts/prebuild/tools');
const { Wine, windowsPath, wine } = require('../package/wine.js');

/** @typedef {import('../../scripts/prebuild/targets').PeTarget} PeTarget */

const TARGET = /** @type {PeTarget} */ (TARGETS['win32-x64']);
/** The others start processes, servers or signals as POSIX does. */
const ALONE = ['tests/c/plat/test_crc32c.c', 'tests/c/net/test_url.c', 'tests/c/client/test_identity.c', 'tests/wine/test_windows.c'];
/** Asks the C library for days before 1970. */
const NOT_THERE = ['tests/c/base/test_uuid.c'];
const LAYERS = ['base', 'contract'];
const LIBRARY = 'tests/wine/exit_library.c';

const { values: args } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

/** @param {Record<string, unknown>} value */
function report(value) {
  if (args.json) console.log(JSON.stringify(value));
  else console.log(Object.entries(value).map(([key, one]) => `${key}: ${one}`).join(', '));
}

/** @returns {string[]} sources of programs, relative to the repository */
function programs() {
  const found = LAYERS.flatMap((layer) => fs.readdirSync(path.join(ROOT, 'tests', 'c', layer)).filter((name) => /^test_.*\.c$/.test(name)).map((name) => `tests/c/${layer}/${name}`));
  return [...found.sort(), ...ALONE].filter((file) => !NOT_THERE.includes(file) && file.includes(args.only));
}

/** @param {string} dir @param {string[]} files @returns {Promise<Record<string, string>>} source -> program */
async function build(dir, files) {
  const folders = await libraries(TARGET, [...SHIPPED, 'cmocka']);
  const layers = path.join(dir, 'libcandor.a');
  await run(`${TARGET.prefix}ar`, ['rcsD', layers, ...await compile(TARGET, folders, ROOT, dir)]);
  const flags = ['-std=c11', '-O1', '-Wall', '-Wextra', '-Werror', '-Wno-format', '-Wno-format-extra-args', ...COMPILE, ...DEFINES, '-D_GNU_SOURCE', '-include', path.join(ROOT, 'tests/wine/posix.h'), `-DCANDOR_SOURCE_DIR="${windowsPath(ROOT).replaceAll('\\', '/')}"`,
    ...['native', 'native/include', 'tests/c'].map((name) => `-I${path.join(ROOT, name)}`), ...Object.values(folders).map((folder) => `-I${path.join(folder, 'include')}`)];
  /** @type {Record<string, string>} */
  const built = {};
  const link = (/** @type {string[]} */ ...words) => run(`${TARGET.prefix}gcc`, [...flags, '-static', ...words, layers, ...archivesOf(folders), path.join(folders.cmocka, 'lib', 'libcmocka.a'), ...SYSTEM]);
  await link('-shared', '-o', path.join(dir, 'exit_library.dll'), path.join(ROOT, LIBRARY));
  await parallel(files, (file) => {
    built[file] = path.join(dir, `${path.basename(file, '.c')}.exe`);
    return link('-o', built[file], path.join(ROOT, file));
  });
  return built;
}

async function main() {
  if (args.help) return console.log('Usage: npm run test:wine -- [--only PART_OF_A_NAME] [--json] [--keep]');
  const program = wine();
  if (program === null) return report({ ok: true, passed: 0, failed: 0, skipped: 'all: wine64 is not installed' });
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'candor-wine-'));
  const files = programs();
  const machine = new Wine(program, dir);
  let failed = 0;
  try {
    const built = await build(dir, files);
    await machine.begin();
    for (const file of files) {
      const scratch = path.join(dir, `scratch-${path.basename(file, '.c')}`);
      fs.mkdirSync(scratch);
      const done = await machine.run([built[file], windowsPath(scratch)], { cwd: scratch });
      const text = done.stdout + done.stderr;
      const passed = Number(/PASSED +\] (\d+) test/.exec(text)?.[1] ?? 0);
      const ok = done.code === 0 && passed > 0;
      if (!ok) failed += 1;
      report({ program: file, ok, tests: passed });
      if (!ok) process.stderr.write(`${text}\n${file} ended with ${done.signal ?? done.code}\n`);
    }
  } finally {
    await machine.end();
    if (!args.keep) fs.rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
  report({ ok: failed === 0 && files.length > 0, passed: files.length - failed, failed });
  if (failed > 0 || files.length === 0) process.exitCode = 1;
}

main().catch((error) => {
  console.error(`test:wine: ${error.message}`);
  process.exitCode = 2;
});
