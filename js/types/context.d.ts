export type SpanContext = {
    /**
     * 32 lower-case hex digits
     */
    traceId: string;
    /**
     * 16 lower-case hex digits
     */
    spanId: string;
};
export type ActiveSpan = SpanContext & {
    correlation?: {
        correlationId: string;
    };
};
export namespace state {
    let used: boolean;
}
/** @returns {ActiveSpan | undefined} */
export function activeSpan(): ActiveSpan | undefined;
/**
 * Call fn with the span active, also for what it starts and awaits.
 * @template T @param {ActiveSpan} span @param {() => T} fn @returns {T}
 */
export function runWith<T>(span: ActiveSpan, fn: () => T): T;
/**
 * The meta of an emit: the active span's trace id is the correlation id where none is given.
 * @template {{correlationId?: unknown} | null | undefined} M
 * @param {M} meta
 * @returns {M | {correlationId: string} | undefined}
 */
export function correlated<M extends {
    correlationId?: unknown;
} | null | undefined>(meta: M): M | {
    correlationId: string;
} | undefined;
export function newTraceId(): string;
export function newSpanId(): string;
/**
 * An id as the schema's `id` takes it. One of digits only reads like the number of a card, which no id
 * may: its first digit becomes a letter, always the same one.
 * @param {string} hex
 */
export function plainId(hex: string): string;
/**
 * W3C Trace Context, level 1: `00-<trace id>-<span id>-<flags>`. A later version may have more parts.
 * @param {unknown} text
 * @returns {(SpanContext & {sampled: boolean}) | undefined} undefined: not a valid header
 */
export function parseTraceparent(text: unknown): (SpanContext & {
    sampled: boolean;
}) | undefined;
/** @param {SpanContext & {sampled?: boolean}} context */
export function formatTraceparent({ traceId, spanId, sampled }: SpanContext & {
    sampled?: boolean;
}): string;
