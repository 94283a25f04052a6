'use strict';
// Who decides what: for each setting its sources, highest first, what each of them says here, and the
// one that decides. The same rows are the table of docs/settings.md.

const fs = require('node:fs');
const path = require('node:path');
const { ConfigFile } = require('../config');
const { line, table, printable, bold } = require('./terminal');

/** @typedef {Record<string, any>} Report */

/**
 * What the sources of a setting say.
 * @typedef {object} Facts
 * @property {Report} status
 * @property {NodeJS.ProcessEnv} env
 * @property {Report} toml  options that telemetry.toml sets
 * @property {string | undefined} typed  --endpoint
 *
 * @typedef {object} Source
 * @property {string} name
 * @property {string} how  how it is said, for the documents
 * @property {(facts: Facts) => string | null} says  null: nothing
 *
 * @typedef {object} Setting
 * @property {string} title
 * @property {string} rule
 * @property {Source[]} sources  highest first
 * @property {(facts: Facts) => string} value
 * @property {(facts: Facts) => string | undefined} decides  name of the source
 *
 * @typedef {{source: string, says: string | null, decides: boolean}} Row
 * @typedef {{value: string, decided_by: string | null, sources: Row[]}} Explained
 */

const APP_ONLY = 'known to the running app only';
const FILE = 'telemetry.toml';

/** @param {boolean} on */
const word = (on) => (on ? 'on' : 'off');
/** @param {NodeJS.ProcessEnv} env @param {string} name */
const exported = (env, name) => (env[name] === undefined || env[name] === '' ? null : `"${env[name]}"`);

/** @param {string} name @param {string} how @returns {Source} */
function variable(name, how) {
  return { name, how, says: ({ env }) => exported(env, name) };
}

/** @param {string} how @param {string} [name] @returns {Source} */
function host(how, name = 'the app') {
  return { name, how, says: () => APP_ONLY };
}

/** @param {string} says @param {string} how @returns {Source} */
function fallback(says, how) {
  return { name: 'default', how, says: () => says };
}

/** Who decided about "enabled": status names it by its own word. @param {Facts} facts */
function enabledBy({ status }) {
  const { decided_by: by, stored = {}, enabled } = status;
  if (by === FILE) return enabled ? `${FILE}, on` : `${FILE}, off`;
  if (by === 'host') return 'the app';
  if (by !== 'stored') return by;
  const chosen = stored.choice === 'off' || stored.choice === 'unreadable' || stored.level === 'off';
  return !enabled && !chosen && stored.mode === 'off' ? 'stored mode' : 'stored choice';
}

/** @param {Facts} facts */
function storedChoice({ status: { stored = {} } }) {
  const parts = [stored.choice, stored.level === 'off' ? 'level off' : null].filter(Boolean);
  return parts.length === 0 ? null : parts.join(', ');
}

/** @param {Facts} facts */
function fileOff({ toml }) {
  if (toml.configLevel === 'off') return 'level off';
  return ['off', 'unreadable'].includes(String(toml.configEnabled)) ? String(toml.configEnabled) : null;
}

/** @param {Facts} facts */
function levelBy({ status, toml }) {
  const at = status.level;
  if (!status.enabled) return 'telemetry';
  if (at === undefined) return 'default';
  if (toml.configLevel === at) return FILE;
  if (status.stored?.level === at) return 'stored level';
  return at === 'all' ? 'default' : 'the app';
}

/** @param {Facts} facts */
function modeBy({ status, toml }) {
  if (status.stored?.mode) return 'stored mode';
  return toml.mode === undefined ? 'default' : FILE;
}

const CONTENT_BY = /** @type {Record<string, string>} */ ({ host: 'the app', stored: 'stored choice', level: 'level' });

/** @param {Facts} facts */
function endpointBy({ status, env, toml, typed }) {
  if (!status.endpoint) return 'default';
  if (typed !== undefined) return '--endpoint';
  if (exported(env, 'TELEMETRY_ENDPOINT') !== null) return 'TELEMETRY_ENDPOINT';
  return toml.endpoint === undefined ? 'the app' : FILE;
}

