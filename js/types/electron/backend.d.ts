export type TelemetryClient = import("../index").TelemetryClient<any>;
/** @typedef {import('../index').TelemetryClient<any>} TelemetryClient */
/**
 * Environment for a spawned backend: `spawn(cmd, args, { env: { ...process.env, ...backendEnvironment(client) } })`.
 *
 * "Off" is always passed on. "On" is not, unless `standalone` says so: TELEMETRY_ENABLED=1 stands above the
 * user's stored choice, and a backend with a Candor client of its own on this directory would go on after
 * the user has switched off. A backend that cannot see the directory needs to be told, and to be restarted
 * when the user changes their mind.
 * @param {TelemetryClient} client
 * @param {{token?: string, standalone?: boolean}} [options]
 * @returns {Record<string, string>}
 */
export function backendEnvironment(client: TelemetryClient, { token, standalone }?: {
    token?: string;
    standalone?: boolean;
}): Record<string, string>;
