'use strict';
const { createEmitter } = require('candor/electron/utility');

const { emit } = createEmitter();
emit('ToolCall', { toolName: 'utility', durationMs: 1, success: true }, { correlationId: 'u-1' });
emit('ToolCall', { toolName: 'x'.repeat(3_000_000) });
const port = /** @type {any} */ (process).parentPort;
port.postMessage({ candor: 'emit', type: 'ToolCall', payload: JSON.parse('{"__proto__":{"polluted":true}}') });
port.postMessage({ candor: 'purge' });
port.postMessage('the app\'s own');
port.on('message', () => process.exit(0));
