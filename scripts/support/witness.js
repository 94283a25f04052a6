'use strict';
// An independent witness of what emit accepted: the app appends the id of each kept event to a file of
// its own, after emit returned true. What the witness knows must be in the store. The one event that was
// kept when a SIGKILL came before the witness could write may be in the store as well.
const fs = require('node:fs');

class Witness {
  /** @param {string} file */
  constructor(file) {
    this.fd = fs.openSync(file, 'a', 0o600);
  }

  /** @param {string} id */
  kept(id) {
    fs.writeSync(this.fd, `${id}\n`);
  }
}

/** The ids in a witness file; a line torn by a SIGKILL does not count. @param {string} file */
function witnessed(file) {
  if (!fs.existsSync(file)) return [];
  const lines = fs.readFileSync(file, 'utf8').split('\n');
  lines.pop();
  return lines;
}

/**
 * Hold the witnesses against the store.
 * @param {string[]} files
 * @param {AsyncIterable<{correlation_id?: string}>} stored  Events whose correlation_id is the id.
 */
async function compare(files, stored) {
  const known = new Set(files.flatMap(witnessed));
  const seen = new Set();
  let duplicates = 0;
  for await (const event of stored) {
    if (event.correlation_id === undefined) continue;
    if (seen.has(event.correlation_id)) duplicates += 1;
    seen.add(event.correlation_id);
  }
  const missing = [...known].filter((id) => !seen.has(id));
  const unwitnessed = [...seen].filter((id) => !known.has(id));
  return {
    witnessed: known.size,
    kept: known.size + unwitnessed.length,
    stored: seen.size,
    lost: missing.length,
    duplicates,
    unwitnessed: unwitnessed.length,
    missing,
  };
}

module.exports = { Witness, compare };
