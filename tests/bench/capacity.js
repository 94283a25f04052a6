'use strict';
// The arithmetic of docs/capacity.md: from events a day to collectors, shards and disk, by the figures of one node.
const { parseCommand, runMain, table } = require('./lib/cli');

const COMMAND = 'capacity.js';
const SUMMARY = 'How many collectors, shards and bytes for so many events a day, from measured figures of one node.';
// The figures of docs/capacity.md, which says what prints them; in tenths where options are whole numbers.
const OPTIONS = [
  { name: 'collector-us10', type: 'number', default: 34, doc: 'processor time of a collector, tenths of a microsecond an event; one core is counted, as one thread writes' },
  { name: 'replica-us10', type: 'number', default: 97, doc: 'processor time of the busier replica of a shard, merges included, tenths of a microsecond an event' },
  { name: 'bytes', type: 'number', default: 118, doc: 'bytes on disk an event and replica, after merges' },
  { name: 'cores', type: 'number', default: 4, max: 1024, doc: 'cores of a ClickHouse server' },
  { name: 'disk-gb', type: 'number', default: 4000, doc: 'disk of a ClickHouse server' },
  { name: 'full', type: 'number', default: 75, max: 100, doc: 'per cent of a disk that events may fill: merges write anew before they delete' },
  { name: 'load', type: 'number', default: 50, max: 100, doc: 'per cent of what it can that a node does at the peak' },
  { name: 'peak', type: 'number', default: 5, max: 1000, doc: 'events of the busiest second, times the average' },
  { name: 'days', type: 'number', default: 90, max: 36500, doc: 'retention' },
  { name: 'replicas', type: 'number', default: 2, max: 64, doc: 'replicas of a shard' },
];
const PER_DAY = [1e6, 1e7, 1e8, 3e8, 1e9];
const DAY_S = 86400;

/** Events a second that a node is given. @param {Record<string, number>} options */
const collectorEps = (options) => Math.floor((options.load / 100) * 1e7 / options['collector-us10']);
/** @param {Record<string, number>} options */
const replicaEps = (options) => Math.floor(options.cores * (options.load / 100) * 1e7 / options['replica-us10']);

/** @param {number} perDay @param {Record<string, number>} options */
function row(perDay, options) {
  const average = perDay / DAY_S;
  const peak = average * options.peak;
  const collectors = Math.ceil(peak / collectorEps(options));
  const bytes = perDay * options.days * options.bytes;
  const forCpu = Math.ceil(peak / replicaEps(options));
  const forDisk = Math.ceil(bytes / (options['disk-gb'] * 1e9 * options.full / 100));
  const shards = Math.max(forCpu, forDisk);
  return {
    events_a_day: perDay, average_eps: Math.round(average * 10) / 10, peak_eps: Math.round(peak),
    collectors: Math.max(collectors + 1, 2), // one more than the peak needs: any of them may die
    shards_for_cpu: forCpu, shards_for_disk: forDisk, servers: shards * options.replicas, disk_of_a_replica_gb: Math.ceil(bytes / shards / 1e9), disk_gb: Math.ceil(bytes * options.replicas / 1e9),
  };
}

/** @param {any} options */
async function measure(options) {
  const rows = PER_DAY.map((perDay) => row(perDay, options));
  return { collector_eps: collectorEps(options), replica_eps: replicaEps(options), rows };
}

/** @param {any} options */
function describe({ json, help, ...figures }) {
  return (/** @type {Awaited<ReturnType<typeof measure>>} */ { collector_eps: collector, replica_eps: replica, rows }) => {
    const names = Object.keys(rows[0]);
    return [
      Object.entries(figures).map(([name, value]) => `${name} ${value}`).join('  '),
      `at the peak a collector is given ${collector} events/s, a replica ${replica}`,
      table(names.map((name) => name.replaceAll('_', ' ')), rows.map((one) => names.map((name) => /** @type {any} */ (one)[name]))),
    ].join('\n\n');
  };
}

const options = parseCommand(COMMAND, SUMMARY, OPTIONS);
runMain(COMMAND, options, measure, describe(options));
