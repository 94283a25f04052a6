'use strict';
// What the tests of the command line share: an app that has run, and a collector that answers as told.

const http = require('node:http');
const path = require('node:path');
const zlib = require('node:zlib');
const { once } = require('node:events');
const { open } = require('../../js');
const { ROOT, tempDir, quiet, run } = require('./helper');

const MAIN = path.join(ROOT, 'js', 'cli', 'main.js');
const APP = 'cli-test';

/** The app "cli-test" has run once in the home of this test and left some events. */
async function appThatRan(t, { events = 2, options = {}, before = () => {} } = {}) {
  const dir = tempDir(t);
  const directory = path.join(dir, 'data', APP, 'telemetry');
  const client = open(quiet(directory, { app: APP, ...options }));
  for (let i = 0; i < events; i++) client.emit('ToolCall', { toolName: 'cli', durationMs: i });
  await before(client);
  await client.flush();
  client.close();
  const cli = (args, env, more) => run([MAIN, ...args, '--app', APP], { dir, env, ...more });
  /** The JSON that a command prints; it has to end with `code`. */
  const json = async (args, env, code = 0) => {
    const done = await cli([...args, '--json'], env);
    if (done.code !== code) throw new Error(`${args.join(' ')}: ${done.code}: ${done.stdout}${done.stderr}`);
    return JSON.parse(done.stdout);
  };
  return { dir, directory, cli, json };
}

/**
 * A collector: takes what it is given; `answer` may say otherwise.
 * @returns {Promise<{url: string, requests: {method: string, url: string, headers: object, body: Buffer}[], first: Promise<void>}>}
 */
async function fakeCollector(t, answer = () => undefined) {
  const requests = [];
  let came;
  const first = new Promise((resolve) => { came = resolve; });
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const sent = Buffer.concat(chunks);
      const body = request.headers['content-encoding'] === 'gzip' ? zlib.gunzipSync(sent) : sent;
      came();
      requests.push({ method: request.method, url: request.url, headers: request.headers, body });
      const { status = request.method === 'GET' ? 200 : 202, headers = {}, json } = answer(request, body) ?? {};
      const events = body.length === 0 || body.toString() === '[]' ? 0 : body.toString().trim().split('\n').length;
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(JSON.stringify(json ?? { accepted: events, duplicates: 0, rejected: 0 }));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { server.closeAllConnections(); server.close(); });
  return { url: `http://127.0.0.1:${server.address().port}`, requests, first };
}

module.exports = { MAIN, APP, appThatRan, fakeCollector };
