'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const http = require('node:http');
const { once } = require('node:events');
const { openClient } = require('./helper');
const { receipt, reply, serve } = require('../support/http.js');

/** A collector that keeps what it got. answer(request) -> {code, body, headers}. */
async function collector(t, answer = (got) => ({ body: receipt(got) })) {
  const requests = [];
  const url = await serve(t, (got, response) => {
    requests.push(got);
    const { code = 202, body = {}, headers = {} } = answer(got);
    reply(response, code, body, headers);
  });
  return { requests, url };
}

test('upload sends exactly what preview shows, with token, batch id and consent', async (t) => {
  const server = await collector(t);
  const client = openClient(t, { endpoint: server.url, token: 'secret-token' });
  for (let i = 0; i < 20; i++) client.emit('ToolCall', { toolName: 'read', durationMs: i });
  await client.flush();
  const shown = client.preview();
  const result = await client.upload();
  assert.equal(result.error, null);
  assert.equal(result.events, 20);
  assert.equal(server.requests.length, 1);
  const [request] = server.requests;
  assert.equal(request.method, 'POST');
  assert.equal(request.url, '/api/v1/events');
  assert.equal(request.text, shown);
  assert.equal(request.headers.authorization, 'Bearer secret-token');
  assert.match(request.headers['candor-batch-id'], /^[0-9a-f-]{36}$/);
  assert.match(request.headers['candor-consent'], /default/);
  assert.equal(client.preview(), '');
  assert.equal(client.status().sent.events, 20);
});

test('an upload says what was dropped before it, by reason, and not what people kept back', async (t) => {
  const server = await collector(t);
  const client = openClient(t, { endpoint: server.url });
  await client.setEnabled(false);
  client.emit('ToolCall', { toolName: 'while-off' });
  await client.setEnabled(true);
  client.emit('NoSuchEvent', {});
  client.emit('NoSuchEvent', {});
  client.emit('ToolCall', { toolName: 'read' });
  await client.upload();
  client.emit('ToolCall', { toolName: 'read' });
  await client.upload();
  const { dropped } = client.status();
  assert.equal(dropped.unknown_event, 2);
  assert.ok(dropped.disabled > 0);
  assert.equal(server.requests.at(-1).headers['candor-drops'], 'unknown_event=2');
});

test('a failed upload resolves with the error and keeps the batch', async (t) => {
  const server = await collector(t, () => ({ code: 503, body: {} }));
  const client = openClient(t, { endpoint: server.url });
  client.emit('ToolCall', {});
  const result = await client.upload();
  assert.equal(result.uploaded, 0);
  assert.equal(typeof result.error, 'string');
  assert.equal(client.status().spool.events, 1);
});

test('an endpoint where nobody listens is an error in the result', async (t) => {
  const server = http.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  const client = openClient(t, { endpoint: `http://127.0.0.1:${port}` });
  client.emit('ToolCall', {});
  const result = await client.upload();
  assert.equal(typeof result.error, 'string');
});

test('turning off during a hung upload ends it', async (t) => {
  let arrived;
  const request = new Promise((resolve) => { arrived = resolve; });
  const server = http.createServer((incoming) => { incoming.resume(); arrived(incoming); }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { server.closeAllConnections(); server.close(); });
  const client = openClient(t, { endpoint: `http://127.0.0.1:${server.address().port}` });
  client.emit('ToolCall', {});
  const upload = client.upload().catch((error) => error);
  const incoming = await request;
  const closed = once(incoming.socket, 'close');
  await client.setEnabled(false);
  await closed;
  await upload;
  assert.equal(client.status().spool.events, 0);
});

test('mode auto sends by itself', async (t) => {
  let done;
  const all = new Promise((resolve) => { done = resolve; });
  let seen = 0;
  const server = await collector(t, (got) => {
    const answer = { body: receipt(got) };
    seen += answer.body.accepted;
    if (seen === 5) done();
    return answer;
  });
  const client = openClient(t, { endpoint: server.url, mode: 'auto', batchEvents: 5, uploadIntervalMs: 10 });
  for (let i = 0; i < 5; i++) client.emit('ToolCall', {});
  await all;
});

test('preview does not wait for an upload in flight', async (t) => {
  let arrived;
  const request = new Promise((resolve) => { arrived = resolve; });
  const server = http.createServer((incoming) => { incoming.resume(); arrived(incoming); }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { server.closeAllConnections(); server.close(); });
  const client = openClient(t, { endpoint: `http://127.0.0.1:${server.address().port}` });
  client.emit('ToolCall', { durationMs: 1 });
  client.upload().catch(() => {});
  await request;
  assert.match(client.preview(), /"durationMs":1\b/); // the worker's answer to a preview that waits would be a timeout
});
