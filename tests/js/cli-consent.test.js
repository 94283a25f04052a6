'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { openClient } = require('./helper');
const { appThatRan, fakeCollector } = require('./cli-helper');

/** The source that decides about a setting. */
const decider = (explained) => explained.sources.filter((row) => row.decides).map((row) => row.source).join();

test('mode is stored, off deletes what waits, and a running app follows', async (t) => {
  const { directory, json } = await appThatRan(t);
  const done = await json(['mode', 'off']);
  assert.deepEqual([done.mode, done.enabled, done.decided_by, done.purged], ['off', false, 'stored', 2]);
  const app = openClient(t, { directory, app: 'cli-test' });
  assert.equal(app.status().mode, 'off');
  assert.equal((await json(['mode', 'auto'])).enabled, true);
  assert.deepEqual([app.status().mode, app.enabled], ['auto', true]);
});

test('a stored mode "auto" does not make a command upload unasked', async (t) => {
  const { directory, json } = await appThatRan(t);
  const collector = await fakeCollector(t);
  await json(['mode', 'auto']);
  const options = { directory, app: 'cli-test', mode: 'manual', notice: 'none', endpoint: collector.url };
  const tool = openClient(t, { ...options, inspect: true });
  await tool.flush();
  assert.equal(tool.status().next_attempt_at, null);
  assert.deepEqual(collector.requests, []);
  openClient(t, options);
  await collector.first; // the app does
});

test('level is stored, and a lower one deletes what waits', async (t) => {
  const { cli, json } = await appThatRan(t);
  const done = await json(['level', 'error']);
  assert.deepEqual([done.choice, done.level, done.purged], ['error', 'error', 2]);
  assert.equal((await json(['status'])).stored.level, 'error');
  const off = await cli(['level', 'off']);
  assert.match(off.stdout, /in force: off/);
  assert.equal((await json(['status'])).enabled, false);
});

test('content is stored for the app, and off again', async (t) => {
  const { directory, json } = await appThatRan(t);
  const on = await json(['content', 'on']);
  assert.deepEqual([on.choice, on.full_content.enabled, on.full_content.decided_by], ['on', true, 'stored']);
  const app = openClient(t, { directory, app: 'cli-test' });
  assert.equal(app.status().full_content.enabled, true);
  const { explain } = await json(['status', '--explain'], { TELEMETRY_FULL_CONTENT: '0' });
  assert.equal(decider(explain.full_content), 'TELEMETRY_FULL_CONTENT');
  assert.equal((await json(['content', 'off'])).full_content.enabled, false);
  assert.equal(app.status().full_content.enabled, false);
});

test('GDPR mode leaves nothing but its own file, until it is turned off', async (t) => {
  const { directory, cli, json } = await appThatRan(t);
  const on = await json(['gdpr', 'on']);
  assert.deepEqual([on.gdpr, on.enabled, on.decided_by], [true, false, 'gdpr']);
  assert.deepEqual(fs.readdirSync(directory), ['consent']);
  assert.match((await cli(['status'])).stdout, /GDPR mode/);
  assert.deepEqual(fs.readdirSync(directory), ['consent'], 'looking writes nothing');
  assert.equal((await json(['gdpr', 'off'])).enabled, true);
});

test('notice lists what is collected and acknowledges it for the app', async (t) => {
  const { directory, json, cli } = await appThatRan(t, { options: { notice: 'host' } });
  const app = openClient(t, { directory, app: 'cli-test', notice: 'host' });
  assert.equal(app.status().notice.waiting, true);
  assert.match((await cli(['notice'])).stdout, /ToolCall +usage +Which tools/);
  assert.equal(app.status().notice.waiting, false);
  const done = await json(['notice']);
  assert.ok(done.events.some((event) => event.type === 'ToolCall' && event.purpose !== ''));
  assert.ok(done.events.every((event) => event.level !== 'content'));
});

