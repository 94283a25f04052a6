/**
 * A client's handle is its emit function: native code finds the client behind it.
 */
export type Handle = () => void;
/**
 * A client's handle is its emit function: native code finds the client behind it.
 */
export type Native = {
    /**
     *  origin names the schema's source in error sentences; schema: JSON, as of describeSchema
     */
    open: (optionsJson: string, schemaJson: string, origin: string) => {
        emit: Handle;
        area: ArrayBuffer;
        schema: string;
    };
    describeSchema: (schemaJson: string, origin: string) => string;
    flush: (handle: Handle) => Promise<string>;
    upload: (handle: Handle) => Promise<string>;
    purge: (handle: Handle) => Promise<string>;
    configure: (handle: Handle, optionsJson: string) => Promise<string>;
    setEnabled: (handle: Handle, enabled: boolean, fromHost: boolean) => Promise<string>;
    setLevel: (handle: Handle, level: string, fromHost: boolean) => Promise<string>;
    setGdpr: (handle: Handle, on: boolean) => Promise<string>;
    acknowledgeNotice: (handle: Handle) => Promise<string>;
    uploadWith: (handle: Handle, dryRun: boolean, sinceUnixMs: number, file: string) => Promise<string>;
    export: (handle: Handle, path: string, sinceUnixMs: number) => Promise<string>;
    setMode: (handle: Handle, mode: string) => Promise<string>;
    ledger: (handle: Handle, limit: number) => string;
    verifyLedger: (directory: string) => string;
    enabled: (handle: Handle) => boolean;
    setFullContent: (handle: Handle, on: boolean, fromHost: boolean) => Promise<string>;
    fullContent: (handle: Handle) => boolean;
    /**
     * keys: 32 bytes each
     */
    setKeys: (handle: Handle, ids: string[], keys: Uint8Array) => void;
    status: (handle: Handle) => string;
    preview: (handle: Handle) => string;
    stats: (handle: Handle, sinceUnixMs: number) => string;
    settings: () => string;
    dataDirectory: (app: string) => string;
    redactText: (text: string) => string;
    inspect: (directory: string) => string;
    probe: (optionsJson: string, schemaHash: string) => Promise<string>;
    emitJson: (handle: Handle, type: string, payloadJson: string, correlationId: string) => number;
    close: (handle: Handle) => void;
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
