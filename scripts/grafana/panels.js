'use strict';
// What the Grafana dashboards show: a title, what it means, how it is drawn, and a query for each kind of store.
// tests/ops runs every query against the real store. An event is one row of candor_events, whose payload is JSON text.

/**
 * @typedef {'stat' | 'timeseries' | 'table' | 'heatmap' | 'barchart'} Drawn
 * @typedef {{title: string, about: string, drawn: Drawn, unit?: string, width?: number, queries: Record<string, string>}} Panel
 */

/** Payload fields. @param {string} name */
const pgNumber = (name) => `(payload::jsonb->>'${name}')::float8`;
const pgText = (/** @type {string} */ name) => `payload::jsonb->>'${name}'`;
const chNumber = (/** @type {string} */ name) => `visitParamExtractFloat(payload, '${name}')`;
const chText = (/** @type {string} */ name) => `visitParamExtractString(payload, '${name}')`;
const chTrue = (/** @type {string} */ name) => `visitParamExtractRaw(payload, '${name}') = 'true'`;

const PG = 'FROM candor_events WHERE $__timeFilter(ts) AND app IN (${app:sqlstring})';
/** FINAL: an event that two collectors wrote at once is one row only after a merge. */
const CH = 'FROM candor_events FINAL WHERE $__timeFilter(ts) AND app IN (${app:sqlstring})';

