'use strict';
// The command "Review Diff as Proposal": a diff is shown beside the files it changes, and accepting it changes
// them. What is recorded: how large it was, what was decided, and how long that took; the diff itself only where
// somebody has switched full content on.

const crypto = require('node:crypto');
const vscode = require('vscode');
const { applyDiff, linesChanged, parseDiff } = require('./diff');

const SCHEME = 'candor-sample-proposal';
const CONTEXT = 'candorSample.reviewing';
const [ACCEPT, REJECT] = ['Accept', 'Reject'];

/**
 * @typedef {{uri: vscode.Uri, path: string, operation: 'create' | 'modify' | 'delete', before: string, after: string}} File
 * @typedef {{id: string, files: File[], shown: number, decide: (accepted: boolean) => void}} Proposal
 */

/** The text of a file as the editor has it, saved or not. @param {vscode.Uri} uri */
async function textOf(uri) {
  try {
    return (await vscode.workspace.openTextDocument(uri)).getText();
  } catch {
    return undefined;
  }
}

/** @param {string} diff @param {vscode.Uri} folder @returns {Promise<File[]>} */
async function filesOf(diff, folder) {
  return Promise.all(parseDiff(diff).map(async (change) => {
    const uri = vscode.Uri.joinPath(folder, change.path);
    const before = await textOf(uri);
    if (change.operation === 'create' && before !== undefined) throw new Error(`${change.path} is there already`);
    if (change.operation !== 'create' && before === undefined) throw new Error(`${change.path} cannot be read`);
    return { uri, path: change.path, operation: change.operation, before: before ?? '', after: applyDiff(before ?? '', change) };
  }));
}

/** @param {File[]} files */
async function apply(files) {
  for (const { uri, path, operation, before } of files) {
    if (operation !== 'create' && await textOf(uri) !== before) throw new Error(`${path} was changed during the review: nothing was applied`);
  }
  const edit = new vscode.WorkspaceEdit();
  for (const { uri, operation, before, after } of files) {
    if (operation === 'delete') edit.deleteFile(uri);
    else if (operation === 'create') edit.createFile(uri, { contents: Buffer.from(after) });
    else edit.replace(uri, new vscode.Range(0, 0, before.split('\n').length, 0), after);
  }
  if (!await vscode.workspace.applyEdit(edit)) throw new Error('the editor refused the change: nothing was applied');
  for (const { uri, operation } of files) {
    if (operation === 'modify') await (await vscode.workspace.openTextDocument(uri)).save();
  }
}

class Proposals {
  #telemetry;
  #disposables;
  /** @type {Proposal | undefined} */
  #open;
  created = 0;
  approved = 0;

