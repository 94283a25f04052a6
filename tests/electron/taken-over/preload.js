'use strict';
// What no app should do.
const { contextBridge, ipcRenderer } = require('electron');

contextBridge.exposeInMainWorld('raw', (/** @type {string} */ channel, /** @type {unknown[]} */ ...args) => ipcRenderer.invoke(channel, ...args));
contextBridge.exposeInMainWorld('rawWith', (/** @type {string} */ channel, /** @type {string} */ kind) => {
  const values = {
    proto: () => ['ToolCall', JSON.parse('{"toolName":"t","__proto__":{"polluted":true}}')],
    map: () => ['ToolCall', { toolName: new Map([['a', 1]]) }],
    buffer: () => ['ToolCall', { toolName: new Uint8Array(8) }],
    cycle: () => {
      const cycle = { toolName: 't', self: {} };
      cycle.self = cycle;
      return ['ToolCall', cycle];
    },
    deep: () => ['ToolCall', JSON.parse('{"a":'.repeat(50) + '1' + '}'.repeat(50))],
    large: () => ['ToolCall', { toolName: 'x'.repeat(3_000_000) }],
    many: () => ['ToolCall', { toolName: 't', list: Array(5000).fill(1) }],
    wide: () => ['ToolCall', Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`k${i}`, i]))],
  };
  return ipcRenderer.invoke(channel, .../** @type {any} */ (values)[kind]());
});
try {
  require('node:fs');
} catch (error) {
  contextBridge.exposeInMainWorld('requireSaid', String(error));
}
