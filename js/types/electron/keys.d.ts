export type Key = import("../vault").Key;
/**
 * Of Electron's safeStorage what is used.
 */
export type SafeStorage = {
    isEncryptionAvailable: () => boolean;
    encryptString: (text: string) => Buffer;
    decryptString: (sealed: Buffer) => string;
    /**
     * Linux
     */
    getSelectedStorageBackend?: (() => string) | undefined;
};
/**
 * Of Electron's safeStorage what is used.
 */
export type KeyOptions = {
    /**
     * Where the wrapped keys lie, e.g. in app.getPath('userData')
     */
    file: string;
    safeStorage: SafeStorage;
    app: {
        whenReady: () => Promise<unknown>;
    };
    /**
     * Linux without a keyring: safeStorage only obscures; default false
     */
    allowPlainText?: boolean | undefined;
};
/**
 * A key provider for `open({ keyProvider })` and for `registerTelemetry({ keys })`. Waits until the app is
 * ready, makes a key at the first call and gives the same keys ever after.
 * @param {KeyOptions} options
 * @returns {() => Promise<Key[]>}  rejects, with a sentence, where there is no keychain
 */
export function createKeyProvider(options: KeyOptions): () => Promise<Key[]>;
