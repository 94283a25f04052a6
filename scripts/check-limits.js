'use strict';
// Holds docs/limits.md against the code: every row's constant, setting or flag must exist where the row
// says, with the row's value, and its test must exist; every limit of the lists below must have a row.
const fs = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');
const TABLE = 'docs/limits.md';
const HEADER = ['what', 'value', 'named in', 'what the caller gets', 'test'];
/** Files whose every limit must have a row. */
const COMPLETE = ['native/contract/limits.h', 'native/client/settings.c', 'central/config.h'];

/** @typedef {{value: number, min?: number, max?: number}} Limit */

/* --- C and JS text ----------------------------------------------------------------------------- */

/** Without comments, continued lines joined. @param {string} text */
function plain(text) {
  return text.replace(/\/\*[\s\S]*?\*\//g, ' ').replace(/\\\n/g, ' ');
}

/**
 * A constant expression of integers and decimals: + - * / <<, parentheses, casts, names.
 * @param {string} text @param {(name: string) => number | undefined} lookup
 */
function evaluate(text, lookup) {
  const clean = text.replace(/\((?:size_t|uint64_t|int64_t)\)/g, '').replace(/U?INT64_C/g, '');
  const tokens = clean.match(/0[xX][0-9a-fA-F]+[uUlL]*|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?[uUlLn]*|[A-Za-z_]\w*|<<|[-+*/()]/g) ?? [];
  let at = 0;
  /** @returns {number} */
  function primary() {
    const token = tokens[at++];
    if (token === undefined) throw new Error(`"${text}" ends too early`);
    if (token === '-') return -primary();
    if (token === '(') {
      const value = shift();
      if (tokens[at++] !== ')') throw new Error(`"${text}" lacks a parenthesis`);
      return value;
    }
    if (/^\d/.test(token)) return Number(token.replace(/[uUlLn]+$/, ''));
    const value = lookup(token);
    if (value === undefined) throw new Error(`"${token}" is unknown`);
    return value;
  }
  /** @returns {number} */
  function product() {
    let value = primary();
    while (tokens[at] === '*' || tokens[at] === '/') value = tokens[at++] === '*' ? value * primary() : value / primary();
    return value;
  }
  /** @returns {number} */
  function sum() {
    let value = product();
    while (tokens[at] === '+' || tokens[at] === '-') value = tokens[at++] === '+' ? value + product() : value - product();
    return value;
  }
  /** @returns {number} */
  function shift() {
    let value = sum();
    while (tokens[at] === '<<') {
      at++;
      value *= 2 ** sum();
    }
    return value;
  }
  const value = shift();
  if (at !== tokens.length) throw new Error(`"${text}" is no constant expression`);
  return value;
}

/** Arguments of the call whose '(' stands at `open`. @param {string} text @param {number} open */
function callArguments(text, open) {
  const found = [];
  let depth = 0;
  let start = open + 1;
  for (let i = open; i < text.length; i++) {
    if (text[i] === '"') {
      for (i++; text[i] !== '"' && i < text.length; i++) if (text[i] === '\\') i++;
    } else if (text[i] === '(') depth++;
    else if ((text[i] === ',' && depth === 1) || (text[i] === ')' && depth-- === 1)) {
      found.push(text.slice(start, i).trim());
      start = i + 1;
      if (depth === 0) return found;
    }
  }
  return found;
}

/** Every NAME(...) call. @param {string} text @param {string} name */
function* calls(text, name) {
  for (const match of text.matchAll(new RegExp(`(?<![\\w#])${name}\\(`, 'g'))) {
    yield callArguments(text, match.index + match[0].length - 1);
  }
}

/** @param {string} literal */
function unquote(literal) {
  return /^"(.*)"$/s.exec(literal)?.[1];
}

/* --- what a file names --------------------------------------------------------------------------- */

/** #define NAME expression, and const NAME = expression. @param {string} text */
function constants(text) {
  /** @type {Map<string, string>} */
  const found = new Map();
  for (const [, name, body] of plain(text).matchAll(/^[ \t]*#[ \t]*define[ \t]+(\w+)[ \t]+(\S.*)$/gm)) found.set(name, body);
  for (const [, name, body] of text.matchAll(/^const (\w+) = ([^;\n]+);/gm)) found.set(name, body);
  return found;
}

/** @param {(file: string) => string} read @param {string} file @returns {(name: string) => number | undefined} */
function lookupIn(read, file) {
  const own = constants(read(file));
  const shared = constants(read('native/contract/limits.h'));
  /** @param {string} name @returns {number | undefined} */
  const lookup = (name) => {
    const body = own.get(name) ?? shared.get(name);
    return body === undefined ? undefined : evaluate(body, lookup);
  };
  return lookup;
}

/** Settings of the client by name. @param {(file: string) => string} read @param {string} file */
function settings(read, file) {
  const text = plain(read(file));
  const lookup = lookupIn(read, file);
  /** @type {Map<string, Limit>} */
  const found = new Map();
  for (const [name, , value, min, max] of calls(text, 'NUMBER')) {
    const key = unquote(name);
    if (key !== undefined) found.set(key, { value: evaluate(value, lookup), min: evaluate(min, lookup), max: evaluate(max, lookup) });
  }
  for (const [name, , max] of calls(text, 'TEXT')) {
    const key = unquote(name);
    if (key !== undefined) found.set(key, { value: evaluate(max, lookup) });
  }
  return found;
}

/** Number flags of the collector by "--name". @param {(file: string) => string} read @param {string} file */
function flags(read, file) {
  const lookup = lookupIn(read, file);
  /** @type {Map<string, Limit>} */
  const found = new Map();
  for (const [, flag, value, , min, max, help] of calls(plain(read(file)), 'X')) {
    const key = unquote(flag ?? '');
    if (key === undefined || help === undefined || unquote(value) !== undefined) continue;
    found.set(`--${key}`, { value: evaluate(value, lookup), min: evaluate(min, lookup), max: evaluate(max, lookup) });
  }
  return found;
}

/** @param {(file: string) => string} read @param {string} file @param {string} name @returns {Limit | undefined} */
function limitOf(read, file, name) {
  if (name.startsWith('--')) return flags(read, file).get(name);
  const constant = lookupIn(read, file)(name);
  if (constant !== undefined && constants(read(file)).has(name)) return { value: constant };
  return file.endsWith('settings.c') ? settings(read, file).get(name) : undefined;
}

/** Every limit that the file must show in the table. @param {(file: string) => string} read @param {string} file */
function limitsOf(read, file) {
  if (file.endsWith('settings.c')) return [...settings(read, file).keys()];
  if (file.endsWith('config.h')) return [...flags(read, file).keys()];
  return [...constants(read(file)).keys()];
}

/** @param {string} text @param {string} file @param {string} name */
function hasTest(text, file, name) {
  if (file.endsWith('.c')) { // defined, and in the test table, through whatever macro
    return new RegExp(`^static void ${name}\\(void \\*\\*`, 'm').test(text) && new RegExp(`\\w\\(${name}[,)]`).test(text);
  }
  // Of a loop over cases, the case's name is the test's.
  return [`test('${name}'`, `test("${name}"`, `name: '${name}'`].some((call) => text.includes(call));
}

/* --- the table ----------------------------------------------------------------------------------- */

/** @param {string} cell */
function reference(cell) {
  const match = /^([\w./-]+): (.+)$/.exec(cell);
  return match === null ? undefined : { file: match[1], name: match[2] };
}

/** @param {string} cell */
function references(cell) {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, text]) => ({ text, ref: reference(text) }));
}

