'use strict';
// node scripts/build.js [release] [asan] [tsan] [darwin] [hooks] [encrypted] [embed] [addon] [addon-hooks]
//     (default: release addon)
//
//   release      build/release       core library and collector with the dashboard, -O2
//   asan, tsan   build/asan, tsan    the same by clang with tests, under AddressSanitizer+UBSan, ThreadSanitizer
//   darwin       build/darwin        tests of native/plat with its files for macOS, over tests/darwin
//   addon        build/addon/candor.node
//   embed        build/embed         libcandor as embedders install it
//   encrypted    build/encrypted     candor-central-encrypted; its SQLite comes by `sh scripts/setup.sh encrypted`
//   hooks        build/hooks         the collector with CANDOR_TEST_HOOKS
//   addon-hooks  build/addon-hooks/candor.node and `hooks`
//
// Prints to stderr only, and nothing when everything is up to date.

const fs = require('node:fs');
const path = require('node:path');
const { spawn, spawnSync } = require('node:child_process');
const { buildAddon } = require('./build-addon');
const { buildDashboard } = require('./dashboard');

const ROOT = path.join(__dirname, '..');
const JOBS = process.env.CANDOR_BUILD_JOBS || '2';

/** CMake targets: name -> arguments of the first configuration. */
const CMAKE = {
  release: ['-DCMAKE_BUILD_TYPE=Release', '-DCMAKE_C_FLAGS_RELEASE=-O2 -DNDEBUG', '-DCANDOR_LTO=ON', '-DCANDOR_TESTS=OFF'],
  asan: ['-DCMAKE_C_COMPILER=clang', '-DCMAKE_BUILD_TYPE=RelWithDebInfo', '-DCANDOR_SANITIZE=address,undefined'],
  darwin: ['-DCMAKE_C_COMPILER=clang', '-DCMAKE_BUILD_TYPE=RelWithDebInfo', '-DCANDOR_SANITIZE=address,undefined', '-DCANDOR_DARWIN_FILES=ON', '-DCANDOR_CENTRAL=OFF', '-DCANDOR_TEST_LAYERS=plat'],
  tsan: ['-DCMAKE_C_COMPILER=clang', '-DCMAKE_BUILD_TYPE=RelWithDebInfo', '-DCANDOR_SANITIZE=thread'],
  embed: ['-DCMAKE_BUILD_TYPE=Release', '-DCANDOR_EMBED=ON', '-DCANDOR_CENTRAL=OFF', '-DCANDOR_TESTS=OFF'],
  encrypted: ['-DCMAKE_BUILD_TYPE=Release', '-DCMAKE_C_FLAGS_RELEASE=-O2 -DNDEBUG', '-DCANDOR_LTO=ON', '-DCANDOR_ENCRYPTED=ON', '-DCANDOR_TESTS=OFF'],
  hooks: ['-DCMAKE_BUILD_TYPE=RelWithDebInfo', '-DCMAKE_C_FLAGS=-DCANDOR_TEST_HOOKS', '-DCANDOR_TESTS=OFF'],
};

/** Addon targets: name -> gyp variables. */
const ADDON = {
  addon: [],
  'addon-hooks': ['-Dcandor_test_hooks=1'],
};

/** What ninja says when there is nothing to do. */
const QUIET = /^(ninja: no work to do\.|ninja: Entering directory.*|\[\d+\/\d+\] Re-checking globbed directories\.\.\.|)$/;

/** @param {string} text */
function say(text) {
  process.stderr.write(`${text}\n`);
}

/** Run a tool with its output on stderr. @param {string} command @param {string[]} args */
function run(command, args) {
  const done = spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', 2, 2] });
  if (done.error) throw new Error(`cannot run ${command}: ${done.error.message}`);
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')} failed (${done.signal || done.status})`);
}

/** Run ninja, passing on what is not mere "nothing to do". @param {string} dir @returns {Promise<void>} */
function ninja(dir) {
  return new Promise((resolve, reject) => {
    const child = spawn('ninja', ['-C', dir, '-j', JOBS], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
    let rest = '';
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (chunk) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (!QUIET.test(line)) say(line);
    });
    child.on('error', (error) => reject(new Error(`cannot run ninja: ${error.message}`)));
    child.on('close', (code) => {
      if (!QUIET.test(rest)) say(rest);
      if (code === 0) resolve();
      else reject(new Error(`building ${dir} failed`));
    });
  });
}

/** @param {string} name */
async function buildCmake(name) {
  const dir = path.join('build', name);
  const stamp = path.join(ROOT, dir, 'candor-configure.txt');
  const dashboard = buildDashboard(name === 'release', say) ? 'ON' : 'OFF';
  const args = ['-S', '.', '-B', dir, '-G', 'Ninja', `-DCANDOR_DASHBOARD=${dashboard}`, ...CMAKE[/** @type {keyof CMAKE} */ (name)]];
  const wanted = args.join('\n');
  const configured = fs.existsSync(path.join(ROOT, dir, 'build.ninja')) &&
    fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === wanted;
  if (!configured) {
    say(`configuring ${dir}`);
    run('cmake', ['--log-level=WARNING', ...args]);
    fs.writeFileSync(stamp, wanted);
  }
  await ninja(dir);
}

/** @param {string[]} targets */
async function main(targets) {
  const wanted = new Set(targets.length > 0 ? targets : ['release', 'addon']);
  if (wanted.has('addon-hooks')) wanted.add('hooks');
  const known = [...Object.keys(CMAKE), ...Object.keys(ADDON)];
  for (const name of wanted) {
    if (!known.includes(name)) {
      say(`unknown build target "${name}"; known: ${known.join(', ')}`);
      return 2;
    }
  }
  for (const name of wanted) {
    if (name in CMAKE) await buildCmake(name);
    else buildAddon(name, ADDON[/** @type {keyof ADDON} */ (name)], JOBS, say);
  }
  return 0;
}

main(process.argv.slice(2)).then(
  (code) => { process.exitCode = code; },
  (error) => { say(`build: ${error.message}`); process.exitCode = 1; },
);
