export type Key = import("../vault").Key;
/** The keys that this window uses; another window may make its own at the same moment. */
export class SecretKeys {
    /**
     * @param {import('vscode').SecretStorage} secrets
     * @param {string} name
     * @param {(keys: Key[]) => void} take  is given the keys whenever they are others
     */
    constructor(secrets: import("vscode").SecretStorage, name: string, take: (keys: Key[]) => void);
    /** Settled when what was asked for so far is read. */
    get ready(): Promise<void>;
    dispose(): void;
    #private;
}
