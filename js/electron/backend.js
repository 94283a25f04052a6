'use strict';
// What a process that the app spawns has to know: the TELEMETRY_* variables.

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
function backendEnvironment(client, { token, standalone = false } = {}) {
  const status = client.status();
  /** @type {Record<string, string>} */
  const env = {};
  if (status.decided_by === 'DO_NOT_TRACK') env.DO_NOT_TRACK = '1';
  if (!status.enabled) env.TELEMETRY_ENABLED = '0';
  else if (standalone) env.TELEMETRY_ENABLED = '1';
  const content = status.full_content?.enabled === true;
  if (!content) env.TELEMETRY_FULL_CONTENT = '0';
  else if (standalone) env.TELEMETRY_FULL_CONTENT = '1';
  if (!status.enabled) return env; // it needs no address and no name
  if (typeof status.endpoint === 'string') env.TELEMETRY_ENDPOINT = status.endpoint;
  if (typeof status.user_id === 'string') env.TELEMETRY_USER_ID = status.user_id;
  if (typeof token === 'string' && token !== '') env.TELEMETRY_TOKEN = token;
  return env;
}

module.exports = { backendEnvironment };
