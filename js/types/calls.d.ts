export type Native = import("./native").Native;
export type Handle = import("./native").Handle;
/**
 * Parsed JSON; members in docs/api.md
 */
export type Report = Record<string, any>;
export type UploadReport = {
    /**
     * batches sent
     */
    uploaded: number;
    /**
     * events in them
     */
    events: number;
    /**
     * events that still wait
     */
    pending: number;
    /**
     * why the last attempt failed
     */
    error: string | null;
};
export type UploadOptions = {
    /**
     * Send nothing, open no socket: say what would be sent
     */
    dryRun?: boolean | undefined;
    /**
     * Unix milliseconds; only batches made since
     */
    since?: number | Date | undefined;
    /**
     * A package that `export` has written: it is checked, then sent instead of what waits
     */
    file?: string | undefined;
};
/**
 * What an upload would send
 */
export type UploadPlan = {
    dry_run: true;
    batches: number;
    events: number;
    /**
     * texts of full content behind them
     */
    attachments: number;
    /**
     * compressed, of both
     */
    bytes: number;
    /**
     * why nothing can be sent now
     */
    error: string | null;
};
export type ExportReport = {
    path: string;
    bytes: number;
    events: number;
    /**
     * of the file
     */
    sha256: string;
};
export type PurgeReport = {
    /**
     * events deleted
     */
    purged: number;
};
/** @param {() => Promise<string>} call @returns {Promise<any>} */
export function ask(call: () => Promise<string>): Promise<any>;
/** @param {() => Promise<string>} call @returns {Promise<any>} */
export function settle(call: () => Promise<string>): Promise<any>;
/** A promise that nobody awaits must not bring the host down. @template T @param {Promise<T>} promise */
export function harmless<T>(promise: Promise<T>): Promise<T>;
/** @param {unknown} source @returns {boolean} the host's, not the user's */
export function isHost(source: unknown): boolean;
/** @param {Native} native @param {Handle} handle @param {UploadOptions | null} [options] */
export function upload(native: Native, handle: Handle, options?: UploadOptions | null): Promise<any>;
/** @param {Native} native @param {Handle} handle @param {string} file @param {{since?: number | Date}} options */
export function exportTo(native: Native, handle: Handle, file: string, options: {
    since?: number | Date;
}): Promise<any>;
/** @param {Native} native @param {Handle} handle @param {boolean} enabled @param {{source?: 'user' | 'host'} | null} [options] */
export function setEnabled(native: Native, handle: Handle, enabled: boolean, options?: {
    source?: "user" | "host";
} | null): Promise<any>;
/** @param {Native} native @param {Handle} handle @param {boolean} on @param {'user' | 'host'} source */
export function setFullContent(native: Native, handle: Handle, on: boolean, source: "user" | "host"): Promise<any>;
/** @param {Native} native @param {Handle} handle @param {boolean} on */
export function setGdpr(native: Native, handle: Handle, on: boolean): Promise<any>;
/** @param {Native} native @param {Handle} handle @param {import('./vault').Key[]} keys */
export function setKeys(native: Native, handle: Handle, keys: import("./vault").Key[]): void;
/** @param {Native} native @param {Handle} handle @param {{limit?: number}} options @returns {Report[]} */
export function ledger(native: Native, handle: Handle, options: {
    limit?: number;
}): Report[];
/** @param {Native} native @param {Handle} handle @param {number | Date} since @returns {Report} */
export function stats(native: Native, handle: Handle, since: number | Date): Report;