/** @type {Panel[]} */
const product = [
  {
    title: 'Sessions', about: 'SessionStart events.', drawn: 'stat', width: 6,
    queries: {
      postgres: `SELECT count(*) AS "sessions" ${PG} AND event_type = 'SessionStart'`,
      clickhouse: `SELECT count() AS sessions ${CH} AND event_type = 'SessionStart'`,
    },
  },
  {
    title: 'Crash-free sessions', about: 'Sessions without an event of type Error, of all that began.', drawn: 'stat', unit: 'percentunit', width: 6,
    queries: {
      postgres: `SELECT 1 - count(DISTINCT session_id) FILTER (WHERE event_type = 'Error')::float8
  / nullif(count(DISTINCT session_id), 0) AS "crash-free" ${PG} AND event_type IN ('SessionStart', 'Error')`,
      clickhouse: `SELECT 1 - uniqExactIf(session_id, event_type = 'Error') / uniqExact(session_id) AS crash_free
${CH} AND event_type IN ('SessionStart', 'Error')`,
    },
  },
  {
    title: 'Users', about: 'Different users, within each app.', drawn: 'stat', width: 6,
    queries: {
      postgres: `SELECT count(DISTINCT (app, user_id)) AS "users" ${PG}`,
      clickhouse: `SELECT uniqExact(app, user_id) AS users ${CH}`,
    },
  },
  {
    title: 'Average review time', about: 'From a proposal to its decision.', drawn: 'stat', unit: 'ms', width: 6,
    queries: {
      postgres: `SELECT avg(${pgNumber('reviewDurationMs')}) AS "review" ${PG} AND event_type = 'ProposalDecision'`,
      clickhouse: `SELECT avg(${chNumber('reviewDurationMs')}) AS review ${CH} AND event_type = 'ProposalDecision'`,
    },
  },
  {
    title: 'Events by category', about: 'Stored events an hour.', drawn: 'timeseries',
    queries: {
      postgres: `SELECT date_trunc('hour', ts) AS "time", category AS "metric", count(*) AS "events" ${PG} GROUP BY 1, 2 ORDER BY 1`,
      clickhouse: `SELECT toStartOfHour(ts) AS time, category, count() AS events ${CH} GROUP BY time, category ORDER BY time`,
    },
  },
  {
    title: 'Sessions a day', about: 'SessionStart events, by UTC day.', drawn: 'timeseries',
    queries: {
      postgres: `SELECT date_trunc('day', ts) AS "time", count(*) AS "sessions" ${PG} AND event_type = 'SessionStart' GROUP BY 1 ORDER BY 1`,
      clickhouse: `SELECT toStartOfDay(ts) AS time, count() AS sessions ${CH} AND event_type = 'SessionStart' GROUP BY time ORDER BY time`,
    },
  },
  {
    title: 'Agent latency p95', about: 'How long an answer took (ChatTurn, latencyMs), by model: 95 % took no longer.', drawn: 'timeseries', unit: 'ms',
    queries: {
      postgres: `SELECT date_trunc('hour', ts) AS "time", coalesce(${pgText('model')}, 'unknown') AS "metric",
  percentile_cont(0.95) WITHIN GROUP (ORDER BY ${pgNumber('latencyMs')}) AS "p95"
${PG} AND event_type = 'ChatTurn' GROUP BY 1, 2 ORDER BY 1`,
      clickhouse: `SELECT toStartOfHour(ts) AS time, ${chText('model')} AS model, quantile(0.95)(${chNumber('latencyMs')}) AS p95
${CH} AND event_type = 'ChatTurn' GROUP BY time, model ORDER BY time`,
    },
  },
  {
    title: 'Retrieval queries a second', about: 'Spans whose name begins with "retrieval".', drawn: 'timeseries', unit: 'reqps',
    queries: {
      postgres: `SELECT date_bin('1 minute', ts, 'epoch') AS "time", count(*) / 60.0 AS "queries"
${PG} AND event_type = 'span' AND ${pgText('name')} LIKE 'retrieval%' GROUP BY 1 ORDER BY 1`,
      clickhouse: `SELECT toStartOfMinute(ts) AS time, count() / 60 AS queries
${CH} AND event_type = 'span' AND ${chText('name')} LIKE 'retrieval%' GROUP BY time ORDER BY time`,
    },
  },
  {
    title: 'Planner success', about: 'Spans whose name begins with "planner" and whose status is not error.', drawn: 'timeseries', unit: 'percentunit',
    queries: {
      postgres: `SELECT date_trunc('hour', ts) AS "time", avg((coalesce(${pgText('status')}, 'unset') <> 'error')::int) AS "success"
${PG} AND event_type = 'span' AND ${pgText('name')} LIKE 'planner%' GROUP BY 1 ORDER BY 1`,
      clickhouse: `SELECT toStartOfHour(ts) AS time, avg(${chText('status')} != 'error') AS success
${CH} AND event_type = 'span' AND ${chText('name')} LIKE 'planner%' GROUP BY time ORDER BY time`,
    },
  },
  {
    title: 'Critic value', about: 'Values of the metric "critic.value" over time.', drawn: 'heatmap',
    queries: {
      postgres: `SELECT ts AS "time", ${pgNumber('value')} AS "value"
${PG} AND event_type = 'metric' AND ${pgText('metric')} = 'critic.value' ORDER BY ts LIMIT 10000`,
      clickhouse: `SELECT ts AS time, ${chNumber('value')} AS value
${CH} AND event_type = 'metric' AND ${chText('metric')} = 'critic.value' ORDER BY time LIMIT 10000`,
    },
  },
  {
    title: 'Tool latency', about: 'ToolCall, durationMs.', drawn: 'heatmap', unit: 'ms',
    queries: {
      postgres: `SELECT ts AS "time", ${pgNumber('durationMs')} AS "duration" ${PG} AND event_type = 'ToolCall' ORDER BY ts LIMIT 10000`,
      clickhouse: `SELECT ts AS time, ${chNumber('durationMs')} AS duration ${CH} AND event_type = 'ToolCall' ORDER BY time LIMIT 10000`,
    },
  },
  {
    title: 'Tools', about: 'How often each tool runs and fails.', drawn: 'table',
    queries: {
      postgres: `SELECT ${pgText('toolName')} AS "tool", count(*) AS "calls", avg((${pgText('success')} = 'false')::int) AS "failed"
${PG} AND event_type = 'ToolCall' GROUP BY 1 ORDER BY 2 DESC LIMIT 50`,
      clickhouse: `SELECT ${chText('toolName')} AS tool, count() AS calls, 1 - avg(${chTrue('success')}) AS failed
${CH} AND event_type = 'ToolCall' GROUP BY tool ORDER BY calls DESC LIMIT 50`,
    },
  },
  {
    title: 'Proposals', about: 'Created, and approved or rejected, a day.', drawn: 'timeseries',
    queries: {
      postgres: `SELECT date_trunc('day', ts) AS "time",
  CASE event_type WHEN 'ProposalCreated' THEN 'created' ELSE ${pgText('decision')} END AS "metric", count(*) AS "proposals"
${PG} AND event_type IN ('ProposalCreated', 'ProposalDecision') GROUP BY 1, 2 ORDER BY 1`,
      clickhouse: `SELECT toStartOfDay(ts) AS time,
  if(event_type = 'ProposalCreated', 'created', ${chText('decision')}) AS what, count() AS proposals
${CH} AND event_type IN ('ProposalCreated', 'ProposalDecision') GROUP BY time, what ORDER BY time`,
    },
  },
  {
    title: 'Approval by model', about: 'Decisions of the turns that a model answered: those of the same correlation id.', drawn: 'barchart', unit: 'percentunit',
    queries: {
      postgres: `WITH rows AS (SELECT event_type, correlation_id, payload ${PG} AND correlation_id <> ''),
turns AS (SELECT DISTINCT correlation_id, ${pgText('model')} AS model FROM rows WHERE event_type = 'ChatTurn')
SELECT turns.model AS "model", avg((${pgText('decision')} = 'approved')::int) AS "approved"
FROM rows JOIN turns USING (correlation_id) WHERE event_type = 'ProposalDecision' GROUP BY 1 ORDER BY 2 DESC`,
      clickhouse: `SELECT model, avg(approved) AS approved FROM
 (SELECT correlation_id, ${chText('decision')} = 'approved' AS approved ${CH} AND event_type = 'ProposalDecision' AND correlation_id != '')
ANY INNER JOIN
 (SELECT correlation_id, any(${chText('model')}) AS model ${CH} AND event_type = 'ChatTurn' AND correlation_id != '' GROUP BY correlation_id)
USING correlation_id GROUP BY model ORDER BY approved DESC`,
    },
  },
  {
    title: 'Errors by type', about: 'Events of type Error.', drawn: 'table',
    queries: {
      postgres: `SELECT ${pgText('errorType')} AS "error", count(*) AS "times", count(DISTINCT session_id) AS "sessions", max(ts) AS "last"
${PG} AND event_type = 'Error' GROUP BY 1 ORDER BY 2 DESC LIMIT 50`,
      clickhouse: `SELECT ${chText('errorType')} AS error, count() AS times, uniqExact(session_id) AS sessions, max(ts) AS last
${CH} AND event_type = 'Error' GROUP BY error ORDER BY times DESC LIMIT 50`,
    },
  },
  {
    title: 'Versions', about: 'Sessions by version of the app, a day.', drawn: 'timeseries',
    queries: {
      postgres: `SELECT date_trunc('day', ts) AS "time", app || ' ' || app_version AS "metric", count(*) AS "sessions"
${PG} AND event_type = 'SessionStart' GROUP BY 1, 2 ORDER BY 1`,
      clickhouse: `SELECT toStartOfDay(ts) AS time, concat(app, ' ', app_version) AS version, count() AS sessions
${CH} AND event_type = 'SessionStart' GROUP BY time, version ORDER BY time`,
    },
  },
];

