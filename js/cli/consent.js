'use strict';
// What a person decides: on, off, mode, level, content, GDPR mode, the notice.

const { readSchema } = require('../options');
const { CliError, line, json, table, count, printable, green, yellow, bold } = require('./terminal');
const { withClient } = require('./spool');

/** @typedef {import('./spool').Flags} Flags */
/** @typedef {Record<string, any>} Report */

/** @param {Report} status */
function sayState(status) {
  line(`Telemetry is ${bold(status.enabled ? green('on') : yellow('off'))}: ${printable(status.reason ?? status.decided_by)}`);
}

/** @param {Report} done */
function sayPurged(done) {
  if (Number(done.purged) > 0) line(`Deleted here, unsent: ${count(Number(done.purged), 'event')}.`);
}

/** A choice that reached no disk holds for this process alone, which ends now. @param {Report} done */
function mustBeStored(done) {
  if (done.error) throw new CliError(`the choice could not be stored: ${done.error}`);
}

/** What every change answers with. @param {Report} choice @param {Report} status @param {Report} done */
function answer(choice, status, done) {
  json({ ...done, ...choice, enabled: status.enabled, decided_by: status.decided_by, reason: status.reason });
}

/**
 * Store the user's choice, for every process of the directory.
 * @param {Flags} flags @param {boolean} enabled
 */
async function choose(flags, enabled) {
  return withClient(flags, async (client) => {
    /** @type {Report} */
    const done = await client.setEnabled(enabled, { source: 'user' });
    mustBeStored(done);
    // Off already, by the environment say: then the choice changed nothing, and what waits still has to go.
    if (!enabled) done.purged = Number(done.purged ?? 0) + Number((await client.purge()).purged ?? 0);
    const status = client.status();
    if (flags.json) return answer({ choice: enabled ? 'on' : 'off' }, status, done);
    sayState(status);
    if (enabled && !status.enabled) line('Your choice is stored; something stronger keeps it off: candor status --explain');
    if (!enabled) line(`Deleted here, unsent: ${count(done.purged, 'event')}.`);
  });
}

/** Who starts an upload. @param {Flags} flags @param {string} mode */
async function setMode(flags, mode) {
  return withClient(flags, async (client) => {
    const done = await client.setMode(/** @type {'off' | 'manual' | 'auto'} */ (mode));
    mustBeStored(done);
    const status = client.status();
    if (flags.json) return answer({ mode }, status, done);
    const meaning = { auto: 'the app uploads by itself', manual: 'nothing is uploaded unless somebody asks for it', off: 'nothing is recorded or uploaded' };
    line(`Mode ${bold(mode)} is stored: ${meaning[/** @type {keyof meaning} */ (mode)]}.`);
    sayPurged(done);
    if (mode !== 'off' && !status.enabled) sayState(status);
  });
}

/** What may be recorded at most. @param {Flags} flags @param {string} level */
async function setLevel(flags, level) {
  return withClient(flags, async (client) => {
    const done = await client.setLevel(/** @type {'off' | 'crash' | 'error' | 'all'} */ (level));
    mustBeStored(done);
    const status = client.status();
    if (flags.json) return answer({ choice: level, level: status.level }, status, done);
    line(`Level ${bold(level)} is stored; in force: ${bold(String(status.level))}.`);
    sayPurged(done);
    if (status.level !== level) line('Something stronger keeps it lower: candor status --explain');
  });
}

/** The text of content fields. @param {Flags} flags @param {string} word */
async function setContent(flags, word) {
  return withClient(flags, async (client) => {
    const done = await client.setFullContent(word === 'on');
    mustBeStored(done);
    const status = client.status();
    const content = status.full_content ?? {};
    if (flags.json) return answer({ choice: word, full_content: content }, status, done);
    line(`Full content is ${bold(content.enabled ? yellow('on') : green('off'))}, decided by ${printable(content.decided_by ?? 'nobody')}.`);
    if (word === 'on' && !content.enabled) line('Your choice is stored; something stronger keeps it off: candor status --explain');
    if (word === 'off') line('What waited in the vault is deleted.');
  });
}

/** @param {Flags} flags @param {string} word */
async function setGdpr(flags, word) {
  return withClient(flags, async (client) => {
    const done = await client.setGdpr(word === 'on');
    mustBeStored(done);
    const status = client.status();
    if (flags.json) return answer({ gdpr: word === 'on' }, status, done);
    line(word === 'on'
      ? `GDPR mode is ${bold('on')}: nothing is recorded, and what was here is deleted, now and after each run of the app.`
      : `GDPR mode is ${bold('off')}.`);
    sayPurged(done);
    if (word === 'off') sayState(status);
  });
}

/** What a schema collects, in short. @param {Flags} flags */
function collected(flags) {
  const { text } = readSchema(flags.schema);
  const { events } = /** @type {{events: Record<string, {level: string, purpose: string}>}} */ (JSON.parse(text));
  return Object.entries(events).filter(([, { level }]) => level !== 'content').map(([type, { level, purpose }]) => ({ type, level, purpose }));
}

/** Show what is collected, and say that somebody has read it. @param {Flags} flags */
async function notice(flags) {
  return withClient(flags, async (client, { app }) => {
    const events = collected(flags);
    const before = client.status();
    if (!flags.json) {
      line(`${bold(printable(app))} records these events, without names, texts, paths or addresses of yours:`);
      table(['event', 'level', 'what for'], events.map((event) => [event.type, event.level, event.purpose]));
      line(`They go to ${printable(before.endpoint ?? 'nobody: no collector is set')}. See them: candor preview. Turn it off: candor off, or DO_NOT_TRACK=1.`);
    }
    const done = await client.acknowledgeNotice();
    mustBeStored(done);
    const status = client.status();
    if (flags.json) return json({ events, endpoint: status.endpoint, notice: status.notice });
    line(status.notice?.version > 0 ? `Noted: version ${status.notice.version} of this notice was read.` : 'Noted.');
  });
}

module.exports = { choose, setMode, setLevel, setContent, setGdpr, notice, sayState };
