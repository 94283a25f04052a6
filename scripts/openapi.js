'use strict';
// docs/openapi.json: the HTTP API of the collector as OpenAPI 3.1. Written here by hand, but for the payloads of
// events, which come from the default catalogue. tests/e2e/central-openapi.test.js holds it against the router's own
// table (`candor-central routes`) and against what a collector really answers.
const fs = require('node:fs');
const path = require('node:path');
const { payloadSchema } = require('../js/schema/jsonschema');
const { readModel } = require('../js/schema/model');

const SCHEMA = 'schema/default.json';
const root = path.join(__dirname, '..');

/** @typedef {Record<string, any>} Json */

/* --- schemas -------------------------------------------------------------------------------------- */

/** @param {string} name @returns {Json} */
const ref = (name) => ({ $ref: `#/components/schemas/${name}` });
/** Every property is required unless its name ends with '?'. @param {Json} properties @param {Json} [more] @returns {Json} */
const object = (properties, more = {}) => ({
  type: 'object',
  required: Object.keys(properties).filter((name) => !name.endsWith('?')),
  properties: Object.fromEntries(Object.entries(properties).map(([name, value]) => [name.replace(/\?$/, ''), value])),
  additionalProperties: false, ...more,
});
/** @param {Json} items @returns {Json} */
const list = (items) => ({ type: 'array', items });
const text = { type: 'string' };
const amount = { type: 'number', minimum: 0 };
const count = { type: 'integer', minimum: 0 };
const ratio = { type: ['number', 'null'], minimum: 0, maximum: 1 };
const moment = { type: 'string', format: 'date-time' };
const day = { type: 'string', format: 'date' };
const uuid = { type: 'string', format: 'uuid' };
const hex = (/** @type {number} */ digits) => ({ type: 'string', pattern: `^[0-9a-f]{${digits}}$` });
/** @param {Json} schema */
const orNull = (schema) => ({ ...schema, type: [schema.type, 'null'] });
const range = { from: orNull(moment), to: orNull(moment) };
const quantile = { type: ['number', 'null'], minimum: 0 };
const cursor = { type: ['string', 'null'], pattern: '^[0-9a-f]{56}$', description: 'null: this is the last page' };

const who = {
  session_id: { type: 'string', maxLength: 128 }, user_id: { type: 'string', maxLength: 128 }, machine_id: { type: 'string', maxLength: 128 },
  app: { type: 'string', maxLength: 128 }, app_version: { type: 'string', maxLength: 128 }, platform: { type: 'string', maxLength: 128 },
};
const privacy = { 'privacy?': { $ref: '#/components/schemas/Privacy' } };
/** Of a private token, null is what is too small to be shown. */
const shown = { type: ['integer', 'null'], minimum: 0 };
const group = (/** @type {string} */ key) => object({ [key]: text, count, errors: count, share: ratio });

