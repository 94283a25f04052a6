'use strict';
// Metrics and spans through the JS API, down to what waits in the spool.

const test = require('node:test');
const assert = require('node:assert/strict');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { parseTraceparent, formatTraceparent } = require('../../js');
const { NoopClient } = require('../../js/noop');
const { openClient, pendingEvents, runScript, schemaOf, tempDir } = require('./helper');

/** The events of one type. */
const typed = (events, type) => events.filter((event) => event.event_type === type);
const spansOf = async (client) => typed(await pendingEvents(client), 'span');

test('a metric is an event with its labels', async (t) => {
  const client = openClient(t);
  assert.equal(client.metric('queue.length', 3, { 'cache.hit': true, 'not.allowed': 'x' }, { unit: 'ms', type: 'counter' }), true);
  assert.equal(client.metric('bare', 0.5), true);
  const [first, second] = await pendingEvents(client);
  assert.equal(first.event_type, 'metric');
  assert.deepEqual(first.payload, { metric: 'queue.length', value: 3, unit: 'ms', type: 'counter', labels: { 'cache.hit': true } });
  assert.deepEqual(second.payload, { metric: 'bare', value: 0.5, type: 'gauge' });
});

test('a span holds ids, times, status and allowed attributes', async (t) => {
  const client = openClient(t);
  const before = BigInt(Date.now()) * 1000000n;
  const span = client.startSpan('load', { kind: 'client', attrs: { 'http.request.method': 'GET', 'enduser.id': 'anna' } });
  span.setAttribute('http.response.status_code', 204).setAttributes({ 'error.type': 'x', secret: 'y' }).setStatus('ok');
  await sleep(3);
  assert.equal(span.end(), true);
  assert.equal(span.end(), false, 'a span ends once');
  const [event] = await spansOf(client);
  const { startNs, endNs, durationMs, ...rest } = event.payload;
  assert.deepEqual(rest, {
    traceId: span.traceId, spanId: span.spanId, name: 'load', kind: 'client', status: 'ok',
    attrs: { 'http.request.method': 'GET', 'http.response.status_code': 204, 'error.type': 'x' },
  });
  assert.match(span.traceId, /^[0-9a-f]{32}$/);
  assert.match(span.spanId, /^[0-9a-f]{16}$/);
  assert.ok(BigInt(startNs) >= before && BigInt(startNs) <= BigInt(Date.now() + 1) * 1000000n);
  assert.equal(Math.round(Number(BigInt(endNs) - BigInt(startNs)) / 1e3), Math.round(durationMs * 1e3));
  assert.equal(event.correlation_id, span.traceId);
});

test('a span keeps nothing that comes after its end', async (t) => {
  const client = openClient(t);
  const span = client.startSpan('a');
  span.end();
  span.setAttribute('error.type', 'late').setStatus('error').recordError(new Error('late'));
  const events = await pendingEvents(client);
  assert.equal(events.length, 1);
  assert.deepEqual(events[0].payload.attrs, {});
  assert.equal(events[0].payload.status, 'unset');
});

test('attributes that the schema does not know are never read', (t) => {
  const client = openClient(t);
  const attrs = { 'cache.hit': true, get secret() { throw new Error('read'); } };
  const span = client.startSpan('x', { attrs }).setAttributes(attrs);
  assert.equal(span.end(), true);
  assert.equal(client.emit('span', { attrs }), true);
  assert.equal(client.status().dropped.bad_payload, 0);
});

test('withSpan hands back the result and nests', async (t) => {
  const client = openClient(t);
  const ids = {};
  const result = client.withSpan('outer', (outer) => {
    ids.outer = outer;
    return client.withSpan('inner', { attrs: { 'cache.hit': false } }, (inner) => {
      ids.inner = inner;
      return 42;
    });
  });
  assert.equal(result, 42);
  const [inner, outer] = await spansOf(client);
  assert.equal(inner.payload.parentId, ids.outer.spanId);
  assert.equal(inner.payload.traceId, outer.payload.traceId);
  assert.equal(outer.payload.parentId, undefined);
  assert.ok(BigInt(inner.payload.startNs) >= BigInt(outer.payload.startNs));
  assert.ok(BigInt(inner.payload.endNs) <= BigInt(outer.payload.endNs), 'one clock for a trace');
});

