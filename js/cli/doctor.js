'use strict';
// candor doctor: what is wrong, and what to do about it. Looks, asks the collector, and changes nothing.

const index = require('../index');
const { translated } = require('../errors');
const { tomlOf } = require('./explain');
const { listFiles } = require('./files');
const { EXIT, line, json, count, printable, green, yellow, red, dim, bold, progress } = require('./terminal');
const { withClient, locateExisting, settleEnvironment, needNative } = require('./spool');
const disk = require('./doctor/directory');
const network = require('./doctor/network');
const report = require('./doctor/report');
const { skip } = require('./doctor/finding');

/** @typedef {import('./spool').Flags} Flags */
/** @typedef {import('./doctor/finding').Finding} Finding */
/** @typedef {{findings: Finding[], status: Record<string, any>}} Diagnosis */

/** What telemetry.toml, else the table of settings says. @param {Record<string, any>} toml @param {string} name */
function numberOf(toml, name) {
  return Number(toml[name] ?? index.settings().find((row) => row.name === name)?.default ?? 0);
}

/** @param {Flags} flags @param {string} app @param {Record<string, any>} toml */
function probeOptions(flags, app, toml) {
  return JSON.stringify({ app, endpoint: flags.endpoint ?? toml.endpoint, token: flags.token, proxy: flags.proxy, caFile: flags['ca-file'] });
}

/**
 * Off means that no socket is opened, for the doctor neither.
 * @param {Flags} flags @param {string} app @param {Record<string, any>} toml @param {Record<string, any>} status
 * @returns {Promise<Finding[]>}
 */
async function askCollector(flags, app, toml, status) {
  if (flags.offline) return [skip('endpoint', 'Not asked: --offline.')];
  if (!status.enabled) return [skip('endpoint', 'Not asked: telemetry is off, and then nothing is connected to.')];
  const asked = needNative().probe(probeOptions(flags, app, toml), String(status.schema?.hash ?? ''));
  const probe = JSON.parse(await progress(asked, (seconds) => `asking the collector, ${seconds} s`));
  return [network.endpoint(probe), ...network.clockAgainst(probe, Date.now()), ...network.token(probe, Boolean(process.env.TELEMETRY_TOKEN))];
}

/** @param {string} directory */
async function verified(directory) {
  return index.verifyLedger(directory);
}

/** @param {Flags} flags @returns {Promise<Diagnosis>} */
async function diagnose(flags) {
  const { app, directory } = locateExisting(flags);
  settleEnvironment(flags);
  const now = Date.now();
  const toml = tomlOf(directory);
  // First, because a client has a journal and locks of its own.
  const files = listFiles(directory);
  const held = JSON.parse(translated(() => needNative().inspect(directory)));
  const status = await withClient(flags, (client) => client.status());
  const findings = [
    ...report.consent(status), ...report.trouble(status), ...report.settingsFile(status),
    ...disk.permissions(directory, files), ...disk.disk(directory, numberOf(toml, 'minFreeDiskBytes')),
    ...disk.clockJump(files, now), ...disk.processes(held), ...disk.quarantine(files),
    ...disk.backlog(files, numberOf(toml, 'retentionDays'), now),
    ...disk.encrypted(files),
    ...disk.schemaOfFiles(directory, files, String(status.schema?.hash ?? '')), ...report.expiry(flags.schema, now),
    ...report.vault(status), ...report.losses(status), ...report.ledger(await verified(directory)),
    ...network.proxy(process.env, flags.proxy), ...network.certificates(process.env, flags['ca-file'], now),
    ...await askCollector(flags, app, toml, status),
  ];
  return { findings, status };
}

/** @param {Finding[]} findings */
function summary(findings) {
  const of = (/** @type {string} */ level) => findings.filter((finding) => finding.level === level).length;
  return { ok: of('ok'), warn: of('warn'), fail: of('fail'), skip: of('skip') };
}

/** @type {Record<string, (text: string) => string>} */
const PAINT = { ok: green, warn: yellow, fail: red, skip: dim };

/** @param {Finding[]} findings */
function print(findings) {
  for (const { check, level, text, todo } of findings) {
    line(`${PAINT[level](level.padEnd(4))}  ${printable(check).padEnd(13)}${printable(text)}`);
    if (todo !== undefined) line(`${' '.repeat(19)}${printable(todo)}`);
  }
  const { fail, warn } = summary(findings);
  line('');
  line(bold(fail === 0 && warn === 0 ? 'All is well.' : `${count(fail, 'problem')}, ${count(warn, 'warning')}.`));
}

/** @param {Flags} flags */
async function doctor(flags) {
  const { findings } = await diagnose(flags);
  const counts = summary(findings);
  if (flags.json) json({ ok: counts.fail === 0, ...{ counts }, findings });
  else print(findings);
  if (counts.fail > 0) process.exitCode = EXIT.problems;
}

module.exports = { doctor, diagnose, summary };
