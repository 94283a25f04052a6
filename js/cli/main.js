#!/usr/bin/env node
'use strict';

const { parseArgs } = require('node:util');
const { version } = require('../index');
const { TelemetryError } = require('../errors');
const { CliError, EXIT, warn } = require('./terminal');
const { status, choose } = require('./status');
const { preview, upload, purge } = require('./upload');
const { stats } = require('./stats');
const { settings } = require('./settings');

/** @typedef {import('./spool').Flags} Flags */
/** @type {Record<string, {about: string, options: string[], run: (flags: Flags) => Promise<void>}>} */
const COMMANDS = {
  status: { about: 'whether telemetry is on, who decided, what waits, what was lost and why', options: ['endpoint'], run: status },
  on: { about: 'store the choice "on"', options: [], run: (flags) => choose(flags, true) },
  off: { about: 'store the choice "off" and delete what waits, for every process of the app', options: [], run: (flags) => choose(flags, false) },
  preview: { about: 'print exactly the bytes that the next upload sends', options: ['endpoint'], run: preview },
  upload: { about: 'send what waits, now', options: ['endpoint', 'token'], run: upload },
  purge: { about: 'delete what waits', options: [], run: purge },
  stats: { about: 'what was kept and sent, by event type', options: ['since'], run: stats },
  settings: { about: 'every option with unit, default and bounds', options: [], run: settings },
};

/** Options that go with every command but `settings`. */
const WHERE = ['app', 'dir', 'schema'];

const FLAGS = /** @type {const} */ ({
  app: { type: 'string' },
  dir: { type: 'string' },
  schema: { type: 'string' },
  endpoint: { type: 'string' },
  token: { type: 'string' },
  since: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
});

const HELP = `candor: telemetry that people can look in the eye

usage: candor COMMAND (--app NAME | --dir DIRECTORY) [options]

${Object.entries(COMMANDS).map(([name, c]) => `  ${name.padEnd(10)}${c.about}`).join('\n')}

options:
  --app NAME        the app's name: looks into the user's data directory for it
  --dir DIRECTORY   the app's telemetry directory itself
  --schema FILE     schema file of the app; default: the default catalogue
  --endpoint URL    collector to use, over TELEMETRY_ENDPOINT
  --token TOKEN     Bearer token; TELEMETRY_TOKEN is safer
  --since WHEN      for stats: 24h, 7d, 30m, 2w or a date; default 24h
  --json            one JSON value on stdout
  -h, --help        this text
  -v, --version     the version

exit codes: 0 done, 1 failed, 2 wrong usage
`;

/** @param {string} name @param {Flags & Record<string, unknown>} flags */
function checkOptions(name, flags) {
  const allowed = new Set(['json', ...(name === 'settings' ? [] : WHERE), ...COMMANDS[name].options]);
  for (const flag of Object.keys(flags)) {
    if (!allowed.has(flag)) throw new CliError(`"${name}" takes no --${flag}`, EXIT.usage);
  }
}

/** @param {string[]} argv */
function parse(argv) {
  try {
    return parseArgs({ args: argv, options: FLAGS, allowPositionals: true });
  } catch (error) {
    throw new CliError(/** @type {Error} */ (error).message, EXIT.usage);
  }
}

/** @param {string[]} argv */
async function main(argv) {
  const { values, positionals } = parse(argv);
  if (values.help) return void process.stdout.write(HELP);
  if (values.version) return void process.stdout.write(`${version}\n`);
  const [name, ...extra] = positionals;
  if (name === undefined) throw new CliError(`no command; known: ${Object.keys(COMMANDS).join(', ')}`, EXIT.usage);
  if (!Object.hasOwn(COMMANDS, name)) {
    throw new CliError(`unknown command "${name}"; known: ${Object.keys(COMMANDS).join(', ')}`, EXIT.usage);
  }
  if (extra.length > 0) throw new CliError(`"${name}" takes no argument "${extra[0]}"`, EXIT.usage);
  const flags = { ...values };
  checkOptions(name, flags);
  return COMMANDS[name].run(flags);
}

/** @param {unknown} error */
function fail(error) {
  const known = error instanceof CliError || error instanceof TelemetryError;
  warn(known ? error.message : `unexpected: ${error instanceof Error ? error.stack : error}`);
  if (error instanceof CliError && error.exitCode === EXIT.usage) warn('candor --help lists the commands');
  process.exitCode = error instanceof CliError ? error.exitCode : EXIT.failed;
}

// `candor preview | head` closes the pipe early: no failure worth a stack trace.
process.stdout.on('error', (error) => {
  if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EPIPE') throw error;
});

main(process.argv.slice(2)).catch(fail);
