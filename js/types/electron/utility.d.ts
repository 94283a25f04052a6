/**
 * process.parentPort of a utility process, or anything that posts messages
 */
export type Port = {
    postMessage: (message: unknown) => void;
};
/**
 * @param {Port} [port]  default: the way to the parent process
 * @returns {{emit: (type: string, payload?: object | null, meta?: {correlationId?: string}) => boolean}}
 *   emit: true when it was sent; the main process counts what it refuses. Never throws.
 */
export function createEmitter(port?: Port): {
    emit: (type: string, payload?: object | null, meta?: {
        correlationId?: string;
    }) => boolean;
};
