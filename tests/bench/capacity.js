'use strict';
// The arithmetic of docs/capacity.md: from events a day to collectors, shards and disk, by the figures of one node.
const { parseCommand, runMain, table } = require('./lib/cli');

const COMMAND = 'capacity.js';
const SUMMARY = 'How many collectors, shards and bytes for so many events a day, from measured figures of one node.';
// Figures as npm run test:cluster -- --no-kill --json prints them; in tenths, as options are whole numbers.
const OPTIONS = [
  { name: 'collector-us10', type: 'number', default: 79, doc: 'processor time of a collector, tenths of a microsecond an event' },
  { name: 'replica-us10', type: 'number', default: 286, doc: 'the same of the busier replica of a shard, its merges included' },
  { name: 'bytes', type: 'number', default: 113, doc: 'bytes on disk an event and replica, after merges' },
  { name: 'cores', type: 'number', default: 4, max: 1024, doc: 'cores of each node' },
  { name: 'load', type: 'number', default: 50, max: 100, doc: 'per cent of its cores that a node may use at the peak' },
  { name: 'peak', type: 'number', default: 5, max: 1000, doc: 'events of the busiest second, times the average' },
  { name: 'days', type: 'number', default: 90, max: 36500, doc: 'retention' },
  { name: 'replicas', type: 'number', default: 2, max: 64, doc: 'replicas of a shard' },
];
const PER_DAY = [1e6, 1e7, 1e8, 3e8, 1e9];
const DAY_S = 86400;

/** Events a second that a node takes. @param {number} us10 @param {Record<string, number>} options */
const nodeEps = (us10, { cores, load }) => Math.floor(cores * (load / 100) * 1e7 / us10);

/** @param {number} perDay @param {Record<string, number>} options */
function row(perDay, options) {
  const average = perDay / DAY_S;
  const peak = average * options.peak;
  const collectors = Math.ceil(peak / nodeEps(options['collector-us10'], options));
  const shards = Math.ceil(peak / nodeEps(options['replica-us10'], options));
  const bytes = perDay * options.days * options.bytes;
  return {
    events_a_day: perDay, average_eps: Math.round(average * 10) / 10, peak_eps: Math.round(peak),
    collectors: Math.max(collectors + 1, 2), // one more than the peak needs: any of them may die
    shards, disk_of_a_replica_gb: Math.ceil(bytes / shards / 1e9), disk_gb: Math.ceil(bytes * options.replicas / 1e9),
  };
}

/** @param {any} options */
async function measure(options) {
  const rows = PER_DAY.map((perDay) => row(perDay, options));
  return { collector_eps: nodeEps(options['collector-us10'], options), replica_eps: nodeEps(options['replica-us10'], options), rows };
}

/** @param {any} options */
function describe({ json, help, ...figures }) {
  return (/** @type {Awaited<ReturnType<typeof measure>>} */ { collector_eps: collector, replica_eps: replica, rows }) => {
    const names = Object.keys(rows[0]);
    return [
      Object.entries(figures).map(([name, value]) => `${name} ${value}`).join('  '),
      `a collector takes ${collector} events/s, a replica ${replica}`,
      table(names.map((name) => name.replaceAll('_', ' ')), rows.map((one) => names.map((name) => /** @type {any} */ (one)[name]))),
    ].join('\n\n');
  };
}

const options = parseCommand(COMMAND, SUMMARY, OPTIONS);
runMain(COMMAND, options, measure, describe(options));
