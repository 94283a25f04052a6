'use strict';
// What the tests of the command line share: an app that has run, and a collector that answers as told.

const path = require('node:path');
const { open } = require('../../js');
const { ROOT, tempDir, quiet, run } = require('./helper');
const { reply, serve } = require('../support/http.js');

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
  const url = await serve(t, ({ method, url: path, headers, body }, response) => {
    came();
    requests.push({ method, url: path, headers, body });
    const { status = method === 'GET' ? 200 : 202, headers: more, json } = answer({ method, url: path, headers }, body) ?? {};
    const events = body.length === 0 || body.toString() === '[]' ? 0 : body.toString().trim().split('\n').length;
    reply(response, status, json ?? { accepted: events, duplicates: 0, rejected: 0 }, more);
  });
  return { url, requests, first };
}

module.exports = { MAIN, APP, appThatRan, fakeCollector };