/** @type {Record<string, Setting>} */
const SETTINGS = {
  enabled: {
    title: 'Telemetry',
    rule: 'the first that says something decides; a yes of the app never does',
    sources: [
      { name: 'stored mode', how: 'mode `off`: `candor mode off`, `setMode`, or the option `mode`', says: ({ status }) => (status.stored?.mode === 'off' ? 'off' : null) },
      variable('DO_NOT_TRACK', 'anything but empty, `0`, `false` is a no'),
      { name: 'gdpr', how: '`candor gdpr on`, `setGdpr`, or the option `gdpr`', says: ({ status }) => (status.gdpr ? 'off' : null) },
      variable('TELEMETRY_ENABLED', '`1 true yes on` or `0 false no off`; anything else is a no'),
      host('`hostEnabled`, `hostLevel`, `setEnabled(false, { source: "host" })`'),
      { name: `${FILE}, off`, how: '`enabled = false`, `level = "off"`, or a file that cannot be read', says: fileOff },
      { name: 'stored choice', how: '`candor on`, `candor off`, `candor level off`, `setEnabled`', says: storedChoice },
      { name: `${FILE}, on`, how: '`enabled = true`', says: ({ toml }) => (toml.configEnabled === 'on' ? 'on' : null) },
      fallback('on, unless the app says otherwise', 'the option `defaultEnabled`'),
    ],
    value: ({ status }) => word(status.enabled),
    decides: enabledBy,
  },
  level: {
    title: 'Level',
    rule: 'the lowest is in force',
    sources: [
      { name: 'telemetry', how: 'off: the level is `off`', says: ({ status }) => (status.enabled ? null : 'off') },
      host('`hostLevel`, `setLevel(level, "host")`'),
      { name: FILE, how: '`level`', says: ({ toml }) => toml.configLevel ?? null },
      { name: 'stored level', how: '`candor level`, `setLevel`', says: ({ status }) => status.stored?.level ?? null },
      fallback('all', '`all`'),
    ],
    value: ({ status }) => status.level ?? 'all',
    decides: levelBy,
  },
  mode: {
    title: 'Mode',
    rule: 'the first decides; the app\'s `off` holds whatever else is said',
    sources: [
      host('the option `mode: "off"`', 'the app, off'),
      { name: 'stored mode', how: '`candor mode`, `setMode`', says: ({ status }) => status.stored?.mode ?? null },
      { name: FILE, how: '`upload_enabled = false` is `manual`', says: ({ toml }) => toml.mode ?? null },
      host('the option `mode`'),
      fallback('auto', '`auto`'),
    ],
    value: ({ status, toml }) => status.stored?.mode ?? toml.mode ?? 'auto, unless the app says otherwise',
    decides: modeBy,
  },
  full_content: {
    title: 'Full content',
    rule: 'the first that says something decides',
    sources: [
      { name: 'telemetry', how: 'off: content is off', says: ({ status }) => (status.enabled ? null : 'off') },
      { name: 'level', how: 'below `all`: content is off', says: ({ status }) => (status.enabled && status.level !== undefined && status.level !== 'all' ? 'off' : null) },
      host('the option `fullContent: false`, `setFullContent(false, "host")`'),
      { name: FILE, how: '`full_content = false`', says: ({ toml }) => (toml.configFullContent === false ? 'off' : null) },
      variable('TELEMETRY_FULL_CONTENT', '`1 true yes on` is a yes, anything else a no'),
      { name: 'stored choice', how: '`candor content`, `setFullContent`', says: ({ status }) => (typeof status.stored?.full_content === 'boolean' ? word(status.stored.full_content) : null) },
      fallback('off', 'off'),
    ],
    value: ({ status }) => word(Boolean(status.full_content?.enabled)),
    decides: ({ status }) => {
      const by = status.full_content?.decided_by ?? 'default';
      return CONTENT_BY[by] ?? by;
    },
  },
  endpoint: {
    title: 'Endpoint',
    rule: 'the first that is set is used; one that cannot be used is not replaced',
    sources: [
      { name: '--endpoint', how: 'of the command line, for that command', says: ({ typed }) => typed ?? null },
      { name: 'TELEMETRY_ENDPOINT', how: 'of the environment', says: ({ env, typed }) => (typed === undefined ? exported(env, 'TELEMETRY_ENDPOINT') : null) },
      { name: FILE, how: '`endpoint` of `[upload]`', says: ({ toml }) => toml.endpoint ?? null },
      host('the option `endpoint`'),
      fallback('none: events stay on this machine', 'none: events stay on this machine'),
    ],
    value: ({ status }) => status.endpoint ?? 'none: events stay on this machine',
    decides: endpointBy,
  },
};

/** @param {string} directory @returns {Report} */
function tomlOf(directory) {
  const file = path.join(directory, FILE);
  return fs.existsSync(file) ? new ConfigFile(file).options : {};
}

/**
 * @param {Report} status
 * @param {string} directory
 * @param {string} [typed]  --endpoint
 * @returns {Record<string, Explained>}
 */
function explain(status, directory, typed) {
  const facts = { status, env: process.env, toml: tomlOf(directory), typed };
  return Object.fromEntries(Object.entries(SETTINGS).map(([name, setting]) => {
    const by = setting.decides(facts);
    const sources = setting.sources.map((source) => ({ source: source.name, says: source.says(facts), decides: source.name === by }));
    return [name, { value: setting.value(facts), decided_by: by ?? null, sources }];
  }));
}

/** @param {Record<string, Explained>} explained */
function printExplained(explained) {
  for (const [name, { value, sources }] of Object.entries(explained)) {
    line('');
    line(`${SETTINGS[name].title}: ${bold(printable(value))} (${SETTINGS[name].rule.replaceAll('`', '')})`);
    table(['', 'who', 'says'], sources.map((row) => [row.decides ? '>' : '', row.source, row.says ?? '-']));
  }
}

/** For docs/settings.md. @returns {string[][]} setting, rule, sources highest first */
function precedence() {
  return Object.values(SETTINGS).map(({ title, rule, sources }) => [
    title, sources.map(({ name, how }) => `**${name}**: ${how}`).join('<br>'), rule,
  ]);
}

module.exports = { explain, printExplained, precedence, tomlOf };
