export type Area = ReturnType<typeof createArea>;
/**
 * @param {ArrayBuffer} memory
 */
export function createArea(memory: ArrayBuffer): {
    u32: Uint32Array<ArrayBuffer>;
    f64: Float64Array<ArrayBuffer>;
    /** Begin an event. */
    reset(): void;
    /** A value of a type that the field does not take. */
    refuse(): boolean;
    /**
     * @param {string} s
     * @param {number} word  index into u32 of the slot's first word
     * @param {number} cap  bytes
     * @returns {boolean} true
     */
    writeString(s: string, word: number, cap: number): boolean;
    /**
     * Room for the elements of a list.
     * @param {number} count
     * @returns {number} first element's slot, or -1 when the heap is full
     */
    takeSlots(count: number): number;
    /** @param {number} word @param {number} first  slot @param {number} count */
    writeList(word: number, first: number, count: number): boolean;
    /**
     * End an event: native may read it now.
     * @param {number} event @param {number} lo @param {number} hi
     */
    finish(event: number, lo: number, hi: number): void;
};
export const CORRELATION_AT: 5;
export const CORRELATION_LEN: 6;
export const SLOTS: 4;
export const HEAP_AT: 544;
export const CUT: 2147483648;
/** In place of an event index: native counts the reason. */
export const UNKNOWN_EVENT: 4294967295;
export const BAD_PAYLOAD: 4294967294;
export const TOO_LARGE: 4294967293;
