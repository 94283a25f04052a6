'use strict';
// What one emit() costs the host, beside JSON.stringify of the same payload and beside what people use
// today. Method and columns: docs/benchmarks.md.
const path = require('node:path');
const { machine, parseCommand, progress, runMain, table } = require('./lib/cli');
const emitters = require('./lib/emitters');
const { OTHER_TYPES, payloadPool } = require('./lib/payloads');
const { withScratch } = require('./lib/scratch');
const { minMedianMax, quantiles, round } = require('./lib/stats');

const COMMAND = 'emit.js';
const SUMMARY = 'Nanoseconds per emit() of a ChatTurn, interleaved with its peers in one process; median of rounds.';
const OPTIONS = [
  { name: 'rounds', type: 'number', default: 25, min: 3, max: 1000, doc: 'measured rounds' },
  { name: 'bursts', type: 'number', default: 5, max: 1000, doc: 'bursts of each competitor in a round' },
  { name: 'burst', type: 'number', default: 2000, min: 10, max: 20000, doc: 'events in a burst' },
  { name: 'tail-events', type: 'number', default: 200000, min: 1000, max: 5e6, doc: 'events timed one by one for the tail' },
];
const WARM_UP_ROUNDS = 5;

/** The real client, as an app opens it: nothing is tuned for the benchmark but the place and the cap
 * of the spool, which has to hold every event of the run. */
function openClient(directory) {
  // The shell that runs the benchmark may have opted out; this is not its telemetry.
  for (const name of ['DO_NOT_TRACK', 'TELEMETRY_ENABLED', 'TELEMETRY_ENDPOINT']) delete process.env[name];
  const { open } = require('../../js');
  return open({
    app: 'candor-bench', appVersion: '1.0.0', directory, mode: 'manual', notice: 'none',
    spoolMaxBytes: 1 << 30, requireNative: true,
  });
}

async function measureRounds(competitors, { rounds, bursts, burst }, label) {
  const samples = new Map(competitors.map((competitor) => [competitor.name, []]));
  for (let r = -WARM_UP_ROUNDS; r < rounds; r += 1) {
    for (let c = 0; c < competitors.length; c += 1) {
      // Another order each round: nobody always runs behind the same neighbour's garbage.
      const competitor = competitors[(c + r + WARM_UP_ROUNDS) % competitors.length];
      let ns = 0;
      for (let b = 0; b < bursts; b += 1) {
        ns += await competitor.run(burst);
        await competitor.settle();
      }
      if (r >= 0) samples.get(competitor.name).push(ns / (bursts * burst));
    }
    if (r >= 0 && (r + 1) % 5 === 0) progress(`${label}: round ${r + 1} of ${rounds}`);
  }
  return samples;
}

/** A competitor that dropped events was fast for the wrong reason. */
function checkTotals(competitors, expected) {
  for (const competitor of competitors) {
    const total = competitor.total();
    if (total !== expected) throw new Error(`${competitor.name} took ${total} of ${expected} events: not a fair figure`);
  }
}

function summarise(samples) {
  return Object.fromEntries([...samples].map(([name, list]) => {
    const { min, median, max } = minMedianMax(list);
    return [name, { median_ns: round(median), min_ns: round(min), max_ns: round(max) }];
  }));
}

async function compare(client, directory, options) {
  const pool = payloadPool('ChatTurn');
  const competitors = [
    emitters.candorEmitter({ client, pool }),
    emitters.stringifier(pool),
    emitters.pinoSync(pool, directory),
    emitters.openTelemetryLogs(pool, options.burst),
    emitters.posthogCapture(pool, options.burst),
    emitters.appendFileSync(pool, directory),
  ];
  const samples = await measureRounds(competitors, options, 'ChatTurn');
  checkTotals(competitors, (options.rounds + WARM_UP_ROUNDS) * options.bursts * options.burst);
  for (const competitor of competitors) await competitor.close();
  const versions = Object.fromEntries(competitors.filter((c) => c.version).map((c) => [c.name, c.version]));
  const what = Object.fromEntries(competitors.map((c) => [c.name, c.what]));
  return { figures: summarise(samples), versions, what };
}

