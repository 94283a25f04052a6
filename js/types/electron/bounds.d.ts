/**
 * Why something was refused.
 */
export type Refusal = "sender" | "rate" | "too_large" | "too_deep" | "too_many" | "bad_key" | "bad_payload" | "event" | "unknown_method" | "bad_argument";
export type Allowance = ReturnType<typeof allowance>;
/**
 * Why something was refused.
 * @typedef {'sender' | 'rate' | 'too_large' | 'too_deep' | 'too_many' | 'bad_key' | 'bad_payload' | 'event' |
 *   'unknown_method' | 'bad_argument'} Refusal
 */
/** @type {readonly Refusal[]} */
export const REFUSALS: readonly Refusal[];
/** An event type, as CANDOR_NAME_MAX. */
export const TYPE_CHARS_MAX: 64;
/** Names that reach an object's prototype where somebody merges what came in. */
export const FORBIDDEN_KEYS: Set<string>;
/** Lets `burst` through at once and `perSecond` after that. */
export class Bucket {
    /** @param {number} burst @param {number} perSecond @param {() => number} now  milliseconds, for tests */
    constructor(burst: number, perSecond: number, now?: () => number);
    /** @param {number} amount @returns {boolean} false: too much for now, and nothing was taken */
    take(amount: number): boolean;
    #private;
}
/** The allowance of one sender. @param {() => number} [now] */
export function allowance(now?: () => number): {
    emits: Bucket;
    chars: Bucket;
    calls: Bucket;
};
/** @param {object} value */
export function isPlain(value: object): boolean;
/**
 * Size of a payload that came by structured clone, or why it is refused.
 * @param {unknown} payload
 * @returns {{chars: number, refusal: Refusal | null}}
 */
export function measure(payload: unknown): {
    chars: number;
    refusal: Refusal | null;
};
