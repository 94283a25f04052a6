'use strict';
// The module "electron" as a sandboxed preload finds it, in the preload's own world. Injected.

function createRenderer(/** @type {any} */ root, /** @type {any} */ wire, /** @type {any} */ bridge, /** @type {(text: string) => void} */ binding) {
  const calls = new Map();
  const listeners = new Map();
  let serial = 0;

  const post = (/** @type {string} */ kind, /** @type {string} */ channel, /** @type {any[]} */ args, id = 0) => {
    let cloned;
    try {
      cloned = structuredClone(args);
    } catch {
      throw new Error('An object could not be cloned.');
    }
    binding(JSON.stringify({ kind, id, channel: String(channel), args: wire.encode(cloned) }));
  };

  const on = (/** @type {string} */ channel, /** @type {(...args: any[]) => void} */ listener) => {
    listeners.set(channel, [...listeners.get(channel) ?? [], listener]);
  };

  const ipcRenderer = {
    invoke: async (/** @type {string} */ channel, /** @type {any[]} */ ...args) => {
      const id = ++serial;
      post('invoke', channel, args, id);
      return new Promise((resolve, reject) => { calls.set(id, { resolve, reject, channel }); });
    },
    send: (/** @type {string} */ channel, /** @type {any[]} */ ...args) => post('send', channel, args),
    on,
    removeListener: (/** @type {string} */ channel, /** @type {unknown} */ listener) => {
      listeners.set(channel, (listeners.get(channel) ?? []).filter((/** @type {unknown} */ one) => one !== listener));
    },
  };

  // What the main process calls, by name in this world only.
  Object.defineProperty(root, '__electronHost', {
    value: Object.freeze({
      settle(/** @type {number} */ id, /** @type {boolean} */ ok, /** @type {string} */ text) {
        const waiting = calls.get(id);
        calls.delete(id);
        if (ok) waiting?.resolve(wire.decode(text));
        else waiting?.reject(new Error(`Error invoking remote method '${waiting.channel}': ${wire.decode(text)}`));
      },
      deliver(/** @type {string} */ channel, /** @type {string} */ text) {
        for (const listener of listeners.get(channel) ?? []) listener({ sender: ipcRenderer }, ...wire.decode(text));
      },
    }),
  });

  const electron = { ipcRenderer, contextBridge: { exposeInMainWorld: bridge.expose } };
  return (/** @type {string} */ name) => {
    if (name === 'electron') return electron;
    throw new Error(`module not found: ${name}`); // a sandboxed preload has no other
  };
}

if (typeof module === 'object') module.exports = { createRenderer };
