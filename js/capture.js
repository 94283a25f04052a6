'use strict';
// Uncaught errors as events, for hosts that ask for it. Node's monitor sees an error before the process
// deals with it and changes nothing about that: nothing is swallowed, the exit code stays. It sees
// unhandled rejections too, unless the host handles those itself or has told Node to warn only.

/** A client of any schema. @typedef {{emit: (type: any, payload?: any, meta?: any) => boolean}} Emitter */

/**
 * An error as fields of the event `Error`. Anything can be thrown, with any getters.
 * @param {unknown} error
 * @returns {{errorType: string, message: string | undefined, stackTrace: string | undefined}}
 */
function errorFields(error) {
  try {
    if (typeof error !== 'object' || error === null) {
      return { errorType: typeof error, message: typeof error === 'string' ? error : undefined, stackTrace: undefined };
    }
    const { name, message, stack } = /** @type {any} */ (error);
    return {
      errorType: typeof name === 'string' && name !== '' ? name : 'Error',
      message: typeof message === 'string' ? message : undefined,
      stackTrace: typeof stack === 'string' ? stack : undefined,
    };
  } catch {
    return { errorType: 'Error', message: undefined, stackTrace: undefined };
  }
}

/** One listener for all clients. @type {Set<Emitter>} */
const clients = new Set();

/** @param {unknown} error @param {string} origin */
function onUncaught(error, origin) {
  const fields = errorFields(error);
  for (const client of clients) client.emit('Error', { ...fields, context: origin });
}

/** @param {Emitter} client @returns {() => void} stops it */
function captureUncaught(client) {
  if (clients.size === 0) process.on('uncaughtExceptionMonitor', onUncaught);
  clients.add(client);
  return () => release(client);
}

/** @param {Emitter} client */
function release(client) {
  if (clients.delete(client) && clients.size === 0) process.removeListener('uncaughtExceptionMonitor', onUncaught);
}

module.exports = { captureUncaught, release, errorFields };
