'use strict';

const assert = require('node:assert/strict');

const LOOK_MS = 20;

/**
 * Wait until something is so, for what there is no event: what another process does to files, say.
 * @template T
 * @param {string} what  for the message when it never is
 * @param {() => T | Promise<T>} isSo
 * @param {number} [limitMs]  a bound for a broken build, never a measure
 * @returns {Promise<T>}
 */
async function until(what, isSo, limitMs = 20_000) {
  const end = Date.now() + limitMs;
  for (;;) {
    const value = await isSo();
    if (value) return value;
    if (Date.now() > end) assert.fail(`waited in vain: ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, LOOK_MS); });
  }
}

module.exports = { until };
