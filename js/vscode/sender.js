'use strict';
// The TelemetrySender for VS Code's TelemetryLogger. VS Code has already refused what its level does not
// allow and cleaned the data; the schema decides as for every other event.

const { errorFields } = require('../capture');

/** A client of any schema. @typedef {import('../capture').Emitter & {flush: () => Promise<unknown>}} Sending */
/**
 * Makes an event of the schema of what was logged; undefined: it is not recorded.
 * @callback MapEvent
 * @param {string} name  as given to logUsage or logError, without the extension's id
 * @param {Record<string, any>} data
 * @returns {readonly [type: string, payload: object] | undefined}
 */

/** Both shapes that VS Code's loggers take: fields, or properties and measurements. @param {Record<string, any> | undefined} data */
function fieldsOf(data) {
  if (data === undefined || data === null) return {};
  const { properties, measurements } = data;
  const nested = (/** @type {unknown} */ value) => typeof value === 'object' && value !== null;
  return nested(properties) || nested(measurements) ? { ...properties, ...measurements } : data;
}

/**
 * @param {Sending} client
 * @param {string} extensionId  VS Code puts it before every name
 * @param {{map?: MapEvent, errorEvent: string}} options
 * @returns {import('vscode').TelemetrySender}
 */
function createSender(client, extensionId, { map, errorEvent }) {
  const prefix = `${extensionId}/`.toLowerCase();
  return {
    sendEventData(eventName, data) {
      try {
        const name = eventName.toLowerCase().startsWith(prefix) ? eventName.slice(prefix.length) : eventName;
        const fields = fieldsOf(data);
        const made = map === undefined ? /** @type {const} */ ([name, fields]) : map(name, fields);
        if (made !== undefined) client.emit(made[0], made[1]);
      } catch {
        client.emit(eventName, /** @type {any} */ (0)); // the host's map threw: counted as a bad payload, never thrown into VS Code
      }
    },
    sendErrorData(error, data) {
      client.emit(errorEvent, { ...fieldsOf(data), ...errorFields(error) });
    },
    flush() {
      return client.flush().then(() => {}, () => {}); // of a client that is closed meanwhile: what it kept is on disk
    },
  };
}

module.exports = { createSender };
