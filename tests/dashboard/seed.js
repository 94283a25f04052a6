'use strict';
// A month of three apps, made up but in proportion: versions that replace each other, quiet weekends, slow tools, errors
// that come back, proposals that are turned down. The same each time, but for the time of day. Sent like any client's.
const crypto = require('node:crypto');
const zlib = require('node:zlib');

const DAY = 86400000;
const SCHEMA_OLD = 'ab'.repeat(32);

/** A small generator of numbers below 1, the same for the same seed (mulberry32). @param {number} seed */
function chance(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const random = chance(20261121);
/** @template T @param {T[]} list @returns {T} */
const pick = (list) => list[Math.floor(random() * random() * list.length)];
/** About this long, now and then much longer. @param {number} median */
const about = (median) => Math.round(median * Math.exp((random() + random() + random() - 1.5) * 1.6) * 1000) / 1000;
const hex = (n) => Array.from({ length: n }, () => Math.floor(random() * 16).toString(16)).join('');

/** @param {number} ms */
function uuid7(ms) {
  const time = Math.floor(ms).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(3)}-8${hex(3)}-${hex(12)}`;
}

const APPS = [
  { app: 'atlas-desktop', versions: ['2.4.0', '2.4.1', '2.5.0'], os: ['darwin', 'win32', 'linux'], share: 6 },
  { app: 'atlas-vscode', versions: ['1.18.2', '1.19.0'], os: ['linux', 'darwin', 'win32'], share: 4 },
  { app: 'atlas-cli', versions: ['0.9.3'], os: ['linux', 'darwin'], share: 2 },
];
const TOOLS = [['read_file', 6], ['grep', 24], ['edit_file', 18], ['list_dir', 4], ['run_tests', 4200], ['shell', 380], ['web_fetch', 900], ['semantic_search', 140]];
const MODELS = [['claude-sonnet-4-5', 2100], ['gpt-5', 3100], ['gpt-5-mini', 1200], ['claude-haiku-4-5', 900], ['qwen3', 4200]];
const ERRORS = [
  { errorType: 'TypeError', message: "Cannot read properties of undefined (reading 'uri')", stackTrace: 'TypeError: Cannot read properties of undefined\n    at resolve (app.js:1:2)' },
  { errorType: 'TimeoutError', message: 'the model did not answer within 30000 ms', stackTrace: 'TimeoutError: the model did not answer\n    at wait (model.js:8:4)' },
  { errorType: 'RangeError', message: 'Invalid array length', stackTrace: 'RangeError: Invalid array length\n    at grow (list.js:3:9)' },
  { errorType: 'SyntaxError', message: 'Unexpected token } in JSON at position 412', stackTrace: 'SyntaxError: Unexpected token\n    at parse (config.js:5:1)' },
];

/** One session's events. @param {number} start @param {typeof APPS[number]} of @param {number} age of the month, 0 to 1 */
function session(start, of, age) {
  const step = Math.min(of.versions.length - 1, Math.floor(age * of.versions.length + random() * 0.6));
  const os = pick(of.os);
  const person = Math.floor(random() * 24);
  const base = {
    session_id: uuid7(start), user_id: `person-${of.app.length}-${person}`, machine_id: crypto.createHash('md5').update(`${of.app}${person}`).digest('hex'),
    app: of.app, app_version: of.versions[step], platform: `${os}-${os === 'darwin' ? 'arm64' : 'x64'}`,
  };
  const events = [];
  let at = start;
  const add = (type, payload, correlation) => {
    at += 400 + Math.floor(random() * 20000);
    events.push({ event_id: uuid7(at), event_type: type, timestamp: new Date(at).toISOString(), ...base, ...(correlation ? { correlation_id: correlation } : {}), payload });
  };
  add('SessionStart', { appVersion: base.app_version, os, timestamp: new Date(start).toISOString() });
  add('WorkspaceSelected', { workspaceHash: hex(32), isGitRepo: random() < 0.9 });
  let created = 0;
  let approved = 0;
  const turns = 1 + Math.floor(random() * 5);
  for (let i = 0; i < turns; i += 1) {
    const task = uuid7(at);
    const [model, latency] = pick(MODELS);
    add('ChatTurn', { promptLength: Math.round(about(600)), responseLength: Math.round(about(1800)), model, latencyMs: about(latency), tokenCount: Math.round(about(900)) }, task);
    const calls = 1 + Math.floor(random() * 4);
    for (let k = 0; k < calls; k += 1) {
      const [toolName, median] = pick(TOOLS);
      const success = random() > 0.04;
      add('ToolCall', { toolName, durationMs: about(median), success, ...(success ? {} : { errorType: 'ToolFailed' }) }, task);
    }
    if (random() < 0.55) {
      const proposalId = uuid7(at);
      const lines = Math.round(about(40));
      add('ProposalCreated', { proposalId, fileCount: 1 + Math.floor(random() * 5), totalLinesChanged: lines, operation: pick(['modify', 'create', 'delete']) }, task);
      created += 1;
      if (random() < 0.92) {
        const yes = random() < (model.startsWith('claude') ? 0.86 : 0.72);
        if (yes) approved += 1;
        add('ProposalDecision', { proposalId, decision: yes ? 'approved' : 'rejected', reviewDurationMs: about(21000), filesApproved: yes ? 1 : 0 }, task);
      }
    }
    if (random() < 0.2) add(random() < 0.8 ? 'cache.hit' : 'cache.miss', { cache: 'embeddings', latencyMs: about(2) }, task);
  }
  const shaky = of.versions[step] === '2.4.0' ? 0.09 : 0.025;
  if (random() < shaky) add('Error', pick(ERRORS));
  if (random() < 0.05) add('provider.error', { provider: pick(['openai', 'anthropic']), operation: 'chat', latencyMs: about(4000), code: pick(['rate_limited', 'overloaded']), retryCount: 1 });
  add('SessionEnd', { duration: at - start, proposalsCreated: created, proposalsApproved: approved });
  return events;
}

/** A trace of spans, as the OpenTelemetry exporter sends it. @param {number} start @param {string} traceId */
function trace(start, traceId) {
  const rootId = hex(16);
  const base = { session_id: uuid7(start - 5000), user_id: 'person-13-1', machine_id: 'a1'.repeat(16), app: 'atlas-desktop', app_version: '2.5.0', platform: 'linux-x64' };
  const span = (spanId, parentId, name, from, ms, kind, status) => ({
    event_id: uuid7(start + from + ms), event_type: 'span', timestamp: new Date(start + from + ms).toISOString(), ...base, correlation_id: traceId,
    payload: { traceId, spanId, ...(parentId ? { parentId } : {}), name, kind, startNs: String((start + from) * 1e6), endNs: String((start + from + ms) * 1e6), durationMs: ms, status, attrs: {} },
  });
  const tool = hex(16);
  return [
    span(rootId, '', 'agent.turn', 0, 3120, 'internal', 'ok'), span(hex(16), rootId, 'chat gpt-5', 14, 1840, 'client', 'ok'),
    span(tool, rootId, 'tool.grep', 1870, 320, 'internal', 'ok'), span(hex(16), tool, 'index.lookup', 1880, 210, 'internal', 'ok'),
    span(hex(16), rootId, 'tool.edit_file', 2210, 90, 'internal', 'error'), span(hex(16), rootId, 'chat gpt-5', 2320, 780, 'client', 'ok'),
  ];
}

/** All of it, oldest first. @param {number} now @param {number} days @param {number} perDay */
function month(now, days, perDay) {
  const events = [];
  const weights = APPS.flatMap((of) => Array.from({ length: of.share }, () => of));
  for (let back = days - 1; back >= 0; back -= 1) {
    const midnight = Math.floor(now / DAY) * DAY - back * DAY;
    const weekend = [0, 6].includes(new Date(midnight).getUTCDay());
    const n = Math.round(perDay * (weekend ? 0.3 : 1) * (0.8 + random() * 0.4));
    for (let i = 0; i < n; i += 1) {
      const start = midnight + (7 + random() * random() * 14) * 3600000;
      if (start > now - 600000) continue;
      events.push(...session(start, weights[Math.floor(random() * weights.length)], 1 - back / days));
    }
  }
  return events.filter((one) => Date.parse(one.timestamp) < now);
}

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

/**
 * Seed a collector over HTTP. @param {string} url @param {string} token
 * @param {{days?: number, perDay?: number, now?: number}} [options]
 */
async function seed(url, token, { days = 30, perDay = 40, now = Date.now() } = {}) {
  const health = await (await fetch(`${url}/api/v1/health`)).json();
  const events = [...month(now, days, perDay), ...trace(now - 3600000, TRACE)];
  let sent = 0;
  for (let at = 0; at < events.length; at += 500) {
    const part = events.slice(at, at + 500);
    const old = at < events.length / 3;
    const response = await fetch(`${url}/api/v1/events`, {
      method: 'POST', body: zlib.gzipSync(JSON.stringify(part)),
      headers: {
        authorization: `Bearer ${token}`, 'content-type': 'application/json', 'content-encoding': 'gzip', 'candor-machine-id': `m-${at % 7}`,
        'candor-schema-hash': old ? SCHEMA_OLD : health.schema.hash, 'candor-drops': `sampled=${40 + at % 90};journal_full=${at % 3};expired=${at % 5}`,
      },
    });
    const answer = await response.json();
    if (response.status !== 202 || answer.rejected !== 0) throw new Error(`${response.status} ${JSON.stringify(answer).slice(0, 400)}`);
    sent += answer.accepted;
  }
  return { sent, trace: TRACE };
}

module.exports = { seed, session, APPS };
