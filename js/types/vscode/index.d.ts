export type Level = import("./level").Level;
export type Api = import("./level").Api;
export type Report = import("../client").Report;
export type MapEvent = import("./sender").MapEvent;
export type Reply = import("./messages").Reply;
/**
 * Options of activateTelemetry beside those of `open`, whose `app`, `appVersion`, `directory`, `machineId`,
 * `mode` and `proxy` come from VS Code unless they are given. `hostLevel` always does.
 */
export type VscodeOnly = {
    /**
     * Of the extension's settings: `<section>.enabled` and `<section>.level` narrow
     */
    section?: string | undefined;
    /**
     * Makes events of the schema of what the TelemetryLogger logs
     */
    map?: import("./sender").MapEvent | undefined;
    /**
     * Event type of logged errors; default: Error
     */
    errorEvent?: string | undefined;
    /**
     * The extension's unhandled errors are logged too; default: false
     */
    captureErrors?: boolean | undefined;
    /**
     * Who tells people before the first upload; default: message, a notification
     */
    notice?: "none" | "message" | "host" | undefined;
    noticeText?: string | undefined;
    /**
     * Command of the notification's button "Show What Is Sent"
     */
    showCommand?: string | undefined;
    /**
     * The API, where `require('vscode')` is not it
     */
    vscode?: typeof import("vscode") | undefined;
};
/**
 * Options of activateTelemetry beside those of `open`, whose `app`, `appVersion`, `directory`, `machineId`,
 * `mode` and `proxy` come from VS Code unless they are given. `hostLevel` always does.
 */
export type VscodeOptions = Partial<Omit<import("../options").Options, "notice" | "hostLevel">> & VscodeOnly;
/**
 * Telemetry of an extension, until VS Code deactivates it. Follows VS Code's telemetry level and the extension's
 * own settings; keeps events in the extension's global storage.
 * @template {object} [Events=import('../catalogue').Events]
 * @param {import('vscode').ExtensionContext} context
 * @param {VscodeOptions} [options]
 * @returns {VscodeTelemetry<Events>}
 */
export function activateTelemetry<Events extends object = import("../catalogue").Events>(context: import("vscode").ExtensionContext, options?: VscodeOptions): VscodeTelemetry<Events>;
/** @template {object} [Events=import('../catalogue').Events] */
export class VscodeTelemetry<Events extends object = import("../catalogue").Events> {
    /**
     * Use activateTelemetry.
     * @param {import('vscode').ExtensionContext} context @param {VscodeOptions} options
     */
    constructor(context: import("vscode").ExtensionContext, options: VscodeOptions);
    logger: import("vscode").TelemetryLogger;
    /** @type {import('..').TelemetryClient<Events>} */
    client: import("..").TelemetryClient<Events>;
    sender: import("vscode").TelemetrySender;
    /** Fires when the level, or anything else that status() shows about consent, has changed. @type {import('vscode').Event<Level>} */
    onDidChange: import("vscode").Event<Level>;
    /** What VS Code and the extension's settings allow. @returns {Level} */
    get level(): Level;
    /** Whether events are recorded now. */
    get enabled(): boolean;
    /** Settled when the last change of a setting has taken effect, deletion included. */
    get settled(): Promise<unknown>;
    /**
     * As client.emit.
     * @template {keyof Events & string} Type
     * @param {Type} type
     * @param {Events[Type] | null} [payload]
     * @param {import('../client').EmitMeta} [meta]
     * @returns {boolean}
     */
    emit<Type extends keyof Events & string>(type: Type, payload?: Events[Type] | null, meta?: import("../client").EmitMeta): boolean;
    /**
     * client.status() and, under `vscode`, who allows what.
     * @returns {Report}
     */
    status(): Report;
    /**
     * The user's choice: written to `<section>.enabled` where there is a section, else stored in the directory.
     * @param {boolean} enabled
     * @returns {Promise<unknown>}
     */
    setEnabled(enabled: boolean): Promise<unknown>;
    /**
     * The user's choice: written to `<section>.level` where there is a section, else stored in the directory.
     * @param {Level} level
     * @returns {Promise<unknown>}
     */
    setLevel(level: Level): Promise<unknown>;
    /**
     * The user's choice about the text of content fields (option `fullContent: true`), stored in the directory: another
     * window obeys without being told.
     * @param {boolean} on
     */
    setFullContent(on: boolean): Promise<import("../calls").Report>;
    /**
     * Asks where to, and writes what waits as one file there.
     * @returns {Promise<import('../client').ExportReport | null>} null: cancelled
     */
    exportWithDialog(): Promise<import("../client").ExportReport | null>;
    /**
     * Register a command whose runs are recorded: its name, how long it took, and whether it failed.
     * @param {string} id
     * @param {(...args: any[]) => any} run
     * @returns {import('vscode').Disposable}
     */
    registerCommand(id: string, run: (...args: any[]) => any): import("vscode").Disposable;
    /**
     * Answers a telemetry.* message of a page. Never rejects.
     * @param {unknown} message
     * @returns {Promise<Reply | undefined>} undefined: no such message
     */
    handle(message: unknown): Promise<Reply | undefined>;
    /**
     * Answer the telemetry.* messages of a webview, and tell it of changes by `telemetry.changed`.
     * @param {import('vscode').Webview} webview
     * @returns {import('vscode').Disposable}
     */
    connect(webview: import("vscode").Webview): import("vscode").Disposable;
    /**
     * Close within `exitFlushMs` (default half a second): what is not in the spool by then is in the journal, and
     * the next window takes it up. VS Code calls it, as one of context.subscriptions. Idempotent.
     */
    dispose(): void;
    #private;
}
