export type Telemetry = import("./index").VscodeTelemetry<any>;
export type Message = Record<string, any>;
export type Reply = {
    type: "telemetry.reply";
    id: unknown;
    ok: boolean;
    result?: unknown;
    error?: string;
};
/**
 * @param {Telemetry} telemetry @param {unknown} message
 * @returns {Promise<Reply | undefined>} undefined: no message of ours. Never rejects.
 */
export function handle(telemetry: Telemetry, message: unknown): Promise<Reply | undefined>;
