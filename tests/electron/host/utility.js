'use strict';
// process.parentPort of a utility process, over the channel of child_process.fork.
const { EventEmitter } = require('node:events');

const parentPort = Object.assign(new EventEmitter(), { postMessage: (/** @type {any} */ message) => process.send?.(message) });
process.on('message', (data) => parentPort.emit('message', { data, ports: [] }));
Object.defineProperty(process, 'parentPort', { value: parentPort });
