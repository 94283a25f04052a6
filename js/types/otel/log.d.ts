/**
 * What is read of an SDK's ReadableLogRecord.
 */
export type ReadableLogRecord = {
    spanContext?: {
        traceId: string;
        spanId: string;
    } | undefined;
    /**
     * 1 to 24, four for each severity
     */
    severityNumber?: number | undefined;
    body?: unknown;
    eventName?: string | undefined;
    attributes: Readonly<Record<string, unknown>>;
    resource: import("./shared").Resource;
    instrumentationScope?: import("./shared").Scope | undefined;
};
/** Exports log records as events `log`. A body that is no text is left out. */
export class CandorLogRecordExporter {
    /** @param {{client: import('./shared').TelemetryClient} | import('../index').Options} options */
    constructor(options: {
        client: import("./shared").TelemetryClient;
    } | import("../index").Options);
    get client(): import("./shared").TelemetryClient;
    /** @param {readonly ReadableLogRecord[]} logs @param {import('./shared').ExportCallback} resultCallback */
    export(logs: readonly ReadableLogRecord[], resultCallback: import("./shared").ExportCallback): void;
    forceFlush(): Promise<void>;
    shutdown(): Promise<void>;
    #private;
}
