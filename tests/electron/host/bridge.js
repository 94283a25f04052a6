'use strict';
// contextBridge between two worlds of one document. The worlds share nothing but the DOM; a CustomEvent's
// detail is cloned by Chromium on its way from one to the other, and dispatching is synchronous, as calls
// over Electron's bridge are. Injected into both worlds.

function createBridge(/** @type {any} */ root, /** @type {string} */ mine, /** @type {string} */ theirs) {
  const { document, CustomEvent } = root;
  const dispatch = document.dispatchEvent.bind(document);
  const held = new Map();
  const promises = new Map();
  let serial = 0;
  /** @type {any} */
  let answer;

  const post = (/** @type {any} */ message) => dispatch(new CustomEvent(theirs, { detail: message }));

  /** What the other world gets of a value. @returns {any} */
  function pack(/** @type {any} */ value, seen = new Set()) {
    if (typeof value === 'symbol') throw new TypeError('An object could not be cloned.');
    if (typeof value === 'function') {
      held.set(++serial, value);
      return { is: 'function', id: serial };
    }
    if (typeof value !== 'object' || value === null) return { is: 'raw', value };
    if (value instanceof Promise) {
      const id = ++serial;
      value.then((result) => settle(id, true, result), (error) => settle(id, false, error));
      return { is: 'promise', id };
    }
    if (value instanceof Error) return { is: 'error', message: value.message };
    if (seen.has(value)) throw new TypeError('An object could not be cloned.');
    if (Array.isArray(value)) return { is: 'array', items: value.map((inner) => pack(inner, new Set(seen).add(value))) };
    const prototype = Object.getPrototypeOf(value);
    if (prototype !== null && prototype !== Object.prototype) return { is: 'raw', value: structuredClone(value) };
    return { is: 'object', entries: Object.entries(value).map(([key, inner]) => [key, pack(inner, new Set(seen).add(value))]) };
  }

  function settle(/** @type {number} */ id, /** @type {boolean} */ ok, /** @type {any} */ value) {
    let packed;
    try {
      packed = pack(value);
    } catch (error) {
      ok = false;
      packed = pack(error);
    }
    post({ op: 'settle', id, ok, value: packed });
  }

  /** @returns {any} */
  function unpack(/** @type {any} */ packed) {
    if (packed.is === 'raw') return packed.value;
    if (packed.is === 'error') return new Error(packed.message);
    if (packed.is === 'array') return packed.items.map(unpack);
    if (packed.is === 'promise') return new Promise((resolve, reject) => { promises.set(packed.id, { resolve, reject }); });
    if (packed.is === 'function') return (/** @type {any[]} */ ...args) => call(packed.id, args);
    const object = {};
    for (const [key, inner] of packed.entries) Object.defineProperty(object, key, { value: unpack(inner), writable: true, enumerable: true, configurable: true });
    return object;
  }

  function call(/** @type {number} */ id, /** @type {any[]} */ args) {
    post({ op: 'call', id, args: args.map((value) => pack(value)) });
    const got = answer;
    answer = undefined;
    if (!got.ok) throw unpack(got.value);
    return unpack(got.value);
  }

  document.addEventListener(mine, (/** @type {any} */ event) => {
    const message = event.detail;
    if (message.op === 'answer') answer = message;
    else if (message.op === 'settle') {
      const { resolve, reject } = promises.get(message.id);
      promises.delete(message.id);
      (message.ok ? resolve : reject)(unpack(message.value));
    } else if (message.op === 'call') {
      let reply;
      try {
        reply = { op: 'answer', ok: true, value: pack(held.get(message.id)(...message.args.map(unpack))) };
      } catch (error) {
        reply = { op: 'answer', ok: false, value: pack(error instanceof Error ? error : new Error(String(error))) };
      }
      post(reply);
    } else if (message.op === 'expose') {
      const api = unpack(message.api);
      Object.defineProperty(root, message.name, { value: Object.freeze(api), enumerable: true, writable: false, configurable: false });
    }
  });

  return { expose: (/** @type {string} */ name, /** @type {any} */ api) => post({ op: 'expose', name, api: pack(api) }) };
}

if (typeof module === 'object') module.exports = { createBridge };
