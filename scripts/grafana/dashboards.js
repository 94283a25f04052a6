'use strict';
// deploy/grafana/*.json: Grafana dashboards (schema version 39) made of panels.js. scripts/generate.js writes and checks them.
const { product, collector } = require('./panels');

/** @typedef {import('./panels').Panel} Panel */
/** @typedef {Record<string, any>} Json */

const HEIGHT = { stat: 4, timeseries: 8, table: 8, heatmap: 8, barchart: 8 };
const COLUMNS = 24;

/** What a data source wants of a query. @type {Record<string, {type: string, target: (query: string, panel: Panel) => Json}>} */
const SOURCES = {
  prometheus: {
    type: 'prometheus',
    target: (expr, { drawn }) => ({ expr, legendFormat: '__auto', ...(drawn === 'stat' ? { instant: true } : {}), ...(drawn === 'heatmap' ? { format: 'heatmap' } : {}) }),
  },
  postgres: {
    type: 'grafana-postgresql-datasource',
    target: (rawSql, { drawn }) => ({ rawSql, rawQuery: true, editorMode: 'code', format: ['timeseries', 'heatmap'].includes(drawn) ? 'time_series' : 'table' }),
  },
  clickhouse: {
    type: 'grafana-clickhouse-datasource',
    target: (rawSql, { drawn }) => ({ rawSql, editorType: 'sql', queryType: drawn === 'timeseries' ? 'timeseries' : 'table' }),
  },
};

/** Left to right, then down. @param {Panel[]} panels @param {string} source @returns {Json[]} */
function place(panels, source) {
  const { type, target } = SOURCES[source];
  const datasource = { type, uid: '${datasource}' };
  let x = 0;
  let y = 0;
  let high = 0;
  return panels.map((panel, index) => {
    const w = panel.width ?? COLUMNS / 2;
    const h = HEIGHT[panel.drawn];
    if (x + w > COLUMNS) {
      x = 0;
      y += high;
      high = 0;
    }
    const at = { x, y, w, h };
    x += w;
    high = Math.max(high, h);
    return {
      id: index + 1, title: panel.title, description: panel.about, type: panel.drawn, gridPos: at, datasource,
      fieldConfig: { defaults: panel.unit === undefined ? {} : { unit: panel.unit }, overrides: [] },
      ...(panel.drawn === 'heatmap' && source !== 'prometheus' ? { options: { calculate: true } } : {}),
      targets: [{ refId: 'A', datasource, ...target(panel.queries[source], panel) }],
    };
  });
}

/** @param {string} source @returns {Json[]} */
function variables(source) {
  const { type } = SOURCES[source];
  const datasource = { name: 'datasource', label: 'Data source', type: 'datasource', query: type };
  if (source === 'prometheus') return [datasource];
  return [datasource, {
    name: 'app', label: 'App', type: 'query', multi: true, includeAll: true, refresh: 1, datasource: { type, uid: '${datasource}' },
    query: 'SELECT DISTINCT app FROM candor_events ORDER BY app', current: { text: 'All', value: '$__all' },
  }];
}

/** @param {string} uid @param {string} title @param {Panel[]} panels @param {string} source */
function dashboard(uid, title, panels, source) {
  return `${JSON.stringify({
    uid, title, tags: ['candor'], schemaVersion: 39, version: 1, editable: true, timezone: 'browser', refresh: '1m',
    time: { from: source === 'prometheus' ? 'now-6h' : 'now-7d', to: 'now' },
    templating: { list: variables(source) }, panels: place(panels, source),
  }, null, 1)}\n`;
}

/** Path and text of each. @returns {Map<string, string>} */
function grafanaFiles() {
  return new Map([
    ['deploy/grafana/candor-collector.json', dashboard('candor-collector', 'Candor: the collector', collector, 'prometheus')],
    ['deploy/grafana/candor-product-postgres.json', dashboard('candor-product-pg', 'Candor: the product (PostgreSQL)', product, 'postgres')],
    ['deploy/grafana/candor-product-clickhouse.json', dashboard('candor-product-ch', 'Candor: the product (ClickHouse)', product, 'clickhouse')],
  ]);
}

module.exports = { grafanaFiles };
