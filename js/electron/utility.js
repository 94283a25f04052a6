'use strict';
// For utility processes and forked children: events go as messages to the main process, which has the
// client (registerTelemetry().wrapUtilityProcess). A process that emits much opens a client of its own.

/**
 * @typedef {object} Port  process.parentPort of a utility process, or anything that posts messages
 * @property {(message: unknown) => void} postMessage
 */

/** @returns {Port | undefined} */
function portOfProcess() {
  const here = /** @type {NodeJS.Process & {parentPort?: Port}} */ (process);
  if (here.parentPort) return here.parentPort;
  const send = process.send?.bind(process); // child_process.fork
  return send === undefined ? undefined : { postMessage: (message) => { send(message); } };
}

/**
 * @param {Port} [port]  default: the way to the parent process
 * @returns {{emit: (type: string, payload?: object | null, meta?: {correlationId?: string}) => boolean}}
 *   emit: true when it was sent; the main process counts what it refuses. Never throws.
 */
function createEmitter(port = portOfProcess()) {
  return {
    emit(type, payload, meta) {
      try {
        if (port === undefined) return false;
        port.postMessage({ candor: 'emit', type, payload, meta });
        return true;
      } catch {
        return false; // what cannot be cloned, or the parent is gone
      }
    },
  };
}

module.exports = { createEmitter };