async function compareOtherTypes(client, options) {
  const out = {};
  const rounds = Math.max(3, Math.round(options.rounds / 3));
  const burst = Math.min(options.burst, 1000); // an Error with its stack is ten times a ChatTurn
  for (const type of OTHER_TYPES) {
    const pool = payloadPool(type);
    const competitors = [emitters.candorEmitter({ client, type, pool }), emitters.stringifier(pool)];
    const samples = await measureRounds(competitors, { rounds, bursts: options.bursts, burst }, type);
    checkTotals(competitors, (rounds + WARM_UP_ROUNDS) * options.bursts * burst);
    const { candor, stringify } = summarise(samples);
    out[type] = {
      candor_ns: candor.median_ns, stringify_ns: stringify.median_ns,
      candor_vs_stringify: round(candor.median_ns / stringify.median_ns, 2),
    };
  }
  return out;
}

/** Each call between two reads of the clock; the clock's own cost is not subtracted. */
async function measureTail(client, events, burst) {
  const pool = payloadPool('ChatTurn', 11);
  const mask = pool.length - 1;
  const took = new Float64Array(events);
  for (let i = 0; i < events;) {
    for (const end = Math.min(events, i + burst); i < end; i += 1) {
      const start = process.hrtime.bigint();
      const kept = client.emit('ChatTurn', pool[i & mask]);
      took[i] = Number(process.hrtime.bigint() - start);
      if (!kept) throw new Error('an emit() of the tail pass was dropped');
    }
    await client.flush();
  }
  return quantiles(took);
}

function checkStatus(client) {
  const status = client.status();
  if (status.emitted !== status.kept) {
    throw new Error(`emitted ${status.emitted}, kept ${status.kept}: ${JSON.stringify(status.dropped)}`);
  }
  return { emitted: status.emitted, kept: status.kept };
}

function resultOf(options, main, other, tail, counts) {
  const ns = (name) => main.figures[name].median_ns;
  return {
    benchmark: 'emit',
    machine: machine(),
    candor_ns: ns('candor'),
    stringify_ns: ns('stringify'),
    pino_sync_ns: ns('pino_sync'),
    otel_ns: ns('otel'),
    posthog_ns: ns('posthog'),
    append_file_sync_ns: ns('append_file_sync'),
    p50_us: round(tail.p50 / 1000, 2),
    p99_us: round(tail.p99 / 1000, 2),
    p999_us: round(tail.p999 / 1000, 2),
    max_us: round(tail.max / 1000, 1),
    candor_vs_stringify: round(ns('candor') / ns('stringify'), 2),
    pino_vs_candor: round(ns('pino_sync') / ns('candor'), 1),
    rounds: main.figures,
    what: main.what,
    other_types: other,
    peers: main.versions,
    emitted: counts.emitted,
    kept: counts.kept,
    settings: { rounds: options.rounds, bursts: options.bursts, burst: options.burst, tail_events: options['tail-events'] },
  };
}

function measure(options) {
  return withScratch('emit', async (directory) => {
    const client = openClient(path.join(directory, 'candor'));
    try {
      const main = await compare(client, directory, options);
      const tail = await measureTail(client, options['tail-events'], options.burst);
      const other = await compareOtherTypes(client, options);
      return resultOf(options, main, other, tail, checkStatus(client));
    } finally {
      client.close();
    }
  });
}

function describe(result) {
  const rows = Object.entries(result.rounds).map(([name, figure]) => [
    result.peers[name] ? `${name} ${result.peers[name]}` : name, figure.median_ns, figure.min_ns, figure.max_ns,
    round(figure.median_ns / result.candor_ns, 2), result.what[name],
  ]);
  const other = Object.entries(result.other_types)
    .map(([type, figure]) => [type, figure.candor_ns, figure.stringify_ns, figure.candor_vs_stringify]);
  return [
    `ns per event, ChatTurn, ${result.machine.cores} cores, Node ${result.machine.node}`,
    '',
    table(['', 'median', 'min', 'max', 'x candor', ''], rows),
    '',
    `one candor emit(): p50 ${result.p50_us} us, p99 ${result.p99_us} us, p999 ${result.p999_us} us, max ${result.max_us} us`
      + ' (clock included)',
    '',
    table(['other types', 'candor', 'stringify', 'ratio'], other),
    '',
    `candor / stringify = ${result.candor_vs_stringify}   pino sync / candor = ${result.pino_vs_candor}`
      + `   emitted ${result.emitted} = kept ${result.kept}`,
  ].join('\n');
}

runMain(COMMAND, parseCommand(COMMAND, SUMMARY, OPTIONS), measure, describe);
