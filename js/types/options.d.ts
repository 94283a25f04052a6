/**
 * A schema's text, and what to call it in error sentences.
 */
export type SchemaSource = {
    text: string;
    origin: string;
};
/**
 * Options of `open`. Units, defaults and bounds: docs/settings.md, or `candor settings`.
 */
export type Options = {
    /**
     * Name of the application: letters, digits, . _ : + -
     */
    app: string;
    appVersion?: string | undefined;
    /**
     * Where the spool lives; default: the user's data directory for the app
     */
    directory?: string | null | undefined;
    /**
     * Base URL of the collector; without one, events stay on this machine
     */
    endpoint?: string | null | undefined;
    /**
     * Bearer token for the collector
     */
    token?: string | null | undefined;
    userId?: string | null | undefined;
    /**
     * Raw machine id; hashed at once
     */
    machineId?: string | null | undefined;
    mode?: "auto" | "manual" | "off" | undefined;
    /**
     * Where events go; docs/exporters.md
     */
    exporter?: "candor" | "file" | "stdout" | "otlp_http" | undefined;
    /**
     * The host's own switch; it can only narrow
     */
    hostEnabled?: boolean | undefined;
    /**
     * The host's privacy level; it can only narrow
     */
    hostLevel?: "off" | "crash" | "error" | "all" | undefined;
    /**
     * GDPR mode: nothing is recorded, and what the directory holds is deleted
     */
    gdpr?: boolean | undefined;
    /**
     * Path of telemetry.toml; default: in the directory; false: none
     */
    configFile?: string | false | null | undefined;
    /**
     * What another settings file of the host says
     */
    configEnabled?: "off" | "unset" | "on" | "unreadable" | undefined;
    /**
     * The level that such a file allows
     */
    configLevel?: "off" | "crash" | "error" | "all" | undefined;
    /**
     * Whether such a file allows full content
     */
    configFullContent?: boolean | undefined;
    /**
     * What holds until the user has chosen
     */
    defaultEnabled?: boolean | undefined;
    /**
     * For tools: an "off" of this process's environment deletes nothing
     */
    inspect?: boolean | undefined;
    batchEvents?: number | undefined;
    batchIntervalMs?: number | undefined;
    uploadIntervalMs?: number | undefined;
    /**
     * What one round sends at most, compressed
     */
    maxUploadBytes?: number | undefined;
    /**
     * How much of what was sent is kept; 0: none
     */
    ledgerMaxBytes?: number | undefined;
    spoolMaxBytes?: number | undefined;
    journalMaxBytes?: number | undefined;
    minFreeDiskBytes?: number | undefined;
    retentionDays?: number | undefined;
    retryBaseMs?: number | undefined;
    retryMaxMs?: number | undefined;
    connectTimeoutMs?: number | undefined;
    requestTimeoutMs?: number | undefined;
    stallTimeoutMs?: number | undefined;
    /**
     * Time that close and process exit may take to write what waits
     */
    exitFlushMs?: number | undefined;
    proxy?: string | null | undefined;
    caFile?: string | null | undefined;
    caPem?: string | null | undefined;
    /**
     * Who tells people before the first upload
     */
    notice?: "none" | "stderr" | "host" | undefined;
    /**
     * The host's offer of full content, which the user turns on; false: never in this process
     */
    fullContent?: boolean | undefined;
    vaultMaxBytes?: number | undefined;
    /**
     * Spool files are encrypted too; without a key, events wait in the journal
     */
    encryptSpool?: boolean | undefined;
    /**
     * Asked once, after opening, for the keys of what is encrypted at rest
     */
    keyProvider?: import("./vault").KeyProvider | undefined;
    /**
     * 1 to 9
     */
    gzipLevel?: number | undefined;
    /**
     * Path of a schema file, or its content; default: the default catalogue
     */
    schema?: string | object | URL | undefined;
    /**
     * Throw where no native binary fits; default: a client that does nothing
     */
    requireNative?: boolean | undefined;
};
/**
 * Split what only JavaScript knows from what native code checks: names, bounds and enums are its table.
 * @param {unknown} options
 */
export function readOptions(options: unknown): {
    schema: unknown;
    requireNative: boolean;
    configFile: string | false | null | undefined;
    keyProvider: import("./vault").KeyProvider | undefined;
    settings: {
        [x: string]: unknown;
    };
};
/**
 * A schema's text, and what to call it in error sentences.
 * @typedef {{text: string, origin: string}} SchemaSource
 */
/** @param {unknown} schema @returns {SchemaSource} */
export function readSchema(schema: unknown): SchemaSource;
