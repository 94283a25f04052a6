'use strict';
// The Control Center: a page that shows what is recorded, and lets people change it. It talks to the extension by
// the telemetry.* messages that candor/vscode answers.

const crypto = require('node:crypto');
const vscode = require('vscode');

/** The only other messages that the page may send: a setting that it links to. */
const SETTINGS = { editor: 'telemetry.telemetryLevel', own: 'candorSample.telemetry' };

/** @param {vscode.Webview} webview @param {vscode.Uri} media */
function html(webview, media) {
  const nonce = crypto.randomBytes(16).toString('base64');
  const uri = (/** @type {string} */ name) => webview.asWebviewUri(vscode.Uri.joinPath(media, name)).toString();
  const policy = `default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}'`;
  const choice = (/** @type {string} */ group, /** @type {[string, string][]} */ options) => options.map(([value, label]) =>
    `<label><input type="radio" name="${group}" value="${value}"><span>${label}</span></label>`).join('');
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${uri('control-center.css')}">
<title>Telemetry Control Center</title>
</head>
<body>
<main>
<header>
  <div><h1>Telemetry</h1><p id="state" class="state"><span class="dot" aria-hidden="true"></span><span id="state-text">…</span></p></div>
  <label class="switch"><input type="checkbox" id="enabled" role="switch"><span class="track" aria-hidden="true"></span>
    <span>Help improve Candor Sample by sending anonymous usage data</span></label>
</header>
<section aria-labelledby="h-choices">
  <h2 id="h-choices">Your choices</h2>
  <div class="row"><div><strong id="l-level">Record at most</strong><p id="level-hint" class="hint"></p></div>
    <div class="segments" role="radiogroup" aria-labelledby="l-level" aria-describedby="level-hint">${choice('level', [['off', 'Nothing'], ['crash', 'Crashes'], ['error', 'Errors'], ['all', 'Usage']])}</div></div>
  <div class="row"><div><strong id="l-mode">Upload</strong><p id="mode-hint" class="hint"></p></div>
    <div class="segments" role="radiogroup" aria-labelledby="l-mode" aria-describedby="mode-hint">${choice('mode', [['off', 'Never'], ['manual', 'By hand'], ['auto', 'Automatic']])}</div></div>
  <div class="row"><div><strong id="l-content">Also send the text of proposals</strong><p id="content-hint" class="hint"></p></div>
    <label class="switch"><input type="checkbox" id="content" role="switch" aria-labelledby="l-content" aria-describedby="content-hint"><span class="track" aria-hidden="true"></span></label></div>
  <p class="links"><button class="link" data-setting="editor">VS Code’s telemetry setting</button><button class="link" data-setting="own">Settings of this extension</button></p>
</section>
<section aria-labelledby="h-next">
  <div class="title"><h2 id="h-next">Next upload</h2><span id="next-size" class="badge">…</span></div>
  <p class="hint">Exactly the bytes that the next request sends, before compression: one event a line. <span id="next-note"></span></p>
  <pre id="preview" tabindex="0" aria-label="Bytes of the next upload"></pre>
  <p class="buttons"><button id="upload">Upload Now</button><button id="export" class="second">Export…</button>
    <button id="refresh" class="second">Refresh</button><button id="purge" class="second danger">Delete What Waits</button></p>
  <p id="message" role="status" aria-live="polite"></p>
</section>
<section aria-labelledby="h-sent">
  <div class="title"><h2 id="h-sent">What was sent</h2><span id="sent-count" class="badge">…</span></div>
  <div class="table"><table><thead><tr><th scope="col">When</th><th scope="col" class="n">Events</th><th scope="col" class="n">Bytes</th><th scope="col">Answer</th><th scope="col">Allowed by</th><th scope="col">SHA-256</th></tr></thead><tbody id="ledger"></tbody></table></div>
</section>
<section><details><summary>Details</summary><dl id="details"></dl></details></section>
</main>
<script nonce="${nonce}" src="${uri('control-center.js')}"></script>
</body>
</html>`;
}

class ControlCenter {
  #telemetry;
  #media;
  /** @type {vscode.WebviewPanel | undefined} */
  #panel;

  /** @param {import('candor/vscode').VscodeTelemetry} telemetry @param {vscode.Uri} extension */
  constructor(telemetry, extension) {
    this.#telemetry = telemetry;
    this.#media = vscode.Uri.joinPath(extension, 'media');
  }

  open() {
    if (this.#panel !== undefined) {
      this.#panel.reveal();
      return;
    }
    const panel = vscode.window.createWebviewPanel('candorSample.controlCenter', 'Telemetry Control Center', vscode.ViewColumn.Active, {
      enableScripts: true, localResourceRoots: [this.#media],
    });
    this.#panel = panel;
    const connection = this.#telemetry.connect(panel.webview);
    const links = panel.webview.onDidReceiveMessage((message) => {
      if (message?.type !== 'openSetting' || !Object.hasOwn(SETTINGS, message.setting)) return;
      vscode.commands.executeCommand('workbench.action.openSettings', SETTINGS[/** @type {keyof typeof SETTINGS} */ (message.setting)]);
    });
    panel.onDidDispose(() => {
      this.#panel = undefined;
      connection.dispose();
      links.dispose();
    });
    panel.webview.html = html(panel.webview, this.#media);
  }

  dispose() {
    this.#panel?.dispose();
  }
}

module.exports = { ControlCenter };
