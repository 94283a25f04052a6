export type WorkerData = {
    /**
     * the module
     */
    bytes: Uint8Array;
    capabilities: string[];
    logsPerMinute: number;
    eventsPerMinute: number;
    /**
     * folder with in/ and out/
     */
    exchange?: string | undefined;
};
export type PluginLog = {
    plugin: string;
    level: "trace" | "debug" | "info" | "warn" | "error";
    message: string;
};
export type PluginStatus = {
    name: string;
    state: "ready" | "cut_off" | "closed";
    /**
     * why it was cut off: timeout, trap, bad_pointer, flood, died
     */
    reason: string | null;
    /**
     * the same as a sentence
     */
    error: string | null;
    calls: number;
    /**
     * calls that ended in an error
     */
    failed: number;
    logs: number;
    events_kept: number;
    /**
     * by the client: status() of the client counts why
     */
    events_refused: number;
    /**
     * log lines and events over the limits
     */
    limited: number;
};
/** One module in one thread. Made by PluginHost. */
export class Plugin {
    /**
     * @param {string} name
     * @param {WorkerData} data
     * @param {number} timeoutMs  for loading and for each call
     * @param {(plugin: string, message: any) => boolean} deliver  a log line or an event; true: kept
     */
    constructor(name: string, data: WorkerData, timeoutMs: number, deliver: (plugin: string, message: any) => boolean);
    /** Resolves when the module is instantiated. */
    started(): Promise<any>;
    /**
     * Call an exported function.
     * @param {string} name
     * @param {string} [argument]  copied to memory of the plugin's candor_alloc(size); the function gets address and length
     * @returns {Promise<number>} what it returned
     */
    call(name: string, argument?: string): Promise<number>;
    /** @returns {PluginStatus} */
    status(): PluginStatus;
    close(): Promise<void>;
    #private;
}
