'use strict';
// A host that has OpenSSL, BoringSSL, zlib, SQLite or libcurl symbols of its own, as Electron and Node have, made as bad
// as can be: every function of that name says its name and aborts. An addon that binds to one of them dies.
//
// The symbols come by LD_PRELOAD. The program itself is searched before that, so in a copy of Node its own exports
// of those names are made local; Node's own calls were bound when it was linked, and go on working.

const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { readElf } = require('../../scripts/prebuild/elf');

const LIBRARIES = ['libssl.so.3', 'libcrypto.so.3', 'libcurl.so.4', 'libz.so.1', 'libsqlite3.so.0'];
const IDENTIFIER = /^[A-Za-z_]\w*$/;
const NOT_THEIRS = ['_init', '_fini', '__bss_start', '_edata', '_end'];

/** Every name that the machine's shared libraries export. */
function names() {
  const found = new Set();
  for (const library of LIBRARIES) {
    const file = execFileSync('gcc', [`-print-file-name=${library}`], { encoding: 'utf8' }).trim();
    for (const { name, defined } of readElf(fs.readFileSync(file)).symbols) {
      if (defined && IDENTIFIER.test(name) && !NOT_THEIRS.includes(name)) found.add(name);
    }
  }
  return found;
}

/** @param {Set<string>} all @param {string} dir @returns {string} the library to preload */
function makePoison(all, dir) {
  const source = path.join(dir, 'poison.s');
  const rows = [...all].flatMap((name, i) => [
    `.globl ${name}`, `.type ${name},%function`, `${name}: leaq .Lname${i}(%rip), %rdi`, 'jmp poison_die', `.Lname${i}: .asciz "${name}"`,
  ]);
  fs.writeFileSync(source, ['.text', ...rows, '.section .note.GNU-stack,"",%progbits', ''].join('\n'));
  const die = path.join(dir, 'die.c');
  fs.writeFileSync(die, `#include <stdio.h>
#include <stdlib.h>
__attribute__((visibility("hidden"))) void poison_die(const char *name) { fprintf(stderr, "poisoned: %s\\n", name); abort(); }\n`);
  const out = path.join(dir, 'poison.so');
  execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-o', out, source, die]);
  return out;
}

/** A copy of node whose exports of those names are local. @param {Set<string>} all @param {string} node @param {string} out */
function hideExports(all, node, out) {
  const bytes = fs.readFileSync(node);
  let hidden = 0;
  for (const { name, defined, at } of readElf(bytes).symbols) {
    if (!defined || !all.has(name)) continue;
    bytes[at + 4] &= 0x0f; // STB_LOCAL, the type stays
    hidden += 1;
  }
  fs.writeFileSync(out, bytes, { mode: 0o755 });
  return hidden;
}

module.exports = { hideExports, makePoison, names };
