'use strict';
// Debian's source packages of the libraries, pinned in sources.json by version and SHA-256.

const fs = require('node:fs');
const path = require('node:path');
const { CACHE, run, say, sha256 } = require('./tools');

/** @typedef {{version: string, files: Record<string, string>}} Pin */
/** @type {Record<string, Pin>} */
const PINS = JSON.parse(fs.readFileSync(path.join(__dirname, 'sources.json'), 'utf8'));

/** Files of the pin that are missing from dir. One that differs from its pin is an error. @param {Pin} pin @param {string} dir */
function missingFiles(pin, dir) {
  return Object.entries(pin.files).filter(([name, wanted]) => {
    const file = path.join(dir, name);
    if (!fs.existsSync(file)) return true;
    const found = sha256(fs.readFileSync(file));
    if (found !== wanted) throw new Error(`${file} has SHA-256 ${found}, but scripts/prebuild/sources.json says ${wanted}: delete the file, or find out who changed it`);
    return false;
  }).map(([name]) => name);
}

/** An apt that knows Debian's source packages, without a change to the machine's own. @param {string} dir */
async function aptConfig(dir) {
  const state = path.join(dir, 'apt');
  for (const sub of ['lists/partial', 'cache/archives/partial']) fs.mkdirSync(path.join(state, sub), { recursive: true });
  fs.writeFileSync(path.join(state, 'sources.list'), [
    'deb-src http://deb.debian.org/debian bookworm main',
    'deb-src http://deb.debian.org/debian bookworm-updates main',
    'deb-src http://deb.debian.org/debian-security bookworm-security main', ''].join('\n'));
  const file = path.join(state, 'apt.conf');
  fs.writeFileSync(file, [
    `Dir::Etc::sourcelist "${state}/sources.list";`, 'Dir::Etc::sourceparts "/dev/null";',
    `Dir::State::lists "${state}/lists";`, `Dir::Cache "${state}/cache";`,
    'Acquire::Languages "none";', 'APT::Sandbox::User "";', ''].join('\n'));
  return file;
}

/** Download what is missing. @param {string[]} names  Of packages. @returns {Promise<string>} the folder */
async function fetchSources(names) {
  const dir = path.join(CACHE, 'sources');
  fs.mkdirSync(dir, { recursive: true });
  let env;
  for (const name of names) {
    const pin = PINS[name];
    if (missingFiles(pin, dir).length === 0) continue;
    if (env === undefined) {
      env = { APT_CONFIG: await aptConfig(CACHE) };
      say('reading the lists of Debian source packages');
      await run('apt-get', ['update', '-qq'], { env });
    }
    say(`downloading the source of ${name} ${pin.version}`);
    try {
      await run('apt-get', ['source', '-qq', '--download-only', `${name}=${pin.version}`], { cwd: dir, env });
    } catch (error) {
      throw new Error(`${/** @type {Error} */ (error).message}\nDebian does not offer ${name} ${pin.version} any more? Put its files (snapshot.debian.org keeps them) into ${dir}, or pin a newer version in scripts/prebuild/sources.json`);
    }
    const absent = missingFiles(pin, dir);
    if (absent.length > 0) throw new Error(`apt-get source ${name}=${pin.version} did not bring ${absent.join(', ')}`);
  }
  return dir;
}

/** Unpack with Debian's patches. @param {string} name @param {string} into  Must not exist. */
async function unpack(name, into) {
  const dir = path.join(CACHE, 'sources');
  const dsc = Object.keys(PINS[name].files).find((file) => file.endsWith('.dsc')) ?? '';
  // The pins stand in for the signature, whose key need not be on this machine.
  await run('dpkg-source', ['--no-check', '--extract', path.join(dir, dsc), into]);
}

module.exports = { PINS, fetchSources, missingFiles, unpack };
