'use strict';
// The status bar item: whether something is recorded, and a way to the Control Center.

const vscode = require('vscode');

const WORDS = { all: 'on', error: 'errors', crash: 'crashes', off: 'off' };

/** @param {import('candor/vscode').VscodeTelemetry} telemetry @returns {vscode.Disposable} */
function createStatusBar(telemetry) {
  const item = vscode.window.createStatusBarItem('candorSample.telemetry', vscode.StatusBarAlignment.Right, 10);
  item.name = 'Candor Sample Telemetry';
  item.command = 'candorSample.controlCenter';
  const show = () => {
    const status = telemetry.status();
    const level = /** @type {keyof typeof WORDS} */ (status.enabled ? status.level : 'off');
    item.text = `$(${level === 'off' ? 'circle-slash' : 'broadcast'}) Telemetry ${WORDS[level]}`;
    item.tooltip = `Candor Sample: ${status.reason}`;
    item.accessibilityInformation = { label: `Candor Sample telemetry is ${WORDS[level]}` };
  };
  show();
  item.show();
  return vscode.Disposable.from(item, telemetry.onDidChange(show));
}

module.exports = { createStatusBar };