test('withSpan ends at the end of its promise, and context follows every async call', async (t) => {
  const client = openClient(t);
  const work = (name) => client.withSpan(name, async () => {
    await sleep(1);
    await new Promise((resolve) => setImmediate(resolve));
    client.emit('command.start', { name });
    await Promise.all([1, 2].map((i) => client.withSpan(`${name}-${i}`, () => sleep(1))));
    return name;
  });
  assert.deepEqual(await Promise.all([work('a'), work('b')]), ['a', 'b']);
  const events = await pendingEvents(client);
  for (const name of ['a', 'b']) {
    const root = events.find((event) => event.payload.name === name && event.event_type === 'span');
    const emitted = events.find((event) => event.payload.name === name && event.event_type === 'command.start');
    assert.equal(emitted.correlation_id, root.payload.traceId);
    for (const i of [1, 2]) {
      const child = events.find((event) => event.payload.name === `${name}-${i}`);
      assert.equal(child.payload.parentId, root.payload.spanId);
      assert.ok(events.indexOf(child) < events.indexOf(root));
    }
  }
});

test('what fn throws is thrown unchanged, after the span has ended as an error', async (t) => {
  const client = openClient(t);
  const error = new RangeError('at /home/anna/secret.js');
  assert.throws(() => client.withSpan('outer', () => client.withSpan('sync', () => { throw error; })), (got) => got === error);
  await assert.rejects(client.withSpan('async', async () => { throw error; }), (got) => got === error);
  await assert.rejects(client.withSpan('not an error', () => Promise.reject(undefined)), (got) => got === undefined);
  const events = await pendingEvents(client);
  const spans = typed(events, 'span');
  assert.deepEqual(spans.map(({ payload }) => [payload.name, payload.status, payload.attrs['error.type']]), [
    ['sync', 'error', 'RangeError'], ['outer', 'error', 'RangeError'], ['async', 'error', 'RangeError'], ['not an error', 'error', 'undefined'],
  ]);
  const errors = typed(events, 'Error');
  assert.equal(errors.length, 2, 'an error that passes through spans is one event');
  assert.equal(errors[0].payload.errorType, 'RangeError');
  assert.equal(errors[0].payload.message, 'at <path>');
  assert.match(errors[0].payload.stackTrace, /\d+:\d+/);
  assert.ok(!JSON.stringify(errors).includes('trace.test'));
  assert.equal(errors[0].correlation_id, spans[0].payload.traceId);
});

test('an unhandled rejection of a span stays one', async (t) => {
  const directory = path.join(tempDir(t), 'spool');
  const { code, stderr } = await runScript(`
    const client = candor.open(options);
    client.withSpan('x', async () => { throw new Error('mine'); });`, directory);
  assert.equal(code, 1);
  assert.match(stderr, /Error: mine/);
});

test('emit takes the active trace as correlation id only where none is given', async (t) => {
  const client = openClient(t);
  client.emit('command.start', { name: 'before' });
  const span = client.withSpan('s', (active) => {
    client.emit('command.start', { name: 'inside' });
    client.emit('command.start', { name: 'own' }, { correlationId: 'mine' });
    client.emit('command.start', { name: 'empty' }, {});
    client.emit('command.start', { get name() { client.emit('command.start', { name: 'nested' }); return 'outer'; } });
    client.metric('m', 1);
    return active;
  });
  client.emit('command.start', { name: 'after' });
  const events = await pendingEvents(client);
  const by = Object.fromEntries(events.map((event) => [event.payload.name ?? event.payload.metric, event.correlation_id]));
  assert.deepEqual(by, {
    before: undefined, inside: span.traceId, own: 'mine', empty: span.traceId, nested: span.traceId,
    outer: span.traceId, m: span.traceId, s: span.traceId, after: undefined,
  });
});

test('a span started is not active, and takes its parent from a span, a context or a header', async (t) => {
  const client = openClient(t);
  const root = client.startSpan('root');
  client.emit('command.start', { name: 'c' });
  const children = [
    client.startSpan('span', { parent: root }),
    client.startSpan('context', { parent: root.context }),
    client.startSpan('header', { parent: root.traceparent }),
  ];
  const loose = ['nonsense', null, { traceId: 'x', spanId: 'y' }].map((parent) => client.startSpan('loose', { parent }));
  for (const span of [...children, ...loose, root]) span.end();
  const events = await pendingEvents(client);
  assert.equal(events[0].correlation_id, undefined);
  for (const { payload } of events.slice(1, 4)) {
    assert.equal(payload.parentId, root.spanId);
    assert.equal(payload.traceId, root.traceId);
  }
  for (const { payload } of events.slice(4, 7)) {
    assert.equal(payload.parentId, undefined);
    assert.notEqual(payload.traceId, root.traceId);
  }
});

