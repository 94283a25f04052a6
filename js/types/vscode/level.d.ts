/**
 * from the least to the most
 */
export type Level = "off" | "crash" | "error" | "all";
export type Api = typeof import("vscode");
/** @typedef {'off' | 'crash' | 'error' | 'all'} Level  from the least to the most */
/** @typedef {typeof import('vscode')} Api */
/** @type {readonly Level[]} */
export const LEVELS: readonly Level[];
/** @param {readonly Level[]} levels @returns {Level} */
export function lowest(levels: readonly Level[]): Level;
/**
 * VS Code's own level. Its API tells usage and errors apart, not "crash" from "off": that takes the setting.
 * @param {Api} api
 * @param {import('vscode').TelemetryLogger} logger  knows what product and policy allow, which settings do not say
 * @returns {Level}
 */
export function editorLevel(api: Api, logger: import("vscode").TelemetryLogger): Level;
/**
 * The level that `<section>.enabled` and `<section>.level` allow. A word that is no level is a no: a privacy
 * choice is not guessed.
 * @param {Api} api @param {string | undefined} section
 * @returns {Level}
 */
export function ownLevel(api: Api, section: string | undefined): Level;
/**
 * What the user's own settings, those of every window, say about `<section>.enabled`; a workspace's file is that workspace's.
 * @param {Api} api @param {string | undefined} section
 * @returns {boolean}
 */
export function userEnabled(api: Api, section: string | undefined): boolean;