test('a command that needs a word says which there are, and the nearest', async (t) => {
  const { cli } = await appThatRan(t);
  for (const args of [['mode'], ['mode', 'manaul'], ['level', 'everything'], ['gdpr', 'maybe'], ['content']]) {
    const done = await cli(args);
    assert.equal(done.code, 2, args.join(' '));
    assert.match(done.stderr, /needs one of: /);
  }
  assert.match((await cli(['mode', 'manaul'])).stderr, /did you mean "manual"/);
  assert.match((await cli(['statsu'])).stderr, /did you mean "sta/);
  assert.match((await cli(['upload', '--dry-rum'])).stderr, /did you mean "dry-run"/);
});

test('every command explains itself', async (t) => {
  const { cli } = await appThatRan(t, { events: 0 });
  const { COMMANDS } = require('../../js/cli/commands');
  for (const name of Object.keys(COMMANDS)) {
    const { code, stdout } = await cli([name, '--help']);
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`^candor ${name}: [\\s\\S]*usage: candor ${name}[\\s\\S]*--json`));
  }
});

test('explain: each source of "enabled" decides when it is the highest that says something', async (t) => {
  const { directory, json } = await appThatRan(t);
  const toml = (text) => fs.writeFileSync(path.join(directory, 'telemetry.toml'), `[telemetry]\n${text}\n`);
  const explained = async (env) => {
    const { explain, enabled } = await json(['status', '--explain'], env);
    assert.equal(explain.enabled.value, enabled ? 'on' : 'off');
    return decider(explain.enabled);
  };
  assert.equal(await explained(), 'default');
  toml('enabled = true');
  assert.equal(await explained(), 'telemetry.toml, on');
  await json(['on']);
  assert.equal(await explained(), 'stored choice');
  toml('enabled = false');
  assert.equal(await explained(), 'telemetry.toml, off');
  toml('enabeld = false');
  assert.equal(await explained(), 'telemetry.toml, off');
  assert.equal(await explained({ TELEMETRY_ENABLED: '1' }), 'TELEMETRY_ENABLED');
  fs.rmSync(path.join(directory, 'telemetry.toml'));
  await json(['gdpr', 'on']);
  assert.equal(await explained({ TELEMETRY_ENABLED: '1' }), 'gdpr');
  assert.equal(await explained({ TELEMETRY_ENABLED: '1', DO_NOT_TRACK: '1' }), 'DO_NOT_TRACK');
  await json(['gdpr', 'off']);
  await json(['mode', 'off']);
  assert.equal(await explained(), 'stored mode');
  await json(['mode', 'manual']);
  await json(['level', 'off']);
  assert.equal(await explained(), 'stored choice');
});

test('explain: level, mode and endpoint name who decides', async (t) => {
  const { directory, cli, json } = await appThatRan(t);
  const explained = async (args = [], env = {}) => {
    const { explain } = await json(['status', '--explain', ...args], env);
    return Object.fromEntries(['level', 'mode', 'endpoint'].map((name) => [name, [explain[name].value, decider(explain[name])]]));
  };
  assert.deepEqual(await explained(), {
    level: ['all', 'default'], mode: ['auto, unless the app says otherwise', 'default'], endpoint: ['none: events stay on this machine', 'default'],
  });
  fs.writeFileSync(path.join(directory, 'telemetry.toml'), '[telemetry]\nlevel = "error"\nupload_enabled = false\n[upload]\nendpoint = "https://toml.example"\n');
  assert.deepEqual(await explained(), { level: ['error', 'telemetry.toml'], mode: ['manual', 'telemetry.toml'], endpoint: ['https://toml.example', 'telemetry.toml'] });
  await json(['mode', 'auto']);
  await json(['level', 'crash']);
  const env = { TELEMETRY_ENDPOINT: 'https://env.example' };
  assert.deepEqual(await explained([], env), { level: ['crash', 'stored level'], mode: ['auto', 'stored mode'], endpoint: ['https://env.example', 'TELEMETRY_ENDPOINT'] });
  assert.deepEqual((await explained(['--endpoint', 'https://typed.example'], env)).endpoint, ['https://typed.example', '--endpoint']);
  assert.match((await cli(['status', '--explain'])).stdout, /> +stored level +crash/);
});
