'use strict';
// npm test: every check and test of the repository, in order, closing with counts.
//   --only NAME[,NAME]  run some steps    --list  name them    --verbose  print everything
const { parseArgs } = require('node:util');
const { steps } = require('./test/steps.js');
const { Tally } = require('./test/tally.js');

const { values: args } = parseArgs({
  options: {
    only: { type: 'string' },
    list: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

function chosen() {
  if (args.only === undefined) return steps;
  const names = args.only.split(',');
  const unknown = names.filter((name) => !steps.some((step) => step.name === name));
  if (unknown.length > 0) {
    throw new Error(`unknown step ${unknown.join(', ')}; there are ${steps.map((s) => s.name).join(', ')}`);
  }
  return steps.filter((step) => names.includes(step.name));
}

async function main() {
  if (args.help) {
    console.log('Usage: npm test [-- --only STEP[,STEP] | --list | --verbose]');
    return;
  }
  if (args.list) {
    for (const step of steps) console.log(`${step.name.padEnd(10)} ${step.about}`);
    return;
  }
  const total = new Tally();
  for (const step of chosen()) {
    const started = Date.now();
    const tally = new Tally();
    try {
      await step.run(tally, { verbose: args.verbose });
    } catch (error) {
      tally.fail(step.name, error.message);
    }
    const seconds = ((Date.now() - started) / 1000).toFixed(1);
    console.log(`${tally.failed === 0 ? 'ok  ' : 'FAIL'} ${step.name.padEnd(10)} ${tally.line()} (${seconds} s)  ${step.about}`);
    total.add(tally);
  }
  for (const note of total.skips) console.log(`skipped: ${note}`);
  for (const failure of total.failures) console.log(`\nFAILED ${failure.name}\n${failure.detail}`);
  console.log(`\n${total.line()}`);
  if (total.failed > 0 || total.passed === 0) process.exitCode = 1;
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 2;
});
