'use strict';
// Checks from the includes that dependencies point one way. A folder may include itself and the
// layers named here; system headers are free, except that node_api.h belongs to native/node alone and
// database or network headers to the layers that own them.
const fs = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');

const ALLOWED = {
  base: [],
  plat: ['base'],
  contract: ['base'],
  net: ['base', 'plat'],
  client: ['base', 'plat', 'net', 'contract', 'include'],
  include: ['base'],
  node: ['base', 'plat', 'contract', 'client', 'include'],
  central: ['base', 'plat', 'net', 'contract'],
};

const SYSTEM_OWNERS = [
  { header: /^(js_native_api|node_api)\.h$/, owners: ['node'] },
  { header: /^curl\//, owners: ['net'] },
  { header: /^sqlite3\.h$/, owners: ['client', 'central'] },
  { header: /^event2\//, owners: ['central'] },
  { header: /^zlib\.h$/, owners: ['base', 'central'] },
  { header: /^(libdeflate\.h|isa-l\/)/, owners: ['central'] },
  { header: /^protobuf-c\//, owners: ['central'] },
  { header: /^(libpq-fe|mysql)\.h$/, owners: ['central'] },
  { header: /^openssl\//, owners: ['base', 'central'] },
  { header: /^(windows|winsock2|pthread|unistd|sys\/.*|fcntl)\.h$/, owners: ['plat', 'central'] },
];

function* sources(dir) {
  for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
    const full = path.join(dir, entry.name);
    if (entry.isDirectory()) yield* sources(full);
    else if (/\.[ch]$/.test(entry.name)) yield full;
  }
}

function layerOf(file) {
  const parts = path.relative(root, file).split(path.sep);
  return parts[0] === 'central' ? 'central' : parts[1];
}

function layerOfInclude(target) {
  const first = target.split('/')[0];
  if (target === 'candor.h') return 'include';
  return first in ALLOWED ? first : null;
}

function checkFile(file) {
  const problems = [];
  const layer = layerOf(file);
  fs.readFileSync(file, 'utf8').split('\n').forEach((line, index) => {
    const where = `${path.relative(root, file)}:${index + 1}`;
    const own = /^\s*#\s*include\s+"([^"]+)"/.exec(line);
    if (own) {
      const target = layerOfInclude(own[1]);
      if (target !== null && target !== layer && !ALLOWED[layer].includes(target)) {
        problems.push(`${where}: ${layer} must not include ${own[1]} (layer ${target})`);
      }
    }
    const system = /^\s*#\s*include\s+<([^>]+)>/.exec(line);
    if (system) {
      const rule = SYSTEM_OWNERS.find((candidate) => candidate.header.test(system[1]));
      if (rule && !rule.owners.includes(layer)) {
        problems.push(`${where}: <${system[1]}> belongs to ${rule.owners.join(', ')}`);
      }
    }
    if (/^\s*#\s*(if|ifdef|ifndef|elif)\b.*\b(_WIN32|_WIN64|__linux__|__APPLE__|_MSC_VER)\b/.test(line)) {
      problems.push(`${where}: a platform conditional: native/plat has files for each platform`);
    }
  });
  return problems;
}

/** All layer violations of the tree as sentences. */
function checkLayers() {
  const problems = [];
  let files = 0;
  for (const dir of ['native', 'central']) {
    for (const file of sources(path.join(root, dir))) {
      files += 1;
      problems.push(...checkFile(file));
    }
  }
  return { files, problems };
}

if (require.main === module) {
  const { files, problems } = checkLayers();
  for (const problem of problems) console.error(problem);
  console.error(`layers: ${files} files, ${problems.length} violations`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

module.exports = { checkLayers };