test('traceparent headers are read and written as W3C Trace Context says', () => {
  const header = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const context = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', sampled: true };
  assert.deepEqual(parseTraceparent(header), context);
  assert.equal(formatTraceparent(context), header);
  assert.deepEqual(parseTraceparent(header.replace(/01$/, '00')), { ...context, sampled: false });
  assert.equal(formatTraceparent({ ...context, sampled: false }), header.replace(/01$/, '00'));
  assert.deepEqual(parseTraceparent(`cc${header.slice(2)}-later-parts`), context);
  for (const bad of [
    '', undefined, null, 7, {}, `ff${header.slice(2)}`, `${header}-more`, header.toUpperCase(), header.slice(0, -1),
    header.replace('4bf92f3577b34da6a3ce929d0e0e4736', '0'.repeat(32)), header.replace('00f067aa0ba902b7', '0'.repeat(16)),
    `${header} ${'x'.repeat(600)}`,
  ]) assert.equal(parseTraceparent(bad), undefined, String(bad));
});

test('ids of digits only do not read like card numbers', async (t) => {
  const client = openClient(t);
  const span = client.startSpan('x', { parent: { traceId: '4'.repeat(32), spanId: '4111111111111111' } });
  span.end();
  const [{ payload }] = await spansOf(client);
  assert.equal(payload.parentId, 'e111111111111111');
  assert.equal(payload.traceId, `e${'4'.repeat(31)}`);
  assert.equal(client.status().adjusted.bad_value, 0);
});

test('recordEvent takes metrics, starts and ends', async (t) => {
  const client = openClient(t);
  const traceId = 'ab'.repeat(16);
  assert.equal(client.recordEvent({ metric: 'm', value: 2, labels: { 'cache.hit': true }, unit: 'ms' }), true);
  assert.equal(client.recordEvent({ metric: { name: 'n', value: 3, type: 'histogram' } }), true);
  assert.ok(client.recordEvent({ spanStart: { name: 'root', trace_id: traceId, span_id: 'a'.repeat(16), start_ns: '1763735922000000000', attrs: { 'cache.hit': true } } }));
  assert.ok(client.recordEvent({ spanStart: { name: 'child', traceId, spanId: 'b'.repeat(16), parentId: 'a'.repeat(16), startNs: 1763735922000001000n } }));
  assert.equal(client.recordEvent({ spanEnd: { span_id: 'b'.repeat(16), end_ns: '1763735922000501000', status: 'error' } }), true);
  assert.equal(client.recordEvent({ spanEnd: { spanId: 'a'.repeat(16), endNs: '1763735922001000000', attrs: { 'error.type': 'x' } } }), true);
  assert.equal(client.recordEvent({ spanEnd: { spanId: 'a'.repeat(16) } }), false, 'it has ended');
  for (const bad of [undefined, null, {}, 7, { spanEnd: null }, { spanStart: null }, { metric: null }]) assert.equal(client.recordEvent(bad), false);
  const [m, n, child, root] = (await pendingEvents(client)).map((event) => event.payload);
  assert.deepEqual(m, { metric: 'm', value: 2, unit: 'ms', type: 'gauge', labels: { 'cache.hit': true } });
  assert.deepEqual(n, { metric: 'n', value: 3, type: 'histogram' });
  assert.deepEqual(child, {
    traceId, spanId: 'b'.repeat(16), parentId: 'a'.repeat(16), name: 'child', kind: 'internal',
    startNs: '1763735922000001000', endNs: '1763735922000501000', durationMs: 0.5, status: 'error', attrs: {},
  });
  assert.deepEqual(root, {
    traceId, spanId: 'a'.repeat(16), name: 'root', kind: 'internal', startNs: '1763735922000000000',
    endNs: '1763735922001000000', durationMs: 1, status: 'unset', attrs: { 'error.type': 'x', 'cache.hit': true },
  });
});

