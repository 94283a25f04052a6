'use strict';
// npm run test:cluster: two collectors without state of their own before two shards of two replicas, as deploy/clickhouse
// configures them. Under load one replica and one collector are killed; then every acknowledged event is counted
// through the other collector, while the replica is dead and again when both are back.
const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { Collector } = require('../../scripts/support/collector.js');
const { until } = require('../support/until.js');
const { Cluster } = require('./cluster.js');
const { Load } = require('./load.js');

const IDLE_MS = 10_000;
const PATIENCE_MS = 300_000; // bounds for a broken build, never a measure
const { values: args } = parseArgs({
  options: {
    events: { type: 'string', default: '60000' },
    connections: { type: 'string', default: '64' },
    replica: { type: 'string', default: '1a' }, // 1a takes the inserts of shard 1, 1b fetches them
    'no-kill': { type: 'boolean', default: false },
    require: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const USAGE = 'Usage: npm run test:cluster -- [--events 60000] [--connections 64] [--replica 1a|1b|2a|2b] [--no-kill] [--require] [--json]';

const note = (/** @type {string} */ text) => process.stderr.write(`${process.uptime().toFixed(1).padStart(6)} s  ${text}\n`);

/** Keys and a token for all collectors. @param {string} dir */
function makeShared(dir) {
  const token = `cnd_${crypto.randomBytes(4).toString('hex')}_${crypto.randomBytes(32).toString('hex')}`;
  fs.mkdirSync(dir, { mode: 0o700 });
  fs.writeFileSync(path.join(dir, 'pepper'), crypto.randomBytes(32));
  fs.writeFileSync(path.join(dir, 'receipt.key'), crypto.randomBytes(32));
  fs.writeFileSync(path.join(dir, 'tokens'), `${token} ingest,read,admin\n`);
  return token;
}

/** @param {string} scratch @param {string} name @param {Cluster} cluster */
async function startCollector(scratch, name, cluster) {
  const shared = path.join(scratch, 'shared');
  const collector = new Collector({
    directory: path.join(scratch, name),
    args: ['--stateless', '--keys', shared, '--token-file', path.join(shared, 'tokens'), '--sink', 'clickhouse', '--uploads-per-minute', '0'],
    env: { CANDOR_CENTRAL_SINK_URL: cluster.sinkUrl },
    startMs: PATIENCE_MS, // it makes the tables of four servers first
  });
  await collector.start();
  return collector;
}

/** @param {Collector} collector @param {string} token @param {string} route */
async function call(collector, token, route) {
  const response = await fetch(collector.url + route, { headers: { authorization: `Bearer ${token}` } });
  if (!response.ok) throw new Error(`${route}: ${response.status} ${await response.text()}`);
  return /** @type {Promise<any>} */ (response.json());
}

/** Ids as a reader sees them; each page from the next collector. @param {Collector[]} collectors @param {string} token */
async function readAll(collectors, token) {
  const ids = [];
  let cursor = null;
  for (let page = 0; ; page += 1) {
    const { events, next_cursor: next } = await call(collectors[page % collectors.length], token,
      `/api/telemetry/events?limit=500${cursor === null ? '' : `&cursor=${cursor}`}`);
    ids.push(...events.map((/** @type {any} */ event) => event.event_id));
    if (next === null) return ids;
    cursor = next;
  }
}

/** @param {string[]} acknowledged @param {string[]} seen */
function compare(acknowledged, seen) {
  const once = new Set(seen);
  return { stored: once.size, lost: acknowledged.filter((id) => !once.has(id)).length, duplicates: seen.length - once.size };
}

/** @param {Collector} collector */
const shards = async (collector) => (await (await fetch(`${collector.url}/api/v1/health`)).json()).shards;

/** Rows of each server, and how many of them are there twice until a merge. @param {Cluster} cluster */
async function rowsOf(cluster) {
  const rows = /** @type {Record<string, {events: number, twice: number, bytes: number}>} */ ({});
  for (const name of Object.keys(cluster.replicas)) {
    const [all, once] = (await cluster.ask(name, 'SELECT count(), uniqExact(event_id) FROM candor_events')).split('\t').map(Number);
    const bytes = Number(await cluster.ask(name, "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table='candor_events' AND database=currentDatabase()"));
    rows[name] = { events: once, twice: all - once, bytes };
  }
  return rows;
}

/** Processor time of a process so far, all threads; null where the system does not say. @param {number | undefined} pid */
function cpuSeconds(pid) {
  try {
    const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100; // of USER_HZ
  } catch {
    return null;
  }
}

/** What each kind of process has used, in seconds. @param {Cluster} cluster @param {Collector[]} collectors */
function usage(cluster, collectors) {
  const sum = (/** @type {(number | undefined)[]} */ pids) => pids.reduce((total, pid) => total + (cpuSeconds(pid) ?? NaN), 0);
  const replicas = (/** @type {string} */ letter) => Object.keys(cluster.replicas).filter((name) => name.endsWith(letter)).map((name) => cluster.replicas[name].child?.pid);
  return {
    collectors: sum(collectors.map(({ child }) => child?.pid)), inserting: sum(replicas('a')), fetching: sum(replicas('b')),
    zookeeper: sum(cluster.keepers.map(({ child }) => child?.pid)),
  };
}

/** @param {Record<string, number>} before @param {Record<string, number>} after @param {Record<string, number>} idle @param {number} seconds */
function busy(before, after, idle, seconds) {
  return Object.fromEntries(Object.keys(before).map((kind) => [kind, Math.max(after[kind] - before[kind] - idle[kind] * seconds, 0)]));
}

/** Seconds a second while nothing happens: what is not the events'. @param {Cluster} cluster @param {Collector[]} collectors */
async function idleRate(cluster, collectors) {
  const none = { collectors: 0, inserting: 0, fetching: 0, zookeeper: 0 };
  if (!args['no-kill']) return none;
  await new Promise((resolve) => { setTimeout(resolve, 3000); }); // what a start leaves to do
  const start = Date.now();
  const before = usage(cluster, collectors);
  await new Promise((resolve) => { setTimeout(resolve, IDLE_MS); });
  const seconds = (Date.now() - start) / 1000;
  return Object.fromEntries(Object.entries(busy(before, usage(cluster, collectors), none, seconds)).map(([kind, s]) => [kind, s / seconds]));
}

/** Nothing is merged any more. @param {Cluster} cluster */
async function settled(cluster) {
  const end = Date.now() + PATIENCE_MS;
  for (let quiet = 0; quiet < 5 && Date.now() < end; quiet += 1) {
    for (const name of Object.keys(cluster.replicas)) if (await cluster.ask(name, 'SELECT count() FROM system.merges') !== '0') quiet = -1;
    await new Promise((resolve) => { setTimeout(resolve, 1000); });
  }
}

/** Of the load: kill a replica after a third, a collector after two. @param {Cluster} cluster @param {Load} load @param {Collector} collector */
async function killBoth(cluster, load, collector) {
  await load.reached(load.sent / 3);
  await cluster.replicas[args.replica].end('SIGKILL');
  note(`replica ${args.replica} killed after ${load.acknowledged.length} acknowledged events`);
  await load.reached(load.sent * 2 / 3);
  await collector.kill();
  note(`collector killed after ${load.acknowledged.length} acknowledged events`);
}

/** A person is gone from every server once either collector has signed for it.
 * @param {Cluster} cluster @param {Collector} collector @param {string} token */
async function erase(cluster, collector, token) {
  const { events } = await call(collector, token, '/api/telemetry/events?limit=1');
  const user = events[0].user_id;
  let erased = 0;
  await until('the erasure is signed', async () => { // 503 as long as a server is busy with it
    const response = await fetch(`${collector.url}/api/v1/erasures`, {
      method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: JSON.stringify({ user_id: user }),
    });
    if (response.ok) erased = (await response.json()).events;
    return response.ok;
  }, PATIENCE_MS);
  const left = [];
  for (const name of Object.keys(cluster.replicas)) left.push(Number(await cluster.ask(name, `SELECT count() FROM candor_events WHERE user_id='${user}'`)));
  return { erased, left: left.reduce((sum, n) => sum + n, 0) };
}

/** @param {Cluster} cluster @param {string} scratch @param {string} token */
async function measure(cluster, scratch, token) {
  const first = await startCollector(scratch, 'one', cluster);
  const second = await startCollector(scratch, 'two', cluster);
  try {
    const load = new Load([first, second].map((collector) => ({ get url() { return collector.url; }, token })), Number(args.events), Number(args.connections));
    note(`${load.sent} events, ${Math.round(load.bytes / load.sent)} bytes each, to ${first.url} and ${second.url}`);
    const idle = await idleRate(cluster, [first, second]);
    const before = usage(cluster, [first, second]);
    const began = Date.now();
    const killed = args['no-kill'] ? [] : [`replica ${args.replica}`, 'collector one'];
    await Promise.all([load.run(PATIENCE_MS), killed.length === 0 ? null : killBoth(cluster, load, first)]);
    note(`acknowledged in ${load.seconds} s; answers ${JSON.stringify(load.answers)}`);
    if (killed.length === 0) await settled(cluster);
    const used = busy(before, usage(cluster, [first, second]), idle, (Date.now() - began) / 1000);
    const dead = killed.length === 0 ? { lost: 0, duplicates: 0 } : compare(load.acknowledged, await readAll([second], token));
    note(`while it is dead: ${JSON.stringify(dead)}, servers ${JSON.stringify(await shards(second))}`);
    if (killed.length !== 0) {
      await first.start();
      await cluster.replicas[args.replica].launch();
    }
    for (const collector of [first, second]) {
      await until('all replicas are up', async () => (await shards(collector)).flat().every((/** @type {string} */ state) => state === 'up'), PATIENCE_MS);
    }
    const back = compare(load.acknowledged, await readAll([first, second], token));
    const counted = (await call(second, token, '/api/telemetry/stats?from=2000-01-01')).events.total;
    const rows = await rowsOf(cluster);
    note(`after it is back: ${JSON.stringify(back)}, rows ${JSON.stringify(rows)}`);
    const erasure = await erase(cluster, second, token);
    note(`erased: ${JSON.stringify(erasure)}`);
    const counts = Object.values(rows);
    return {
      sent: load.sent, stored: back.stored, counted, lost: Math.max(dead.lost, back.lost), duplicates: Math.max(dead.duplicates, back.duplicates), killed,
      acknowledged: load.acknowledged.length, rejected: load.rejected, told_duplicate: load.toldDuplicate,
      rows_twice: counts.reduce((sum, { twice }) => sum + twice, 0),
      replicas_equal: rows['1a'].events === rows['1b'].events && rows['2a'].events === rows['2b'].events,
      ...erasure,
      seconds: load.seconds, events_per_s: Math.round(load.sent / load.seconds),
      bytes_per_event: Math.round(counts.reduce((sum, { bytes }) => sum + bytes, 0) / counts.reduce((sum, { events, twice }) => sum + events + twice, 0)),
      ...(killed.length === 0 ? { cpu_us_per_event: Object.fromEntries(Object.entries(used).map(([kind, s]) => [kind, Math.round(s * 1e7 / load.sent) / 10])) } : {}),
      answers: load.answers,
    };
  } finally {
    await first.kill();
    await second.kill();
  }
}

async function main() {
  const events = Number(args.events);
  if (args.help || !Number.isInteger(events) || events < 1000 || !(Number(args.connections) >= 1) || !/^[12][ab]$/.test(args.replica)) {
    note(USAGE);
    return args.help ? 0 : 2;
  }
  const missing = Cluster.missing();
  if (missing !== null) {
    note(`test:cluster: ${missing}; npm run test:cluster installs it`);
    if (args.json) console.log(JSON.stringify({ skipped: missing }));
    return args.require ? 1 : 0;
  }
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'candor-cluster-'));
  const cluster = await Cluster.start();
  try {
    note('cluster: 3 ZooKeeper servers, 2 shards of 2 replicas');
    const token = makeShared(path.join(scratch, 'shared'));
    const result = await measure(cluster, scratch, token);
    console.log(args.json ? JSON.stringify(result) : JSON.stringify(result, null, 2));
    return result.lost === 0 && result.duplicates === 0 && result.rejected === 0 && result.stored === result.sent && result.counted === result.sent
      && result.acknowledged === result.sent && result.replicas_equal && result.left === 0 ? 0 : 1;
  } finally {
    await cluster.remove();
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1)); // ends the servers
main().then(
  (code) => { process.exitCode = code; },
  (error) => { note(`test:cluster: ${error.message}`); process.exitCode = 1; },
);
