'use strict';
// Unified diffs: read one, and make the new text of a file of it. Nothing is guessed: a hunk that does not fit
// the file as it is refuses the whole diff.

/** @typedef {{oldStart: number, lines: {op: ' ' | '+' | '-', text: string}[], noNewline: boolean}} Hunk */
/** @typedef {{path: string, operation: 'create' | 'modify' | 'delete', hunks: Hunk[]}} FileChange */

const HUNK = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/;

/** `a/src/x.c\tdate` is src/x.c; /dev/null is no file. @param {string} field */
function pathOf(field) {
  const name = field.split('\t')[0].trim();
  if (name === '/dev/null') return null;
  const path = name.replace(/^[ab]\//, '');
  const parts = path.split('/');
  if (path === '' || path.startsWith('/') || path.includes('\\') || /^[A-Za-z]:/.test(path) || parts.includes('..')) {
    throw new Error(`the diff names ${name}, which is not inside the workspace`);
  }
  return path;
}

/** @param {string[]} lines @param {number} at  the line of the hunk's header @returns {{hunk: Hunk, next: number}} */
function readHunk(lines, at) {
  const header = /** @type {RegExpExecArray} */ (HUNK.exec(lines[at]));
  let [oldLeft, newLeft] = [Number(header[2] ?? 1), Number(header[4] ?? 1)];
  /** @type {Hunk} */
  const hunk = { oldStart: Number(header[1]), lines: [], noNewline: false };
  let i = at + 1;
  for (; oldLeft > 0 || newLeft > 0; i += 1) {
    const line = lines[i];
    if (line === undefined) throw new Error(`line ${at + 1} of the diff: the hunk ends too early`);
    if (line.startsWith('\\')) continue;
    const op = line === '' ? ' ' : line[0]; // some mailers drop the space of an empty line
    if (op !== ' ' && op !== '+' && op !== '-') throw new Error(`line ${i + 1} of the diff: begin a line with a space, + or -`);
    if (op !== '+') oldLeft -= 1;
    if (op !== '-') newLeft -= 1;
    hunk.lines.push({ op, text: line.slice(1) });
  }
  if (lines[i]?.startsWith('\\')) {
    hunk.noNewline = hunk.lines.at(-1)?.op !== '-';
    i += 1;
  }
  return { hunk, next: i };
}

/** @param {string} text @returns {FileChange[]} */
function parseDiff(text) {
  const lines = text.split(/\r?\n/);
  /** @type {FileChange[]} */
  const files = [];
  for (let i = 0; i < lines.length;) {
    if (lines[i].startsWith('--- ') && lines[i + 1]?.startsWith('+++ ')) {
      const [before, after] = [pathOf(lines[i].slice(4)), pathOf(lines[i + 1].slice(4))];
      const path = after ?? before;
      if (path === null) throw new Error(`line ${i + 1} of the diff names no file`);
      files.push({ path, operation: before === null ? 'create' : after === null ? 'delete' : 'modify', hunks: [] });
      i += 2;
    } else if (HUNK.test(lines[i])) {
      const file = files.at(-1);
      if (file === undefined) throw new Error(`line ${i + 1} of the diff: a hunk before the first file; --- and +++ lines are needed`);
      const { hunk, next } = readHunk(lines, i);
      file.hunks.push(hunk);
      i = next;
    } else {
      i += 1;
    }
  }
  if (files.length === 0) throw new Error('there is no unified diff here: --- and +++ lines are needed');
  return files;
}

/** @param {string} before @param {FileChange} file @returns {string} the file's new text */
function applyDiff(before, { path, hunks }) {
  const newline = before.includes('\r\n') ? '\r\n' : '\n';
  const old = before === '' ? [] : before.split(/\r?\n/);
  const ended = old.length === 0 || old.at(-1) === '';
  if (old.length > 0 && ended) old.pop();
  const made = [];
  let at = 0;
  for (const hunk of hunks) {
    const start = hunk.lines.some(({ op }) => op !== '+') ? hunk.oldStart - 1 : hunk.oldStart;
    if (start < at || start > old.length) throw new Error(`${path}: a hunk begins at line ${hunk.oldStart}, where the file has none`);
    made.push(...old.slice(at, start));
    at = start;
    for (const { op, text } of hunk.lines) {
      if (op !== '+' && old[at] !== text) throw new Error(`${path}: line ${at + 1} is not what the diff was made from`);
      if (op !== '-') made.push(text);
      if (op !== '+') at += 1;
    }
  }
  const rest = old.slice(at);
  const endsInDiff = rest.length === 0 && hunks.length > 0;
  const newlineAtEnd = endsInDiff ? !hunks.at(-1)?.noNewline : ended;
  const all = [...made, ...rest];
  return all.length === 0 ? '' : all.join(newline) + (newlineAtEnd ? newline : '');
}

/** Lines that a file's change adds or removes. @param {FileChange} file */
function linesChanged({ hunks }) {
  return hunks.reduce((sum, { lines }) => sum + lines.filter(({ op }) => op !== ' ').length, 0);
}

module.exports = { parseDiff, applyDiff, linesChanged };
