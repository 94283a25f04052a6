'use strict';
// Tables of ClickHouse as version 2 of them was, and rows in them.

const DAY_MS = 86_400_000;
const COLUMNS = `day Date, event_id FixedString(16), event_type String, category String, ts_ms Int64, session_id String, user_id String,
  machine_id String, app String, app_version String, platform String, correlation_id String, payload String, ts DateTime ALIAS toDateTime(intDiv(ts_ms,1000))`;

/** @typedef {(sql: string) => Promise<string>} Ask */

/** @param {Ask} ask @param {string} [engine] */
async function createOld(ask, engine = 'ReplacingMergeTree()') {
  await ask('CREATE TABLE candor_meta(version UInt32) ENGINE=MergeTree() ORDER BY version');
  await ask('INSERT INTO candor_meta(version) VALUES (1),(2)');
  await ask(`CREATE TABLE candor_events(${COLUMNS}) ENGINE=${engine} PARTITION BY toYYYYMMDD(day) ORDER BY event_id`);
}

/** An insert each, as retention and merges then have parts to work with. @param {Ask} ask @param {any[]} events of type ToolCall */
async function insertOld(ask, events) {
  for (const { event_id: id, timestamp, session_id: session, user_id: user } of events) {
    const ms = Date.parse(timestamp);
    await ask(`INSERT INTO candor_events(day,event_id,event_type,category,ts_ms,session_id,user_id,machine_id,app,app_version,platform,payload)
      VALUES (toDate(${Math.floor(ms / DAY_MS)}),unhex('${id.replaceAll('-', '')}'),'ToolCall','tool',${ms},'${session}','${user}','m','demo','1.2.3','linux-x64','{}')`);
  }
}

module.exports = { createOld, insertOld };
