export type Reader = (payload: any, keys: readonly string[], values: unknown[], count: number) => void;
/** Properties that one reader reads. */
export const GROUP: 8;
/** @param {readonly string[]} keys  at most GROUP @returns {Reader} */
export function readerFor(keys: readonly string[]): Reader;
