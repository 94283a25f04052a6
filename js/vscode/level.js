'use strict';
// What VS Code and the extension's own settings allow. The lowest of them holds; none can widen another.

const { debuglog } = require('node:util');

const debug = debuglog('candor');

/** @typedef {'off' | 'crash' | 'error' | 'all'} Level  from the least to the most */
/** @typedef {typeof import('vscode')} Api */

/** @type {readonly Level[]} */
const LEVELS = ['off', 'crash', 'error', 'all'];

/** @param {readonly Level[]} levels @returns {Level} */
function lowest(levels) {
  return LEVELS[Math.min(...levels.map((level) => LEVELS.indexOf(level)))];
}

/**
 * VS Code's own level. Its API tells usage and errors apart, not "crash" from "off": that takes the setting.
 * @param {Api} api
 * @param {import('vscode').TelemetryLogger} logger  knows what product and policy allow, which settings do not say
 * @returns {Level}
 */
function editorLevel(api, logger) {
  if (api.env.isTelemetryEnabled && logger.isUsageEnabled) return 'all';
  if (logger.isErrorsEnabled) return 'error';
  const settings = api.workspace.getConfiguration('telemetry');
  const refused = settings.get('enableTelemetry') === false || settings.get('enableCrashReporter') === false; // before VS Code 1.61
  return settings.get('telemetryLevel') === 'crash' && !refused ? 'crash' : 'off';
}

/**
 * Every value that is set for a key. A workspace's file is among them, and must not undo what the user chose:
 * so none replaces another.
 * @param {import('vscode').WorkspaceConfiguration} settings @param {string} key
 * @returns {unknown[]}
 */
function valuesOf(settings, key) {
  const found = settings.inspect(key);
  if (found === undefined) return [];
  return [found.globalValue ?? found.defaultValue, found.workspaceValue, found.workspaceFolderValue]
    .filter((value) => value !== undefined && value !== null);
}

/**
 * The level that `<section>.enabled` and `<section>.level` allow. A word that is no level is a no: a privacy
 * choice is not guessed.
 * @param {Api} api @param {string | undefined} section
 * @returns {Level}
 */
function ownLevel(api, section) {
  if (section === undefined) return 'all';
  const settings = api.workspace.getConfiguration(section);
  if (valuesOf(settings, 'enabled').some((value) => value !== true)) return 'off';
  const words = valuesOf(settings, 'level');
  const unknown = words.find((word) => !LEVELS.includes(/** @type {Level} */ (word)));
  if (unknown !== undefined) {
    debug('%s.level is "%s": use %s; nothing is recorded until then', section, unknown, LEVELS.join(', '));
    return 'off';
  }
  return lowest(['all', .../** @type {Level[]} */ (words)]);
}

/**
 * What the user's own settings, those of every window, say about `<section>.enabled`; a workspace's file is that workspace's.
 * @param {Api} api @param {string | undefined} section
 * @returns {boolean}
 */
function userEnabled(api, section) {
  if (section === undefined) return true;
  const found = api.workspace.getConfiguration(section).inspect('enabled');
  return (found?.globalValue ?? found?.defaultValue ?? true) === true;
}

module.exports = { LEVELS, lowest, editorLevel, ownLevel, userEnabled };
