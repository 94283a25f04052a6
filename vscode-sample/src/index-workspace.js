'use strict';
// The command "Index Workspace": files, lines and symbols by language, as a page. What is recorded about it
// is the languages and two coarse sizes; no name, path or text leaves this file.

const vscode = require('vscode');
const { languageOf, measure } = require('./languages');

const SCHEME = 'candor-sample-index';
const FILES_MAX = 5000;
const FILE_BYTES_MAX = 1024 * 1024;
const SKIP = '**/{node_modules,.git,dist,out,build,.venv,target}/**';

/** @typedef {{files: number, lines: number, symbols: number}} Row */
/** @typedef {{rows: Map<string, Row>, files: number, bytes: number, skipped: number, durationMs: number}} Index */

/** @param {vscode.CancellationToken} token @returns {Promise<Index | undefined>} undefined: cancelled */
async function indexWorkspace(token) {
  const started = performance.now();
  /** @type {Map<string, Row>} */
  const rows = new Map();
  let [files, bytes, skipped] = [0, 0, 0];
  for (const uri of await vscode.workspace.findFiles('**/*', SKIP, FILES_MAX, token)) {
    if (token.isCancellationRequested) return undefined;
    const language = languageOf(uri.path);
    const content = language && await readSmall(uri);
    if (language === undefined || content === undefined) {
      skipped += 1;
      continue;
    }
    const row = rows.get(language.id) ?? { files: 0, lines: 0, symbols: 0 };
    const { lines, symbols } = measure(language, Buffer.from(content).toString('utf8'));
    rows.set(language.id, { files: row.files + 1, lines: row.lines + lines, symbols: row.symbols + symbols });
    files += 1;
    bytes += content.length;
  }
  return { rows, files, bytes, skipped, durationMs: performance.now() - started };
}

/** @param {vscode.Uri} uri @returns {Promise<Uint8Array | undefined>} undefined: too large, or not readable */
async function readSmall(uri) {
  try {
    const { size } = await vscode.workspace.fs.stat(uri);
    return size > FILE_BYTES_MAX ? undefined : await vscode.workspace.fs.readFile(uri);
  } catch {
    return undefined;
  }
}

/** @param {Index} index */
function report({ rows, files, bytes, skipped, durationMs }) {
  const sorted = [...rows].sort(([, a], [, b]) => b.lines - a.lines);
  const number = (/** @type {number} */ value) => value.toLocaleString('en-US');
  return [
    `# ${vscode.workspace.name ?? 'Workspace'}`, '',
    `${number(files)} files in ${sorted.length} languages, ${number(Math.round(bytes / 1024))} KB, read in ${Math.round(durationMs)} ms.`, '',
    '| language | files | lines | symbols |', '|---|--:|--:|--:|',
    ...sorted.map(([id, row]) => `| ${id} | ${number(row.files)} | ${number(row.lines)} | ${number(row.symbols)} |`), '',
    ...(skipped === 0 ? [] : [`${number(skipped)} files of other kinds were not read.`, '']),
  ].join('\n');
}

/** @param {import('candor/vscode').VscodeTelemetry} telemetry @returns {{run: () => Promise<void>, dispose: () => void}} */
function createIndexer(telemetry) {
  const uri = vscode.Uri.parse(`${SCHEME}:Workspace Index.md`);
  const changed = new vscode.EventEmitter();
  let text = '';
  const provider = vscode.workspace.registerTextDocumentContentProvider(SCHEME, {
    onDidChange: changed.event,
    provideTextDocumentContent: () => text,
  });
  return {
    async run() {
      if (vscode.workspace.workspaceFolders === undefined) {
        vscode.window.showInformationMessage('Open a folder first: there is nothing to index.');
        return;
      }
      const progress = { location: vscode.ProgressLocation.Notification, title: 'Indexing the workspace', cancellable: true };
      const index = await vscode.window.withProgress(progress, (_, token) => indexWorkspace(token));
      if (index === undefined) return;
      telemetry.emit('index', {
        languages: /** @type {any[]} */ ([...index.rows.keys()]), fileCount: index.files, sizeMb: index.bytes / 1048576, durationMs: index.durationMs,
      });
      text = report(index);
      changed.fire(uri);
      await vscode.commands.executeCommand('markdown.showPreview', uri);
    },
    dispose() {
      provider.dispose();
      changed.dispose();
    },
  };
}

module.exports = { createIndexer };
