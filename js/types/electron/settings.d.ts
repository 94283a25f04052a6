export type Configurable = "endpoint" | "userId";
export type TelemetrySettings = {
    /**
     * whether anything is recorded now
     */
    enabled: boolean;
    /**
     * who decided: docs/consent.md
     */
    decidedBy: string;
    /**
     * the same as a sentence
     */
    reason: string;
    /**
     * somebody above the user has decided: the toggle cannot change it
     */
    locked: boolean;
    /**
     * in force
     */
    level: "off" | "crash" | "error" | "all";
    mode: string;
    fullContent: boolean;
    fullContentDecidedBy: string;
    notice: {
        version: number;
        acknowledged: number;
        waiting: boolean;
    } | null;
    endpoint: string | null;
    /**
     * as the user gave it; null: an anonymous one
     */
    userId: string | null;
    /**
     * what `configure` takes
     */
    configurable: Configurable[];
    /**
     * changed, and in force from the next start on
     */
    needsRestart: Configurable[];
};
/** @typedef {'endpoint' | 'userId'} Configurable */
/**
 * @typedef {object} TelemetrySettings
 * @property {boolean} enabled  whether anything is recorded now
 * @property {string} decidedBy  who decided: docs/consent.md
 * @property {string} reason  the same as a sentence
 * @property {boolean} locked  somebody above the user has decided: the toggle cannot change it
 * @property {'off' | 'crash' | 'error' | 'all'} level  in force
 * @property {string} mode
 * @property {boolean} fullContent
 * @property {string} fullContentDecidedBy
 * @property {{version: number, acknowledged: number, waiting: boolean} | null} notice
 * @property {string | null} endpoint
 * @property {string | null} userId  as the user gave it; null: an anonymous one
 * @property {Configurable[]} configurable  what `configure` takes
 * @property {Configurable[]} needsRestart  changed, and in force from the next start on
 */
/** @type {readonly Configurable[]} */
export const CONFIGURABLE: readonly Configurable[];
/** Who stands above the user's own choice. */
export const ABOVE_USER: Set<string>;
/**
 * What was stored by `configure`, for `open`: `open({ app, ...storedOptions(file) })`. A file that is
 * missing, or is not what was written, gives nothing.
 * @param {string} file
 * @returns {{endpoint?: string, userId?: string}}
 */
export function storedOptions(file: string): {
    endpoint?: string;
    userId?: string;
};
/**
 * Write a file whole, readable by its owner alone.
 * @param {string} file @param {unknown} content
 * @param {{replace?: boolean}} [options]  replace: false leaves a file that is there as it is
 */
export function writeJson(file: string, content: unknown, { replace }?: {
    replace?: boolean;
}): void;
/**
 * What a page wants to change, or a sentence that says why not.
 * @param {unknown} changes @param {readonly Configurable[]} configurable
 * @returns {{changes: Partial<Record<Configurable, string | null>>} | {error: string}}
 */
export function readChanges(changes: unknown, configurable: readonly Configurable[]): {
    changes: Partial<Record<Configurable, string | null>>;
} | {
    error: string;
};