/** @returns {Record<string, Json>} */
function schemas() {
  const model = readModel(fs.readFileSync(path.join(root, SCHEMA), 'utf8'), SCHEMA);
  return {
    Problem: object({
      type: { type: 'string', const: 'about:blank' }, title: text, status: { type: 'integer', minimum: 400, maximum: 599 },
      code: { type: 'string', pattern: '^[a-z_]+$', description: 'what went wrong, for programs; docs/http-api.md lists them' },
      detail: { type: 'string', description: 'what, where and what to do' },
      'instance?': { type: 'string', pattern: '^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$', description: 'of this answer alone; the log has it' },
    }, { description: 'RFC 9457', additionalProperties: true }),
    Event: object({
      event_id: { ...uuid, description: 'UUID version 7' }, event_type: { type: 'string', description: 'of the schema; its payload is the schema Payload.<event_type> of the default catalogue' },
      timestamp: moment, ...who, 'correlation_id?': { type: 'string', maxLength: 128 }, payload: { type: 'object' },
    }, { description: 'An event as clients send it.', additionalProperties: true }),
    StoredEvent: object({
      event_id: uuid, event_type: text, category: text, timestamp: moment, ...who, 'correlation_id?': text,
      'error_group?': { ...hex(16), description: 'of errors: those that are the same have the same' }, payload: { type: 'object' },
    }),
    EventPage: object({ events: list(ref('StoredEvent')), next_cursor: cursor }),
    Session: object({
      ...who, started: orNull(moment), ended: orNull(moment), duration: quantile, proposals_created: quantile, proposals_approved: quantile,
      errors: count, last_day: day,
    }, { description: 'duration and the proposals are those of SessionEnd' }),
    SessionPage: object({ sessions: list(ref('Session')), next_cursor: cursor }),
    Receipt: object({
      'package_id?': uuid, accepted: count, duplicates: count, rejected: count, 'duplicate_batch?': { type: 'boolean', const: true },
      results: list(object({ index: count, status: { type: 'string', enum: ['accepted', 'duplicate', 'rejected'] }, 'reason?': text, 'detail?': text })),
      'results_omitted?': count, adjusted: { type: 'object', additionalProperties: count },
      schema: object({ hash: hex(64), match: { type: ['boolean', 'null'] } }),
    }, { description: 'What became of an upload, after the commit.' }),
    OtlpRequest: { type: 'object', description: 'Export{Logs,Metrics,Trace}ServiceRequest of OTLP 1.x' },
    OtlpResponse: object({ 'partialSuccess?': object({
      'rejectedLogRecords?': text, 'rejectedDataPoints?': text, 'rejectedSpans?': text, errorMessage: text,
    }) }),
    OtlpStatus: object({ code: { type: 'integer', minimum: 1, maximum: 16 }, message: text }, { description: 'google.rpc.Status' }),
    Stats: object({
      ...range,
      events: object({
        total: count, today: count, by_type: list(object({ type: text, count })), by_category: list(object({ category: text, count })),
        by_app: list(object({ app: text, count })),
      }),
      users_per_day: list(object({ day, users: count })),
      approvals_by_model: list(object({ model: text, approved: count, rejected: count, rate: ratio })),
      charts: list(object({
        type: text, by: orNull(text), of: orNull(text), unit: orNull(text),
        groups: list(object({ value: text, count, p50: quantile, p95: quantile, p99: quantile })),
      })),
      tools: list(object({ tool: text, count, p50_ms: quantile, p95_ms: quantile })),
    }),
    Categories: object({ ...range, total: count, groups: list(group('category')), ...privacy }),
    Sources: object({ ...range, total: count, groups: list(group('source')), ...privacy }),
    Users: object({ from: moment, to: moment, days: list(object({ day, users: shown })), ...privacy }),
    Privacy: object({
      mechanism: { type: 'string', const: 'discrete-laplace' }, unit: { type: 'string', enum: ['event', 'user-day'] },
      delta: { type: 'number', minimum: 0, maximum: 1 }, min_group: count, suppressed: { ...shown, description: 'groups that are too small; null: their number is data' },
      epsilon: amount, charged: amount, spent: amount, budget: amount, renews: orNull(moment),
    }, { description: 'Of a token with differential privacy, docs/privacy.md.' }),
    Versions: object({
      ...range, total: count,
      groups: list(object({ version: text, source: text, count, errors: count, sessions: count, share: ratio })),
      omitted: { ...count, description: 'versions beyond the 500 with the most events' },
    }),
    Starts: object({
      from: moment, to: moment, bucket: { type: 'string', enum: ['day', 'week'] },
      buckets: list(object({ bucket: day, sessions: count, failed: count, error_free: ratio })),
    }, { description: 'Sessions begun, and those with an event of type Error, by day or week of UTC' }),
    Latency: object({
      ...range, type: text, by: orNull(text), of: orNull(text), unit: orNull(text),
      edges: { ...list({ type: 'number', minimum: 0 }), description: 'of the cells, one more than a row has' },
      rows: list(object({ value: text, count, mean: quantile, p50: quantile, p95: quantile, p99: quantile, cells: list(count) })), omitted: count,
    }, { description: 'Histograms of a chart, half an octave a cell' }),
    ErrorGroups: object({
      ...range, total: count,
      groups: list(object({
        group: { type: 'string', pattern: '^([0-9a-f]{16})?$', description: 'empty: those beyond the 10,000 groups that are told apart' }, type: text, title: text, count,
        first_day: day, last_day: day, days: list(object({ day, count })),
      })),
      omitted: count,
    }),
    Quality: object({
      since: moment, accepted: count, duplicates: count, batches: count, duplicate_batches: count,
      rejected: list(object({ reason: text, count })), adjusted: list(object({ kind: text, count })),
      schema: object({ name: text, version: count, hash: hex(64) }),
      schemas: list(object({ hash: hex(64), match: { type: 'boolean' }, uploads: count, events: count, first: moment, last: moment })),
      other_schemas: count, unnamed_schemas: count,
      reported: object({ installs: count, forgotten: count, unread: count, dropped: list(object({ reason: text, count })) }),
    }, { description: 'Since the collector started' }),
    DashboardSession: object({
      app: { ...text, description: 'empty: every app' }, expires_s: { ...count, description: '0: a bearer token, which has no end of its own' }, version: text, sink: text,
      retention_days: count, schema: object({ name: text, version: count, hash: hex(64) }),
    }),
    DashboardSessionEnd: object({ ended: { type: 'boolean', const: true } }),
    Timeline: object({
      from: moment, to: moment, bucket: { type: 'string', enum: ['hour', 'day', 'week'] }, tz: text,
      buckets: list(object({
        bucket: { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\d(T\\d\\d:\\d\\d:\\d\\d[+-]\\d\\d:\\d\\d)?$', description: 'the day, the Monday of the week, or the hour' },
        count: shown, errors: shown,
      })), ...privacy,
    }),
    ServiceLevel: object({
      ...range, target: { type: 'number', minimum: 0, maximum: 1 }, sessions: count, failed_sessions: count, error_free: ratio,
      met: { type: 'boolean' }, budget_left: { type: ['number', 'null'], maximum: 1, description: 'the share of allowed failures not used yet; negative beyond' },
      events: count, errors: count, error_rate: ratio, groups: list(group('source')),
    }),
    Health: object({
      status: { type: 'string', const: 'ok' }, version: text, schema: object({ name: text, version: count, hash: hex(64) }),
      attachments: { type: 'string', enum: ['ok', 'failing'] }, partial_texts: ref('PartialTexts'), uptime_s: count,
      retention: object({ deleted: { type: 'object', description: 'events deleted since the start, by category', additionalProperties: count } }),
      'sink?': { type: 'string', description: 'where it is not sqlite alone' },
      'shards?': { ...list(list({ type: 'string', enum: ['up', 'behind', 'away'] })), description: 'replicas of each shard of a ClickHouse cluster' },
      'followers?': list(object({
        sink: text, status: { type: 'string', enum: ['ok', 'unavailable'] }, queued_events: count, queued_bytes: count,
        stored: count, duplicates: count, dropped: count, refused: count, damaged: count,
      })),
    }, { additionalProperties: true }),
    PartialTexts: object({
      count, bytes: count, dropped: object({ expired: count, room: count, refused: count, overtaken: count, erased: count }),
    }, { description: 'Texts of full content that came in parts and are not whole; dropped: since the start' }),
    Attachments: object({ attachments: list(object({ field: text, size: count, sha256: hex(64), received: moment })) }),
    StoredAttachment: object({ stored: { type: 'boolean' }, duplicate: { type: 'boolean' }, size: count, sha256: hex(64) }),
    ErasureRequest: object({ 'user_id?': { type: 'string', minLength: 1, maxLength: 128 }, 'machine_id?': { type: 'string', minLength: 1, maxLength: 128 }, 'app?': { type: 'string', minLength: 1, maxLength: 128 } },
      { description: 'Exactly one of user_id and machine_id, as the client sends it.', oneOf: [{ required: ['user_id'] }, { required: ['machine_id'] }] }),
    ErasureReceipt: object({
      receipt_id: uuid, requested: moment, completed: moment, subject: { type: 'string', enum: ['user_id', 'machine_id'] }, subject_sha256: hex(64),
      app: text, events: count, sessions: count, attachments: count, key: hex(64), signature: hex(128),
    }, { description: 'Signed with Ed25519; `candor-central receipt verify` checks it.' }),
    ...Object.fromEntries(model.events.map((event) => [`Payload.${event.name}`, payloadSchema(event)])),
  };
}

/* --- parameters ----------------------------------------------------------------------------------- */

/** @param {string} name @param {Json} schema @param {string} description */
const query = (name, schema, description) => ({ name, in: 'query', required: false, schema, description });
/** @param {string} name @param {Json} schema @param {string} description */
const header = (name, schema, description) => ({ name, in: 'header', required: false, schema, description });

const time = { type: 'string', maxLength: 47 };
const short = { type: 'string', maxLength: 255 };

/** @type {Record<string, Json>} */
const parameters = {
  from: query('from', time, 'RFC 3339, a date, or Unix milliseconds'),
  to: query('to', time, 'the same; exclusive'),
  source: query('source', short, 'one app'),
  app: query('app', short, 'another name of source'),
  category: query('category', short, 'one category of the schema'),
  type: query('type', short, 'one event type'),
  session: query('session', short, 'one session id'),
  user: query('user', short, 'one user id'),
  machine: query('machine', short, 'one machine id, as answers show it'),
  version: query('version', short, 'one app version'),
  correlation: query('correlation', short, 'events with this correlation id, or whose payload has it as traceId'),
  group: query('group', short, 'errors of one error_group'),
  by: query('by', { type: 'string', enum: ['value', 'day'], default: 'value' }, 'rows: the values that the chart groups by, or days'),
  file: { name: 'file', in: 'path', required: true, schema: { type: 'string', enum: ['index.html', 'icon.svg'] }, description: 'a file of the dashboard' },
  limit: query('limit', { type: 'integer', minimum: 1, maximum: 500, default: 100 }, 'items of a page'),
  cursor: query('cursor', { type: 'string', pattern: '^[0-9a-f]{56}$' }, 'next_cursor of the page before, with the same filters'),
  bucket: query('bucket', { type: 'string', enum: ['hour', 'day', 'week'], default: 'day' }, 'size of a bucket'),
  tz: query('tz', { type: 'string', maxLength: 63, default: 'UTC' }, 'IANA name, or an offset such as +05:30'),
  target: query('target', { type: 'number', minimum: 0, maximum: 1, default: 0.99 }, 'share of sessions without an error'),
  results: query('results', { type: 'string', enum: ['all'] }, 'all: one result for each event'),
  field: query('field', { type: 'string', maxLength: 64 }, 'a content field of the schema'),
  event_id: { name: 'event_id', in: 'path', required: true, schema: uuid, description: 'UUID version 7' },
  'If-None-Match': header('If-None-Match', text, 'the ETag of an answer that the client has'),
  'Content-Encoding': header('Content-Encoding', { type: 'string', enum: ['gzip', 'identity'] }, 'of the body'),
  'Candor-Batch-Id': header('Candor-Batch-Id', uuid, 'recognises a batch that was stored whole before'),
  'Candor-Machine-Id': header('Candor-Machine-Id', { type: 'string', maxLength: 128 }, 'what the rate limit counts by'),
  'Candor-Sent-At': header('Candor-Sent-At', moment, 'the clock of the sender'),
  'Candor-Environment': header('Candor-Environment', text, 'ci, from clients in continuous integration'),
  'Candor-Schema-Hash': header('Candor-Schema-Hash', text, 'compared with ours'),
  'Candor-Consent': header('Candor-Consent', text, '<source>;epoch=N;content=1'),
  'Candor-Drops': header('Candor-Drops', text, 'reason=count;..., of all time, of the machine'),
  'Upload-SHA256': { ...header('Candor-Content-SHA256', hex(64), 'of the plain text as a whole: by it the upload is known'), required: true },
  'Upload-Offset': { ...header('Upload-Offset', { type: 'integer', minimum: 0 }, 'plain bytes of the text before this part'), required: true },
  'Upload-Complete': { ...header('Upload-Complete', { type: 'string', enum: ['?0', '?1'] }, '?1 with the last part'), required: true },
  'Candor-Content-SHA256': header('Candor-Content-SHA256', hex(64), 'of the plain text'),
};
/** @param {...string} names */
const use = (...names) => names.map((name) => ({ $ref: `#/components/parameters/${name}` }));

/* --- answers -------------------------------------------------------------------------------------- */

const ABOUT = new Map([
  [400, 'A parameter, a header or the body is malformed'], [401, 'No token, or an unknown one'], [403, 'The token may not do that, or consent is missing'],
  [404, 'There is no such thing'], [409, 'Another text is stored, and stays; or a part does not begin where the text ends'], [413, 'The body is larger than a limit'], [415, 'Content type or encoding'],
  [429, 'Too many uploads, or the privacy budget is spent; see Retry-After'], [500, 'A query failed'], [501, 'This collector does not keep it'],
  [503, 'Overloaded, stopping, or the store has a problem; see Retry-After'],
]);
/** Where an upload is. @param {string} description @param {Json} more */
const placed = (description, more = {}) => ({
  description, headers: {
    'Upload-Offset': { schema: count, description: 'bytes of the text that are here' }, 'Upload-Complete': { schema: { type: 'string', enum: ['?0', '?1'] }, description: '?1: the text is stored' }, ...more,
  },
});
const PROBLEM = { 'application/problem+json': { schema: ref('Problem') } };

/** @param {number} code @returns {Json} */
function problem(code) {
  const retry = code === 429 || code === 503 ? { headers: { 'Retry-After': { schema: count, description: 'seconds' } } } : {};
  return { description: ABOUT.get(code), ...retry, content: PROBLEM };
}

/** Refusals are the same everywhere. @type {Record<string, Json>} */
const refusals = {
  ...Object.fromEntries([...ABOUT.keys()].map((code) => [`Problem${code}`, problem(code)])),
  Problem: { description: 'What any request can get: 400, 405, 408, 413, 417, 431, 500, 503, 505', content: PROBLEM },
};
/** @param {Json} good @param {...number} bad */
const answers = (good, ...bad) => ({
  ...good, ...Object.fromEntries(bad.map((code) => [code, { $ref: `#/components/responses/Problem${code}` }])),
  default: { $ref: '#/components/responses/Problem' },
});
/** @param {string} description @param {Json} content */
const answer = (description, content, more = {}) => ({ description, ...more, content });
const json = (/** @type {string} */ name) => ({ 'application/json': { schema: ref(name) } });
const ETAG = { headers: { ETag: { schema: text, description: 'of exactly these bytes' } } };
const UNCHANGED = { description: 'The client has these bytes already', ...ETAG };

const bearer = (/** @type {string} */ scope) => [{ bearer: [scope] }];

/** A GET of the read side. @param {string} id @param {string} summary @param {string} schema @param {string[]} names @param {number[]} more */
const read = (id, summary, schema, names, ...more) => ({
  get: {
    operationId: id, summary, security: bearer('read'), parameters: use(...names, 'If-None-Match'),
    responses: answers({ 200: answer('The answer', json(schema), ETAG), 304: UNCHANGED }, 400, 401, 403, ...more, 500, 503),
  },
});

/** OTLP/HTTP says what its bodies and refusals are. @param {string} id @param {string} signal */
function otlp(id, signal) {
  const both = (/** @type {string} */ name) => ({ ...json(name), 'application/x-protobuf': { schema: { type: 'string', format: 'binary' } } });
  const refused = ['400', '401', '403', '413', '415', '429', '503', 'default'].map((code) => [code, { ...refusals[`Problem${code.replace('default', '')}`], content: both('OtlpStatus') }]);
  return {
    post: {
      operationId: id, summary: `Store ${signal} of OpenTelemetry, docs/otlp.md`, security: bearer('ingest'), parameters: use('Content-Encoding', 'Candor-Machine-Id'),
      requestBody: { required: true, content: both('OtlpRequest') },
      responses: { 200: answer('Committed, all or in part', both('OtlpResponse')), ...Object.fromEntries(refused) },
    },
  };
}

const RANGE = ['from', 'to', 'source', 'app'];
const KIND = ['category', 'type'];
const WHO = ['session', 'user', 'machine', 'version'];
const SAME = ['correlation', 'group'];
const PAGE = ['limit', 'cursor'];
const UPLOAD = ['Content-Encoding', 'Candor-Batch-Id', 'Candor-Machine-Id', 'Candor-Sent-At', 'Candor-Environment', 'Candor-Schema-Hash', 'Candor-Consent', 'Candor-Drops'];
const plain = { 'text/plain': { schema: text } };
const page = { 'text/html': { schema: text }, 'image/svg+xml': { schema: text } };
const health = (/** @type {string} */ id) => ({
  get: { operationId: id, summary: 'How the collector is', security: [], responses: answers({ 200: answer('It takes events', json('Health')) }, 503) },
});

/** @returns {Json} */
function paths() {
  return {
    '/': { get: { operationId: 'info', summary: 'A few lines about the server', security: [], responses: answers({ 200: answer('Text', plain) }) } },
    '/api/openapi.json': {
      get: {
        operationId: 'openapi', summary: 'This document', security: [], parameters: use('If-None-Match'),
        responses: answers({ 200: answer('OpenAPI 3.1', { 'application/json': { schema: { type: 'object' } } }, ETAG), 304: UNCHANGED }),
      },
    },
    '/api/v1/health': health('health'),
    '/api/telemetry/health': health('telemetryHealth'),
    '/livez': { get: { operationId: 'live', summary: 'The process answers', security: [], responses: answers({ 200: answer('ok', plain) }) } },
    '/readyz': { get: { operationId: 'ready', summary: 'Uploads would be stored', security: [], responses: answers({ 200: answer('ok', plain) }, 503) } },
    '/api/v1/events': {
      post: {
        operationId: 'storeEvents', summary: 'Store events', security: bearer('ingest'), parameters: use('results', ...UPLOAD),
        requestBody: {
          required: true, content: {
            'application/json': { schema: { oneOf: [list(ref('Event')), ref('Event')] } },
            'application/x-ndjson': { schema: { type: 'string', description: 'an Event a line' } },
          },
        },
        responses: answers({ 202: answer('Committed', json('Receipt')) }, 400, 401, 403, 413, 415, 429, 503),
      },
    },
    '/v1/logs': otlp('exportLogs', 'log records'),
    '/v1/metrics': otlp('exportMetrics', 'data points'),
    '/v1/traces': otlp('exportTraces', 'spans'),
    '/api/v1/attachments/{event_id}': {
      parameters: use('event_id'),
      post: {
        operationId: 'storeAttachment', summary: 'Store a text of full content', security: bearer('ingest'),
        parameters: use('field', 'Content-Encoding', 'Candor-Consent', 'Candor-Machine-Id', 'Candor-Content-SHA256'),
        requestBody: { required: true, content: plain },
        responses: answers({ 200: answer('The same text was there', json('StoredAttachment')), 201: answer('Stored', json('StoredAttachment')) },
          400, 401, 403, 404, 409, 413, 415, 429, 501, 503),
      },
      get: {
        operationId: 'readAttachments', summary: 'What texts an event has; with field, the text', security: bearer('read'),
        parameters: use('field', 'If-None-Match'),
        responses: answers({ 200: answer('The list, or the text', { ...json('Attachments'), ...plain }, ETAG), 304: UNCHANGED }, 400, 401, 403, 404, 501, 503),
      },
    },
    '/api/v1/uploads/{event_id}': {
      parameters: use('event_id'),
      patch: {
        operationId: 'storePart', summary: 'Store a part of a text of full content, behind what is there of it', security: bearer('ingest'),
        parameters: use('field', 'Upload-SHA256', 'Upload-Offset', 'Upload-Complete', 'Content-Encoding', 'Candor-Consent', 'Candor-Machine-Id'),
        requestBody: { required: true, content: { 'application/partial-upload': { schema: text } } },
        responses: answers({
          200: { ...placed('The whole text was there'), content: json('StoredAttachment') }, 201: { ...placed('Whole, and stored'), content: json('StoredAttachment') },
          204: placed('The part is stored'),
        }, 400, 401, 403, 404, 409, 413, 415, 429, 501, 503),
      },
      head: {
        operationId: 'findPart', summary: 'How much of a text is there', security: bearer('ingest'), parameters: use('field', 'Upload-SHA256'),
        responses: answers({ 204: placed('Go on from that offset', { 'Upload-Limit': { schema: text, description: 'max-size, min-append-size and max-age' } }) },
          400, 401, 403, 404, 409, 501, 503),
      },
    },
    '/api/v1/erasures': {
      post: {
        operationId: 'erase', summary: 'Erase a person or a machine; answers when all of it is gone', security: bearer('admin'),
        requestBody: { required: true, content: json('ErasureRequest') },
        responses: answers({ 200: answer('Erased; the signed receipt', json('ErasureReceipt')) }, 400, 401, 403, 413, 415, 503),
      },
    },
    '/api/telemetry/upload': {
      post: {
        operationId: 'uploadPackage', summary: 'Store the events of an exported package', security: bearer('ingest'),
        parameters: use('results', 'Content-Encoding', 'Candor-Machine-Id', 'Candor-Schema-Hash'),
        requestBody: { required: true, content: { 'application/json': { schema: { type: 'object', description: 'TelemetryPackage 1.0.0, docs/package.md' } } } },
        responses: answers({ 202: answer('Committed', json('Receipt')) }, 400, 401, 403, 413, 415, 429, 503),
      },
    },
    '/api/telemetry/stats': read('stats', 'Cards and charts', 'Stats', RANGE),
    '/api/telemetry/events': read('events', 'Stored events, newest first', 'EventPage', [...RANGE, ...KIND, ...WHO, ...SAME, ...PAGE]),
    '/api/telemetry/aggregate/category': read('categories', 'Events by category', 'Categories', [...RANGE, ...KIND], 429),
    '/api/telemetry/aggregate/source': read('sources', 'Events by app', 'Sources', [...RANGE, ...KIND], 429),
    '/api/telemetry/aggregate/timeline': read('timeline', 'Events by hour, day or week', 'Timeline', [...RANGE, ...KIND, 'bucket', 'tz'], 429),
    '/api/telemetry/aggregate/users': read('users', 'Users a day', 'Users', RANGE, 429),
    '/api/telemetry/errors/recent': read('recentErrors', 'Events that the schema calls errors, newest first', 'EventPage', [...RANGE, ...KIND, ...WHO, ...SAME, ...PAGE]),
    '/api/telemetry/errors/groups': read('errorGroups', 'Errors that are the same, by count', 'ErrorGroups', RANGE),
    '/api/telemetry/aggregate/version': read('versions', 'Events, errors and sessions by app version', 'Versions', RANGE),
    '/api/telemetry/aggregate/sessions': read('starts', 'Sessions by day or week', 'Starts', [...RANGE, 'bucket']),
    '/api/telemetry/aggregate/latency': read('latency', 'Histograms by value or day', 'Latency', [...RANGE, 'type', 'by']),
    '/api/telemetry/quality': {
      get: {
        operationId: 'quality', summary: 'What was refused, adjusted, and dropped by clients; schemas seen', security: bearer('read'), parameters: use('If-None-Match'),
        responses: answers({ 200: answer('Since the start', json('Quality'), ETAG), 304: UNCHANGED }, 401, 403),
      },
    },
    '/api/v1/session': {
      get: { operationId: 'session', summary: 'Whose session, and how long', security: bearer('read'), responses: answers({ 200: answer('It lasts', json('DashboardSession')) }, 401, 403) },
      post: {
        operationId: 'login', summary: 'Trade a read token for a session cookie', security: bearer('read'),
        responses: answers({ 200: answer('With Set-Cookie', json('DashboardSession')) }, 401, 403, 429),
      },
      delete: { operationId: 'logout', summary: 'End the session of the cookie', security: [], responses: answers({ 200: answer('There is none any more', json('DashboardSessionEnd')) }, 403) },
    },
    '/dashboard': { get: { operationId: 'dashboard', summary: 'The dashboard', security: [], parameters: use('If-None-Match'), responses: answers({ 200: answer('A page', page), 304: UNCHANGED }) } },
    '/dashboard/{file}': {
      parameters: use('file'),
      get: { operationId: 'dashboardFile', summary: 'A file of it', security: [], parameters: use('If-None-Match'), responses: answers({ 200: answer('The file', page), 304: UNCHANGED }, 404) },
    },
    '/api/telemetry/errors/slo': read('serviceLevel', 'Sessions without an error, against a target', 'ServiceLevel', [...RANGE, 'target']),
    '/api/telemetry/sessions': read('sessions', 'Sessions, newest first', 'SessionPage', [...RANGE, ...WHO, ...PAGE]),
    '/metrics': { get: { operationId: 'metrics', summary: 'Prometheus text 0.0.4', security: bearer('read'), responses: answers({ 200: answer('Metrics', plain) }, 401, 403) } },
  };
}

/** @returns {string} */
function openapi() {
  const { version } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
  return `${JSON.stringify({
    openapi: '3.1.0',
    info: { title: 'candor-central', version, summary: 'The collector of Candor', license: { name: 'MIT', identifier: 'MIT' } },
    servers: [{ url: '/' }],
    paths: paths(),
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', description: 'candor-central token create; scopes ingest, read, admin' } },
      parameters, responses: refusals, schemas: schemas(),
    },
  }, null, 1)}\n`;
}

module.exports = { openapi };
