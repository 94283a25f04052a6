'use strict';
// docs/openapi.json against the router's table, and against what a collector answers to requests made from it.
const assert = require('node:assert/strict');
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const addFormats = require('ajv-formats').default;
const Ajv = require('ajv/dist/2020').default;
const fc = require('fast-check');
const { Central, run, uuid7 } = require('./central-support.js');
const { makePackage } = require('./package-support.js');

const FILE = path.join(__dirname, '..', '..', 'docs', 'openapi.json');
const doc = JSON.parse(fs.readFileSync(FILE, 'utf8'));
/** Requests made from the document; the same each time, so that a failure can be looked at. */
const RUNS = { numRuns: 800, seed: Number(process.env.CANDOR_FC_SEED ?? 20261121), endOnFailure: true };
/** What any request can get. 500 is not among them: nothing that a client sends may bring it about. */
const ANY = [400, 405, 408, 413, 417, 431, 503, 505];

const follow = (value) => (value.$ref === undefined ? value : value.$ref.slice(2).split('/').reduce((at, key) => at[key], doc));

/** Every operation of the document. */
const operations = Object.entries(doc.paths).flatMap(([route, item]) => ['get', 'head', 'post', 'patch', 'delete'].filter((method) => item[method] !== undefined)
  .map((method) => ({
    route, method, operation: item[method],
    parameters: [...(item.parameters ?? []), ...(item[method].parameters ?? [])].map(follow),
  })));

const ajv = new Ajv({ strict: false, allErrors: true });
addFormats(ajv);
ajv.addSchema(doc, 'doc');
const checks = new Map();

/** What is wrong with a body by the schema at that place of the document; '' when nothing is. */
function wrong(place, value) {
  if (!checks.has(place)) checks.set(place, ajv.compile({ $ref: `doc#/${place}` }));
  const check = checks.get(place);
  return check(value) ? '' : ajv.errorsText(check.errors);
}

