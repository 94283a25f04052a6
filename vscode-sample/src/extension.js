'use strict';

const vscode = require('vscode');
const { activateTelemetry } = require('candor/vscode');
const { ControlCenter } = require('./control-center');
const { createIndexer } = require('./index-workspace');
const { Proposals } = require('./proposals');
const { createStatusBar } = require('./status-bar');

/** @type {(() => void) | undefined} */
let endSession;

/** @param {vscode.ExtensionContext} context */
function activate(context) {
  const started = Date.now();
  // Without an endpoint events stay on this machine; an operator names one by TELEMETRY_ENDPOINT and TELEMETRY_TOKEN.
  const telemetry = activateTelemetry(context, {
    section: 'candorSample.telemetry', showCommand: 'candorSample.controlCenter', fullContent: true, // a switch of the Control Center, off at first
  });
  const { version } = context.extension.packageJSON;
  telemetry.emit('SessionStart', {
    userId: vscode.env.machineId, machineId: vscode.env.machineId, appVersion: version, os: /** @type {any} */ (process.platform), timestamp: new Date(),
  });
  selectWorkspace(telemetry);

  const proposals = new Proposals(telemetry);
  const indexer = createIndexer(telemetry);
  const controlCenter = new ControlCenter(telemetry, context.extensionUri);
  context.subscriptions.push(
    proposals, indexer, controlCenter, createStatusBar(telemetry),
    telemetry.registerCommand('candorSample.index', () => indexer.run()),
    vscode.commands.registerCommand('candorSample.controlCenter', () => controlCenter.open()),
    vscode.workspace.onDidChangeWorkspaceFolders(() => selectWorkspace(telemetry)),
  );
  endSession = () => telemetry.emit('SessionEnd', {
    duration: Date.now() - started, proposalsCreated: proposals.created, proposalsApproved: proposals.approved,
  });
  return { telemetry };
}

/** @param {import('candor/vscode').VscodeTelemetry} telemetry */
async function selectWorkspace(telemetry) {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  if (folder === undefined) return;
  const isGitRepo = await vscode.workspace.fs.stat(vscode.Uri.joinPath(folder, '.git')).then(() => true, () => false);
  telemetry.emit('WorkspaceSelected', { workspaceHash: folder.toString(), isGitRepo });
}

/** The client closes itself afterwards, as one of the context's subscriptions. */
function deactivate() {
  endSession?.();
}

module.exports = { activate, deactivate };
