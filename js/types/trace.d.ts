export type MetricRecord = {
    metric: string | (MetricOptions & {
        name: string;
        value: number;
        labels?: Attributes;
    });
    value?: number | undefined;
    labels?: Readonly<Record<string, AttributeValue>> | undefined;
    unit?: string | undefined;
    type?: MetricOptions["type"];
};
export type SpanStart = {
    name: string;
    traceId?: string | undefined;
    spanId?: string | undefined;
    parentId?: string | undefined;
    kind?: SpanKind | undefined;
    startNs?: string | number | bigint | undefined;
    attrs?: Readonly<Record<string, AttributeValue>> | undefined;
};
export type SpanEnd = {
    spanId: string;
    endNs?: string | number | bigint | undefined;
    status?: SpanStatus | undefined;
    attrs?: Readonly<Record<string, AttributeValue>> | undefined;
};
export type TraceRecord = MetricRecord | {
    spanStart: SpanStart;
} | {
    spanEnd: SpanEnd;
};
export type SpanContext = import("./context").SpanContext;
/**
 * A client of any schema.
 */
export type Emitter = {
    emit: (type: any, payload?: any, meta?: any) => boolean;
};
export type AttributeValue = string | number | boolean | bigint | null | undefined;
/**
 * Those of the schema are kept
 */
export type Attributes = Readonly<Record<string, AttributeValue>>;
export type SpanKind = "internal" | "server" | "client" | "producer" | "consumer";
export type SpanStatus = "unset" | "ok" | "error";
export type SpanOptions = {
    attrs?: Readonly<Record<string, AttributeValue>> | undefined;
    /**
     * default: internal
     */
    kind?: SpanKind | undefined;
    /**
     * A span, its context or a traceparent header; null: a new trace.
     * Default: the active span
     */
    parent?: string | context.SpanContext | null | undefined;
};
export type GivenSpan = SpanOptions & {
    ids?: {
        traceId?: string;
        spanId?: string;
    };
    startNs?: bigint;
};
export type MetricOptions = {
    unit?: string | undefined;
    /**
     * default: gauge
     */
    type?: "gauge" | "counter" | "histogram" | undefined;
};
export class Span {
    /**
     * Use `client.startSpan`.
     * @param {Emitter} client @param {string} name @param {GivenSpan} options
     */
    constructor(client: Emitter, name: string, { attrs, kind, parent, ids, startNs }: GivenSpan);
    /** @readonly */
    readonly traceId: string;
    /** @readonly */
    readonly spanId: string;
    /** @readonly @type {string | undefined} */
    readonly parentId: string | undefined;
    /** What emits inside the span are correlated with. @readonly */
    readonly correlation: {
        correlationId: string;
    };
    /** What a callee needs to make its spans children of this one. @returns {SpanContext} */
    get context(): SpanContext;
    /** The same as a W3C traceparent header. */
    get traceparent(): string;
    /** @param {string} name  One of the schema's attributes; others are not kept @param {AttributeValue} value */
    setAttribute(name: string, value: AttributeValue): this;
    /** @param {Attributes | null} [attributes] */
    setAttributes(attributes?: Attributes | null): this;
    /** @param {SpanStatus} status */
    setStatus(status: SpanStatus): this;
    /**
     * The span has failed. The error itself becomes an event `Error` of the same correlation id, once,
     * however many spans it passes through.
     * @param {unknown} error
     */
    recordError(error: unknown): this;
    /**
     * Record the span. Only the first call counts.
     * @param {{endNs?: bigint}} [options]
     * @returns {boolean} whether it was kept
     */
    end(options?: {
        endNs?: bigint;
    }): boolean;
    /** Record it although its end is not known. */
    abandon(): boolean;
    [Symbol.dispose](): void;
    #private;
}
/** @param {Emitter} client @param {string} name @param {number} value @param {Attributes | null} [labels] @param {MetricOptions | null} [options] */
export function metric(client: Emitter, name: string, value: number, labels?: Attributes | null, options?: MetricOptions | null): boolean;
/** @param {Emitter} client @param {string} name @param {GivenSpan | null} [options] */
export function startSpan(client: Emitter, name: string, options?: GivenSpan | null): Span;
/**
 * @template T
 * @param {Emitter} client @param {string} name
 * @param {SpanOptions | null | undefined | ((span: Span) => T)} options
 * @param {((span: Span) => T) | undefined} fn
 * @returns {T}
 */
export function withSpan<T>(client: Emitter, name: string, options: SpanOptions | null | undefined | ((span: Span) => T), fn: ((span: Span) => T) | undefined): T;
/**
 * @typedef {object} MetricRecord
 * @property {string | (MetricOptions & {name: string, value: number, labels?: Attributes})} metric
 * @property {number} [value]
 * @property {Attributes} [labels]
 * @property {string} [unit]
 * @property {MetricOptions['type']} [type]
 *
 * @typedef {object} SpanStart
 * @property {string} name
 * @property {string} [traceId]
 * @property {string} [spanId]
 * @property {string} [parentId]
 * @property {SpanKind} [kind]
 * @property {string | number | bigint} [startNs]
 * @property {Attributes} [attrs]
 *
 * @typedef {object} SpanEnd
 * @property {string} spanId
 * @property {string | number | bigint} [endNs]
 * @property {SpanStatus} [status]
 * @property {Attributes} [attrs]
 *
 * @typedef {MetricRecord | {spanStart: SpanStart} | {spanEnd: SpanEnd}} TraceRecord
 */
/** @param {Emitter} client @param {TraceRecord} record @returns {boolean | Span} */
export function recordEvent(client: Emitter, record: TraceRecord): boolean | Span;
import context = require("./context");
