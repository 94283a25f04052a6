'use strict';
// A model by script: it knows a few requests, and answers them with tools in the folder, without a network.

/**
 * @typedef {object} Tools
 * @property {() => string[]} list_files
 * @property {(input: {path: string}) => string} read_file
 * @property {(input: {text: string}) => {file: string, line: number, text: string}[]} search_text
 *
 * @typedef {{path: string, before: string | null, after: string}} Change
 * @typedef {{text: string, changes?: Change[]}} Reply
 */

/** @param {string} text */
const unquote = (text) => text.trim().replace(/^[`'"“]+|[`'"”.?!]+$/g, '');
/** @param {number} n @param {string} word */
const count = (n, word) => `${n} ${word}${n === 1 ? '' : 's'}`;

/** @param {Tools} tools @returns {Reply} */
function list(tools) {
  const files = tools.list_files();
  const shown = files.slice(0, 20).map((name) => `- ${name}`).join('\n');
  return { text: `${count(files.length, 'text file')} in this folder:\n${shown}${files.length > 20 ? `\n- and ${files.length - 20} more` : ''}` };
}

/** @param {Tools} tools @param {RegExpExecArray} match @returns {Reply} */
function read(tools, match) {
  const path = unquote(match[1]);
  const lines = tools.read_file({ path }).split('\n');
  return { text: `The first lines of ${path} (${count(lines.length, 'line')}):\n\`\`\`\n${lines.slice(0, 18).join('\n')}\n\`\`\`` };
}

/** @param {Tools} tools @param {RegExpExecArray} match @returns {Reply} */
function search(tools, match) {
  const text = unquote(match[1]);
  const hits = tools.search_text({ text });
  if (hits.length === 0) return { text: `“${text}” is nowhere in this folder.` };
  const files = new Set(hits.map(({ file }) => file)).size;
  return { text: `${count(hits.length, 'line')} in ${count(files, 'file')}:\n${hits.slice(0, 12).map((hit) => `- ${hit.file}:${hit.line}  ${hit.text}`).join('\n')}` };
}

/** @param {Tools} tools @param {RegExpExecArray} match @returns {Reply} */
function replace(tools, match) {
  const [from, to] = [unquote(match[1]), unquote(match[2])];
  const files = [...new Set(tools.search_text({ text: from }).map(({ file }) => file))];
  const changes = files.map((path) => {
    const before = tools.read_file({ path });
    return { path, before, after: before.replaceAll(from, to) };
  }).filter(({ before, after }) => before !== after);
  if (changes.length === 0) return { text: `“${from}” is nowhere in this folder, so there is nothing to replace.` };
  return { text: `I would replace “${from}” with “${to}” in ${count(changes.length, 'file')}. Nothing is written before you approve.`, changes };
}

/** @param {Tools} tools @returns {Reply} */
function tidy(tools) {
  const changes = tools.list_files().flatMap((path) => {
    const before = tools.read_file({ path });
    const after = before.split('\n').map((line) => line.replace(/[ \t]+$/, '')).join('\n').replace(/\n*$/, before === '' ? '' : '\n');
    return before === after ? [] : [{ path, before, after }];
  });
  if (changes.length === 0) return { text: 'Every file is tidy: no trailing spaces, one line end at the end.' };
  return { text: `${count(changes.length, 'file')} would be tidied: trailing spaces go, and each file ends with one line end.`, changes };
}

/** @param {Tools} tools @returns {Reply} */
function summary(tools) {
  const files = tools.list_files();
  const path = 'SUMMARY.md';
  const lines = files.filter((name) => name !== path).map((name) => `- ${name} (${count(tools.read_file({ path: name }).split('\n').length, 'line')})`);
  const before = files.includes(path) ? tools.read_file({ path }) : null;
  const after = `# What is in this folder\n\n${lines.join('\n')}\n`;
  if (before === after) return { text: 'SUMMARY.md is up to date.' };
  return { text: `I would ${before === null ? 'add' : 'update'} SUMMARY.md, an overview of ${count(lines.length, 'file')}.`, changes: [{ path, before, after }] };
}

const HELP = [
  'I work by script, on this machine only. Ask me to', '- list the files', '- read README.md', '- search for TODO',
  '- replace “colour” with “color”', '- tidy the files', '- write a summary',
].join('\n');

/** @type {[RegExp, (tools: Tools, match: RegExpExecArray) => Reply][]} */
const KNOWN = [
  [/^replace\s+(.+?)\s+(?:with|by)\s+(.+)$/i, replace],
  [/^(?:search|find|look)(?:\s+for)?\s+(.+)$/i, search],
  [/\b(?:tidy|clean up|whitespace)\b/i, tidy],
  [/\bsummar/i, summary],
  [/^(?:list|show|which|what)\b.*\b(?:files?|here|folder)\b/i, list],
  [/^(?:read|open|show)\s+(.+)$/i, read],
];

/** @param {string} prompt @param {Tools} tools @returns {Reply} */
function answer(prompt, tools) {
  const text = prompt.trim();
  for (const [pattern, run] of KNOWN) {
    const match = pattern.exec(text);
    if (match !== null) return run(tools, match);
  }
  return { text: HELP };
}

module.exports = { answer };
