'use strict';
// What somebody may have meant who typed a name that does not exist.

/** Edits between two words: insert, delete, replace, or swap of neighbours. @param {string} a @param {string} b */
function distance(a, b) {
  const rows = [Array.from({ length: b.length + 1 }, (_, i) => i)];
  for (let i = 1; i <= a.length; i++) {
    rows[i] = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, rows[i - 2][j - 2] + 1);
      rows[i][j] = best;
    }
  }
  return rows[a.length][b.length];
}

/** Longer is no typing error of a name of ours. */
const LONGEST = 40;

/**
 * The known name that is close enough to have been meant; a beginning of just one name counts too.
 * @param {string} typed
 * @param {readonly string[]} known
 * @returns {string | undefined}
 */
function nearest(typed, known) {
  const word = typed.toLowerCase();
  if (word === '' || word.length > LONGEST) return undefined;
  const begun = known.filter((name) => name.startsWith(word));
  if (begun.length === 1) return begun[0];
  const ranked = known.map((name) => ({ name, edits: distance(word, name) })).sort((a, b) => a.edits - b.edits);
  const best = ranked[0];
  return best !== undefined && best.edits <= Math.max(1, Math.floor(best.name.length / 3)) ? best.name : undefined;
}

/** @param {string} typed @param {readonly string[]} known */
function suggestion(typed, known) {
  const name = nearest(typed, known);
  return name === undefined ? '' : `; did you mean "${name}"?`;
}

module.exports = { nearest, suggestion };
