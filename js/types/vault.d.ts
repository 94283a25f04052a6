export type Key = {
    /**
     * 1 to 64 of the characters A-Z a-z 0-9 . _ : + -; stored beside what it encrypts
     */
    id: string;
    /**
     * 32 random bytes
     */
    key: Uint8Array;
};
export type KeyProvider = () => Promise<Key[]> | Key[];
export type SchemaDescription = import("./encoders").SchemaDescription;
export type FieldDescription = import("./encoders").FieldDescription;
/** Bytes of a key: AES-256. */
export const KEY_BYTES: 32;
/** As in native/client/vault_keys.h. */
export const KEYS_MAX: 16;
/**
 * For each event type with content fields: what reads the schema's fields of a payload, once each and
 * nothing else, and gives them as JSON. Throws what a getter throws.
 * @param {SchemaDescription} schema
 * @returns {Map<string, (payload: any) => string>}
 */
export function contentReaders(schema: SchemaDescription): Map<string, (payload: any) => string>;
/**
 * @param {unknown} keys
 * @returns {{ids: string[], bytes: Uint8Array}} bytes: all keys, one after the other; to be wiped
 */
export function checkKeys(keys: unknown): {
    ids: string[];
    bytes: Uint8Array;
};
/**
 * Ask the host for its keys. A provider that fails costs no event: content is counted as no_key.
 * @param {{setKeys: (keys: Key[]) => void}} client @param {KeyProvider} provider
 */
export function provideKeys(client: {
    setKeys: (keys: Key[]) => void;
}, provider: KeyProvider): Promise<void>;
