export type Closable = {
    close: () => void;
};
/** @param {Closable} client */
export function add(client: Closable): void;
/** @param {Closable} client */
export function remove(client: Closable): void;
