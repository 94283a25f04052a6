'use strict';
// The difference of two texts, by lines, as hunks with context and as a unified diff.

/** Lines around a change. */
const CONTEXT = 3;
/** Larger comparisons show the whole middle as replaced. */
const CELLS_MAX = 4_000_000;

/** @typedef {{kind: ' ' | '+' | '-', text: string, before: number, after: number}} Line  numbers from 1; 0: not there */
/** @typedef {{before: number, after: number, lines: Line[]}} Hunk */

/** @param {string} text */
function split(text) {
  if (text === '') return [];
  const lines = text.split('\n');
  if (lines[lines.length - 1] === '') lines.pop();
  return lines;
}

/**
 * Which lines of a middle part stay: a longest common subsequence.
 * @param {string[]} a @param {string[]} b
 * @returns {('=' | '-' | '+')[]}
 */
function middle(a, b) {
  if (a.length * b.length > CELLS_MAX) return [...a.map(() => /** @type {const} */ ('-')), ...b.map(() => /** @type {const} */ ('+'))];
  const width = b.length + 1;
  const length = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      length[i * width + j] = a[i] === b[j] ? length[(i + 1) * width + j + 1] + 1
        : Math.max(length[(i + 1) * width + j], length[i * width + j + 1]);
    }
  }
  /** @type {('=' | '-' | '+')[]} */
  const steps = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      steps.push('=');
      i++;
      j++;
    } else if (i < a.length && (j === b.length || length[(i + 1) * width + j] >= length[i * width + j + 1])) {
      steps.push('-');
      i++;
    } else {
      steps.push('+');
      j++;
    }
  }
  return steps;
}

/** @param {string} before @param {string} after @returns {Line[]} */
function compare(before, after) {
  const a = split(before);
  const b = split(after);
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const steps = [
    ...Array(head).fill('='),
    ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...Array(tail).fill('='),
  ];
  let i = 0;
  let j = 0;
  return steps.map((step) => {
    if (step === '=') return { kind: ' ', text: a[i++], before: i, after: ++j };
    if (step === '-') return { kind: '-', text: a[i++], before: i, after: 0 };
    return { kind: '+', text: b[j++], before: 0, after: j };
  });
}

/** @param {string} before @param {string} after @returns {Hunk[]} */
function hunks(before, after) {
  const lines = compare(before, after);
  const shown = new Set();
  lines.forEach(({ kind }, at) => {
    if (kind !== ' ') for (let near = at - CONTEXT; near <= at + CONTEXT; near++) shown.add(near);
  });
  /** @type {Hunk[]} */
  const found = [];
  lines.forEach((line, at) => {
    if (!shown.has(at)) return;
    if (!shown.has(at - 1) || at === 0) found.push({ before: 0, after: 0, lines: [] });
    const hunk = found[found.length - 1];
    hunk.before ||= line.before;
    hunk.after ||= line.after;
    hunk.lines.push(line);
  });
  return found;
}

/** @param {string} path @param {string | null} before @param {string | null} after */
function unified(path, before, after) {
  const head = `--- ${before === null ? '/dev/null' : `a/${path}`}\n+++ ${after === null ? '/dev/null' : `b/${path}`}\n`;
  return head + hunks(before ?? '', after ?? '').map(({ before: from, after: to, lines }) => {
    const count = (/** @type {string} */ not) => lines.filter(({ kind }) => kind !== not).length;
    return `@@ -${from},${count('+')} +${to},${count('-')} @@\n${lines.map(({ kind, text }) => `${kind}${text}\n`).join('')}`;
  }).join('');
}

module.exports = { hunks, unified };