const pointer = (...parts) => parts.map((part) => encodeURIComponent(String(part).replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');

test('the document is valid OpenAPI 3.1', async () => {
  const { Validator } = await import('@seriousme/openapi-schema-validator');
  const validator = new Validator();
  const result = await validator.validate(structuredClone(doc));
  assert.equal(result.valid, true, JSON.stringify(result.errors));
  assert.equal(validator.version, '3.1');
});

test('every route, method, scope, parameter and status is in the router and in the document', async () => {
  const rows = JSON.parse((await run(['routes'])).stdout);
  const inRouter = rows.map((row) => ({
    path: row.path, method: row.methods.split(',')[0].toLowerCase(), scope: row.scope,
    parameters: row.parameters.split(',').filter(Boolean).sort(), statuses: row.statuses.split(',').sort(),
  }));
  const inDocument = operations.map(({ route, method, operation, parameters }) => ({
    path: route, method, scope: operation.security[0]?.bearer[0] ?? '',
    parameters: parameters.filter((one) => one.in === 'query').map((one) => one.name).sort(),
    statuses: Object.keys(operation.responses).filter((code) => code !== 'default').sort(),
  }));
  const by = (a, b) => (`${a.path} ${a.method}` < `${b.path} ${b.method}` ? -1 : 1);
  assert.deepEqual(inDocument.sort(by), inRouter.sort(by));
  assert.equal((await run(['routes', 'please'])).code, 2);
});

test('the collector serves the document', async (t) => {
  const central = await Central.start(t);
  const { status, json } = await central.fetch('/api/openapi.json', { token: null });
  assert.equal(status, 200);
  assert.deepEqual(json, doc);
});

test('every problem code is in the documentation, and the documentation has no other', () => {
  const header = fs.readFileSync(path.join(__dirname, '..', '..', 'central', 'respond.h'), 'utf8');
  const codes = [...header.matchAll(/^ {4}X\(\w+, \d{3}, "(\w+)"\)/gm)].map((match) => match[1]).sort();
  assert.ok(codes.length > 30);
  const docs = fs.readFileSync(path.join(__dirname, '..', '..', 'docs', 'http-api.md'), 'utf8');
  const section = /^## Problems\n([^]*?)\n## /m.exec(docs)?.[1] ?? '';
  const rows = section.split('\n').filter((row) => /^\| \d/.test(row)).join('\n');
  const listed = [...rows.matchAll(/`([a-z_]+)`/g)].map((match) => match[1]);
  assert.deepEqual([...new Set(listed)].sort(), codes);
});

/* --- requests made from the document --------------------------------------------------------------- */

const words = fc.constantFrom('demo', 'tool', 'ToolCall', 'Error', 'SessionStart', 'u-1', '1.2.3', 'prompt', 'UTC', 'Europe/Berlin', '+05:30', '2026-01-01',
  '1790000000000', '2026-11-21T09:52:00Z', '0', '-1', '1e9', '0.5', '%00', '', '../../x', 'null', '😀', 'a'.repeat(300));
const junk = fc.oneof(words, fc.string({ unit: 'binary', maxLength: 40 }).filter((value) => value.isWellFormed()));

const moments = fc.constantFrom('2026-01-01', '2026-11-21T09:52:00Z', '2026-11-21T09:52:00+05:30', String(Date.now()), String(Date.now() - 86400000));
/** Values of parameters whose schema says less than what they mean. */
const MEANT = {
  from: moments, to: moments, tz: fc.constantFrom('UTC', 'Europe/Berlin', '+05:30', 'America/New_York'), source: fc.constantFrom('demo', 'second'),
  app: fc.constantFrom('demo', 'second'), file: fc.constantFrom('index.html', 'icon.svg'), by: fc.constantFrom('value', 'day'), field: fc.constantFrom('prompt', 'response', 'diff'), 'Candor-Consent': fc.constant('user;epoch=1;content=1'),
  'Upload-Offset': fc.constantFrom(0, 0, 0, 0, 2048), 'Upload-Complete': fc.constantFrom('?1', '?1', '?0'),
  'Content-Encoding': fc.constant('identity'), 'Candor-Content-SHA256': fc.constant(createHash('sha256').update('').digest('hex')),
  'If-None-Match': fc.constantFrom('*', '"x"', `"${'0'.repeat(32)}"`),
};
/** Mostly left out: made up, they are always wrong. */
const RARE = ['cursor', 'Candor-Content-SHA256'];

/** @param {{name: string, schema: object, required: boolean}} parameter */
function parameterOf({ name, schema, required }) {
  const value = fc.oneof({ arbitrary: MEANT[name] ?? valueOf(schema), weight: 14 }, { arbitrary: junk, weight: 1 });
  const absent = { arbitrary: fc.constant(undefined), weight: RARE.includes(name) ? 19 : 1 };
  return required ? value : fc.oneof({ arbitrary: value, weight: 1 }, absent);
}

/** A value as the schema says, and now and then one that it does not allow. */
function valueOf(schema) {
  const kind = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  const good = () => {
    if (schema.const !== undefined) return fc.constant(schema.const);
    if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
    if (schema.format === 'uuid') return fc.integer({ min: 0, max: 9 * 86400000 }).map((ago) => uuid7(Date.now() - ago));
    if (schema.format === 'date-time') return fc.integer({ min: 0, max: 4e12 }).map((ms) => new Date(ms).toISOString());
    if (schema.pattern === '^[0-9a-f]{32}$') return fc.stringMatching(/^[0-9a-f]{32}$/);
    if (schema.pattern !== undefined) return fc.stringMatching(new RegExp(schema.pattern)).map((text) => text.slice(0, schema.maxLength ?? 128));
    if (kind === 'integer') return fc.integer({ min: Math.max(schema.minimum ?? 0, -1e15), max: Math.min(schema.maximum ?? 1000, 1e15) });
    if (kind === 'number') return fc.double({ min: schema.minimum ?? 0, max: Math.min(schema.maximum ?? 1e6, 1e12), noNaN: true });
    if (kind === 'boolean') return fc.boolean();
    if (kind === 'array') return fc.array(valueOf(schema.items), { maxLength: 4 });
    if (kind === 'object') return fc.record(Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, one]) => [name, valueOf(one)])), { requiredKeys: [] });
    return words;
  };
  return fc.oneof({ arbitrary: good(), weight: 9 }, { arbitrary: junk, weight: 1 });
}

const payloads = Object.keys(doc.components.schemas).filter((name) => name.startsWith('Payload.'));
const anEvent = fc.constantFrom(...payloads).chain((name) => fc.record({
  event_id: fc.integer({ min: 0, max: 20 * 86400000 }).map((ago) => uuid7(Date.now() - ago)),
  event_type: fc.constant(name.slice('Payload.'.length)), timestamp: fc.constant(new Date().toISOString()),
  session_id: fc.integer({ min: 0, max: 3 }).map((i) => `0193a1b2-0000-7000-8000-00000000000${i}`),
  user_id: fc.constantFrom('u-1', 'u-2'), machine_id: fc.constantFrom('a'.repeat(32), 'b'.repeat(32)), app: fc.constantFrom('demo', 'second'),
  app_version: fc.constantFrom('1.2.3', '2.0.0'), platform: fc.constant('linux-x64'), correlation_id: fc.uuid(), payload: valueOf(doc.components.schemas[name]),
}, { requiredKeys: ['event_id', 'event_type', 'timestamp', 'session_id', 'user_id', 'machine_id', 'app', 'app_version', 'platform', 'payload'] }));

