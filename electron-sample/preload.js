'use strict';
// The sample's own bridge. window.telemetry comes from candor/electron/preload, registered beside it.

const { contextBridge, ipcRenderer } = require('electron');

contextBridge.exposeInMainWorld('assistant', {
  state: () => ipcRenderer.invoke('sample:state'),
  chooseFolder: () => ipcRenderer.invoke('sample:choose-folder'),
  ask: (/** @type {string} */ prompt) => ipcRenderer.invoke('sample:ask', prompt),
  decide: (/** @type {string} */ id, /** @type {string[]} */ paths) => ipcRenderer.invoke('sample:decide', id, paths),
  onStep: (/** @type {(step: unknown) => void} */ listener) => {
    ipcRenderer.on('sample:step', (/** @type {unknown} */ _event, /** @type {unknown} */ step) => listener(step));
  },
});
