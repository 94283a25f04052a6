export type WebContents = import("./senders").WebContents;
export type IpcEvent = import("./senders").IpcEvent;
export type TelemetrySettings = import("./settings").TelemetrySettings;
export type RendererTelemetry = import("./preload").RendererTelemetry;
export type TelemetryClient = import("../index").TelemetryClient<any>;
export type IpcMain = {
    handle: (channel: string, handler: (event: any, ...args: any[]) => unknown) => void;
    removeHandler: (channel: string) => void;
};
export type App = {
    on: (event: "quit", listener: () => void) => unknown;
    removeListener: (event: "quit", listener: () => void) => unknown;
    whenReady: () => Promise<unknown>;
};
/**
 * a UtilityProcess, or a child of child_process.fork
 */
export type MessageSource = {
    on: (event: "message", listener: (message: any) => void) => unknown;
    removeListener: (event: "message", listener: (message: any) => void) => unknown;
};
export type Session = {
    /**
     * Electron 35 and later
     */
    registerPreloadScript?: ((script: {
        type: "frame";
        id: string;
        filePath: string;
    }) => unknown) | undefined;
    getPreloads?: (() => string[]) | undefined;
    setPreloads?: ((files: string[]) => void) | undefined;
};
export type RegisterOptions = {
    client: TelemetryClient;
    /**
     * the app's own pages: origins, or absolute paths of pages or folders
     */
    allowedOrigins?: string[] | undefined;
    /**
     * decides instead of allowedOrigins
     */
    isAllowedSender?: ((event: IpcEvent) => boolean) | undefined;
    /**
     * what pages and utility processes may emit; default: every event of the schema
     */
    allowedEvents?: string[] | undefined;
    /**
     * what a settings page may change: 'endpoint', 'userId'; default: nothing
     */
    configurable?: import("./settings").Configurable[] | undefined;
    /**
     * where these are kept; read it with storedOptions before open
     */
    settingsFile?: string | undefined;
    /**
     * createKeyProvider(); asked once full content is on
     */
    keys?: (() => Promise<import("../vault").Key[]>) | undefined;
    /**
     * default: Electron's
     */
    ipcMain?: IpcMain | undefined;
    /**
     * default: Electron's
     */
    app?: App | undefined;
};
export type Registration = {
    /**
     * what pages and utility processes sent, and what was refused, by reason
     */
    counts: () => ReturnType<Gateway["counts"]>;
    settings: () => TelemetrySettings;
    /**
     * gets the keys first
     */
    setFullContent: (on: boolean) => Promise<void>;
    /**
     * tells the pages, after the host itself has changed a setting
     */
    changed: () => void;
    /**
     * takes events of a child; gives what ends it
     */
    wrapUtilityProcess: (child: MessageSource) => () => void;
    dispose: () => void;
};
/**
 * Take events and settings from the app's pages, and close the client, within its exitFlushMs, when the
 * app quits. Throws for options that are wrong; afterwards nothing that a page sends throws here.
 * @param {RegisterOptions} options
 * @returns {Registration}
 */
export function registerTelemetry(options: RegisterOptions): Registration;
/**
 * Give every page of a session `window.telemetry`, beside whatever preload the app has: before the first
 * window is opened, after app.whenReady().
 * @param {Session} session  e.g. session.defaultSession
 */
export function registerPreload(session: Session): void;
/** @typedef {import('./senders').WebContents} WebContents */
/** @typedef {import('./senders').IpcEvent} IpcEvent */
/** @typedef {import('./settings').TelemetrySettings} TelemetrySettings */
/** @typedef {import('./preload').RendererTelemetry} RendererTelemetry */
/** @typedef {import('../index').TelemetryClient<any>} TelemetryClient */
/**
 * @typedef {object} IpcMain
 * @property {(channel: string, handler: (event: any, ...args: any[]) => unknown) => void} handle
 * @property {(channel: string) => void} removeHandler
 *
 * @typedef {object} App
 * @property {(event: 'quit', listener: () => void) => unknown} on
 * @property {(event: 'quit', listener: () => void) => unknown} removeListener
 * @property {() => Promise<unknown>} whenReady
 *
 * @typedef {object} MessageSource  a UtilityProcess, or a child of child_process.fork
 * @property {(event: 'message', listener: (message: any) => void) => unknown} on
 * @property {(event: 'message', listener: (message: any) => void) => unknown} removeListener
 *
 * @typedef {object} Session
 * @property {(script: {type: 'frame', id: string, filePath: string}) => unknown} [registerPreloadScript]  Electron 35 and later
 * @property {() => string[]} [getPreloads]
 * @property {(files: string[]) => void} [setPreloads]
 *
 * @typedef {object} RegisterOptions
 * @property {TelemetryClient} client
 * @property {string[]} [allowedOrigins]  the app's own pages: origins, or absolute paths of pages or folders
 * @property {(event: IpcEvent) => boolean} [isAllowedSender]  decides instead of allowedOrigins
 * @property {string[]} [allowedEvents]  what pages and utility processes may emit; default: every event of the schema
 * @property {import('./settings').Configurable[]} [configurable]  what a settings page may change: 'endpoint', 'userId'; default: nothing
 * @property {string} [settingsFile]  where these are kept; read it with storedOptions before open
 * @property {() => Promise<import('../vault').Key[]>} [keys]  createKeyProvider(); asked once full content is on
 * @property {IpcMain} [ipcMain]  default: Electron's
 * @property {App} [app]  default: Electron's
 *
 * @typedef {object} Registration
 * @property {() => ReturnType<Gateway['counts']>} counts  what pages and utility processes sent, and what was refused, by reason
 * @property {() => TelemetrySettings} settings
 * @property {(on: boolean) => Promise<void>} setFullContent  gets the keys first
 * @property {() => void} changed  tells the pages, after the host itself has changed a setting
 * @property {(child: MessageSource) => () => void} wrapUtilityProcess  takes events of a child; gives what ends it
 * @property {() => void} dispose
 */
/** File of the preload: for `webPreferences.preload`, for registerPreload, or to be bundled. */
export const preloadPath: string;
import { createKeyProvider } from "./keys";
import { storedOptions } from "./settings";
import { backendEnvironment } from "./backend";
import { Gateway } from "./gateway";
export { createKeyProvider, storedOptions, backendEnvironment };
