'use strict';
// Builds and runs the C tools of the benchmarks.
const { execFile, execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const ROOT = path.join(__dirname, '..', '..', '..');
const SOURCES = path.join(ROOT, 'tests', 'bench', 'native');
const OUT = path.join(ROOT, 'build', 'bench');
const FLAGS = ['-O2', '-std=c11', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Wconversion', '-Wshadow', '-Wvla', '-Werror'];
/** What is linked beside the tool's own file. */
const MORE_SOURCES = { bare_sink: ['bare_jsonl'] };
const LIBRARIES = {
  loadgen: [], flood: [], bare_sqlite: ['-lsqlite3'], dump_ids: ['-lsqlite3'],
  bare_sink: ['-I/usr/include/postgresql', '-I/usr/include/mariadb', '-lpq', '-lmariadb', '-ldeflate', '-lisal', '-lcurl'],
};

function isFresh(binary, sources) {
  return fs.existsSync(binary) && sources.every((source) => fs.statSync(binary).mtimeMs >= fs.statSync(source).mtimeMs);
}

/** Path of a tool's binary, compiled when its source is newer. */
function buildTool(name) {
  const sources = [name, ...(MORE_SOURCES[name] ?? [])].map((source) => path.join(SOURCES, `${source}.c`));
  const binary = path.join(OUT, name);
  if (!isFresh(binary, sources)) {
    fs.mkdirSync(OUT, { recursive: true });
    execFileSync(process.env.CC ?? 'cc', [...FLAGS, ...sources, '-o', binary, ...LIBRARIES[name]],
      { stdio: ['ignore', 'inherit', 'inherit'] });
  }
  return binary;
}

/** Run a tool that prints one JSON object. */
function runTool(name, args) {
  const binary = buildTool(name);
  return new Promise((resolve, reject) => {
    execFile(binary, args.map(String), { maxBuffer: 1 << 20 }, (error, stdout, stderr) => {
      if (error) reject(new Error(stderr.trim() || error.message));
      else resolve(JSON.parse(stdout));
    });
  });
}

module.exports = { ROOT, buildTool, runTool };
