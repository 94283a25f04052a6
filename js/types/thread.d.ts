/**
 * The settings for this thread. Mode off, because a TELEMETRY_ENABLED=1 of the process would win over hostEnabled.
 * @param {Record<string, unknown>} settings
 * @returns {Record<string, unknown>}
 */
export function narrowed(settings: Record<string, unknown>): Record<string, unknown>;
/**
 * Whether this environment says no; the same words as in native/client/consent.c.
 * @param {Record<string, string | undefined>} env
 */
export function saysNo(env: Record<string, string | undefined>): boolean;
