'use strict';
// npm run prebuild: the self-contained binaries of the published package, prebuilds/<platform>-<arch>/candor.node.
// docs/prebuilds.md says what is inside and why.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const zlib = require('node:zlib');
const { parseArgs } = require('node:util');
const { checkElf } = require('./check-elf');
const { checkMachO } = require('./check-macho');
const { checkPe } = require('./check-pe');
const { GZIP_MAX, TARGETS } = require('./targets');
const { ROOT, sha256 } = require('./tools');

const USAGE = `Usage: npm run prebuild -- [--target NAME[,NAME]] [--check | --verify-reproducible] [--dir DIR] [--json]

  --target               ${Object.keys(TARGETS).join(', ')}; default: all (with --check: those that are there)
  --check                build nothing; check the files that are there
  --verify-reproducible  build the addon twice, in two folders, and compare
  --dir                  where the binaries are, default prebuilds
  --json                 one JSON object a line on stdout
The static libraries are kept in $CANDOR_PREBUILD_CACHE (default ~/.cache/candor-prebuild).`;

/** @typedef {import('./targets').Target} Target */
/** @typedef {{target: string, ok: boolean, file: string, bytes: number, gzip: number, sha256: string, glibc: string, problems: string[]}} Result */

/** @param {string} target @param {string} file @param {string} problem @returns {Result} */
const absent = (target, file, problem) => ({ target, ok: false, file, bytes: 0, gzip: 0, sha256: '', glibc: '', problems: [problem] });

/** @param {Buffer} bytes @param {Target} target */
function verdict(bytes, target) {
  if (target.format === 'pe') return { problems: checkPe(bytes, target), glibc: '' };
  return target.format === 'macho' ? { problems: checkMachO(bytes, target), glibc: '' } : checkElf(bytes, target);
}

/** @param {string} file @param {Target} target @returns {Result} */
function examine(file, target) {
  if (!fs.existsSync(file)) return absent(target.name, file, 'is not there');
  const bytes = fs.readFileSync(file);
  const { problems, glibc } = verdict(bytes, target);
  const gzip = zlib.gzipSync(bytes).length;
  if (gzip > GZIP_MAX) problems.push(`has ${gzip} bytes when it is compressed, more than ${GZIP_MAX}: each of them is in every install`);
  return { target: target.name, ok: problems.length === 0, file, bytes: bytes.length, gzip, sha256: sha256(bytes), glibc, problems };
}

/** What is in dir: each folder must be a target's. @param {string} dir @param {string[] | null} names @returns {Result[]} */
function check(dir, names) {
  const found = names ?? (fs.existsSync(dir) ? fs.readdirSync(dir).sort() : []);
  if (found.length === 0) throw new Error(`nothing to check: ${dir} holds no binaries; build them with: npm run prebuild`);
  return found.map((name) => {
    const file = path.join(dir, name, 'candor.node');
    if (TARGETS[name] !== undefined) return examine(file, TARGETS[name]);
    return absent(name, file, `no such target; known: ${Object.keys(TARGETS).join(', ')}`);
  });
}

/** Run work with a folder of its own. @template T @param {(dir: string) => Promise<T>} work @returns {Promise<T>} */
async function withScratch(work) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'candor-prebuild-'));
  try {
    return await work(dir);
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

/** Its static libraries, and what builds for macOS, which the other targets need not wait for. @param {Target} target */
async function prepare(target) {
  const { libraries } = require('./libraries');
  const { run } = require('./tools');
  if (target.format === 'macho') await run('sh', ['scripts/setup.sh', 'mac']);
  return libraries(target);
}

/** Build one target into dir, but only what passes the check. @param {Target} target @param {string} dir @returns {Promise<Result>} */
async function build(target, dir) {
  const { buildPrebuilt } = require('./addon');
  const { say } = require('./tools');
  const built = await prepare(target);
  return withScratch(async (work) => {
    say(`building the addon for ${target.name}`);
    const out = path.join(work, 'out', 'candor.node');
    await buildPrebuilt(target, built, { work, out });
    const result = examine(out, target);
    if (!result.ok) return result;
    const file = path.join(dir, target.name, 'candor.node');
    fs.mkdirSync(path.dirname(file), { recursive: true });
    // A process that has the old file mapped keeps it: replace the name, never the content.
    fs.copyFileSync(out, `${file}.tmp`);
    fs.renameSync(`${file}.tmp`, file);
    return { ...result, file };
  });
}

/** Build twice from copies of the sources, in folders of different depth. @param {Target} target @returns {Promise<Result>} */
async function buildTwice(target) {
  const { buildPrebuilt } = require('./addon');
  const built = await prepare(target);
  return withScratch(async (scratch) => {
    const results = [];
    for (const name of ['one', path.join('another', 'and', 'longer')]) {
      const root = path.join(scratch, name, 'source');
      fs.cpSync(path.join(ROOT, 'native'), path.join(root, 'native'), { recursive: true });
      const work = path.join(scratch, name, 'work');
      fs.mkdirSync(work);
      await buildPrebuilt(target, built, { root, work, out: path.join(work, 'out', 'candor.node') });
      results.push(examine(path.join(work, 'out', 'candor.node'), target));
    }
    const [first, second] = results;
    const problems = first.sha256 === second.sha256 ? [] : [`is not reproducible: two builds have SHA-256 ${first.sha256} and ${second.sha256}`];
    return { ...first, file: '', ok: first.ok && problems.length === 0, problems: [...first.problems, ...problems] };
  });
}

/** @param {Result} result @param {boolean} json */
function report(result, json) {
  if (json) return console.log(JSON.stringify({ ...result, file: result.file === '' ? null : path.relative(ROOT, result.file) }));
  const size = `${(result.bytes / 1e6).toFixed(2)} MB, ${(result.gzip / 1e6).toFixed(2)} MB gzipped, ${result.glibc === '' ? '' : `GLIBC ${result.glibc}, `}SHA-256 ${result.sha256}`;
  console.log(`${result.ok ? 'ok  ' : 'FAIL'} ${result.target.padEnd(12)} ${result.bytes > 0 ? size : result.file}`);
  for (const problem of result.problems) console.log(`     ${result.target}/candor.node ${problem}`);
}

async function main() {
  const { values: args } = parseArgs({
    options: {
      target: { type: 'string' },
      check: { type: 'boolean', default: false },
      'verify-reproducible': { type: 'boolean', default: false },
      dir: { type: 'string', default: path.join(ROOT, 'prebuilds') },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (args.help) return console.log(USAGE);
  const names = args.target === undefined ? null : args.target.split(',');
  const unknown = (names ?? []).filter((name) => TARGETS[name] === undefined);
  if (unknown.length > 0) throw new Error(`unknown target ${unknown.join(', ')}; known: ${Object.keys(TARGETS).join(', ')}`);
  const dir = path.resolve(args.dir);
  let failed = false;
  const note = (/** @type {Result} */ result) => {
    report(result, args.json);
    failed ||= !result.ok;
  };
  if (args.check) {
    check(dir, names).forEach(note);
  } else {
    for (const name of names ?? Object.keys(TARGETS)) {
      note(args['verify-reproducible'] ? await buildTwice(TARGETS[name]) : await build(TARGETS[name], dir));
    }
  }
  if (failed) process.exitCode = 1;
}

main().catch((error) => {
  console.error(`prebuild: ${error.message}`);
  process.exitCode = 2;
});
