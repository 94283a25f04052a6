export type Options = import("../index").Options;
/**
 * A client of any schema that has the events.
 */
export type TelemetryClient = import("../index").TelemetryClient<any>;
/**
 * As in
 */
export type ExportResult = {
    code: number;
    error?: Error;
};
export type ExportCallback = (result: ExportResult) => void;
/**
 * Seconds since 1970 and nanoseconds
 */
export type HrTime = [number, number];
/**
 * An export on its way into the journal.
 */
export type Job = {
    records: unknown[];
    emit: (record: any) => boolean;
    done: ExportCallback;
    /**
     * the next record
     */
    at: number;
    dropped: number;
    /**
     * the last one was
     */
    why: string;
};
export type Resource = {
    attributes?: Readonly<Record<string, unknown>>;
};
export type Scope = {
    name?: string;
    version?: string;
};
/**
 * One exporter's client: given, or opened from options and then closed at shutdown.
 */
export class Exporter {
    /** @param {{client: TelemetryClient} | Options} options  An open client, or the options of `open` */
    constructor(options: {
        client: TelemetryClient;
    } | Options);
    /** The client that records what is exported. */
    get client(): TelemetryClient;
    /**
     * The attributes of a resource that the schema knows; the schema may not know many.
     * @param {Resource | undefined} resource @param {Scope | undefined} scope
     * @param {Readonly<Record<string, unknown>> | undefined} own  they win
     * @returns {Record<string, unknown>}
     */
    attributesOf(resource: Resource | undefined, scope: Scope | undefined, own: Readonly<Record<string, unknown>> | undefined): Record<string, unknown>;
    /**
     * Emit every record, at once. Where the journal is full for the moment, wait for the worker to write it
     * out and go on from there; the SDK is told of a failure only when that does not help. The client
     * counts each refusal.
     * @template T
     * @param {Iterable<T>} records @param {(record: T) => boolean} emit @param {ExportCallback} done
     */
    send<T>(records: Iterable<T>, emit: (record: T) => boolean, done: ExportCallback): void;
    /** What was exported survives power loss afterwards. */
    forceFlush(): Promise<void>;
    shutdown(): Promise<void>;
    #private;
}
/** @typedef {import('../index').Options} Options */
/** A client of any schema that has the events. @typedef {import('../index').TelemetryClient<any>} TelemetryClient */
/** @typedef {{code: number, error?: Error}} ExportResult  As in @opentelemetry/core */
/** @typedef {(result: ExportResult) => void} ExportCallback */
/** @typedef {[number, number]} HrTime  Seconds since 1970 and nanoseconds */
/**
 * An export on its way into the journal.
 * @typedef {object} Job
 * @property {unknown[]} records
 * @property {(record: any) => boolean} emit
 * @property {ExportCallback} done
 * @property {number} at  the next record
 * @property {number} dropped
 * @property {string} why  the last one was
 */
/** @typedef {{attributes?: Readonly<Record<string, unknown>>}} Resource */
/** @typedef {{name?: string, version?: string}} Scope */
/** @param {HrTime | undefined} time @returns {string | undefined} nanoseconds, as digits */
export function nanosText(time: HrTime | undefined): string | undefined;