/** "100 events, 1 to 1000" @param {string} cell @returns {Limit | undefined} */
function stated(cell) {
  const match = /^(-?\d+)(?: [^,]*)?(?:, (-?\d+) to (-?\d+))?$/.exec(cell);
  if (match === null) return undefined;
  const [, value, min, max] = match;
  return min === undefined ? { value: Number(value) } : { value: Number(value), min: Number(min), max: Number(max) };
}

/** Rows of the one table. @param {string} text @param {string[]} problems */
function rows(text, problems) {
  const found = [];
  text.split('\n').forEach((line, index) => {
    if (!line.startsWith('|') || /^\|[-| ]+\|$/.test(line)) return;
    const cells = line.split('|').slice(1, -1).map((cell) => cell.trim());
    if (cells.join() === HEADER.join()) return;
    if (cells.length !== HEADER.length) problems.push(`${TABLE}:${index + 1}: a row has ${HEADER.length} cells (${HEADER.join(', ')}), not ${cells.length}`);
    else found.push({ where: `${TABLE}:${index + 1}`, cells });
  });
  if (found.length === 0) problems.push(`${TABLE} has no table with the columns ${HEADER.join(', ')}`);
  return found;
}

/** @param {Limit} limit */
function show({ value, min, max }) {
  return min === undefined ? String(value) : `${value}, ${min} to ${max}`;
}

