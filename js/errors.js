'use strict';

/** What every failure of this package is: `code` is stable, `message` is a sentence for people. */
class TelemetryError extends Error {
  /**
   * @param {string} message
   * @param {string} code  ERR_CANDOR_...
   * @param {{cause?: unknown}} [options]
   */
  constructor(message, code, options) {
    super(message, options);
    this.name = 'TelemetryError';
    /** @type {string} */
    this.code = code;
  }
}

/**
 * An error from the native side as a TelemetryError; anything else unchanged.
 * @param {unknown} error
 * @returns {unknown}
 */
function translate(error) {
  if (!(error instanceof Error) || error instanceof TelemetryError) return error;
  const native = /** @type {{code?: unknown}} */ (error).code;
  if (typeof native !== 'string' || !native.startsWith('ERR_CANDOR_')) return error;
  return new TelemetryError(error.message, native);
}

/**
 * @template T
 * @param {() => T} call
 * @returns {T}
 */
function translated(call) {
  try {
    return call();
  } catch (error) {
    throw translate(error);
  }
}

module.exports = { TelemetryError, translate, translated };
