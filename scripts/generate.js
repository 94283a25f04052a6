'use strict';
// Writes what is derived: the tables between the marks "generated: NAME" in docs/, js/types, docs/TELEMETRY.md
// docs/openapi.json and deploy/grafana.
// node scripts/generate.js           write what is stale
// node scripts/generate.js --check   write nothing; name what is stale and fail
// Needs the built addon and collector: the tables come out of them.
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { catalogueFiles } = require('./catalogue');
const { grafanaFiles } = require('./grafana/dashboards');
const { openapi } = require('./openapi');

const root = path.join(__dirname, '..');

/** @param {(string | null)[]} cells */
const row = (cells) => `| ${cells.map((cell) => (cell ?? '').replaceAll('|', '\\|')).join(' | ')} |`;

/** @param {string[]} head @param {(string | null)[][]} rows */
function table(head, rows) {
  return [row(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(row)].join('\n');
}

/** @param {any} setting */
function allowed({ type, min, max, values }) {
  if (type === 'enum') return values.map((/** @type {string} */ value) => `\`${value}\``).join(', ');
  if (type === 'bool') return '`true`, `false`';
  return `${min} to ${max}${type === 'string' ? ' bytes' : ''}`;
}

function settingsTable() {
  const { settings } = require('../js');
  const all = /** @type {any[]} */ (settings());
  return table(['option', 'type', 'unit', 'default', 'allowed', 'environment', 'meaning'], all.map((setting) => [
    `\`${setting.name}\``, setting.type, setting.unit,
    setting.default === null ? (setting.required || setting.name === 'app' ? 'required' : 'absent') : `\`${setting.default}\``,
    allowed(setting), setting.env === null ? '' : `\`${setting.env}\``, setting.doc,
  ]));
}

/** The flags as `serve --help` prints them: a line of flag and meaning, a line of variable and default. */
function flagsTable() {
  const help = execFileSync(path.join(root, 'build/release/candor-central'), ['serve', '--help'], { encoding: 'utf8' });
  const rows = [];
  const pattern = /^ {2}(--\S+)( [A-Z:=]+)? +(.+)\n +(CANDOR_CENTRAL_\w+)(?:, default ([^,\n]+)(?:, (\d+ to \d+))?)?$/gm;
  for (const [, flag, argument, meaning, variable, value, bounds] of help.matchAll(pattern)) {
    rows.push([`\`${flag}${argument ?? ''}\``, `\`${variable}\``, value ?? '', bounds ?? '', meaning]);
  }
  if (rows.length === 0) throw new Error('no flags found in candor-central serve --help');
  return table(['flag', 'environment', 'default', 'allowed', 'meaning'], rows);
}

function precedenceTable() {
  const { precedence } = require('../js/cli/explain');
  return table(['setting', 'sources, highest first', 'rule'], precedence());
}

const TABLES = [
  { file: 'docs/settings.md', name: 'settings', make: settingsTable },
  { file: 'docs/settings.md', name: 'precedence', make: precedenceTable },
  { file: 'docs/central.md', name: 'flags', make: flagsTable },
];

/** @param {string} text @param {string} name @param {string} body */
function replaceBetween(text, name, body) {
  const open = `<!-- generated: ${name} -->`;
  const close = `<!-- end: ${name} -->`;
  const from = text.indexOf(open);
  const to = text.indexOf(close);
  if (from === -1 || to < from) throw new Error(`the marks "${open}" and "${close}" are missing`);
  return `${text.slice(0, from + open.length)}\n${body}\n${text.slice(to)}`;
}

/** Every derived file with what it should hold. @returns {Map<string, string>} */
function derived() {
  const files = new Map();
  for (const { file, name, make } of TABLES) {
    const text = files.get(file) ?? fs.readFileSync(path.join(root, file), 'utf8');
    try {
      files.set(file, replaceBetween(text, name, make()));
    } catch (error) {
      throw new Error(`${file}: ${error instanceof Error ? error.message : error}`);
    }
  }
  for (const [file, text] of catalogueFiles()) files.set(file, text);
  files.set('docs/openapi.json', openapi());
  for (const [file, text] of grafanaFiles()) files.set(file, text);
  const out = fs.mkdtempSync(path.join(os.tmpdir(), 'candor-types-'));
  try {
    execFileSync(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', 'tsconfig.json', '--outDir', out], { cwd: root, stdio: ['ignore', 2, 2] });
    for (const name of filesBelow(out)) {
      files.set(path.join('js/types', name), fs.readFileSync(path.join(out, name), 'utf8'));
    }
  } finally {
    fs.rmSync(out, { recursive: true, force: true });
  }
  return files;
}

/** Paths relative to dir. @param {string} dir */
function filesBelow(dir) {
  return fs.readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    .map((entry) => path.relative(dir, path.join(entry.path, entry.name)));
}

/** @param {Map<string, string>} files */
function stale(files) {
  const found = [...files].filter(([file, text]) => {
    const full = path.join(root, file);
    return !fs.existsSync(full) || fs.readFileSync(full, 'utf8') !== text;
  }).map(([file]) => file);
  const extra = filesBelow(path.join(root, 'js/types')).map((name) => path.join('js/types', name))
    .filter((file) => !files.has(file));
  return [...found, ...extra];
}

function main() {
  const check = process.argv.includes('--check');
  const files = derived();
  const old = stale(files);
  for (const file of old) {
    if (check) {
      console.error(`${file} is stale: run node scripts/generate.js`);
    } else if (files.has(file)) {
      fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
      fs.writeFileSync(path.join(root, file), files.get(file) ?? '');
      console.error(`wrote ${file}`);
    } else {
      fs.rmSync(path.join(root, file));
      console.error(`removed ${file}`);
    }
  }
  if (check && old.length > 0) process.exitCode = 1;
}

main();
