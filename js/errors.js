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
 * @param {string} [code]  code to use instead of ERR_CANDOR_INVALID_OPTION
 * @returns {unknown}
 */
function translate(error, code) {
  if (!(error instanceof Error) || error instanceof TelemetryError) return error;
  const native = /** @type {{code?: unknown}} */ (error).code;
  if (typeof native !== 'string' || !native.startsWith('ERR_CANDOR_')) return error;
  const chosen = code !== undefined && native === 'ERR_CANDOR_INVALID_OPTION' ? code : native;
  return new TelemetryError(error.message, chosen);
}

/**
 * @template T
 * @param {() => T} call
 * @param {string} [code]
 * @returns {T}
 */
function translated(call, code) {
  try {
    return call();
  } catch (error) {
    throw translate(error, code);
  }
}

module.exports = { TelemetryError, translate, translated };
