'use strict';
// Varied events as a fleet of clients would send them: every type of the catalogue, with skewed shares
// and realistic values, from many sessions, machines and users. Payloads are drawn from pools made
// once, so that making a line costs about as much as sending it; ids, times and contexts are fresh.
const fs = require('node:fs');
const path = require('node:path');
const { Random } = require('./random');

const SCHEMA_FILE = path.join(__dirname, '..', '..', '..', 'schema', 'default.json');
const PAYLOADS_PER_TYPE = 2048;
const CHOICES = 8192; // resolution of the shares below

// Share of each type, relative. A type of the catalogue that is not named gets RARE.
const RARE = 0.05;
const SHARES = {
  ToolCall: 26, ChatTurn: 16, 'cache.hit': 14, 'ui.render_time': 8, 'provider.request': 5,
  'provider.response': 5, 'cache.miss': 5, ProposalCreated: 3, ProposalDecision: 3,
  'command.start': 3, 'command.complete': 3, 'validation.complete': 2, 'validation.start': 2,
  SessionStart: 1, SessionEnd: 1, WorkspaceSelected: 1, Error: 1,
};

// Events of one agent turn carry its correlation id, so that a decision finds the model it is about.
const CORRELATED = new Set(['ChatTurn', 'ToolCall', 'ProposalCreated', 'ProposalDecision']);

const APPS = ['acme-agent', 'acme-editor', 'acme-cli'];
const VERSIONS = ['1.0.0', '1.1.0', '1.1.1', '1.2.0-beta.1'];
const PLATFORMS = ['linux-x64', 'win32-x64', 'darwin-arm64'];
const TOOLS = ['read_file', 'write_file', 'search', 'run_tests', 'list_files', 'apply_patch', 'git_diff', 'shell'];
const ERRORS = ['TypeError', 'RangeError', 'TimeoutError', 'ENOENT', 'ECONNRESET', 'SyntaxError'];
const WORDS = ('cannot read property of undefined while parsing response from provider after retry request '
  + 'timed out waiting for index worker to finish unexpected token in patch hunk does not apply').split(' ');

// Values by field name; what is not named here comes from the field's kind.
const BY_NAME = {
  latencyMs: (r) => round3(r.logNormal(850, 0.9)),
  durationMs: (r) => round3(r.logNormal(40, 1.3)),
  reviewDurationMs: (r) => round3(r.logNormal(15000, 1)),
  duration: (r) => round3(r.logNormal(600000, 1)),
  promptLength: (r) => Math.round(r.logNormal(900, 1)),
  responseLength: (r) => Math.round(r.logNormal(1800, 1)),
  tokenCount: (r) => Math.round(r.logNormal(700, 0.9)),
  toolName: (r) => r.pick(TOOLS),
  success: (r) => r.float() < 0.93,
  errorType: (r) => r.pick(ERRORS),
  proposalId: (r) => `p-${r.hex(12)}`,
  appVersion: (r) => r.pick(VERSIONS),
  fileCount: (r) => 1 + Math.floor(r.logNormal(1.2, 0.8)),
  totalLinesChanged: (r) => 1 + Math.floor(r.logNormal(25, 1.2)),
};

function round3(value) {
  return Math.round(value * 1000) / 1000;
}

function words(r, n) {
  const out = [];
  for (let i = 0; i < n; i += 1) out.push(r.pick(WORDS));
  return out.join(' ');
}

function within(field, value) {
  return Math.min(field.max ?? Infinity, Math.max(field.min ?? -Infinity, value));
}

// The first enum values are the common ones (1/i^2): charts have a few large slices and a tail.
function skewedPick(r, values) {
  return values[Math.floor(values.length ** r.float()) - 1];
}

/** A few of the schema's attributes, as a span of an agent has them. */
function attributesOf(r, attributes, now) {
  const names = Object.keys(attributes);
  const picked = Array.from({ length: r.below(5) }, () => r.pick(names));
  return Object.fromEntries(picked.map((name) => [name, valueOf(r, name, attributes[name], now)]));
}

const BY_KIND = {
  int: (r, field) => within(field, Math.round(r.logNormal(50, 1.2))),
  number: (r, field) => within(field, field.max !== undefined && field.max <= 1
    ? round3(r.float()) : round3(r.logNormal(20, 1))),
  duration: (r, field) => within(field, round3(r.logNormal(12, 1.2))),
  bool: (r) => r.float() < 0.8,
  time: (r, field, now) => new Date(now - r.below(60000)).toISOString(),
  enum: (r, field) => skewedPick(r, field.values),
  // Names of caches, providers, views and the like: a few dozen, some far more common than others.
  id: (r, field, now, name) => `${name}-${Math.floor(32 ** r.float())}`.slice(0, field.maxLength ?? 64),
  bucket: (r, field) => r.pick(field.bounds),
  hash: (r) => r.hex(32),
  nanos: (r, field, now) => `${now - r.below(60000)}${String(r.below(1e6)).padStart(6, '0')}`,
  text: (r) => words(r, 6 + r.below(8)),
  stack: (r) => `${r.pick(ERRORS)}: ${words(r, 5)}\n${Array.from({ length: 4 + r.below(6) },
    () => `at <path>:${1 + r.below(900)}:${1 + r.below(80)}`).join('\n')}`,
};

