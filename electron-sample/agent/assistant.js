'use strict';
// Turns of a conversation, and what telemetry learns of them: how long, how many, which tool; no text, no
// name, no path. Texts go only as full content, which the user has to switch on.

const crypto = require('node:crypto');
const { hunks, unified } = require('./diff');
const { answer } = require('./model');
const { ToolError, Workspace } = require('./workspace');

/** The schema's name for a model that is not public. */
const MODEL = 'other';
const PROMPT_MAX = 4000;
/** Proposals that wait for a decision; the oldest lapses. */
const PROPOSALS_MAX = 50;

/** @typedef {import('candor').TelemetryClient} TelemetryClient */
/** @typedef {{tool: string, input: string, ok: boolean, result: string, ms: number}} Step */
/** @typedef {{id: string, turn: string, createdAt: number, files: import('./model').Change[]}} Proposal */

/** Telemetry's word for it, never the message: that may hold a path. @param {unknown} error */
function errorType(error) {
  if (error instanceof ToolError) return error.type;
  return /** @type {NodeJS.ErrnoException} */ (error).code ?? 'ToolFailed';
}

/** @param {import('./model').Change[]} files */
function operationOf(files) {
  const created = files.filter(({ before }) => before === null).length;
  if (created === 0) return 'modify';
  return created === files.length ? 'create' : 'mixed';
}

/** About four characters make a token. @param {string} text */
const tokens = (text) => Math.ceil(text.length / 4);

class Assistant {
  /** @type {Workspace | null} */
  workspace = null;
  /** @type {Map<string, Proposal>} */
  #proposals = new Map();
  #created = 0;
  #approved = 0;
  #startedAt = Date.now();
  #telemetry;

  /** @param {TelemetryClient} telemetry */
  constructor(telemetry) {
    this.#telemetry = telemetry;
  }

  /** @param {{userId?: string, machineId: string, appVersion: string}} about */
  start({ userId, machineId, appVersion }) {
    this.#telemetry.emit('SessionStart', { userId, machineId, appVersion, os: /** @type {'linux'} */ (process.platform), timestamp: new Date() });
  }

  end() {
    this.#telemetry.emit('SessionEnd', { duration: Date.now() - this.#startedAt, proposalsCreated: this.#created, proposalsApproved: this.#approved });
  }

  /** @param {string} folder */
  select(folder) {
    const begun = performance.now();
    const workspace = new Workspace(folder);
    const survey = workspace.survey();
    this.workspace = workspace;
    this.#telemetry.emit('WorkspaceSelected', { workspaceHash: workspace.folder, isGitRepo: workspace.isGitRepo });
    this.#telemetry.emit('index', { ...survey, durationMs: performance.now() - begun });
    return { name: workspace.name, path: workspace.folder, git: workspace.isGitRepo, files: survey.fileCount, languages: survey.languages };
  }

