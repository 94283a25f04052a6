'use strict';
// The platforms that binaries are built for. Another one is a row here; a format has a link (addon-<format>.js) and a
// check (check-<format>.js) of its own.

/**
 * @typedef {object} CommonTarget
 * @property {string} name  As in prebuilds/<name>: process.platform and process.arch of the host.
 * @property {string} prefix  Of the compiler and binutils; empty for the machine's own.
 * @property {string} openssl  OpenSSL's name of it.
 * @property {string} processor  CMake's name of it.
 * @property {boolean} cross  Its programs do not run here.
 * @property {number} machine  Of its files: e_machine of ELF, Machine of PE, cputype of Mach-O.
 */
/**
 * @typedef {object} ElfOnly
 * @property {'elf'} format
 * @property {string} loader  Soname of its dynamic linker, which some functions live in.
 * @property {string} libc  Folder of the C library's shared objects.
 * @property {number} statVersion  First argument of glibc's __xstat family: _STAT_VER of that machine.
 */
/** @typedef {CommonTarget & ElfOnly} ElfTarget */
/** @typedef {CommonTarget & {format: 'pe'}} PeTarget */
/** @typedef {CommonTarget & {format: 'macho', arch: string}} MachOTarget  arch: the linker's name of the processor. */
/** @typedef {ElfTarget | PeTarget | MachOTarget} Target */

/** @type {Record<string, Target>} */
const TARGETS = {
  'linux-x64': {
    name: 'linux-x64', format: 'elf', prefix: '', openssl: 'linux-x86_64', processor: 'x86_64', cross: false, machine: 62,
    loader: 'ld-linux-x86-64.so.2', libc: '/lib/x86_64-linux-gnu', statVersion: 1,
  },
  'linux-arm64': {
    name: 'linux-arm64', format: 'elf', prefix: 'aarch64-linux-gnu-', openssl: 'linux-aarch64', processor: 'aarch64', cross: true, machine: 183,
    loader: 'ld-linux-aarch64.so.1', libc: '/usr/aarch64-linux-gnu/lib', statVersion: 0,
  },
  'win32-x64': { name: 'win32-x64', format: 'pe', prefix: 'x86_64-w64-mingw32-', openssl: 'mingw64', processor: 'AMD64', cross: true, machine: 0x8664 },
  'darwin-arm64': {
    name: 'darwin-arm64', format: 'macho', prefix: 'arm64-apple-darwin-', openssl: 'darwin64-arm64-cc', processor: 'arm64', cross: true, machine: 0x100000c,
    arch: 'arm64',
  },
  'darwin-x64': {
    name: 'darwin-x64', format: 'macho', prefix: 'x86_64-apple-darwin-', openssl: 'darwin64-x86_64-cc', processor: 'x86_64', cross: true, machine: 0x1000007,
    arch: 'x86_64',
  },
};

/** VS Code and Electron ask for no less; Debian 10, Ubuntu 20.04 and RHEL 8 have it. */
const GLIBC_MAX = '2.28';

/** All a binary may need at run time, besides the target's loader: the C library. */
const NEEDED = ['libc.so.6', 'libm.so.6', 'libpthread.so.0', 'libdl.so.2'];

/** DLLs that every Windows 10 has in its system folder. The C library is msvcrt.dll, whose functions a host's own C
 * library does not meet: nothing that one of them made is handed to the other. */
const SYSTEM_DLLS = ['ADVAPI32.dll', 'bcrypt.dll', 'CRYPT32.dll', 'KERNEL32.dll', 'msvcrt.dll', 'ntdll.dll', 'USER32.dll', 'WS2_32.dll'];

/** The oldest macOS that a binary loads on: Node 18 to 24 and Electron ask for no less on arm64. zig/bin/tool says it too. */
const MACOS_MIN = '11.0';

/** Of a binary, compressed as npm does: all targets are in each install. */
const GZIP_MAX = 2_500_000;

/** What Node looks up in a binary, and so all it may export. */
const EXPORTS = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];

module.exports = { TARGETS, GLIBC_MAX, NEEDED, SYSTEM_DLLS, MACOS_MIN, GZIP_MAX, EXPORTS };
