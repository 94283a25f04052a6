/**
 * A client's handle is its emit function: native code finds the client behind it.
 */
export type Handle = () => void;
/**
 * A client's handle is its emit function: native code finds the client behind it.
 */
export type Native = {
    open: (optionsJson: string, schemaJson: string) => {
        emit: Handle;
        area: ArrayBuffer;
    };
    describeSchema: (schemaJson: string, origin: string) => string;
    flush: (handle: Handle) => Promise<string>;
    upload: (handle: Handle) => Promise<string>;
    purge: (handle: Handle) => Promise<string>;
    setEnabled: (handle: Handle, enabled: boolean, fromHost: boolean) => Promise<string>;
    enabled: (handle: Handle) => boolean;
    status: (handle: Handle) => string;
    preview: (handle: Handle) => string;
    stats: (handle: Handle, sinceUnixMs: number) => string;
    settings: () => string;
    dataDirectory: (app: string) => string;
    emitJson: (handle: Handle, type: string, payloadJson: string, correlationId: string) => number;
    close: (handle: Handle, timeoutMs: number) => void;
    /**
     * names of what area[0] says after emit
     */
    results: readonly string[];
};
/** @returns {{native: Native | null, reason: string}} reason: why there is none */
export function load(): {
    native: Native | null;
    reason: string;
};
