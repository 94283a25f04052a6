'use strict';
// The test host keeps the rules of Electron that the other tests rely on.
const assert = require('node:assert/strict');
const path = require('node:path');
const test = require('node:test');
const wire = require('./host/wire.js');
const { App, scratch } = require('./app.js');

test('values cross the wire as structured clone passes them', () => {
  const cycle = { name: 'c', self: /** @type {any} */ (null), list: [1, -0, NaN, Infinity, 1n, undefined, null, 'x\u0000\ud800'] };
  cycle.self = cycle;
  const given = { cycle, date: new Date(7), map: new Map([['k', new Set([1])]]), bytes: new Uint8Array([1, 2]), error: new TypeError('m'), shared: [cycle.list, cycle.list] };
  const got = wire.decode(wire.encode(given));
  assert.deepEqual({ ...got, error: 0 }, { ...structuredClone(given), error: 0 });
  assert.deepEqual([got.error.name, got.error.message], ['TypeError', 'm']);
  assert.equal(got.cycle.self, got.cycle);
  assert.equal(got.shared[0], got.shared[1]);
  const proto = wire.decode(wire.encode(JSON.parse('{"__proto__":{"a":1}}')));
  assert.deepEqual([Object.keys(proto), proto.a], [['__proto__'], undefined]);
});

test('pages and preloads are worlds apart: what is exposed is copied, functions are proxied, the rest is not there', async (t) => {
  const { page } = await App.start(t, { dir: scratch(t), from: path.join(__dirname, 'taken-over') });
  const seen = await page.evaluate(async () => {
    const answer = await window.raw('candor:call', 'getSettings');
    return {
      host: Object.getOwnPropertyNames(window).filter((name) => /electron|ipc/i.test(name)),
      frozen: Object.isFrozen(window.telemetry),
      plain: Object.getPrototypeOf(answer) === Object.prototype,
      error: await window.raw('no:channel').catch((/** @type {Error} */ error) => [error instanceof Error, error.message]),
      symbol: (() => {
        try {
          return window.raw('x', Symbol('s'));
        } catch (error) {
          return /** @type {Error} */ (error).message;
        }
      })(),
      callable: await window.raw('candor:emit', 'ToolCall', { f: () => 1 }).catch((/** @type {Error} */ error) => error.message),
    };
  });
  assert.deepEqual(seen, {
    host: [], frozen: true, plain: true, error: [true, "Error invoking remote method 'no:channel': Error: No handler registered for 'no:channel'"],
    symbol: 'An object could not be cloned.', callable: 'An object could not be cloned.',
  });
});
