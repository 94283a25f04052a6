'use strict';
// Every GET query of /api/telemetry, as a dashboard or an operator asks it. path(i) is the i-th
// request: ranges move a little from one request to the next, so that no answer can be remembered.
// chart: cards and charts, which must not get slower as events grow.
const { DAY_MS } = require('./fill');

const HOUR_MS = DAY_MS / 24;
const STATS = '/api/telemetry/stats';
const EVENTS = '/api/telemetry/events';

function url(base, params) {
  return `${base}?${new URLSearchParams(params)}`;
}

/** A range of some days that ends `endDaysAgo` days and i hours ago. */
function range(i, days, endDaysAgo = 0) {
  const to = Date.now() - endDaysAgo * DAY_MS - (i % 24) * HOUR_MS;
  return { from: new Date(to - days * DAY_MS).toISOString(), to: new Date(to).toISOString() };
}

/** @returns {{name: string, chart?: boolean, path: (i: number, context: {deepPage: {to: string, cursor: string}}) => string}[]} */
function queries() {
  const cards = [['1d', 1], ['7d', 7], ['30d', 30], ['60d', 60]].map(([label, days]) => (
    { name: `stats_${label}`, chart: true, path: (i) => url(STATS, range(i, days)) }));
  return [
    { name: 'health', path: () => '/api/telemetry/health' },
    { name: 'stats_all', chart: true, path: () => STATS },
    ...cards,
    { name: 'stats_7d_old', chart: true, path: (i) => url(STATS, range(i, 7, 40)) },
    { name: 'stats_30d_one_app', chart: true, path: (i) => url(STATS, { ...range(i, 30), app: 'acme-agent' }) },
    { name: 'events_first_page', path: () => url(EVENTS, { limit: 50 }) },
    { name: 'events_first_page_500', path: () => url(EVENTS, { limit: 500 }) },
    { name: 'events_by_category', path: () => url(EVENTS, { category: 'chat', limit: 50 }) },
    { name: 'events_by_type', path: () => url(EVENTS, { type: 'ToolCall', limit: 50 }) },
    { name: 'events_by_source', path: () => url(EVENTS, { source: 'acme-editor', limit: 50 }) },
    { name: 'events_by_date_range', path: (i) => url(EVENTS, { ...range(i, 1, 20 + (i % 20)), limit: 50 }) },
    { name: 'events_errors_7d', path: (i) => url(EVENTS, { ...range(i, 7, i % 30), category: 'error', limit: 50 }) },
    { name: 'events_rare_type', path: () => url(EVENTS, { type: 'uninstall', limit: 50 }) },
    { name: 'events_type_and_source', path: () => url(EVENTS, { type: 'Error', source: 'acme-cli', limit: 50 }) },
    { name: 'events_deep_cursor', path: (i, { deepPage }) => url(EVENTS, { limit: 50, ...deepPage }) },
    { name: 'events_source_without_any', path: () => url(EVENTS, { source: 'no-such-app', limit: 50 }) },
  ];
}

module.exports = { queries };
