export type Report = import("./client").Report;
export type EmitMeta = import("./client").EmitMeta;
export type UploadReport = import("./client").UploadReport;
export type PurgeReport = import("./client").PurgeReport;
/** @typedef {import('./client').Report} Report */
/** @typedef {import('./client').EmitMeta} EmitMeta */
/** @typedef {import('./client').UploadReport} UploadReport */
/** @typedef {import('./client').PurgeReport} PurgeReport */
/** Stands in where no native binary fits: the host's code runs unchanged, and status() says why. */
export class NoopClient {
    /** @param {string} reason */
    constructor(reason: string);
    /**
     * @param {string} type
     * @param {object | null} [payload]
     * @param {EmitMeta} [meta]
     * @returns {boolean} false
     */
    emit(type: string, payload?: object | null, meta?: EmitMeta): boolean;
    /** @returns {Promise<Report>} */
    flush(): Promise<Report>;
    /** @returns {Promise<UploadReport>} */
    upload(): Promise<UploadReport>;
    /** @returns {Promise<PurgeReport>} */
    purge(): Promise<PurgeReport>;
    get enabled(): boolean;
    /**
     * @param {boolean} enabled
     * @param {{source?: 'user' | 'host'} | null} [options]
     * @returns {Promise<Report>}
     */
    setEnabled(enabled: boolean, options?: {
        source?: "user" | "host";
    } | null): Promise<Report>;
    /** @returns {Report} */
    status(): Report;
    /** @param {number | Date} [since] @returns {Report} */
    stats(since?: number | Date): Report;
    preview(): string;
    close(): void;
    [Symbol.dispose](): void;
    #private;
}