  /** @param {import('candor/vscode').VscodeTelemetry} telemetry */
  constructor(telemetry) {
    this.#telemetry = telemetry;
    this.#disposables = [
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, { provideTextDocumentContent: (uri) => this.#side(uri) }),
      telemetry.registerCommand('candorSample.review', (uri) => this.#review(uri)),
      telemetry.registerCommand('candorSample.accept', () => this.#open?.decide(true)),
      telemetry.registerCommand('candorSample.reject', () => this.#open?.decide(false)),
    ];
  }

  /** A side of the comparison: before or after, file by number. @param {vscode.Uri} uri */
  #side(uri) {
    const [, side, index] = /^(before|after)\.(\d+)$/.exec(uri.query) ?? [];
    const file = this.#open?.files[Number(index)];
    if (file === undefined) return '';
    return side === 'before' ? file.before : file.after;
  }

  /** @param {vscode.Uri | undefined} given  from the editor's title, else the editor in front */
  async #review(given) {
    if (this.#open !== undefined) {
      vscode.window.showInformationMessage('A proposal is under review: accept or reject it first.');
      return;
    }
    const document = given === undefined ? vscode.window.activeTextEditor?.document : await vscode.workspace.openTextDocument(given);
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
    if (document === undefined || folder === undefined) {
      vscode.window.showInformationMessage('Open a folder, and in it a file with a unified diff.');
      return;
    }
    try {
      await this.#propose(document.getText(), folder);
    } catch (error) {
      vscode.window.showErrorMessage(`No proposal: ${error instanceof Error ? error.message : error}.`);
      throw error;
    }
  }

  /** @param {string} diff @param {vscode.Uri} folder */
  async #propose(diff, folder) {
    const files = await filesOf(diff, folder);
    const decision = new Promise((/** @type {(accepted: boolean) => void} */ resolve) => {
      this.#open = { id: crypto.randomUUID(), files, shown: performance.now(), decide: resolve };
    });
    const proposal = /** @type {Proposal} */ (/** @type {unknown} */ (this.#open));
    const operations = new Set(files.map(({ operation }) => operation));
    this.created += 1;
    this.#telemetry.emit('ProposalCreated', {
      proposalId: proposal.id, fileCount: files.length, operation: operations.size === 1 ? files[0].operation : 'mixed',
      totalLinesChanged: parseDiff(diff).reduce((sum, file) => sum + linesChanged(file), 0),
    });
    this.#telemetry.emit('ProposalDiff', { proposalId: proposal.id, diff }); // dropped, unless full content is on
    await vscode.commands.executeCommand('setContext', CONTEXT, true);
    await this.#show(files);
    // The review goes on after the command has ended: by the buttons here, or those in the editor's title.
    const text = `Apply this proposal to ${files.length === 1 ? files[0].path : `${files.length} files`}?`;
    vscode.window.showInformationMessage(text, ACCEPT, REJECT).then((answer) => {
      if (this.#open === proposal && answer !== undefined) proposal.decide(answer === ACCEPT);
    });
    decision.then((accepted) => this.#decided(proposal, accepted));
  }

  /** @param {File[]} files */
  async #show(files) {
    const side = (/** @type {File} */ { path }, /** @type {number} */ index, /** @type {string} */ which) =>
      vscode.Uri.from({ scheme: SCHEME, path: `/${path}`, query: `${which}.${index}` });
    const title = files.length === 1 ? `Proposal: ${files[0].path}` : `Proposal: ${files.length} files`;
    const pairs = files.map((file, i) => [file.uri, side(file, i, 'before'), side(file, i, 'after')]);
    if (files.length === 1) await vscode.commands.executeCommand('vscode.diff', pairs[0][1], pairs[0][2], title, { preview: true });
    else await vscode.commands.executeCommand('vscode.changes', title, pairs);
  }

  /** @param {Proposal} proposal @param {boolean} accepted */
  async #decided(proposal, accepted) {
    const { id, files, shown } = proposal;
    try {
      if (accepted) await apply(files);
      this.approved += accepted ? 1 : 0;
      this.#telemetry.emit('ProposalDecision', {
        proposalId: id, decision: accepted ? 'approved' : 'rejected', reviewDurationMs: performance.now() - shown, filesApproved: accepted ? files.length : 0,
      });
    } catch (error) {
      this.#telemetry.logger.logError(/** @type {Error} */ (error));
      vscode.window.showErrorMessage(`Not applied: ${error instanceof Error ? error.message : error}.`);
    } finally {
      this.#open = undefined;
      await vscode.commands.executeCommand('setContext', CONTEXT, false);
      await closeTabs();
      vscode.window.setStatusBarMessage(accepted ? 'Proposal accepted' : 'Proposal rejected', 3000);
    }
  }

  dispose() {
    for (const disposable of this.#disposables) disposable.dispose();
  }
}

async function closeTabs() {
  const ours = vscode.window.tabGroups.all.flatMap((group) => group.tabs).filter(({ input, label }) =>
    (input instanceof vscode.TabInputTextDiff && input.modified.scheme === SCHEME) || label.startsWith('Proposal: '));
  await vscode.window.tabGroups.close(ours, true);
}

module.exports = { Proposals };
