export const version: string;
export type Options = import("./options").Options;
export type Report = import("./client").Report;
export type EmitMeta = import("./client").EmitMeta;
export type UploadReport = import("./client").UploadReport;
export type PurgeReport = import("./client").PurgeReport;
/**
 * Events of the default catalogue.
 */
export type CatalogueEvents = import("./catalogue").Events;
/**
 * Events of a schema that has no types: any name, any payload.
 */
export type AnyEvents = Record<string, object>;
export type TelemetryClient<Events extends object = import("./catalogue").Events> = Client<Events> | import("./noop").NoopClient<Events>;
export type UploadOptions = import("./client").UploadOptions;
export type UploadPlan = import("./client").UploadPlan;
export type ExportReport = import("./client").ExportReport;
/**
 * One row of the settings table.
 */
export type Setting = {
    name: string;
    type: "string" | "int" | "bool" | "enum";
    unit: string | null;
    default: string | number | boolean | null;
    min?: number | undefined;
    max?: number | undefined;
    values?: string[] | undefined;
    /**
     * environment variable that wins over the option
     */
    env: string | null;
    doc: string;
};
/**
 * Open a client. Throws TelemetryError for an option or a schema that is wrong; where no native binary
 * fits this machine, returns a client that does nothing and whose status() says why.
 * Types of a schema of one's own come from `candor schema types`: open<Events>({ schema, ... }).
 * @template {object} [Events=import('./catalogue').Events]
 * @overload
 * @param {Options & {schema?: undefined}} options
 * @returns {TelemetryClient<Events>}
 */
export function open<Events extends object = import("./catalogue").Events>(options: Options & {
    schema?: undefined;
}): TelemetryClient<Events>;
/**
 * @template {object} [Own=AnyEvents]
 * @overload
 * @param {Options} options
 * @returns {TelemetryClient<Own>}
 */
export function open<Own extends object = Record<string, object>>(options: Options): TelemetryClient<Own>;
/** @typedef {import('./options').Options} Options */
/** @typedef {import('./client').Report} Report */
/** @typedef {import('./client').EmitMeta} EmitMeta */
/** @typedef {import('./client').UploadReport} UploadReport */
/** @typedef {import('./client').PurgeReport} PurgeReport */
/** Events of the default catalogue. @typedef {import('./catalogue').Events} CatalogueEvents */
/** Events of a schema that has no types: any name, any payload. @typedef {Record<string, object>} AnyEvents */
/**
 * @template {object} [Events=import('./catalogue').Events]
 * @typedef {Client<Events> | import('./noop').NoopClient<Events>} TelemetryClient
 */
/** @typedef {import('./client').UploadOptions} UploadOptions */
/** @typedef {import('./client').UploadPlan} UploadPlan */
/** @typedef {import('./client').ExportReport} ExportReport */
/**
 * One row of the settings table.
 * @typedef {object} Setting
 * @property {string} name
 * @property {'string' | 'int' | 'bool' | 'enum'} type
 * @property {string | null} unit
 * @property {string | number | boolean | null} default
 * @property {number} [min]
 * @property {number} [max]
 * @property {string[]} [values]
 * @property {string | null} env  environment variable that wins over the option
 * @property {string} doc
 */
/**
 * Every option that native code takes, with unit, default and bounds. Empty where no binary fits.
 * @returns {Setting[]}
 */
export function settings(): Setting[];
/**
 * Whether the ledger of a client's directory is whole: each line follows the one before it, and each kept
 * body is the one that its line names. Reads files; for tools.
 * @param {string} directory
 * @returns {Report}  `entries`, `bodies`, `ok`, `broken_at`, `error`; docs/ledger.md
 */
export function verifyLedger(directory: string): Report;
import { TelemetryError } from "./errors";
import { parseTraceparent } from "./context";
import { formatTraceparent } from "./context";
export const configureDefault: typeof defaults.configureDefault;
export const getDefault: typeof defaults.getDefault;
export const emit: (<Type extends string>(type: Type, payload?: any, meta?: import("./client").EmitMeta) => boolean) | (<Type extends string>(type: Type, payload?: any, meta?: import("./noop").EmitMeta) => boolean);
export const flush: () => Promise<import("./client").Report>;
export const metric: ((name: string, value: number, labels?: import("./trace").Attributes | null, options?: import("./trace").MetricOptions | null) => boolean) | ((name: string, value: number, labels?: import("./trace").Attributes | null, options?: import("./trace").MetricOptions | null) => boolean);
export const startSpan: ((name: string, options?: import("./trace").SpanOptions | null) => import("./trace").Span) | ((name: string, options?: import("./trace").SpanOptions | null) => import("./trace").Span);
export const withSpan: <T>(name: string, options: import("./trace").SpanOptions | null | undefined | ((span: import("./trace").Span) => T), fn?: (span: import("./trace").Span) => T) => T;
export const recordEvent: ((record: import("./trace").TraceRecord) => boolean | import("./trace").Span) | ((record: import("./trace").TraceRecord) => boolean | import("./trace").Span);
import { Client } from "./client";
import defaults = require("./default");
export { TelemetryError, parseTraceparent, formatTraceparent };
