'use strict';

const { COMMANDS, FLAGS, optionsOf } = require('./commands');

/** @param {string} name */
function flagLine(name) {
  const { short, value, about } = FLAGS[name];
  const text = `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
  return `  ${text.padEnd(18)}${about}`;
}

/** Everything there is. */
function help() {
  const commands = Object.entries(COMMANDS).map(([name, { about, verbs }]) => `  ${name.padEnd(14)}${verbs === undefined || name === 'schema' ? '' : `${verbs.join(' | ')}: `}${about}`);
  return `candor: telemetry that people can look in the eye

usage: candor COMMAND (--app NAME | --dir DIRECTORY) [options]
       candor schema VERB [options]

${commands.join('\n')}

options:
${Object.keys(FLAGS).map(flagLine).join('\n')}

exit codes: 0 done, 1 failed, 2 wrong usage, 3 doctor found problems
candor COMMAND --help tells about one command
`;
}

/** One command. @param {string} name */
function helpOf(name) {
  const { about, verbs, noApp, more } = COMMANDS[name];
  const usage = `candor ${name}${verbs === undefined ? '' : ` ${verbs.join('|')}`}${noApp ? '' : ' (--app NAME | --dir DIRECTORY)'} [options]`;
  return `candor ${name}: ${about}

usage: ${usage}
${more === undefined ? '' : `\n${more}\n`}
options:
${optionsOf(name).map(flagLine).join('\n')}
`;
}

module.exports = { help, helpOf };
