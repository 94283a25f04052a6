'use strict';
// The tools of the demo's agent: real work on a real folder, with real durations and real failures.
const { execFileSync } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

const SKIP = new Set(['node_modules', '.git', 'build', '.cache']);
const FILE_MAX_BYTES = 512 * 1024;

/** Files below a folder, in a stable order. @param {string} folder @returns {string[]} */
function listFiles(folder) {
  const files = [];
  const visit = (/** @type {string} */ dir) => {
    for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
      if (SKIP.has(entry.name)) continue;
      const full = path.join(dir, entry.name);
      if (entry.isDirectory()) visit(full);
      else if (entry.isFile()) files.push(full);
    }
  };
  visit(folder);
  return files.sort();
}

/** @param {string} file */
function readFile(file) {
  if (fs.statSync(file).size > FILE_MAX_BYTES) throw new RangeError(`${file} is larger than ${FILE_MAX_BYTES} bytes`);
  return fs.readFileSync(file, 'utf8');
}

/** @param {string} text @param {string} word */
function search(text, word) {
  return text.split('\n').filter((line) => line.includes(word)).length;
}

/** @param {string} text */
function hash(text) {
  return crypto.createHash('sha256').update(text).digest('hex');
}

/** Parses any file as JSON, and fails on most: the agent's real errors. @param {string} text */
function parseJson(text) {
  return JSON.parse(text);
}

/** @param {string} folder @param {string[]} args */
function git(folder, args) {
  return execFileSync('git', ['-C', folder, ...args], { encoding: 'utf8', maxBuffer: 64 << 20, stdio: ['ignore', 'pipe', 'ignore'] });
}

/** Is the folder the work tree of a git repository with at least one commit? @param {string} folder */
function hasHistory(folder) {
  try {
    return git(folder, ['rev-list', '--count', 'HEAD']).trim() !== '0';
  } catch {
    return false;
  }
}

/**
 * Real diffs to propose: a commit's change of one file each, or, where there is no history, the addition
 * of each file.
 * @param {string} folder @param {string[]} files
 * @returns {Generator<{files: number, lines: number, operation: 'create' | 'edit' | 'delete'}>}
 */
function* diffs(folder, files) {
  if (!hasHistory(folder)) {
    for (const file of files) yield { files: 1, lines: readFile(file).split('\n').length, operation: 'create' };
    return;
  }
  for (const commit of git(folder, ['rev-list', '--max-count=200', 'HEAD']).trim().split('\n')) {
    for (const line of git(folder, ['show', '--numstat', '--format=', '--summary', commit]).split('\n')) {
      const change = /^(\d+)\t(\d+)\t/.exec(line);
      if (change === null) continue;
      const [added, removed] = [Number(change[1]), Number(change[2])];
      yield { files: 1, lines: added + removed, operation: removed === 0 ? 'create' : added === 0 ? 'delete' : 'edit' };
    }
  }
}

module.exports = { listFiles, readFile, search, hash, parseJson, hasHistory, diffs };
