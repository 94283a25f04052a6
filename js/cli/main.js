#!/usr/bin/env node
'use strict';

const { parseArgs } = require('node:util');
const { version } = require('../index');
const { TelemetryError } = require('../errors');
const { COMMANDS, FLAGS, optionsOf } = require('./commands');
const { help, helpOf } = require('./help');
const { suggestion } = require('./nearest');
const { CliError, EXIT, warn } = require('./terminal');

/** @typedef {import('./spool').Flags} Flags */

const OPTIONS = Object.fromEntries(Object.entries(FLAGS).map(([name, { type, short }]) => [name, short === undefined ? { type } : { type, short }]));

/** @param {string} text @returns {never} */
function misuse(text) {
  throw new CliError(text, EXIT.usage);
}

/** @param {string[]} argv */
function parse(argv) {
  try {
    return parseArgs({ args: argv, options: OPTIONS, allowPositionals: true });
  } catch (error) {
    const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
    const typed = code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' ? /'--([^'=]+)/.exec(message) : null;
    return misuse(typed === null ? message : `there is no option --${typed[1]}${suggestion(typed[1], Object.keys(FLAGS))}`);
  }
}

/** @param {string | undefined} name */
function commandOf(name) {
  if (name === undefined) return misuse(`no command; known: ${Object.keys(COMMANDS).join(', ')}`);
  if (Object.hasOwn(COMMANDS, name)) return name;
  return misuse(`unknown command "${name}"${suggestion(name, Object.keys(COMMANDS)) || `; known: ${Object.keys(COMMANDS).join(', ')}`}`);
}

/** The word behind a command that needs one. @param {string} name @param {string[]} extra  it is taken off */
function verbOf(name, extra) {
  const { verbs } = COMMANDS[name];
  if (verbs === undefined) return '';
  const verb = extra.shift() ?? '';
  if (verbs.includes(verb)) return verb;
  return misuse(`"${name}" needs one of: ${verbs.join(', ')}${verb === '' ? '' : suggestion(verb, verbs)}`);
}

/** @param {string} name @param {Record<string, unknown>} flags */
function checkOptions(name, flags) {
  const allowed = optionsOf(name);
  const wrong = Object.keys(flags).find((flag) => !allowed.includes(flag));
  if (wrong !== undefined) misuse(`"${name}" takes no --${wrong}`);
}

/** @param {string[]} argv */
async function main(argv) {
  const { values, positionals } = parse(argv);
  const [typed, ...extra] = positionals;
  if (values.help) return void process.stdout.write(typed === undefined ? help() : helpOf(commandOf(typed)));
  if (values.version) return void process.stdout.write(`${version}\n`);
  const name = commandOf(typed);
  const verb = verbOf(name, extra);
  if (extra.length > 0) misuse(`"${name}" takes no argument "${extra[0]}"`);
  const flags = /** @type {Flags} */ ({ ...values });
  checkOptions(name, flags);
  return COMMANDS[name].run(flags, verb);
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
