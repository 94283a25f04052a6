/**
 * A client of any schema.
 */
export type Sending = import("../capture").Emitter & {
    flush: () => Promise<unknown>;
};
/**
 * Makes an event of the schema of what was logged; undefined: it is not recorded.
 */
export type MapEvent = (name: string, data: Record<string, any>) => readonly [type: string, payload: object] | undefined;
/**
 * @param {Sending} client
 * @param {string} extensionId  VS Code puts it before every name
 * @param {{map?: MapEvent, errorEvent: string}} options
 * @returns {import('vscode').TelemetrySender}
 */
export function createSender(client: Sending, extensionId: string, { map, errorEvent }: {
    map?: MapEvent;
    errorEvent: string;
}): import("vscode").TelemetrySender;
