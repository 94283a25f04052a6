'use strict';
// The main process: a window, the assistant, and telemetry in the three calls marked below.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { app, BrowserWindow, Menu, dialog, ipcMain, safeStorage, session } = require('electron');
const { open } = require('candor');
const { createKeyProvider, registerPreload, registerTelemetry, storedOptions } = require('candor/electron/main');
const { Assistant } = require('./agent/assistant');

const PAGE = path.join(__dirname, 'renderer', 'index.html');
const userData = app.getPath('userData');
const settingsFile = path.join(userData, 'telemetry-settings.json');

// 1. One client for the app. The page shows the notice; uploads wait until the user has seen it.
const telemetry = open({
  app: 'harbor',
  appVersion: app.getVersion(),
  directory: path.join(userData, 'telemetry'),
  notice: 'host',
  token: process.env.HARBOR_TELEMETRY_TOKEN,
  ...storedOptions(settingsFile),
});

// 2. The page may emit and change settings; nobody else may. Closed, within a bound, when the app quits.
registerTelemetry({
  client: telemetry,
  allowedOrigins: [path.dirname(PAGE)],
  allowedEvents: ['ui.render_time', 'Error'],
  configurable: ['endpoint', 'userId'],
  settingsFile,
  keys: createKeyProvider({ file: path.join(userData, 'telemetry-keys.json'), safeStorage, app }),
});

const assistant = new Assistant(telemetry);
const folderFile = path.join(userData, 'folder');
/** @type {ReturnType<Assistant['select']> | null} */
let folder = null;

/** @param {string} chosen */
function select(chosen) {
  folder = assistant.select(chosen);
  fs.writeFileSync(folderFile, folder.path);
}

/** The folder of this run, or of the last one. */
function restoreFolder() {
  try {
    select(process.env.HARBOR_FOLDER ?? fs.readFileSync(folderFile, 'utf8'));
  } catch {
    // None yet, or it is gone: the page asks for one.
  }
}

/**
 * Answers the sample's own page alone, with a sentence where something fails.
 * @param {string} channel @param {(event: any, ...args: any[]) => unknown} run
 */
function handle(channel, run) {
  ipcMain.handle(channel, async (/** @type {any} */ event, /** @type {any[]} */ ...args) => {
    const frame = event.senderFrame;
    if (frame === null || frame.parent !== null || frame.url.split(/[?#]/)[0] !== pathToFileURL(PAGE).href) return { error: 'refused' };
    try {
      return { value: await run(event, ...args) };
    } catch (error) {
      return { error: error instanceof Error ? error.message : 'That did not work.' };
    }
  });
}

const state = () => ({ app: app.getName(), version: app.getVersion(), folder });

handle('sample:state', state);
handle('sample:choose-folder', async () => {
  const { canceled, filePaths } = await dialog.showOpenDialog({ properties: ['openDirectory'] });
  if (!canceled && filePaths.length > 0) select(filePaths[0]);
  return state();
});
handle('sample:ask', (event, prompt) => assistant.ask(String(prompt), (step) => event.sender.send('sample:step', step)));
handle('sample:decide', (_event, id, paths) => assistant.decide(String(id), Array.isArray(paths) ? paths.map(String) : []));

function openWindow() {
  const window = new BrowserWindow({
    width: 1180,
    height: 780,
    minWidth: 380,
    minHeight: 480,
    title: app.getName(),
    webPreferences: { preload: path.join(__dirname, 'preload.js'), contextIsolation: true, sandbox: true, nodeIntegration: false },
  });
  window.webContents.setWindowOpenHandler(() => ({ action: 'deny' }));
  window.webContents.on('will-navigate', (/** @type {{preventDefault: () => void}} */ event) => event.preventDefault());
  window.loadFile(PAGE);
}

app.on('window-all-closed', () => app.quit());
app.on('will-quit', () => assistant.end());

app.whenReady().then(() => {
  // 3. Gives every page window.telemetry.
  registerPreload(session.defaultSession);
  session.defaultSession.setPermissionRequestHandler((/** @type {unknown} */ _page, /** @type {string} */ _what, /** @type {(ok: boolean) => void} */ done) => done(false));
  Menu.setApplicationMenu(null);
  assistant.start({ machineId: os.hostname(), appVersion: app.getVersion() });
  restoreFolder();
  openWindow();
});
