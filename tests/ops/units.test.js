'use strict';
// The systemd unit and the compose file, held against systemd's and docker-compose's own checks.
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const { BINARY, run, scratch } = require('../e2e/central-support.js');
const { DEPLOY, missing, succeeds } = require('./support.js');

const UNIT = path.join(DEPLOY, 'systemd', 'candor-central.service');
const COMPOSE = path.join(DEPLOY, 'compose');
/** Exposure as `systemd-analyze security` counts it, times ten: docs/operations.md names it. */
const EXPOSURE_MAX = 10;

test('the unit verifies, and its sandbox leaves an exposure below 1', { skip: missing('systemd-analyze') }, (t) => {
  const copy = path.join(scratch(t), path.basename(UNIT));
  fs.writeFileSync(copy, fs.readFileSync(UNIT, 'utf8').replace('/usr/local/bin/candor-central', path.resolve(BINARY)));
  succeeds('systemd-analyze', ['verify', '--man=no', copy]);
  succeeds('systemd-analyze', ['security', '--offline=yes', '--no-pager', `--threshold=${EXPOSURE_MAX}`, copy]);
});

test('the compose file is one, and asks for its secrets by name', { skip: missing('docker-compose') }, () => {
  const config = (/** @type {Record<string, string>} */ env) => ({ cwd: COMPOSE, env: { PATH: process.env.PATH ?? '', HOME: '/nonexistent', ...env } });
  const text = succeeds('docker-compose', ['-f', 'compose.yaml', 'config'], config({ POSTGRES_PASSWORD: 'pw', CANDOR_CENTRAL_TOKEN: 'tk' }));
  assert.match(text, /CANDOR_CENTRAL_SINK_URL: postgresql:\/\/candor:pw@postgres\/telemetry/);
  assert.throws(() => succeeds('docker-compose', ['-f', 'compose.yaml', 'config'], config({ POSTGRES_PASSWORD: 'pw' })), /put CANDOR_CENTRAL_TOKEN into \.env/);
});

test('the flags in the unit and the compose file are flags of serve', async () => {
  const { stdout } = await run(['--help']);
  const texts = [fs.readFileSync(UNIT, 'utf8').split('\n').filter((line) => line.startsWith('ExecStart=')).join('\n'),
    fs.readFileSync(path.join(COMPOSE, 'compose.yaml'), 'utf8').split('\n').filter((line) => line.includes('command:')).join('\n')];
  const flags = texts.flatMap((text) => text.match(/--[a-z-]+/g) ?? []);
  assert.ok(flags.length > 4);
  for (const flag of flags) assert.match(stdout, new RegExp(`^ {2}${flag}( |$)`, 'm'), flag);
});
