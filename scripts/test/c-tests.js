'use strict';
// Runs the C test programs of one sanitizer build and counts cmocka's own lines.
const fs = require('node:fs');
const path = require('node:path');
const { root, run, tail } = require('./run.js');

/** @typedef {import('./tally.js').Tally} Tally */

const SANITIZER_ENV = {
  ASAN_OPTIONS: 'detect_leaks=1:abort_on_error=0',
  UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
  TSAN_OPTIONS: 'halt_on_error=1:second_deadlock_stack=1',
};

const LOCALES = path.join(root, 'build', 'locale');

/** Programs that need that locale. With LOCPATH set, glibc keeps memory that LeakSanitizer takes for a leak.
 * @type {Record<string, Record<string, string>>} */
const LOCALE_ENV = {
  test_json_number: { LOCPATH: LOCALES, ASAN_OPTIONS: 'detect_leaks=0' },
};

/** A locale with a decimal comma, so that the tests of number parsing can hold it against them. */
async function makeLocale() {
  const locale = path.join(LOCALES, 'de_DE.UTF-8');
  if (fs.existsSync(locale)) return;
  fs.mkdirSync(LOCALES, { recursive: true });
  await run('localedef', ['-i', 'de_DE', '-f', 'UTF-8', locale]);
}

/** @param {string} build @param {string[]} labels */
async function programs(build, labels) {
  const { code, stdout, output } = await run('ctest', ['--test-dir', `build/${build}`, '--show-only=json-v1']);
  if (code !== 0) throw new Error(tail(output));
  return JSON.parse(stdout).tests
    .filter((test) => {
      const property = (test.properties ?? []).find((candidate) => candidate.name === 'LABELS');
      return labels.length === 0 || (property?.value ?? []).some((label) => labels.includes(label));
    })
    .map((test) => ({ name: test.name, command: test.command[0] }));
}

/** @param {string} output @param {RegExp} pattern */
function count(output, pattern) {
  let sum = 0;
  for (const match of output.matchAll(pattern)) sum += Number(match[1]);
  return sum;
}

/** @param {Tally} tally @param {{name: string, command: string}} program @param {boolean} echo */
async function one(tally, program, echo) {
  const { code, output } = await run(program.command, [], { env: { ...SANITIZER_ENV, ...LOCALE_ENV[program.name] }, echo, timeoutMs: 300_000 });
  const failed = count(output, /\[ {2}FAILED {2}\] (\d+) test\(s\)/g);
  const skipped = count(output, /\[ {2}SKIPPED \] (\d+) test\(s\)/g);
  tally.pass(count(output, /\[ {2}PASSED {2}\] (\d+) test\(s\)/g));
  if (skipped > 0) {
    const names = [...output.matchAll(/^\[ {2}SKIPPED \] (\w+)$/gm)].map((match) => match[1]);
    tally.skip(`${program.name}: ${[...new Set(names)].join(', ')}`, skipped);
  }
  if (failed > 0 || code !== 0) tally.fail(program.name, tail(output, 80), Math.max(failed, 1));
}

/**
 * @param {Tally} tally
 * @param {string} build  Folder below build/, made by scripts/build.js.
 * @param {string[]} labels  Layers to run; none means all.
 * @param {{verbose: boolean}} options
 */
async function cTests(tally, build, labels, options) {
  const made = await run('node', ['scripts/build.js', build], { echo: options.verbose });
  if (made.code !== 0) {
    tally.fail(`build ${build}`, tail(made.output));
    return;
  }
  await makeLocale();
  const queue = await programs(build, labels);
  if (queue.length === 0) tally.fail(build, 'no C test program was found');
  const worker = async () => {
    for (let program = queue.shift(); program !== undefined; program = queue.shift()) {
      await one(tally, program, options.verbose);
    }
  };
  await Promise.all([worker(), worker()]);
}

module.exports = { cTests };
