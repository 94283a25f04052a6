/** What every failure of this package is: `code` is stable, `message` is a sentence for people. */
export class TelemetryError extends Error {
    /**
     * @param {string} message
     * @param {string} code  ERR_CANDOR_...
     * @param {{cause?: unknown}} [options]
     */
    constructor(message: string, code: string, options?: {
        cause?: unknown;
    });
    /** @type {string} */
    code: string;
}
/**
 * An error from the native side as a TelemetryError; anything else unchanged.
 * @param {unknown} error
 * @returns {unknown}
 */
export function translate(error: unknown): unknown;
/**
 * @template T
 * @param {() => T} call
 * @returns {T}
 */
export function translated<T>(call: () => T): T;
