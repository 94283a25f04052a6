'use strict';

const { TelemetryError } = require('./errors');

/** @typedef {import('./client').Report} Report */
/** @typedef {import('./client').EmitMeta} EmitMeta */
/** @typedef {import('./client').UploadReport} UploadReport */
/** @typedef {import('./client').PurgeReport} PurgeReport */

/** Stands in where no native binary fits: the host's code runs unchanged, and status() says why. */
class NoopClient {
  #reason;
  #dropped = 0;
  #closed = false;

  /** @param {string} reason */
  constructor(reason) {
    this.#reason = reason;
  }

  /**
   * @param {string} type
   * @param {object | null} [payload]
   * @param {EmitMeta} [meta]
   * @returns {boolean} false
   */
  emit(type, payload, meta) {
    if (!this.#closed) this.#dropped++;
    return false;
  }

  /** @returns {Promise<Report>} */
  async flush() {
    return {};
  }

  /** @returns {Promise<UploadReport>} */
  async upload() {
    return { uploaded: 0, events: 0, pending: 0, error: this.#reason };
  }

  /** @returns {Promise<PurgeReport>} */
  async purge() {
    return { purged: 0 };
  }

  get enabled() {
    return false;
  }

  /**
   * @param {boolean} enabled
   * @param {{source?: 'user' | 'host'} | null} [options]
   * @returns {Promise<Report>}
   */
  async setEnabled(enabled, options) {
    throw new TelemetryError(`the choice cannot be stored: ${this.#reason}`, 'ERR_CANDOR_NATIVE');
  }

  /** @returns {Report} */
  status() {
    return {
      enabled: false,
      decided_by: 'native',
      reason: this.#reason,
      emitted: this.#dropped,
      kept: 0,
      dropped: { disabled: this.#dropped },
    };
  }

  /** @param {number | Date} [since] @returns {Report} */
  stats(since) {
    return {};
  }

  preview() {
    return '';
  }

  close() {
    this.#closed = true;
  }

  [Symbol.dispose]() {
    this.close();
  }
}

module.exports = { NoopClient };
