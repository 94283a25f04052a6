'use strict';
// One exit listener for all open clients of this environment: a listener a client would be a leak that
// Node warns about at the eleventh.

/** @typedef {{close: () => void}} Closable */

/** @type {Set<Closable>} */
const open = new Set();

function onExit() {
  for (const client of [...open]) {
    try {
      client.close();
    } catch {
      // The process is ending: what was accepted is on disk, and the next one picks it up.
    }
  }
}

/** @param {Closable} client */
function add(client) {
  if (open.size === 0) process.on('exit', onExit);
  open.add(client);
}

/** @param {Closable} client */
function remove(client) {
  if (open.delete(client) && open.size === 0) process.removeListener('exit', onExit);
}

module.exports = { add, remove };
