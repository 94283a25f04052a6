'use strict';
// The instrumented agent: walks a folder, uses tools, answers with a local scripted model, proposes the
// changes that git knows. What it tells its telemetry is measured, not made up. Controlled by its parent
// over IPC: {pause}, {resume}, {flush}, {upload}, {off}, {end}.
const crypto = require('node:crypto');
const { once } = require('node:events');
const { performance } = require('node:perf_hooks');
const { setImmediate: turn } = require('node:timers/promises');
const { open } = require('../../js');
const { Witness } = require('../support/witness.js');
const tools = require('./tools.js');

const [name, folder, directory, endpoint, witnessFile, least] = process.argv.slice(2);
const MODELS = ['gpt-4o', 'claude-sonnet', 'llama-3'];
const witness = new Witness(witnessFile);
const client = open({
  app: 'candor-demo', appVersion: '0.1.0', directory, endpoint, minFreeDiskBytes: 0,
  batchIntervalMs: 500, uploadIntervalMs: 300, retryBaseMs: 100, retryMaxMs: 1000,
});
const counts = { emitted: 0, kept: 0 };
let paused = false;

/** @param {string} type @param {object} payload @param {string} correlation */
function emit(type, payload, correlation) {
  counts.emitted += 1;
  if (client.emit(type, payload, { correlationId: correlation })) {
    counts.kept += 1;
    witness.kept(correlation);
  }
}

let serial = 0;
/** Ids of this run: one for each event, so that the store can be held against the witness. */
const nextId = () => `${name}-${(serial += 1)}`;

/** Run a tool and report it. @template T @param {string} toolName @param {() => T} work */
function call(toolName, work) {
  const started = performance.now();
  try {
    const value = work();
    emit('ToolCall', { toolName, durationMs: performance.now() - started, success: true }, nextId());
    return value;
  } catch (error) {
    const errorType = error instanceof Error ? error.name : typeof error;
    emit('ToolCall', { toolName, durationMs: performance.now() - started, success: false, errorType }, nextId());
    return null;
  }
}

/** A scripted local model: reads the text, answers with its outline. @param {string} text */
function answer(text) {
  return text.split('\n').filter((line) => /^(#|\/\/|\/\*|function|static|const|module)/.test(line)).slice(0, 20).join('\n');
}

/** @param {string} text @param {string} model */
function chat(text, model) {
  const started = performance.now();
  const response = answer(text);
  emit('ChatTurn', {
    promptLength: text.length, responseLength: response.length, model,
    latencyMs: performance.now() - started, tokenCount: Math.ceil((text.length + response.length) / 4),
  }, nextId());
}

const totals = { created: 0, approved: 0 };

/** @param {{files: number, lines: number, operation: string}} diff */
function propose(diff) {
  const proposalId = crypto.randomUUID();
  const started = performance.now();
  emit('ProposalCreated', { proposalId, fileCount: diff.files, totalLinesChanged: diff.lines, operation: diff.operation }, nextId());
  // The reviewer of the demo reads every line once, and turns down what is too long to review.
  const approved = diff.lines <= 400;
  tools.hash('x'.repeat(Math.min(diff.lines, 100_000) * 40));
  emit('ProposalDecision', {
    proposalId, decision: approved ? 'approved' : 'rejected',
    reviewDurationMs: performance.now() - started, filesApproved: approved ? diff.files : 0,
  }, nextId());
  totals.created += 1;
  if (approved) totals.approved += 1;
}

/** Let the parent's messages in; wait while paused. */
async function breathe() {
  await turn();
  while (paused) await once(process, 'message');
}

async function work() {
  const files = call('list_files', () => tools.listFiles(folder)) ?? [];
  emit('SessionStart', { userId: name, machineId: name, appVersion: '0.1.0', os: process.platform, timestamp: Date.now() }, nextId());
  emit('WorkspaceSelected', { workspaceHash: folder, isGitRepo: tools.hasHistory(folder) }, nextId());
  const proposals = tools.diffs(folder, files);
  for (let i = 0; counts.emitted < Number(least) && files.length > 0; i += 1) {
    const text = call('read_file', () => tools.readFile(files[i % files.length]));
    if (text !== null) {
      call('search_text', () => tools.search(text, 'return'));
      call('hash_file', () => tools.hash(text));
      call('parse_json', () => tools.parseJson(text));
      chat(text, MODELS[i % MODELS.length]);
    }
    const diff = proposals.next();
    if (!diff.done) propose(diff.value);
    if (i % 4 === 0) {
      process.send?.({ progress: counts });
      await breathe();
    }
  }
}

process.on('uncaughtException', (error) => {
  emit('Error', { errorType: error.name, message: error.message, stackTrace: error.stack, context: 'uncaught' }, nextId());
});

/** @type {Record<string, () => unknown>} */
const orders = {
  pause: () => { paused = true; },
  resume: () => { paused = false; },
  // Nobody catches this: the process survives because an uncaughtException handler reports it.
  crash: () => {
    setImmediate(() => tools.parseJson(`{"cannot": parse, "${folder}"`));
  },
  upload: () => client.upload(),
  off: () => client.setEnabled(false),
  emitWhileOff: () => {
    for (let i = 0; i < 50; i += 1) emit('ToolCall', { toolName: 'read_file', durationMs: 1, success: true }, nextId());
  },
  status: () => client.status(),
  end: async () => {
    emit('SessionEnd', { duration: performance.now(), proposalsCreated: totals.created, proposalsApproved: totals.approved }, nextId());
    await client.flush();
  },
  leave: () => client.close(),
};

process.on('message', async (/** @type {{order: string, id: number}} */ { order, id }) => {
  try {
    const value = await orders[order]();
    process.send?.({ reply: id, value, counts });
  } catch (error) {
    process.send?.({ reply: id, error: String(error), counts });
  }
  // Without the channel nothing keeps this process alive: telemetry does not.
  if (order === 'leave') process.disconnect();
});

work().then(() => process.send?.({ done: true, counts }));
