/**
 * Electron's part of it, as far as it is used here.
 */
export type Bridge = {
    contextBridge: {
        exposeInMainWorld: (name: string, api: object) => void;
    };
    ipcRenderer: {
        invoke: (channel: string, ...args: unknown[]) => Promise<any>;
        on: (channel: string, listener: (event: unknown, value: any) => void) => void;
    };
};
/**
 * What candor/electron/main answers: a rejected invoke would bury the sentence in Electron's own.
 */
export type Answer = {
    ok: true;
    value: any;
} | {
    ok: false;
    error: string;
};
/**
 * What candor/electron/main answers: a rejected invoke would bury the sentence in Electron's own.
 */
export type TelemetrySettings = import("./settings").TelemetrySettings;
/**
 * What candor/electron/main answers: a rejected invoke would bury the sentence in Electron's own.
 */
export type Report = import("../client").Report;
/**
 * What a page finds as `window.telemetry`. No promise of emit rejects; those of the others do, with a
 * sentence, when the main process refuses the call.
 */
export type RendererTelemetry = {
    /**
     * true: kept
     */
    emit: (type: string, payload?: object | null, meta?: {
        correlationId?: string;
    }) => Promise<boolean>;
    /**
     * docs/status.md, and `ipc`: what the main process has refused
     */
    status: () => Promise<Report>;
    getSettings: () => Promise<TelemetrySettings>;
    setEnabled: (enabled: boolean) => Promise<TelemetrySettings>;
    setLevel: (level: "off" | "crash" | "error" | "all") => Promise<TelemetrySettings>;
    setFullContent: (on: boolean) => Promise<TelemetrySettings>;
    setMode: (mode: "auto" | "manual" | "off") => Promise<TelemetrySettings>;
    configure: (changes: {
        endpoint?: string | null;
        userId?: string | null;
    }) => Promise<TelemetrySettings>;
    acknowledgeNotice: () => Promise<TelemetrySettings>;
    /**
     * exactly the bytes of the next upload, before compression
     */
    preview: () => Promise<string>;
    ledger: (options?: {
        limit?: number;
    }) => Promise<Report[]>;
    upload: () => Promise<import("../client").UploadReport>;
    purge: () => Promise<import("../client").PurgeReport>;
    /**
     * gives what ends it
     */
    onChange: (listener: (settings: TelemetrySettings) => void) => () => void;
};
