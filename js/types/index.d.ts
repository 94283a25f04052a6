export type Options = import("./options").Options;
export type Report = import("./client").Report;
export type EmitMeta = import("./client").EmitMeta;
export type UploadReport = import("./client").UploadReport;
export type PurgeReport = import("./client").PurgeReport;
export type TelemetryClient = Client | NoopClient;
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
 * @param {Options} options
 * @returns {TelemetryClient}
 */
export function open(options: Options): TelemetryClient;
/** @typedef {import('./options').Options} Options */
/** @typedef {import('./client').Report} Report */
/** @typedef {import('./client').EmitMeta} EmitMeta */
/** @typedef {import('./client').UploadReport} UploadReport */
/** @typedef {import('./client').PurgeReport} PurgeReport */
/** @typedef {Client | NoopClient} TelemetryClient */
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
import { TelemetryError } from "./errors";
/** @type {string} */
export const version: string;
import { Client } from "./client";
import { NoopClient } from "./noop";
export { TelemetryError };
