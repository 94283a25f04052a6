/**
 * options of open
 */
export type Changes = Record<string, string | number | boolean | null>;
/** One telemetry.toml. */
export class ConfigFile {
    /** @param {string} file */
    constructor(file: string);
    /** Options of `open` that the file sets. */
    get options(): Changes;
    /**
     * The host's options with what the file says: it wins, but does not widen what the host has narrowed.
     * @param {Record<string, unknown>} given
     * @returns {Record<string, unknown>}
     */
    over(given: Record<string, unknown>): Record<string, unknown>;
    /**
     * Read again when it changes.
     * @param {() => Promise<{needs_restart: string[]}>} apply  take over what `over` gives now
     */
    watch(apply: () => Promise<{
        needs_restart: string[];
    }>): void;
    close(): void;
    status(): {
        file: string;
        loaded_at: string;
        error: string | null;
        watching: boolean;
        sets: string[];
        needs_restart: string[];
    };
    /** Its values are out of bounds. @param {Error} error */
    refuse(error: Error): void;
    #private;
}
