'use strict';
// An app whose page was taken over: a second preload hands it Electron's raw IPC. What telemetry makes of
// that is the test's matter; the app itself is as plain as it gets.
const path = require('node:path');
const { app, BrowserWindow, ipcMain, session, utilityProcess } = require('electron');
const { open } = require('candor');
const { registerPreload, registerTelemetry } = require('candor/electron/main');

const client = open({ app: 'taken-over', directory: path.join(app.getPath('userData'), 'telemetry'), notice: 'none', mode: 'manual', minFreeDiskBytes: 0 });
const telemetry = registerTelemetry({ client, allowedOrigins: [path.join(__dirname, 'pages')] });

let unhandled = 0;
process.on('uncaughtException', () => { unhandled++; });
process.on('unhandledRejection', () => { unhandled++; });

ipcMain.handle('app:counts', () => ({ ...telemetry.counts(), unhandled }));
ipcMain.handle('app:fork', () => new Promise((resolve) => {
  const child = utilityProcess.fork(path.join(__dirname, 'utility.js'));
  telemetry.wrapUtilityProcess(child);
  child.on('message', (/** @type {unknown} */ message) => { if (message === 'the app\'s own') child.postMessage('done'); });
  child.once('exit', resolve);
}));

app.on('window-all-closed', () => app.quit());
app.whenReady().then(() => {
  registerPreload(session.defaultSession);
  const window = new BrowserWindow({ webPreferences: { preload: path.join(__dirname, 'preload.js'), contextIsolation: true, sandbox: true } });
  window.loadFile(path.join(__dirname, 'pages', 'index.html'));
});