const RATE = '[$__rate_interval]';
/** @param {string} title @param {string} about @param {Drawn} drawn @param {string} query @param {string} [unit] @param {number} [width] @returns {Panel} */
const one = (title, about, drawn, query, unit, width) => ({ title, about, drawn, unit, width, queries: { prometheus: query } });
const c = 'candor_central_';

/** @type {Panel[]} */
const collector = [
  one('Up', 'Collectors that answer.', 'stat', 'sum(up{job="candor-central"})', undefined, 6),
  one('Events stored a second', 'Without duplicates.', 'stat', `sum(rate(${c}events_accepted_total${RATE}))`, 'ops', 6),
  one('Commit p95', '95 % of commits took no longer.', 'stat', `histogram_quantile(0.95, sum by (le) (rate(${c}commit_seconds_bucket${RATE})))`, 's', 6),
  one('Refused by overload', 'Share of answers that are 503.', 'stat',
    `sum(rate(${c}requests_total{code="503"}${RATE})) / sum(rate(${c}requests_total${RATE})) or vector(0)`, 'percentunit', 6),
  one('Answers by status', 'A second.', 'timeseries', `sum by (code) (rate(${c}requests_total${RATE}))`, 'reqps'),
  one('Events', 'Stored, and known before.', 'timeseries',
    `label_replace(sum(rate(${c}events_accepted_total${RATE})), "what", "stored", "", "") or label_replace(sum(rate(${c}events_duplicate_total${RATE})), "what", "duplicate", "", "")`, 'ops'),
  one('Events refused, by reason', 'By the collector; what clients dropped is in their own status.', 'timeseries', `sum by (reason) (rate(${c}events_rejected_total${RATE}))`, 'ops'),
  one('Fields changed by the sanitiser', 'A second, by kind.', 'timeseries', `sum by (kind) (rate(${c}fields_adjusted_total${RATE}))`, 'ops'),
  one('Commit duration', 'Store transactions.', 'heatmap', `sum by (le) (increase(${c}commit_seconds_bucket${RATE}))`, 's'),
  one('Commits that failed', 'Uploads got 503.', 'timeseries', `sum by (instance) (increase(${c}commit_failures_total${RATE}))`),
  one('Waiting for the store', 'Bytes; beyond --queue-bytes uploads get 503.', 'timeseries', `${c}queue_bytes`, 'bytes'),
  one('Request bodies held', 'Bytes; beyond --buffer-bytes uploads get 503.', 'timeseries', `${c}buffered_bytes`, 'bytes'),
  one('Busy, by what was full', 'Requests answered 503 so that memory stays bounded.', 'timeseries', `sum by (reason) (rate(${c}shed_total${RATE}))`, 'reqps'),
  one('Connections', 'Open, refused and closed for others.', 'timeseries',
    `${c}connections or rate(${c}connections_refused_total${RATE}) or rate(${c}connections_evicted_total${RATE})`),
  one('Database', 'Size of the database and of its log.', 'timeseries', `${c}db_bytes or ${c}wal_bytes`, 'bytes'),
  one('Burn rate', 'How many times faster than the target allows sessions fail.', 'timeseries', `max by (rule) (${c}slo_burn_rate)`),
  one('Alerts', 'Rules that fire, and messages on their way.', 'timeseries', `max by (rule) (${c}alert_firing) or sum(${c}alerts_waiting)`),
];

module.exports = { product, collector };
