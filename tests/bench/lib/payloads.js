'use strict';
// Raw payloads, as host code hands them to emit(): nothing is hashed or redacted yet. Pools are made
// before the clock starts and their values vary, so no engine can fold a call away.
const { Random } = require('./random');

const POOL = 4096; // a power of two: the loops index with a mask
const MODELS = ['gpt-4o', 'gpt-4o-mini', 'claude-3-5-sonnet', 'llama-3'];

function round1(value) {
  return Math.round(value * 10) / 10;
}

// One object literal a type: every payload of a type has the same shape, as real call sites produce.
const MAKERS = {
  ChatTurn: (r) => ({
    promptLength: Math.round(r.logNormal(900, 1)),
    responseLength: Math.round(r.logNormal(1800, 1)),
    model: r.pick(MODELS),
    latencyMs: round1(r.logNormal(850, 0.9)),
    tokenCount: Math.round(r.logNormal(700, 0.9)),
  }),
  ToolCall: (r) => ({
    toolName: r.pick(['read_file', 'write_file', 'search', 'run_tests']),
    durationMs: round1(r.logNormal(40, 1.3)),
    success: r.float() < 0.9,
    errorType: r.pick(['TimeoutError', 'ENOENT', 'RangeError']),
  }),
  Error: (r) => ({
    errorType: r.pick(['TypeError', 'RangeError', 'TimeoutError']),
    message: `Cannot read properties of undefined (reading 'field${r.below(1000)}') in step ${r.below(50)}`,
    stackTrace: stackOf(r),
    context: `agent turn ${r.below(100)}, attempt ${r.below(4)}`,
  }),
  WorkspaceSelected: (r) => ({
    workspaceHash: `/home/someone/projects/repository-${r.below(100000)}`,
    isGitRepo: r.float() < 0.8,
  }),
};

function stackOf(r) {
  const frames = Array.from({ length: 8 }, (_, i) => `    at step${i} (/home/someone/app/src/module${r.below(90)}.js:`
    + `${1 + r.below(900)}:${1 + r.below(80)})`);
  return `TypeError: Cannot read properties of undefined (reading 'field${r.below(1000)}')\n${frames.join('\n')}`;
}

/** POOL payloads of a type. */
function payloadPool(type, seed = 7) {
  const r = new Random(seed);
  return Array.from({ length: POOL }, () => MAKERS[type](r));
}

module.exports = { OTHER_TYPES: Object.keys(MAKERS).slice(1), payloadPool };
