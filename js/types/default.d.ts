/**
 * Of any schema.
 */
export type TelemetryClient = import("./client").Client<any> | import("./noop").NoopClient<any>;
export type Options = import("./options").Options;
/** @param {(options: Options) => TelemetryClient} open */
export function useOpener(open: (options: Options) => TelemetryClient): void;
/**
 * Open the process's default client; one that was configured before is closed.
 * @param {Options} options
 * @returns {TelemetryClient}
 */
export function configureDefault(options: Options): TelemetryClient;
/** The default client; before configureDefault, one that does nothing. @returns {TelemetryClient} */
export function getDefault(): TelemetryClient;
/** @type {TelemetryClient['emit']} */
export const emit: TelemetryClient["emit"];
/** @returns {Promise<import('./client').Report>} */
export function flush(): Promise<import("./client").Report>;
/** @type {TelemetryClient['metric']} */
export const metric: TelemetryClient["metric"];
/** @type {TelemetryClient['startSpan']} */
export const startSpan: TelemetryClient["startSpan"];
/**
 * @template T
 * @param {string} name
 * @param {import('./trace').SpanOptions | null | undefined | ((span: import('./trace').Span) => T)} options
 * @param {(span: import('./trace').Span) => T} [fn]
 * @returns {T}
 */
export function withSpan<T>(name: string, options: import("./trace").SpanOptions | null | undefined | ((span: import("./trace").Span) => T), fn?: (span: import("./trace").Span) => T): T;
/** @type {TelemetryClient['recordEvent']} */
export const recordEvent: TelemetryClient["recordEvent"];
