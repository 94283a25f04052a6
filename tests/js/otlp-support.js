'use strict';
// A receiver of OTLP/HTTP, and what the protocol's messages look like as JSON.

const assert = require('node:assert/strict');
const http = require('node:http');
const zlib = require('node:zlib');

const text = (value) => typeof value === 'string';
const number = (value) => typeof value === 'number';
const boolean = (value) => typeof value === 'boolean';
const int64 = (value) => text(value) && /^-?\d{1,20}$/.test(value);
const hex = (digits) => (value) => text(value) && value.length === digits && /^[0-9a-f]+$/.test(value);
const listOf = (shape) => ({ list: shape });

// opentelemetry-proto 1.x: common.proto, resource.proto, logs.proto, metrics.proto, trace.proto, in the JSON
// mapping of the OTLP specification: lowerCamelCase, 64-bit integers as strings, enums as numbers, ids in hex.
const anyValue = {};
Object.assign(anyValue, {
  stringValue: text, boolValue: boolean, intValue: int64, doubleValue: number,
  arrayValue: { values: listOf(anyValue) },
});
const keyValue = { key: text, value: anyValue };
anyValue.kvlistValue = { values: listOf(keyValue) };
const attributes = listOf(keyValue);
const resource = { attributes };
const scope = { name: text, version: text, attributes };
const exemplar = { timeUnixNano: int64, asDouble: number, asInt: int64, traceId: hex(32), spanId: hex(16), filteredAttributes: attributes };
const point = { attributes, startTimeUnixNano: int64, timeUnixNano: int64, exemplars: listOf(exemplar), flags: number };
const numberPoint = { ...point, asDouble: number, asInt: int64 };
const histogramPoint = {
  ...point, count: int64, sum: number, min: number, max: number, explicitBounds: listOf(number), bucketCounts: listOf(int64),
};
const logRecord = {
  timeUnixNano: int64, observedTimeUnixNano: int64, severityNumber: number, severityText: text, body: anyValue, attributes,
  traceId: hex(32), spanId: hex(16), eventName: text, flags: number,
};
const metric = {
  name: text, unit: text, description: text,
  gauge: { dataPoints: listOf(numberPoint) },
  sum: { dataPoints: listOf(numberPoint), aggregationTemporality: number, isMonotonic: boolean },
  histogram: { dataPoints: listOf(histogramPoint), aggregationTemporality: number },
};
const span = {
  traceId: hex(32), spanId: hex(16), parentSpanId: hex(16), name: text, kind: number, startTimeUnixNano: int64,
  endTimeUnixNano: int64, attributes, status: { code: number, message: text },
};
const document = {
  resourceLogs: listOf({ resource, scopeLogs: listOf({ scope, logRecords: listOf(logRecord) }) }),
  resourceMetrics: listOf({ resource, scopeMetrics: listOf({ scope, metrics: listOf(metric) }) }),
  resourceSpans: listOf({ resource, scopeSpans: listOf({ scope, spans: listOf(span) }) }),
};

/** Members that the messages do not have, and values of another type. */
function checkShape(value, shape = document, where = '$') {
  if (typeof shape === 'function') {
    assert.ok(shape(value), `${where} is ${JSON.stringify(value)}`);
  } else if (shape.list !== undefined) {
    assert.ok(Array.isArray(value), `${where} is no list`);
    value.forEach((item, i) => checkShape(item, shape.list, `${where}[${i}]`));
  } else {
    assert.ok(value !== null && typeof value === 'object' && !Array.isArray(value), `${where} is no object`);
    for (const [key, member] of Object.entries(value)) {
      assert.ok(key in shape, `${where}.${key} is no member of the message`);
      checkShape(member, shape[key], `${where}.${key}`);
    }
  }
}

/** The value of an attribute, whatever its type. */
function attribute(list, key) {
  const found = list.filter((item) => item.key === key);
  assert.ok(found.length <= 1, `${key} comes ${found.length} times`);
  return found.length === 0 ? undefined : Object.values(found[0].value)[0];
}

const all = (doc, outer, middle, inner) => (doc[outer] ?? []).flatMap((r) => r[middle].flatMap((s) => s[inner]));

/** All log records, metrics and spans of documents. */
function records(docs) {
  return {
    logs: docs.flatMap((doc) => all(doc, 'resourceLogs', 'scopeLogs', 'logRecords')),
    metrics: docs.flatMap((doc) => all(doc, 'resourceMetrics', 'scopeMetrics', 'metrics')),
    spans: docs.flatMap((doc) => all(doc, 'resourceSpans', 'scopeSpans', 'spans')),
  };
}

/**
 * A receiver on a port of its own. answers: what to say, in order, by path; then 200 {}.
 * @param {import('node:test').TestContext} t
 */
async function startReceiver(t) {
  const requests = [];
  const answers = {};
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
      const body = Buffer.concat(chunks);
      const json = JSON.parse((request.headers['content-encoding'] === 'gzip' ? zlib.gunzipSync(body) : body).toString());
      requests.push({ path: request.url, headers: request.headers, body, json });
      const { status = 200, headers = {}, body: answer = '{}' } = answers[request.url]?.shift() ?? {};
      response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(answer);
    });
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', () => resolve(undefined)); });
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return { endpoint: `http://127.0.0.1:${port}`, requests, answers };
}

module.exports = { attribute, checkShape, records, startReceiver };
