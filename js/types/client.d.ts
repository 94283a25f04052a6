export type Native = import("./native").Native;
export type SchemaDescription = import("./encoders").SchemaDescription;
export type EmitMeta = {
    /**
     * Ties events together end to end
     */
    correlationId?: string | undefined;
};
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
export type PurgeReport = {
    /**
     * events deleted
     */
    purged: number;
};
export class Client {
    /**
     * Use `open`.
     * @param {Native} native
     * @param {string} settingsJson
     * @param {string} schemaText
     * @param {SchemaDescription} schema
     * @param {number} exitFlushMs
     */
    constructor(native: Native, settingsJson: string, schemaText: string, schema: SchemaDescription, exitFlushMs: number);
    /**
     * Record one event. Never throws, never waits for disk or network.
     * @param {string} type  Event type in the schema
     * @param {object | null} [payload]  Fields of the schema are read, once each, and nothing else
     * @param {EmitMeta} [meta]
     * @returns {boolean} true: kept, and it survives the death of this process; false: status() counts why
     */
    emit(type: string, payload?: object | null, meta?: EmitMeta): boolean;
    /**
     * Write what was accepted so far into synced spool files: it survives power loss afterwards.
     * @returns {Promise<Report>}
     */
    flush(): Promise<Report>;
    /**
     * Flush, then try to send every batch that is due. An attempt that fails is no rejection: `error` says
     * why, and what was not sent stays.
     * @returns {Promise<UploadReport>}
     */
    upload(): Promise<UploadReport>;
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
