/**
 * A client of any schema.
 */
export type Emitter = {
    emit: (type: any, payload?: any, meta?: any) => boolean;
};
/** @param {Emitter} client @returns {() => void} stops it */
export function captureUncaught(client: Emitter): () => void;
/** @param {Emitter} client */
export function release(client: Emitter): void;
/** A client of any schema. @typedef {{emit: (type: any, payload?: any, meta?: any) => boolean}} Emitter */
/**
 * An error as fields of the event `Error`. Anything can be thrown, with any getters.
 * @param {unknown} error
 * @returns {{errorType: string, message: string | undefined, stackTrace: string | undefined}}
 */
export function errorFields(error: unknown): {
    errorType: string;
    message: string | undefined;
    stackTrace: string | undefined;
};
