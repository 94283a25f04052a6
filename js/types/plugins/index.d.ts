export type PluginLog = import("./plugin").PluginLog;
export type PluginStatus = import("./plugin").PluginStatus;
export type Emitter = {
    emit(type: string, payload?: object | null, meta?: {
        correlationId?: string;
    }): boolean;
};
export type PluginOptions = {
    /**
     * an id of at most 64 characters; default: the file's name without its extension
     */
    name?: string | undefined;
    /**
     * telemetry: host_telemetry_event; export: /in and /out
     */
    capabilities?: ("telemetry" | "export")[] | undefined;
    /**
     * 1 to 60000, default 1000: loading, and each call
     */
    callTimeoutMs?: number | undefined;
    /**
     * default 64 MiB; the module must declare a maximum, and a lower one
     */
    memoryMaxBytes?: number | undefined;
    /**
     * default 600; ten times as many cut the plugin off
     */
    logsPerMinute?: number | undefined;
    /**
     * default 600; likewise
     */
    eventsPerMinute?: number | undefined;
};
/** The plugins of one client. */
export class PluginHost {
    /**
     * @param {Emitter} client
     * @param {{onLog?: (entry: PluginLog) => void}} [options]
     */
    constructor(client: Emitter, options?: {
        onLog?: (entry: PluginLog) => void;
    });
    /**
     * Load a module and run its start function.
     * @param {string} file  a .wasm file
     * @param {PluginOptions} [options]
     * @returns {Promise<Plugin>}  rejects with a TelemetryError that says why the module cannot be used
     */
    load(file: string, options?: PluginOptions): Promise<Plugin>;
    /**
     * Give a file to an exporter plugin: it sees a copy as /in/<name> and may write files to /out.
     * @param {string} name  of a plugin with the capability "export"
     * @param {string} file
     * @param {string} outputDirectory  where what it wrote goes
     * @returns {Promise<{result: number, files: string[]}>}  result: what its export(path) returned, 0 for success
     */
    export(name: string, file: string, outputDirectory: string): Promise<{
        result: number;
        files: string[];
    }>;
    /** @returns {PluginStatus[]} also of plugins that were cut off */
    status(): PluginStatus[];
    /** @param {string} name */
    unload(name: string): Promise<void>;
    close(): Promise<void>;
    #private;
}
import { Plugin } from "./plugin";
