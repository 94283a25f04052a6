'use strict';
// The dashboard: Vite makes dashboard/ into files, this puts them, compressed, into a C table for the collector.
// build/dashboard/dist holds the files, build/dashboard/assets.c the table. The same sources give the same bytes.

const { createHash } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const zlib = require('node:zlib');

const ROOT = path.join(__dirname, '..');
const SOURCE = path.join(ROOT, 'dashboard');
const OUT = path.join(ROOT, 'build', 'dashboard');
const DIST = path.join(OUT, 'dist');
const TABLE = path.join(OUT, 'assets.c');
const STAMP = path.join(OUT, 'sources.txt');

/** @type {Record<string, string>} */
const TYPES = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml',
};

/** Every file below dir, without node_modules, sorted. @param {string} dir @returns {string[]} */
function filesOf(dir) {
  return fs.readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === 'node_modules') return [];
    const full = path.join(dir, entry.name);
    return entry.isDirectory() ? filesOf(full) : [full];
  }).sort();
}

function digest() {
  const hash = createHash('sha256').update(fs.readFileSync(__filename));
  for (const file of filesOf(SOURCE)) hash.update(path.relative(SOURCE, file)).update('\0').update(fs.readFileSync(file));
  return hash.digest('hex');
}

/** @param {Buffer} bytes */
function cBytes(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 24) lines.push([...bytes.subarray(at, at + 24)].join(','));
  return lines.join(',\n');
}

/** The files as the collector serves them. @returns {{name: string, type: string, hashed: boolean, gz: Buffer}[]} */
function assets() {
  return filesOf(DIST).map((file) => {
    const name = path.relative(DIST, file).split(path.sep).join('/');
    const type = TYPES[path.extname(file)];
    if (type === undefined) throw new Error(`dashboard: no media type for ${name}; add it to scripts/dashboard.js`);
    return { name, type, hashed: name.startsWith('assets/'), gz: zlib.gzipSync(fs.readFileSync(file), { level: 9 }) };
  });
}

function writeTable() {
  const list = assets();
  const text = `/* Made by scripts/dashboard.js from dashboard/. */
#include "central/dashboard.h"

${list.map((one, i) => `static const unsigned char gz_${i}[] = {\n${cBytes(one.gz)}};\n`).join('\n')}
static const candor_asset assets[] = {
${list.map((one, i) => `    {"${one.name}", "${one.type}", ${one.hashed}, gz_${i}, sizeof gz_${i}},\n`).join('')}};

const candor_asset *candor_dashboard_assets(size_t *n)
{
    *n = sizeof assets / sizeof assets[0];
    return assets;
}
`;
  fs.writeFileSync(`${TABLE}.new`, text);
  fs.renameSync(`${TABLE}.new`, TABLE);
}

/**
 * True when there is a table to put into the collector. make: bring it up to date first.
 * @param {boolean} make @param {(text: string) => void} say
 */
function buildDashboard(make, say) {
  const vite = path.join(SOURCE, 'node_modules', 'vite', 'bin', 'vite.js');
  if (!make) return fs.existsSync(TABLE);
  const want = digest();
  if (fs.existsSync(TABLE) && fs.existsSync(STAMP) && fs.readFileSync(STAMP, 'utf8') === want) return true;
  if (!fs.existsSync(vite)) {
    say(`dashboard: its npm packages are missing, so the collector is built ${fs.existsSync(TABLE) ? 'with an older one' : 'without it'}; run: sh scripts/setup.sh`);
    return fs.existsSync(TABLE);
  }
  say('building the dashboard');
  const done = spawnSync(process.execPath, [vite, 'build', '--logLevel', 'warn', '--outDir', DIST, '--emptyOutDir'], { cwd: SOURCE, stdio: ['ignore', 2, 2] });
  if (done.status !== 0) throw new Error('vite build failed; see the lines above');
  writeTable();
  fs.writeFileSync(STAMP, want);
  return true;
}

module.exports = { assets, buildDashboard };
