export type Native = import("./native").Native;
export type SchemaDescription = import("./encoders").SchemaDescription;
export type Report = import("./calls").Report;
export type UploadReport = import("./calls").UploadReport;
export type UploadOptions = import("./calls").UploadOptions;
export type UploadPlan = import("./calls").UploadPlan;
export type ExportReport = import("./calls").ExportReport;
export type PurgeReport = import("./calls").PurgeReport;
export type EmitMeta = {
    /**
     * Ties events together end to end
     */
    correlationId?: string | undefined;
};
/** @template {object} [Events=import('./catalogue').Events] */
export class Client<Events extends object = import("./catalogue").Events> {
    /**
     * Use `open`.
     * @param {Native} native
     * @param {Record<string, unknown>} settings  the host's, checked by readOptions
     * @param {import('./options').SchemaSource} source
     * @param {import('./config').ConfigFile} [config]  followed as long as the client is open
     */
    constructor(native: Native, settings: Record<string, unknown>, source: import("./options").SchemaSource, config?: import("./config").ConfigFile);
    /**
     * Record one event. Never throws, never waits for disk or network.
     * @template {keyof Events & string} Type
     * @param {Type} type  Event type in the schema
     * @param {Events[Type] | null} [payload]  Fields of the schema are read, once each, and nothing else
     * @param {EmitMeta} [meta]
     * @returns {boolean} true: kept, and it survives the death of this process; false: status() counts why
     */
    emit<Type extends keyof Events & string>(type: Type, payload?: Events[Type] | null, meta?: EmitMeta): boolean;
    /**
     * Record one value of a metric.
     * @param {string} name
     * @param {number} value
     * @param {import('./trace').Attributes | null} [labels]
     * @param {import('./trace').MetricOptions | null} [options]
     * @returns {boolean} kept, as emit
     */
    metric(name: string, value: number, labels?: import("./trace").Attributes | null, options?: import("./trace").MetricOptions | null): boolean;
    /**
     * Begin a span; its end() records it. It is not active: emits are not correlated with it.
     * @param {string} name
     * @param {import('./trace').SpanOptions | null} [options]
     * @returns {import('./trace').Span}
     */
    startSpan(name: string, options?: import("./trace").SpanOptions | null): import("./trace").Span;
    /**
     * Call fn within a span that is active for everything it starts and awaits, and that ends itself when
     * fn returns, throws, or its promise settles. What fn throws is thrown unchanged.
     * @template T
     * @param {string} name
     * @param {import('./trace').SpanOptions | null | undefined | ((span: import('./trace').Span) => T)} options
     * @param {(span: import('./trace').Span) => T} [fn]
     * @returns {T}
     */
    withSpan<T>(name: string, options: import("./trace").SpanOptions | null | undefined | ((span: import("./trace").Span) => T), fn?: (span: import("./trace").Span) => T): T;
    /**
     * A metric, a span's start or a span's end as a record, for hosts that pass such records on.
     * @param {import('./trace').TraceRecord} record
     * @returns {boolean | import('./trace').Span}
     */
    recordEvent(record: import("./trace").TraceRecord): boolean | import("./trace").Span;
    /**
     * Record uncaught errors as events `Error`. The process deals with them as it would without.
     * @param {{rethrow?: true}} [options]  says so at the call; there is no other way
     * @returns {() => void} stops it
     */
    captureUncaught(options?: {
        rethrow?: true;
    }): () => void;
    /**
     * Write what was accepted so far into synced spool files: it survives power loss afterwards.
     * @returns {Promise<Report>}
     */
    flush(): Promise<Report>;
    /**
     * Flush, then try to send every batch, up to `maxUploadBytes`. An attempt that fails is no rejection:
     * `error` says why, and what was not sent stays.
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
     * Write what waits as one TelemetryPackage, a JSON file for people to read: docs/package.md. Nothing is
     * taken out of the spool. Replaces the file.
     * @param {string} [file]  default: rc-metrics.json in the current directory
     * @param {{since?: number | Date}} [options]  only events from this moment on
     * @returns {Promise<ExportReport>}
     */
    export(file?: string, options?: {
        since?: number | Date;
    }): Promise<ExportReport>;
    /**
     * Who starts uploads, stored for every process of the directory; it wins over the option `mode`, unless
     * that is 'off'. 'off' silences emit and deletes what is buffered, as setEnabled(false) does.
     * @param {'auto' | 'manual' | 'off'} mode
     * @returns {Promise<Report>}  `mode` is what holds in this process now
     */
    setMode(mode: "auto" | "manual" | "off"): Promise<Report>;
    /**
     * What was sent, when, with which consent: the last lines of the ledger, oldest first. docs/ledger.md
     * @param {{limit?: number}} [options]
     * @returns {Report[]}
     */
    ledger(options?: {
        limit?: number;
    }): Report[];
    /**
     * Delete what is stored locally and not sent.
     * @returns {Promise<PurgeReport>}
     */
    purge(): Promise<PurgeReport>;
    /** Whether events are recorded now; status() says who decided. */
    get enabled(): boolean;
    /**
     * The user's choice is stored and holds for every process of this spool; the host's holds for this
     * process and can only narrow. Turning off silences emit at once, aborts an upload in flight and
     * deletes what is buffered; the promise is for the deletion.
     * @param {boolean} enabled
     * @param {{source?: 'user' | 'host'} | null} [options]
     * @returns {Promise<Report>}
     */
    setEnabled(enabled: boolean, options?: {
        source?: "user" | "host";
    } | null): Promise<Report>;
    /**
     * Whether the text of content fields is recorded, apart from events and encrypted. The user's choice is
     * stored and holds for every process of this spool; the host's holds for this process and can only
     * narrow. Turning off deletes what waits in the vault; the promise is for the deletion.
     * @param {boolean} on
     * @param {'user' | 'host'} [source]
     * @returns {Promise<Report>}
     */
    setFullContent(on: boolean, source?: "user" | "host"): Promise<Report>;
    /**
     * The keys of what is encrypted at rest, in place of those before: the first encrypts, all of them
     * decrypt. They are copied into memory, never written, and wiped by close.
     * @param {import('./vault').Key[]} keys
     */
    setKeys(keys: import("./vault").Key[]): void;
    /**
     * Change options while the client runs. What cannot change then keeps its value and is named.
     * @param {Partial<import('./options').Options>} changes  an option that is null goes back to its default
     * @returns {Promise<{changed: string[], needs_restart: string[]}>}  rejects, and changes nothing, for an option that is wrong
     */
    configure(changes: Partial<import("./options").Options>): Promise<{
        changed: string[];
        needs_restart: string[];
    }>;
    /**
     * The privacy level, as VS Code has it: 'crash' keeps events of the schema's level crash, 'error' those of
     * crash and error, 'all' every event without content, 'off' none. The lower one of user and host is in
     * force. Narrowing deletes what is buffered; the promise is for the deletion.
     * @param {'off' | 'crash' | 'error' | 'all'} level
     * @param {'user' | 'host'} [source]
     * @returns {Promise<Report>}
     */
    setLevel(level: "off" | "crash" | "error" | "all", source?: "user" | "host"): Promise<Report>;
    /**
     * GDPR mode, stored for every process of the directory: nothing is recorded, and every file of the
     * directory is deleted but the one that says so. The promise is for the deletion.
     * @param {boolean} on
     * @returns {Promise<Report>}
     */
    setGdpr(on: boolean): Promise<Report>;
    /**
     * With the option `notice: 'host'`: people have read what telemetry does, and uploads may begin, in every
     * process of the directory.
     * @returns {Promise<Report>}
     */
    acknowledgeNotice(): Promise<Report>;
    /**
     * Who decided about consent, what was emitted, kept, dropped by reason, sent, and what waits.
     * @returns {Report} docs/status.md
     */
    status(): Report;
    /**
     * What was kept and sent since a moment, by hour and event type.
     * @param {number | Date} [since]  Unix milliseconds; default: all there is
     * @returns {Report}
     */
    stats(since?: number | Date): Report;
    /**
     * Exactly what the next upload sends, before compression: one JSON event a line.
     * @returns {string} empty when nothing waits
     */
    preview(): string;
    /**
     * Stop. What was accepted stays on disk; writing it into the spool takes `exitFlushMs` at most.
     * Idempotent; also called when the process exits. Afterwards emit returns false.
     */
    close(): void;
    [Symbol.dispose](): void;
    #private;
}
