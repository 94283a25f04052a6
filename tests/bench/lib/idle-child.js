'use strict';
// One process of idle.js: node idle-child.js <competitor> <start|idle> <directory> <endpoint> <ms>; one JSON
// object on stdout. start: what open() costs. idle: what the process does in <ms> after its one event.
const fs = require('node:fs');
const { performance } = require('node:perf_hooks');
const { setTimeout: sleep } = require('node:timers/promises');
const idlers = require('./idlers');

const SETTLE_MS = 250; // background threads have done what they begin with
const REST_MS = 2500; // and connections, promises and garbage of the one event have come to rest

const [, , name, phase, directory, endpoint, ms] = process.argv;

/** @param {string} file @param {string} key */
function kib(file, key) {
  return Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(fs.readFileSync(file, 'utf8'))[1]);
}

/** Not /proc/self/status: its counters are sums kept per processor, tens of pages out. */
function memory() {
  return { rss: kib('/proc/self/smaps_rollup', 'Rss'), dirty: kib('/proc/self/smaps_rollup', 'Private_Dirty') };
}

/** Voluntary switches by thread: each is a sleep that something ended. @param {string} [thread] */
function wakeUps(thread) {
  const all = fs.readdirSync('/proc/self/task').map((tid) => fs.readFileSync(`/proc/self/task/${tid}/status`, 'utf8'));
  const count = (status) => Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)[1]);
  const own = all.filter((status) => thread !== undefined && status.startsWith(`Name:\t${thread}\n`));
  if (thread !== undefined && own.length !== 1) throw new Error(`found ${own.length} threads named ${thread}`);
  return { process: all.reduce((sum, status) => sum + count(status), 0), thread: own.length === 1 ? count(own[0]) : null };
}

async function start(idler) {
  memory(); // what reading takes is taken before
  const before = memory();
  const from = performance.now();
  idler.open();
  const open_ms = performance.now() - from;
  await sleep(SETTLE_MS);
  const after = memory();
  const addon = Object.keys(require.cache).find((file) => file.endsWith('.node'));
  return { open_ms, rss_kib: after.rss - before.rss, dirty_kib: after.dirty - before.dirty, addon };
}

async function idle(idler) {
  idler.open();
  await idler.once();
  await sleep(REST_MS);
  wakeUps(idler.thread);
  const before = wakeUps(idler.thread);
  const cpu = process.cpuUsage();
  await sleep(Number(ms));
  const { user, system } = process.cpuUsage(cpu);
  const after = wakeUps(idler.thread);
  return {
    cpu_ms: (user + system) / 1000,
    process_wakeups: after.process - before.process,
    thread_wakeups: before.thread === null ? null : after.thread - before.thread,
  };
}

async function main() {
  const idler = idlers[name]({ directory, endpoint });
  const result = await (phase === 'start' ? start : idle)(idler);
  process.stdout.write(JSON.stringify(result));
  await idler.close();
  process.exit(0); // a competitor's open socket must not keep the process
}

main().catch((error) => {
  process.stderr.write(`${name}: ${error.stack}\n`);
  process.exit(1);
});