/**
 * One field's value, as the sanitiser of the client would have left it; undefined: absent.
 * @param {object} [attributes]  the schema's
 */
function valueOf(r, name, field, now, attributes = {}) {
  if (field.kind === 'content') return undefined;
  if (field.kind === 'attrs') return attributesOf(r, attributes, now);
  if (field.kind === 'list') {
    const n = 1 + r.below(Math.min(field.max ?? 4, 4));
    return Array.from({ length: n }, () => valueOf(r, name, field.of, now));
  }
  if (BY_KIND[field.kind] === undefined) throw new Error(`tests/bench/lib/events.js makes no value of the kind "${field.kind}" (field ${name}): add it to BY_KIND`);
  const named = field.kind === 'enum' || field.kind === 'bucket' ? undefined : BY_NAME[name];
  const value = named ? named(r) : BY_KIND[field.kind](r, field, now, name);
  return typeof value === 'number' ? within(field, value) : value;
}

function payloadOf(r, event, now) {
  const payload = {};
  for (const [name, field] of Object.entries(event.fields)) payload[name] = valueOf(r, name, field, now, event.attributes);
  if (payload.success === true) delete payload.errorType; // a call that worked has no error
  return payload;
}

function loadCatalogue(file = SCHEMA_FILE) {
  const schema = JSON.parse(fs.readFileSync(file, 'utf8'));
  return Object.entries(schema.events).map(([name, event]) => ({ name, attributes: schema.attributes, ...event }))
    .filter((event) => event.level !== 'content');
}

function choiceTable(types) {
  const total = types.reduce((sum, type) => sum + (SHARES[type.name] ?? RARE), 0);
  const choices = [];
  for (const type of types) {
    const n = Math.max(1, Math.round((SHARES[type.name] ?? RARE) / total * CHOICES));
    for (let i = 0; i < n; i += 1) choices.push(type);
  }
  return choices;
}

function makeSession(r, machines, users, number) {
  const machine = r.below(machines.length);
  const user = machine % users.length;
  const app = r.below(APPS.length);
  const context = `"session_id":"${r.uuid7(Date.now() - r.below(3600000))}","user_id":"${users[user]}",`
    + `"machine_id":"${machines[machine]}","app":"${APPS[app]}","app_version":"${r.pick(VERSIONS)}",`
    + `"platform":"${PLATFORMS[machine % PLATFORMS.length]}",`;
  return { number, app, machineId: machines[machine], context, correlation: '' };
}

/**
 * @typedef {object} FleetOptions
 * @property {number} seed
 * @property {string} [schema]  Path of a schema file.
 * @property {number} [machines]
 * @property {number} [users]
 * @property {number} [sessions]
 */
class Fleet {
  #random; #choices; #sessions; #isoMs = NaN; #iso = '';

  /** @param {FleetOptions} options */
  constructor({ seed, schema, machines = 1000, users = 800, sessions = 2000 }) {
    const r = this.#random = new Random(seed);
    const now = Date.now();
    const people = new Random(1); // every fleet has the same machines and users, whatever its seed
    const ids = (n) => Array.from({ length: n }, () => people.hex(32));
    const machineIds = ids(machines);
    const userIds = ids(users);
    this.types = loadCatalogue(schema);
    this.types.forEach((type, index) => {
      type.number = type.name === 'Error' ? 1 : index + 2; // as the collector numbers them
      type.correlated = CORRELATED.has(type.name);
      type.payloads = Array.from({ length: PAYLOADS_PER_TYPE }, () => JSON.stringify(payloadOf(r, type, now)));
    });
    this.#choices = choiceTable(this.types);
    this.#sessions = Array.from({ length: sessions }, (_, i) => makeSession(r, machineIds, userIds, i + 1));
  }

  uuid7(ms) {
    return this.#random.uuid7(ms);
  }

  session() {
    return this.#random.pick(this.#sessions);
  }

  #timestamp(ms) {
    if (ms !== this.#isoMs) {
      this.#isoMs = ms;
      this.#iso = new Date(ms).toISOString();
    }
    return this.#iso;
  }

  #correlation(type, session, ms) {
    if (!type.correlated) return '';
    if (session.correlation === '' || type.name === 'ChatTurn') session.correlation = this.#random.uuid7(ms);
    return `"correlation_id":"${session.correlation}",`;
  }

  /** One event at a time: its line without line end, and what a row needs. */
  event(session, ms) {
    const type = this.#random.pick(this.#choices);
    const id = this.#random.uuid7(ms);
    const payload = this.#random.pick(type.payloads);
    const correlation = this.#correlation(type, session, ms);
    const line = `{"event_id":"${id}","event_type":"${type.name}","timestamp":"${this.#timestamp(ms)}",`
      + `${session.context}${correlation}"payload":${payload}}`;
    return { id, type: type.number, session, payload, line, correlation: correlation && session.correlation };
  }
}

module.exports = { Fleet, SCHEMA_FILE, loadCatalogue, payloadOf };
