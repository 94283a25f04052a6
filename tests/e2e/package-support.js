'use strict';
// A TelemetryPackage as the client's export writes it, for tests of who takes one.
const crypto = require('node:crypto');
const zlib = require('node:zlib');
const { uuid7 } = require('./central-support.js');

/** @param {object[]} events @param {object} [more] members that differ */
function makePackage(events, more = {}) {
  const span = (key, list) => {
    const times = list.map(({ timestamp }) => timestamp).sort();
    return { [key]: list.length, first_timestamp: times[0] ?? null, last_timestamp: times.at(-1) ?? null };
  };
  const types = [...new Set(events.map(({ event_type: type }) => type))];
  return {
    schema_version: '1.0.0', package_id: uuid7(), export_timestamp: new Date().toISOString(),
    app: 'demo', app_version: '1.2.3', platform: 'linux-x64', machine_id: 'a'.repeat(32),
    schema: { name: 'candor-default', version: 1, hash: crypto.createHash('sha256').update('x').digest('hex') },
    governance_id: 'TEL-2026-01', correlation_ids: [], correlation_ids_more: 0, events,
    performance_metrics: [],
    usage_statistics: {
      ...span('events', events),
      by_type: types.map((type) => ({ event_type: type, ...span('count', events.filter((event) => event.event_type === type)) })),
    },
    errors: [], ...more,
  };
}

/** @param {import('./central-support.js').Central} central @param {string | Buffer | object} pack */
function sendPackage(central, pack, { gzip = false, headers = {}, token, query = '' } = {}) {
  const text = typeof pack === 'string' || Buffer.isBuffer(pack) ? pack : JSON.stringify(pack);
  return central.fetch(`/api/telemetry/upload${query}`, {
    method: 'POST', body: gzip ? zlib.gzipSync(text) : text, token,
    headers: { 'content-type': 'application/json', ...(gzip ? { 'content-encoding': 'gzip' } : {}), ...headers },
  });
}

module.exports = { makePackage, sendPackage };