test('recordEvent holds 4096 open spans; the oldest is recorded without an end', async (t) => {
  const client = openClient(t);
  const id = (i) => `f${i.toString(16).padStart(15, '0')}`;
  for (let i = 0; i < 4097; i++) client.recordEvent({ spanStart: { name: `s${i}`, spanId: id(i) } });
  const events = await spansOf(client);
  assert.equal(events.length, 1);
  assert.equal(events[0].payload.name, 's0');
  assert.equal(events[0].payload.endNs, undefined);
  assert.equal(client.recordEvent({ spanEnd: { spanId: id(0) } }), false);
  assert.equal(client.recordEvent({ spanEnd: { spanId: id(1) } }), true);
});

test('nothing a host passes makes tracing throw', (t) => {
  const client = openClient(t);
  const hostile = new Proxy({}, { get() { throw new Error('get'); }, ownKeys() { throw new Error('keys'); } });
  const values = [undefined, null, 0, NaN, 'x', Symbol('s'), 10n, [], {}, hostile, () => {}, '\ud800'];
  for (const a of values) {
    for (const b of values) {
      client.metric(a, b, a, b);
      client.recordEvent({ spanStart: { name: 'x', attrs: a, kind: b, parentId: a } });
      const span = client.startSpan('x', { attrs: a, parent: b, kind: a });
      span.setAttribute('error.type', b).setAttributes(a).setStatus(b).recordError(a).end(b);
    }
    client.startSpan(a, a).end(a);
    client.recordEvent(a);
    client.withSpan('x', a, () => {});
    client.withSpan('x');
  }
});

test('text in attributes that is cut before it is looked at leaves no half of a secret', async (t) => {
  const schema = schemaOf({ a: { kind: 'attrs' } });
  schema.attributes = { t: { kind: 'text', maxLength: 512 }, i: { kind: 'id', maxLength: 8 }, h: { kind: 'hash' }, n: { kind: 'int', max: 9 } };
  const client = openClient(t, { schema });
  const secret = 'ghp_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5';
  // Redaction makes long paths short: what stands where the text is cut, at 3072, comes to the front.
  const paths = `/home/${'a'.repeat(240)} `.repeat(12);
  for (let pad = 3000; pad < 3100; pad++) client.emit('Sample', { a: { t: `${paths}${' '.repeat(pad - paths.length)}${secret} ${'z'.repeat(3000)}` } });
  client.emit('Sample', { a: { t: '\ud83d\ude00 \ud800 é', i: 'x'.repeat(1e6), h: 'y'.repeat(1e6), n: Infinity } });
  const events = await pendingEvents(client);
  for (const { payload } of events.slice(0, -1)) {
    assert.match(payload.a.t, /^<path> <path>/);
    assert.ok(!payload.a.t.includes('ghp'), payload.a.t);
  }
  const { payload } = events[events.length - 1];
  assert.deepEqual(Object.keys(payload.a), ['t', 'h', 'n']);
  assert.equal(payload.a.t, '\ud83d\ude00 \ufffd é');
  assert.equal(payload.a.n, 9);
});

test('a string attribute of a span is held up to what is ever looked at', async (t) => {
  const schema = schemaOf({});
  schema.attributes = { t: { kind: 'text', maxLength: 16384 } };
  schema.events.span = { ...schema.events.Sample, fields: { attrs: { kind: 'attrs' } } };
  const client = openClient(t, { schema });
  // What is cut off at 65536 bytes may be half of a secret: the last word goes, on both ways.
  for (const text of ['a b '.repeat(25000), `${'/'.repeat(65500)} ghp_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5`]) {
    client.startSpan('x', { attrs: { t: text } }).end();
    client.emit('span', { attrs: { t: text } });
    const [held, direct] = (await pendingEvents(client)).slice(-2);
    assert.deepEqual(held.payload, direct.payload);
    assert.ok(!JSON.stringify(held).includes('ghp_'));
    await client.purge();
  }
});

test('a client that does nothing still runs the code in its spans', async () => {
  const client = new NoopClient('why');
  assert.equal(client.withSpan('x', () => 7), 7);
  assert.equal(await client.withSpan('x', {}, async (span) => span.setAttribute('a', 1).traceId.length), 32);
  assert.throws(() => client.withSpan('x', () => { throw new TypeError('mine'); }), TypeError);
  assert.equal(client.metric('m', 1), false);
  assert.equal(client.startSpan('x').end(), false);
  assert.equal(client.recordEvent({ metric: 'm', value: 1 }), false);
  client.captureUncaught()();
});