/**
 * @param {{read?: (file: string) => string}} [options]  read: gives a file of the repository, for tests
 * @returns {{rows: number, problems: string[]}}
 */
function checkLimits({ read = (file) => fs.readFileSync(path.join(root, file), 'utf8') } = {}) {
  /** @type {string[]} */
  const problems = [];
  /** @type {Map<string, string>} */
  const cache = new Map();
  /** @param {string} file */
  const text = (file) => {
    let found = cache.get(file);
    if (found === undefined) {
      try {
        found = read(file);
      } catch {
        throw new Error(`${file} does not exist`);
      }
      cache.set(file, found);
    }
    return found;
  };
  /** @param {string} where @param {() => void} check */
  const guarded = (where, check) => {
    try {
      check();
    } catch (error) {
      problems.push(`${where}: ${/** @type {Error} */ (error).message}`);
    }
  };
  const covered = new Set();
  const table = rows(text(TABLE), problems);
  for (const { where, cells: [what, value, named, gets, test] } of table) {
    const wanted = stated(value);
    if (what === '' || gets === '') problems.push(`${where}: a cell is empty`);
    if (wanted === undefined) problems.push(`${where}: "${value}" is no value; write a number with its unit, then ", MIN to MAX"`);
    const names = references(named);
    if (names.length === 0) problems.push(`${where}: "${named}" names no constant, setting or flag as \`file: name\``);
    for (const { text: cell, ref } of names) {
      guarded(where, () => {
        if (ref === undefined) throw new Error(`"${cell}" is not "file: name"`);
        const limit = limitOf(text, ref.file, ref.name);
        if (limit === undefined) throw new Error(`${ref.file} names no ${ref.name}`);
        covered.add(`${ref.file}: ${ref.name}`);
        if (wanted !== undefined && show(limit) !== show(wanted)) {
          throw new Error(`${ref.name} is ${show(limit)} in ${ref.file}, ${show(wanted)} in the table`);
        }
      });
    }
    const tests = references(test);
    if (tests.length === 0) problems.push(`${where}: "${test}" names no test as \`file: name\``);
    for (const { text: cell, ref } of tests) {
      guarded(where, () => {
        if (ref === undefined) throw new Error(`"${cell}" is not "file: name"`);
        if (!hasTest(text(ref.file), ref.file, ref.name)) throw new Error(`${ref.file} has no test "${ref.name}"`);
      });
    }
  }
  for (const file of COMPLETE) {
    guarded(file, () => {
      for (const name of limitsOf(text, file)) {
        if (!covered.has(`${file}: ${name}`)) problems.push(`${file}: ${name} has no row in ${TABLE}`);
      }
    });
  }
  return { rows: table.length, problems };
}

/** The collector's number flags, for tests that go through all of them. */
function collectorFlags() {
  return flags((file) => fs.readFileSync(path.join(root, file), 'utf8'), 'central/config.h');
}

if (require.main === module) {
  const { rows: count, problems } = checkLimits();
  for (const problem of problems) console.error(problem);
  console.error(`limits: ${count} rows, ${problems.length} problems`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

module.exports = { checkLimits, collectorFlags };
