'use strict';
// The module "electron" of a main process, as far as telemetry and the sample use it, over Debian's
// Chromium. It keeps Electron's rules where they matter here: pages isolated from preloads, structured
// clone between processes, the identity of a sender as the browser knows it, the order of quitting,
// safeStorage not before the app is ready. Members that nobody uses are not there.
const { fork } = require('node:child_process');
const crypto = require('node:crypto');
const { EventEmitter } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Browser } = require('./cdp.js');
const { IpcMain } = require('./ipc.js');
const { makeBrowserWindow } = require('./window.js');

class QuitEvent {
  defaultPrevented = false;
  preventDefault() {
    this.defaultPrevented = true;
  }
}

/** @param {{appDir: string, userData: string, port: string}} options */
function createElectron({ appDir, userData, port }) {
  const manifest = JSON.parse(fs.readFileSync(path.join(appDir, 'package.json'), 'utf8'));
  const profile = path.join(userData, 'chromium');
  fs.mkdirSync(profile, { recursive: true });
  let ready = false;
  let quitting = false;
  /** @type {string[]} */
  const sessionPreloads = [];
  const ipcMain = new IpcMain();
  const browser = new Browser({ profile, port });

  class App extends EventEmitter {
    isPackaged = false;
    #paths = new Map([['userData', userData], ['home', os.homedir()], ['temp', os.tmpdir()]]);
    #ready = browser.send('Target.setDiscoverTargets', { discover: true }).then(() => {
      ready = true;
      this.emit('ready');
    });

    whenReady() {
      return this.#ready;
    }

    isReady() {
      return ready;
    }

    /** @param {string} name */
    getPath(name) {
      const found = this.#paths.get(name);
      if (found === undefined) throw new Error(`Failed to get '${name}' path`);
      return found;
    }

    getVersion() {
      return manifest.version;
    }

    getName() {
      return manifest.productName ?? manifest.name;
    }

    getAppPath() {
      return appDir;
    }

    requestSingleInstanceLock() {
      return true;
    }

    quit() {
      if (quitting) return;
      const before = new QuitEvent();
      this.emit('before-quit', before);
      if (before.defaultPrevented) return;
      quitting = true;
      for (const window of BrowserWindow.getAllWindows()) window.close();
      this.leave();
    }

    /** Once the last window is closed. */
    leave() {
      if (!quitting || BrowserWindow.getAllWindows().length > 0) return;
      const will = new QuitEvent();
      this.emit('will-quit', will);
      if (will.defaultPrevented) {
        quitting = false;
        return;
      }
      this.exit(0);
    }

    /** @param {number} [code] */
    exit(code = 0) {
      this.emit('quit', {}, code);
      process.exit(code);
    }
  }

  const app = new App();
  const BrowserWindow = makeBrowserWindow({ browser: () => browser, ipcMain, sessionPreloads: () => sessionPreloads, ready: () => ready, app });
  app.on('host-window-closed', () => {
    if (quitting) app.leave();
    else if (BrowserWindow.getAllWindows().length === 0) {
      if (app.listenerCount('window-all-closed') > 0) app.emit('window-all-closed');
      else app.quit();
    }
  });
  app.on('host-error', (error) => {
    process.stderr.write(`test host: ${error.stack}\n`);
    app.exit(70);
  });
  browser.once('exit', () => app.exit(71)); // crashed or killed
  process.once('exit', () => {
    browser.removeAllListeners('exit');
    browser.kill();
  });
  process.once('SIGTERM', () => app.quit());

  const defaultSession = {
    registerPreloadScript: (/** @type {{type: string, filePath: string}} */ script) => {
      if (script.type !== 'frame' || !path.isAbsolute(script.filePath)) throw new Error('registerPreloadScript: type "frame" and an absolute path');
      sessionPreloads.push(script.filePath);
    },
    setPermissionRequestHandler() {},
  };

  return {
    app, BrowserWindow, ipcMain, safeStorage: makeSafeStorage(userData, () => ready),
    session: {
      get defaultSession() {
        if (!ready) throw new Error('Session can only be received when app is ready');
        return defaultSession;
      },
    },
    dialog: { showOpenDialog: async () => ({ canceled: true, filePaths: [] }) },
    Menu: { setApplicationMenu() {} },
    utilityProcess: { fork: forkUtility },
  };
}

/** @param {string} userData @param {() => boolean} ready */
function makeSafeStorage(userData, ready) {
  const file = path.join(userData, 'host-keychain');
  const key = () => {
    if (!ready()) throw new Error('safeStorage cannot be used before app is ready');
    if (!fs.existsSync(file)) fs.writeFileSync(file, crypto.randomBytes(32), { mode: 0o600 });
    return fs.readFileSync(file);
  };
  return {
    isEncryptionAvailable: ready,
    getSelectedStorageBackend: () => 'gnome_libsecret',
    encryptString(/** @type {string} */ text) {
      const iv = crypto.randomBytes(12);
      const cipher = crypto.createCipheriv('aes-256-gcm', key(), iv);
      return Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    },
    decryptString(/** @type {Buffer} */ sealed) {
      const decipher = crypto.createDecipheriv('aes-256-gcm', key(), sealed.subarray(0, 12));
      decipher.setAuthTag(sealed.subarray(-16));
      return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]).toString('utf8');
    },
  };
}

/** @param {string} modulePath @param {string[]} [args] */
function forkUtility(modulePath, args = []) {
  const child = fork(modulePath, args, { execArgv: ['--require', path.join(__dirname, 'utility.js')], serialization: 'advanced' });
  return Object.assign(child, { postMessage: (/** @type {any} */ message) => child.send(message) });
}

module.exports = { createElectron };
