'use strict';
// A directory for one run that goes away however the run ends, and the processes that go with it.
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const cleanups = new Set();

function runCleanups() {
  for (const cleanup of cleanups) cleanup();
}

/** Also on Ctrl-C or a kill: without a handler 'exit' listeners would not run. */
function installSignalHandlers() {
  process.once('exit', runCleanups);
  for (const [signal, number] of [['SIGINT', 2], ['SIGTERM', 15]]) {
    process.once(signal, () => process.exit(128 + number));
  }
}

/** Run cleanup when the process ends, unless the returned function is called before. */
function atExit(cleanup) {
  if (cleanups.size === 0 && process.listenerCount('SIGTERM') === 0) installSignalHandlers();
  cleanups.add(cleanup);
  return () => cleanups.delete(cleanup);
}

/** TMPDIR should be on the disk whose speed is of interest: in memory, syncing costs nothing. */
async function withScratch(name, work) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), `candor-bench-${name}-`));
  const remove = () => fs.rmSync(directory, { recursive: true, force: true });
  const forget = atExit(remove);
  try {
    return await work(directory);
  } finally {
    forget();
    remove();
  }
}

module.exports = { atExit, withScratch };