  /**
   * @param {string} prompt
   * @param {(step: Step) => void} onStep
   */
  ask(prompt, onStep) {
    const workspace = this.workspace;
    if (workspace === null) throw new ToolError('NoFolder', 'Choose a folder first.');
    const text = String(prompt).slice(0, PROMPT_MAX);
    const turn = crypto.randomUUID();
    const begun = performance.now();
    const tools = this.#tools(workspace, turn, onStep);
    /** @type {import('./model').Reply} */
    let reply;
    try {
      reply = answer(text, tools);
    } catch (error) {
      if (!(error instanceof ToolError)) this.#failed(error, 'a turn of the conversation');
      reply = { text: error instanceof ToolError ? error.message : 'That did not work. Nothing was changed.' };
    }
    const latencyMs = performance.now() - begun;
    this.#telemetry.emit('ChatTurn', {
      promptLength: text.length, responseLength: reply.text.length, model: MODEL, latencyMs, tokenCount: tokens(text) + tokens(reply.text),
    }, { correlationId: turn });
    this.#telemetry.emit('ChatTurnFull', { model: 'scripted', prompt: text, response: reply.text }, { correlationId: turn });
    return { text: reply.text, latencyMs, proposal: reply.changes === undefined ? null : this.#propose(turn, reply.changes) };
  }

  /** The tools as the model calls them: timed, told to the page and to telemetry. @param {Workspace} workspace @param {string} turn @param {(step: Step) => void} onStep */
  #tools(workspace, turn, onStep) {
    /** @template T @param {string} tool @param {string} input @param {() => T} run @param {(result: T) => string} tell @returns {T} */
    const call = (tool, input, run, tell) => {
      const begun = performance.now();
      const done = (/** @type {boolean} */ ok, /** @type {string} */ result, /** @type {string} */ type = '') => {
        const ms = performance.now() - begun;
        this.#telemetry.emit('ToolCall', { toolName: tool, durationMs: ms, success: ok, errorType: type === '' ? undefined : type }, { correlationId: turn });
        onStep({ tool, input, ok, result, ms });
      };
      try {
        const result = run();
        done(true, tell(result));
        return result;
      } catch (error) {
        done(false, error instanceof ToolError ? error.message : 'failed', errorType(error));
        throw error;
      }
    };
    return {
      list_files: () => call('list_files', '', () => workspace.list(), (files) => `${files.length} files`),
      read_file: (/** @type {{path: string}} */ { path }) => call('read_file', path, () => workspace.read(path), (text) => `${text.split('\n').length} lines`),
      search_text: (/** @type {{text: string}} */ { text }) => call('search_text', text, () => workspace.search(text), (hits) => `${hits.length} matches`),
    };
  }

  /** @param {string} turn @param {import('./model').Change[]} changes */
  #propose(turn, changes) {
    const id = crypto.randomUUID();
    const files = changes.map(({ path, before, after }) => {
      const parts = hunks(before ?? '', after);
      const lines = parts.flatMap((hunk) => hunk.lines);
      return { path, created: before === null, hunks: parts, added: lines.filter(({ kind }) => kind === '+').length, removed: lines.filter(({ kind }) => kind === '-').length };
    });
    this.#proposals.set(id, { id, turn, createdAt: performance.now(), files: changes });
    if (this.#proposals.size > PROPOSALS_MAX) this.#proposals.delete(/** @type {string} */ (this.#proposals.keys().next().value));
    this.#created++;
    const totalLinesChanged = files.reduce((sum, { added, removed }) => sum + added + removed, 0);
    this.#telemetry.emit('ProposalCreated', { proposalId: id, fileCount: files.length, totalLinesChanged, operation: operationOf(changes) }, { correlationId: turn });
    this.#telemetry.emit('ProposalDiff', { proposalId: id, diff: changes.map(({ path, before, after }) => unified(path, before, after)).join('') }, { correlationId: turn });
    return { id, files };
  }

  /**
   * Approve some files of a proposal, or none: then it is rejected.
   * @param {string} id @param {string[]} paths
   */
  decide(id, paths) {
    const proposal = this.#proposals.get(id);
    if (proposal === undefined || this.workspace === null) throw new ToolError('NoProposal', 'This proposal has been decided already.');
    this.#proposals.delete(id);
    /** @type {string[]} */
    const applied = [];
    /** @type {string[]} */
    const problems = [];
    for (const { path, before, after } of proposal.files.filter((file) => paths.includes(file.path))) {
      try {
        this.workspace.apply(path, before, after);
        applied.push(path);
        this.#telemetry.emit('FileSnapshot', { proposalId: id, before: before ?? '', after }, { correlationId: proposal.turn });
      } catch (error) {
        problems.push(error instanceof ToolError ? error.message : `"${path}" could not be written.`);
        this.#failed(error, 'applying a proposal');
      }
    }
    const decision = applied.length > 0 ? 'approved' : 'rejected';
    if (decision === 'approved') this.#approved++;
    this.#telemetry.emit('ProposalDecision', {
      proposalId: id, decision, reviewDurationMs: performance.now() - proposal.createdAt, filesApproved: applied.length,
    }, { correlationId: proposal.turn });
    return { decision, applied, problems };
  }

  /** @param {unknown} error @param {string} context */
  #failed(error, context) {
    const { message, stack } = error instanceof Error ? error : new Error('unknown');
    this.#telemetry.emit('Error', { errorType: errorType(error), message, stackTrace: stack, context });
  }
}

module.exports = { Assistant };
