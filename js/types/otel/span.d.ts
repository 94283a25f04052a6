export type HrTime = import("./shared").HrTime;
/**
 * What is read of an SDK's ReadableSpan; 1.x names the parent by id, 2.x by context.
 */
export type ReadableSpan = {
    name: string;
    kind: number;
    spanContext: () => {
        traceId: string;
        spanId: string;
    };
    parentSpanContext?: {
        spanId: string;
    } | undefined;
    parentSpanId?: string | undefined;
    startTime: HrTime;
    endTime: HrTime;
    duration: HrTime;
    status: {
        code: number;
    };
    attributes: Readonly<Record<string, unknown>>;
    events: readonly {
        name: string;
        attributes?: Readonly<Record<string, unknown>>;
    }[];
    resource: import("./shared").Resource;
    instrumentationScope?: import("./shared").Scope | undefined;
};
/**
 * What is read of an SDK's ReadableSpan; 1.x names the parent by id, 2.x by context.
 * @typedef {object} ReadableSpan
 * @property {string} name
 * @property {number} kind
 * @property {() => {traceId: string, spanId: string}} spanContext
 * @property {{spanId: string}} [parentSpanContext]
 * @property {string} [parentSpanId]
 * @property {HrTime} startTime
 * @property {HrTime} endTime
 * @property {HrTime} duration
 * @property {{code: number}} status
 * @property {Readonly<Record<string, unknown>>} attributes
 * @property {readonly {name: string, attributes?: Readonly<Record<string, unknown>>}[]} events
 * @property {import('./shared').Resource} resource
 * @property {import('./shared').Scope} [instrumentationScope]
 */
/** Exports spans as events `span`: durable when export calls back. Links and events other than exceptions are left out. */
export class CandorSpanExporter {
    /** @param {{client: import('./shared').TelemetryClient} | import('../index').Options} options */
    constructor(options: {
        client: import("./shared").TelemetryClient;
    } | import("../index").Options);
    get client(): import("./shared").TelemetryClient;
    /** @param {readonly ReadableSpan[]} spans @param {import('./shared').ExportCallback} resultCallback */
    export(spans: readonly ReadableSpan[], resultCallback: import("./shared").ExportCallback): void;
    forceFlush(): Promise<void>;
    shutdown(): Promise<void>;
    #private;
}
