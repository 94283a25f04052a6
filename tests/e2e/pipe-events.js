'use strict';
// Event lines made by hand, for what no client of ours would send, and the collector's answer to them.
const crypto = require('node:crypto');

/** RFC 9562 section 5.7. @param {number} [ms] */
function uuid7(ms = Date.now()) {
  const bytes = crypto.randomBytes(16);
  bytes.writeUIntBE(ms, 0, 6);
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/**
 * One event line without its line feed.
 * @param {string} type
 * @param {string} payload  JSON text, sent as it is
 * @param {Record<string, string>} [more]  other base fields
 */
function line(type, payload, more = {}) {
  const base = {
    event_id: uuid7(), event_type: type, timestamp: new Date().toISOString(),
    session_id: '0190c8f2-7e1a-7c3b-9d4e-5f60718293a4', user_id: 'user-1', machine_id: '0123456789abcdef0123456789abcdef',
    app: 'pipe-test', app_version: '1.0.0', platform: 'linux-x64', ...more,
  };
  return `${JSON.stringify(base).slice(0, -1)},"payload":${payload}}`;
}

/**
 * POST to the collector's events endpoint.
 * @param {import('../../scripts/support/collector.js').Collector} collector
 * @param {string | Buffer} body  NDJSON unless headers say otherwise
 * @param {Record<string, string>} [headers]
 */
async function post(collector, body, headers = {}) {
  const response = await fetch(`${collector.url}/api/v1/events?results=all`, {
    method: 'POST',
    headers: { authorization: `Bearer ${collector.token}`, 'content-type': 'application/x-ndjson', ...headers },
    body,
  });
  const text = await response.text();
  let json = null;
  try {
    json = JSON.parse(text);
  } catch {
    /* the caller looks at status and text */
  }
  return { status: response.status, headers: response.headers, text, json };
}

/** Every stored payload by correlation id, as the text that the API returned. */
async function payloadTexts(collector) {
  const found = new Map();
  let cursor = null;
  do {
    const route = `/api/telemetry/events?limit=500${cursor === null ? '' : `&cursor=${cursor}`}`;
    const response = await fetch(collector.url + route, { headers: { authorization: `Bearer ${collector.token}` } });
    const text = await response.text();
    const page = JSON.parse(text);
    // Payload is the last key of an event, so its text stands between its key and the next event.
    const starts = [...text.matchAll(/\{"event_id":"[0-9a-f-]{36}","event_type":/g)].map((match) => match.index);
    page.events.forEach((event, i) => {
      const end = starts[i + 1] ?? text.lastIndexOf('],"next_cursor"') + 1;
      const whole = text.slice(starts[i], end - 1);
      found.set(event.correlation_id, { event, text: whole.slice(whole.indexOf('"payload":') + 10, -1) });
    });
    cursor = page.next_cursor;
  } while (cursor !== null);
  return found;
}

module.exports = { uuid7, line, post, payloadTexts };