/** A body for the operation: mostly one that it takes. */
function bodyOf(operation) {
  const types = Object.keys(operation.requestBody?.content ?? {});
  if (types.length === 0) return fc.constant(undefined);
  const json = (arbitrary) => arbitrary.map((value) => ({ type: 'application/json', text: JSON.stringify(value) }));
  const text = junk.chain((value) => fc.constantFrom(...types, 'text/plain; charset=utf-8', 'application/xml').map((type) => ({ type, text: value })));
  const good = {
    storeEvents: fc.oneof(json(fc.array(anEvent, { maxLength: 8 })), json(anEvent),
      fc.array(anEvent, { maxLength: 8 }).map((events) => ({ type: 'application/x-ndjson', text: events.map((one) => JSON.stringify(one)).join('\n') }))),
    uploadPackage: json(fc.array(anEvent, { maxLength: 4 }).map((events) => makePackage(events))),
    exportLogs: json(fc.constant({ resourceLogs: [{ scopeLogs: [{ logRecords: [{ timeUnixNano: `${Date.now()}000000`, body: { stringValue: 'x' } }] }] }] })),
    exportMetrics: json(fc.constant({})), exportTraces: json(fc.constant({ resourceSpans: [] })),
    storePart: fc.constantFrom('', '', 'x'.repeat(2048), 'x').map((value) => ({ type: 'application/partial-upload', text: value })),
    storeAttachment: junk.map((value) => ({ type: 'text/plain; charset=utf-8', text: value })),
    erase: json(fc.record({ user_id: fc.constantFrom('u-9', ''), machine_id: fc.constantFrom('f'.repeat(32)), app: fc.constantFrom('demo', '../') }, { requiredKeys: [] })),
  }[operation.operationId];
  return fc.oneof({ arbitrary: good, weight: 9 }, { arbitrary: text, weight: 1 });
}

/** Of a header, only what HTTP lets a client send. */
const headerText = (value) => String(value).replace(/[^\x20-\x7e]/g, '').trim();

const request = fc.constantFrom(...operations).chain((one) => fc.record({
  one: fc.constant(one), body: bodyOf(one.operation), head: one.method === 'get' ? fc.boolean() : fc.constant(false),
  token: fc.oneof({ arbitrary: fc.constant('admin'), weight: 9 }, { arbitrary: fc.constantFrom(null, 'cnd_nonsense', 'read'), weight: 1 }),
  given: fc.record(Object.fromEntries(one.parameters.map((p) => [p.name, parameterOf(p)]))),
}));

function send(central, tokens, { one, body, head, token, given }) {
  const query = new URLSearchParams();
  const headers = {};
  let route = one.route;
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const where = one.parameters.find((p) => p.name === name).in;
    if (where === 'query') query.append(name, String(value));
    if (where === 'header') headers[name] = headerText(value);
    if (where === 'path') route = route.replace(`{${name}}`, encodeURIComponent(String(value)));
  }
  if (body !== undefined) headers['content-type'] = body.type;
  if (token !== null) headers.authorization = `Bearer ${tokens[token] ?? token}`;
  return fetch(`${central.url}${route}${query.size > 0 ? `?${query}` : ''}`, {
    method: head ? 'HEAD' : one.method.toUpperCase(), headers, body: body?.text,
  });
}

/** The answer is one that the document declares for the operation. */
async function check({ one, head }, response) {
  const { status } = response;
  const about = `${one.method} ${one.route} ${status}`;
  const declared = one.operation.responses[status];
  assert.notEqual(status, 500, about);
  assert.ok(declared !== undefined || ANY.includes(status), `${about} is not declared`);
  const text = await response.text();
  if (status === 304 || status === 204 || head || one.method === 'head') {
    assert.equal(text, '', about);
    return;
  }
  const type = (response.headers.get('content-type') ?? '').split(';')[0];
  const code = declared === undefined ? 'default' : String(status);
  const answer = one.operation.responses[code];
  const { content } = follow(answer);
  assert.ok(type in content, `${about} has type ${type}`);
  if (!type.endsWith('json')) return;
  const place = answer.$ref?.slice(2) ?? pointer('paths', one.route, one.method, 'responses', code);
  assert.equal(wrong(`${place}/${pointer('content', type, 'schema')}`, JSON.parse(text)), '', `${about}: ${text.slice(0, 500)}`);
}

test('requests made from the document get answers that it declares, and never a 500', async (t) => {
  const central = await Central.start(t);
  const make = async (scopes) => (await run(['token', 'create', '--scopes', scopes, '--data', central.data])).stdout.trim();
  const tokens = { admin: await make('admin'), read: await make('read') };
  const deadline = Date.now() + 60000;
  for (const token of Object.values(tokens)) {
    while ((await central.fetch('/api/telemetry/events', { token })).status !== 200) assert.ok(Date.now() < deadline);
  }
  const seen = new Map();
  await fc.assert(fc.asyncProperty(request, async (made) => {
    const response = await send(central, tokens, made);
    await check(made, response);
    const key = `${made.one.operation.operationId} ${response.status}`;
    seen.set(key, (seen.get(key) ?? 0) + 1);
  }), RUNS);
  for (const { operation } of operations) {
    const good = Object.keys(operation.responses).find((code) => code.startsWith('2'));
    assert.ok([...seen.keys()].some((key) => key.startsWith(`${operation.operationId} 2`)), `${operation.operationId} was never answered with ${good}: ${[...seen.keys()].join(', ')}`);
  }
  assert.ok((await central.get('/api/telemetry/stats')).events.total > 20, 'generated events were stored');
  assert.equal((await central.fetch('/api/v1/health')).status, 200);
});
