'use strict';
// Link-time stand-ins for glibc's shared libraries that offer nothing newer than a version: the linker then takes the
// old version of a function, or leaves the name open, which the check refuses. At run time the real ones are there.

const fs = require('node:fs');
const path = require('node:path');
const { newer } = require('./check-elf');
const { run } = require('./tools');

/** @typedef {import('./targets').ElfTarget} Target */

const ROW = /^[0-9a-f]+ (.{7}) (\S+)\s+([0-9a-f]+) +\(?GLIBC_([0-9.]+)\)? +(\S+)$/;

/** The newest version of each symbol that is not newer than max. @param {string} listing  objdump -T @param {string} max */
function offered(listing, max) {
  /** @type {Map<string, {version: string, size: number, code: boolean}>} */
  const best = new Map();
  for (const line of listing.split('\n')) {
    const match = ROW.exec(line);
    if (match === null || match[2] === '*UND*' || match[2] === '*ABS*') continue;
    const [, flags, , size, version, name] = match;
    if (newer(version, max)) continue;
    const known = best.get(name);
    if (known === undefined || newer(version, known.version)) best.set(name, { version, size: parseInt(size, 16), code: /[Fi]/.test(flags) });
  }
  return best;
}

/** @param {ReturnType<typeof offered>} symbols */
function assembly(symbols) {
  const code = ['.text'];
  const data = ['.data'];
  for (const [name, symbol] of symbols) {
    const size = symbol.size || 8;
    if (symbol.code) code.push(`.globl ${name}`, `.type ${name},%function`, `${name}: .long 0`, `.size ${name},4`);
    else data.push(`.globl ${name}`, `.type ${name},%object`, `.size ${name},${size}`, `${name}: .zero ${size}`);
  }
  return [...code, ...data, '.section .note.GNU-stack,"",%progbits', ''].join('\n');
}

/** @param {ReturnType<typeof offered>} symbols */
function versionScript(symbols) {
  /** @type {Map<string, string[]>} */
  const names = new Map();
  for (const [name, { version }] of symbols) names.set(version, [...(names.get(version) ?? []), name]);
  const versions = [...names.keys()].sort((a, b) => (newer(a, b) ? 1 : -1));
  if (versions.length === 0) return '{ local: *; };\n';
  return versions.map((version, i) =>
    `GLIBC_${version} { global: ${names.get(version)?.join('; ')}; ${i === 0 ? 'local: *; ' : ''}}${i === 0 ? '' : ` GLIBC_${versions[i - 1]}`};\n`).join('');
}

/**
 * Write a stand-in for each library into dir.
 * @param {Target} target @param {string[]} names  Sonames. @param {string} max  Like "2.28". @param {string} dir
 */
async function makeStandIns(target, names, max, dir) {
  fs.mkdirSync(dir, { recursive: true });
  for (const name of names) {
    const symbols = offered(await run(`${target.prefix}objdump`, ['-T', path.join(target.libc, name)]), max);
    const out = path.join(dir, name);
    fs.writeFileSync(`${out}.s`, assembly(symbols));
    fs.writeFileSync(`${out}.map`, versionScript(symbols));
    await run(`${target.prefix}gcc`, ['-shared', '-nostdlib', '-nostartfiles', '-fPIC', `-Wl,-soname,${name}`, `-Wl,--version-script=${out}.map`, '-o', out, `${out}.s`]);
  }
}

module.exports = { makeStandIns, offered };
