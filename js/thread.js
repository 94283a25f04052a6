'use strict';
// Native code reads the environment of the process. A worker thread may have one of its own
// (`new Worker(file, { env })`), and a "no" in it must hold as well.

const YES = ['1', 'true', 'yes', 'on'];
const MAY_TRACK = ['', '0', 'false'];

/**
 * Whether this environment says no; the same words as in native/client/consent.c.
 * @param {Record<string, string | undefined>} env
 */
function saysNo(env) {
  const { DO_NOT_TRACK: track, TELEMETRY_ENABLED: enabled } = env;
  if (track !== undefined && !MAY_TRACK.includes(track.toLowerCase())) return true;
  return enabled !== undefined && enabled !== '' && !YES.includes(enabled.toLowerCase());
}

/**
 * The settings for this thread. Mode off, because a TELEMETRY_ENABLED=1 of the process would win over hostEnabled.
 * @param {Record<string, unknown>} settings
 * @returns {Record<string, unknown>}
 */
function narrowed(settings) {
  if (!saysNo(process.env)) return settings;
  const { isMainThread } = require('node:worker_threads'); // costs more than the rest of this package
  if (isMainThread) return settings;
  const known = settings.mode === undefined || settings.mode === null || settings.mode === 'auto' || settings.mode === 'manual';
  return known ? { ...settings, mode: 'off' } : settings; // native code has something to say about any other
}

module.exports = { narrowed, saysNo };
