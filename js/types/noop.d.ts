export type Report = import("./client").Report;
export type EmitMeta = import("./client").EmitMeta;
export type UploadReport = import("./client").UploadReport;
export type PurgeReport = import("./client").PurgeReport;
export type UploadOptions = import("./client").UploadOptions;
export type UploadPlan = import("./client").UploadPlan;
export type ExportReport = import("./client").ExportReport;
/**
 * Stands in where no native binary fits: the host's code runs unchanged, and status() says why.
 * @template {object} [Events=import('./catalogue').Events]
 */
export class NoopClient<Events extends object = import("./catalogue").Events> {
    /** @param {string} reason */
    constructor(reason: string);
    /**
     * @template {keyof Events & string} Type
     * @param {Type} type
     * @param {Events[Type] | null} [payload]
     * @param {EmitMeta} [meta]
     * @returns {boolean} false
     */
    emit<Type extends keyof Events & string>(type: Type, payload?: Events[Type] | null, meta?: EmitMeta): boolean;
    /**
     * @param {string} name
     * @param {number} value
     * @param {import('./trace').Attributes | null} [labels]
     * @param {import('./trace').MetricOptions | null} [options]
     * @returns {boolean} false
     */
    metric(name: string, value: number, labels?: import("./trace").Attributes | null, options?: import("./trace").MetricOptions | null): boolean;
    /**
     * @param {string} name
     * @param {import('./trace').SpanOptions | null} [options]
     * @returns {import('./trace').Span}
     */
    startSpan(name: string, options?: import("./trace").SpanOptions | null): import("./trace").Span;
    /**
     * @template T
     * @param {string} name
     * @param {import('./trace').SpanOptions | null | undefined | ((span: import('./trace').Span) => T)} options
     * @param {(span: import('./trace').Span) => T} [fn]
     * @returns {T} what fn returns
     */
    withSpan<T>(name: string, options: import("./trace").SpanOptions | null | undefined | ((span: import("./trace").Span) => T), fn?: (span: import("./trace").Span) => T): T;
    /**
     * @param {import('./trace').TraceRecord} record
     * @returns {boolean | import('./trace').Span}
     */
    recordEvent(record: import("./trace").TraceRecord): boolean | import("./trace").Span;
    /**
     * @param {{rethrow?: true}} [options]
     * @returns {() => void}
     */
    captureUncaught(options?: {
        rethrow?: true;
    }): () => void;
    /** @returns {Promise<Report>} */
    flush(): Promise<Report>;
    /**
     * @overload
     * @param {UploadOptions & {dryRun: true}} options
     * @returns {Promise<UploadPlan>}
     */
    upload(options: UploadOptions & {
        dryRun: true;
    }): Promise<UploadPlan>;
    /**
     * @overload
     * @param {UploadOptions} [options]
     * @returns {Promise<UploadReport>}
     */
    upload(options?: import("./calls").UploadOptions | undefined): Promise<UploadReport>;
    /**
     * @param {string} [file]
     * @param {{since?: number | Date}} [options]
     * @returns {Promise<ExportReport>}
     */
    export(file?: string, options?: {
        since?: number | Date;
    }): Promise<ExportReport>;
    /** @param {'auto' | 'manual' | 'off'} mode @returns {Promise<Report>} */
    setMode(mode: "auto" | "manual" | "off"): Promise<Report>;
    /** @param {{limit?: number}} [options] @returns {Report[]} */
    ledger(options?: {
        limit?: number;
    }): Report[];
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
    /**
     * @param {'off' | 'crash' | 'error' | 'all'} level
     * @param {'user' | 'host'} [source]
     * @returns {Promise<Report>}
     */
    setLevel(level: "off" | "crash" | "error" | "all", source?: "user" | "host"): Promise<Report>;
    /** @param {boolean} on @returns {Promise<Report>} */
    setGdpr(on: boolean): Promise<Report>;
    /** @returns {Promise<Report>} */
    acknowledgeNotice(): Promise<Report>;
    /**
     * @param {boolean} on
     * @param {'user' | 'host'} [source]
     * @returns {Promise<Report>}
     */
    setFullContent(on: boolean, source?: "user" | "host"): Promise<Report>;
    /** @param {import('./vault').Key[]} keys */
    setKeys(keys: import("./vault").Key[]): void;
    /**
     * @param {Partial<import('./options').Options>} changes
     * @returns {Promise<{changed: string[], needs_restart: string[]}>}
     */
    configure(changes: Partial<import("./options").Options>): Promise<{
        changed: string[];
        needs_restart: string[];
    }>;
    /** @returns {Report} */
    status(): Report;
    /** @param {number | Date} [since] @returns {Report} */
    stats(since?: number | Date): Report;
    preview(): string;
    close(): void;
    [Symbol.dispose](): void;
    #private;
}
