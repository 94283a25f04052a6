'use strict';
// What the tests of deploy/ share: programs that may be missing, and a product's events.
const { spawnSync } = require('node:child_process');
const assert = require('node:assert/strict');
const path = require('node:path');
const { event, uuid7 } = require('../e2e/central-support.js');

const DEPLOY = path.join(__dirname, '..', '..', 'deploy');
const PATIENCE_MS = 120_000;

/** Why a test of that program cannot run here, or false. @param {string} program */
function missing(program) {
  const found = spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
  return found ? false : `${program} is not installed; npm run test:ops installs it`;
}

/** @param {string} program @param {string[]} args @param {import('node:child_process').SpawnSyncOptions} [options] */
function succeeds(program, args, options = {}) {
  const done = spawnSync(program, args, { encoding: 'utf8', ...options });
  assert.equal(done.status, 0, `${program} ${args.join(' ')}\n${done.error ?? ''}${done.stdout}${done.stderr}`);
  return String(done.stdout);
}

/** Sessions of the last hours with all that the panels ask for: half of the second one's work fails. */
function productEvents() {
  const batch = [];
  for (let i = 0; i < 4; i += 1) {
    const ms = Date.now() - i * 3_600_000;
    const more = { session_id: uuid7(ms), user_id: `u-${i % 2}`, app_version: `1.${i % 2}.0` };
    const turn = { ...more, correlation_id: uuid7(ms) };
    const add = (/** @type {string} */ type, /** @type {any} */ payload, /** @type {any} */ who = more) =>
      batch.push(event(type, payload, { ...who, event_id: uuid7(ms), timestamp: new Date(ms).toISOString() }));
    add('SessionStart', {});
    add('ChatTurn', { model: i % 2 === 0 ? 'gpt-5' : 'o3', latencyMs: 100 * (i + 1), promptLength: 5, responseLength: 7 }, turn);
    add('ToolCall', { toolName: 'grep', durationMs: 10 + i, success: i % 2 === 0 });
    add('ProposalCreated', { proposalId: `p-${i}`, fileCount: 1, totalLinesChanged: 3, operation: 'modify' }, turn);
    add('ProposalDecision', { proposalId: `p-${i}`, decision: i % 2 === 0 ? 'approved' : 'rejected', reviewDurationMs: 1000 }, turn);
    if (i === 1) add('Error', { errorType: 'TypeError' });
    for (const [name, status] of [['retrieval.query', 'ok'], ['planner.plan', i === 1 ? 'error' : 'ok']]) {
      add('span', { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', name, kind: 'internal', durationMs: 5, status });
    }
    add('metric', { metric: 'critic.value', value: 0.25 * i, type: 'gauge' });
  }
  return batch;
}

module.exports = { DEPLOY, PATIENCE_MS, missing, productEvents, succeeds };
