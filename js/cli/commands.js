'use strict';
// Every command: what it does, what it takes, who does it.

const { status } = require('./status');
const consent = require('./consent');
const { preview, upload, exportPackage, purge } = require('./upload');
const { ledger } = require('./ledger');
const { stats } = require('./stats');
const { settings } = require('./settings');
const { doctor } = require('./doctor');
const { debugBundle } = require('./bundle');
const { schema, VERBS } = require('./schema');

/** @typedef {import('./spool').Flags} Flags */

/**
 * @typedef {object} Command
 * @property {string} about
 * @property {string[]} [options]  beside those that every command takes
 * @property {string[]} [verbs]  one of them has to follow
 * @property {boolean} [noApp]  takes neither --app nor --dir
 * @property {string} [more]  for its own --help
 * @property {(flags: Flags, verb: string) => Promise<void>} run
 */

const NETWORK = ['endpoint', 'token', 'proxy', 'ca-file'];

/** @type {Record<string, Command>} */
const COMMANDS = {
  status: {
    about: 'whether telemetry is on, who decided, what waits, what was lost and why', options: ['endpoint', 'explain'], run: status,
    more: '--explain adds, for telemetry, level, mode, full content and endpoint, what each source says and which one decides.',
  },
  on: { about: 'store the choice "on"', run: (flags) => consent.choose(flags, true) },
  off: { about: 'store the choice "off" and delete what waits, for every process of the app', run: (flags) => consent.choose(flags, false) },
  mode: {
    about: 'who starts uploads: nobody, you, or the app by itself', verbs: ['off', 'manual', 'auto'], run: consent.setMode,
    more: 'off records nothing either; manual uploads on candor upload only; auto leaves it to the app. Stored for every process of the app.',
  },
  level: {
    about: 'what may be recorded at most', verbs: ['off', 'crash', 'error', 'all'], run: consent.setLevel,
    more: 'crash keeps crash events, error those and errors, all everything but content. A lower level deletes what waits.',
  },
  content: {
    about: 'whether the text of content fields is recorded, encrypted', verbs: ['on', 'off'], run: consent.setContent,
    more: 'off, which is the default, deletes what waits in the vault. on needs a key, which only the app has.',
  },
  notice: { about: 'show what is collected, in short, and note that it was read', options: ['endpoint'], run: consent.notice },
  preview: { about: 'print exactly the bytes that the next upload sends', options: ['endpoint'], run: preview },
  export: {
    about: 'write what waits as one reviewable file', options: ['output', 'since'], run: exportPackage,
    more: 'The file is rc-metrics.json in the current directory unless --output says otherwise. Nothing leaves the spool.',
  },
  upload: {
    about: 'send what waits, or a file of export, now', options: [...NETWORK, 'file', 'auto', 'from', 'since', 'dry-run'], run: upload,
    more: 'For cron: candor upload --app NAME --auto --from 22:00-06:00\n' +
      'uploads within that part of the day (local time) while telemetry is on; else it says why not, with exit code 0.',
  },
  purge: { about: 'delete what waits', run: purge },
  stats: { about: 'what was kept and sent, by event type', options: ['since'], run: stats },
  ledger: {
    about: 'what was sent, when, and with which consent', options: ['verify', 'limit'], run: ledger,
    more: '--verify checks that each entry follows the one before it, and that kept bodies are the ones sent; exit code 1 when not.',
  },
  doctor: {
    about: 'what is wrong here, and what to do about it', options: [...NETWORK, 'offline'], run: doctor,
    more: 'Sends no event. Asks the collector for its health, and with an upload of nothing whether it takes the token.\nExit code 3: there are problems; warnings alone are 0.',
  },
  'debug-bundle': {
    about: 'a file for whoever helps you, without events and personal data', options: [...NETWORK, 'output', 'offline', 'yes'], run: debugBundle,
    more: 'Says what will be in it and asks before it writes; --yes and --json do not ask. An existing file is not replaced.',
  },
  gdpr: {
    about: 'GDPR mode: record nothing, keep nothing here', verbs: ['on', 'off'], run: consent.setGdpr,
    more: 'on deletes every file of the directory that is Candor\'s, now and after each run of the app.',
  },
  settings: { about: 'every option with unit, default and bounds', noApp: true, run: settings },
  schema: { about: `${VERBS.join(' | ')}: of a schema file; needs no app`, options: ['schema', 'output', 'against', 'git', 'today'], verbs: VERBS, noApp: true, run: schema },
};

/**
 * Every option: how it is typed, and what it means.
 * @type {Record<string, {type: 'string' | 'boolean', short?: string, value?: string, about: string}>}
 */
const FLAGS = {
  app: { type: 'string', value: 'NAME', about: 'the app\'s name: looks into the user\'s data directory for it' },
  dir: { type: 'string', value: 'DIRECTORY', about: 'the app\'s telemetry directory itself' },
  schema: { type: 'string', value: 'FILE', about: 'schema file of the app; default: the default catalogue' },
  endpoint: { type: 'string', value: 'URL', about: 'collector to use, over TELEMETRY_ENDPOINT and telemetry.toml' },
  token: { type: 'string', value: 'TOKEN', about: 'Bearer token; TELEMETRY_TOKEN is safer' },
  proxy: { type: 'string', value: 'URL', about: 'proxy to use, over HTTPS_PROXY' },
  'ca-file': { type: 'string', value: 'FILE', about: 'PEM file of trusted roots, in place of the system\'s' },
  since: { type: 'string', value: 'WHEN', about: '24h, 7d, 30m, 2w or a date; for stats 24h unless given' },
  explain: { type: 'boolean', about: 'say who decides what' },
  output: { type: 'string', value: 'FILE', about: 'write there' },
  file: { type: 'string', value: 'FILE', about: 'send this package instead of what waits' },
  auto: { type: 'boolean', about: 'do nothing when telemetry or the mode is off' },
  from: { type: 'string', value: 'WINDOW', about: 'with --auto: only then, such as 22:00-06:00' },
  'dry-run': { type: 'boolean', about: 'say what would be sent, and send nothing' },
  verify: { type: 'boolean', about: 'check that nobody has changed the ledger' },
  limit: { type: 'string', value: 'N', about: 'the last N entries; default 20' },
  offline: { type: 'boolean', about: 'leave the network alone' },
  yes: { type: 'boolean', about: 'do not ask' },
  against: { type: 'string', value: 'FILE', about: 'for check: the version before, to compare with' },
  git: { type: 'string', value: 'REF', about: 'for check: the same file at a git revision' },
  today: { type: 'string', value: 'DATE', about: 'for check: the day that events may have expired by' },
  json: { type: 'boolean', about: 'one JSON value on stdout' },
  help: { type: 'boolean', short: 'h', about: 'this text; after a command: about that command' },
  version: { type: 'boolean', short: 'v', about: 'the version' },
};

const WHERE = ['app', 'dir', 'schema'];

/** The options of a command. @param {string} name */
function optionsOf(name) {
  const command = COMMANDS[name];
  return [...(command.noApp ? [] : WHERE), ...(command.options ?? []), 'json', 'help'];
}

module.exports = { COMMANDS, FLAGS, optionsOf };
