'use strict';
// candor schema: what is generated from a schema file, and the check of its changes.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { docsOf } = require('../schema/docs');
const { expiredEvents } = require('../schema/expiry');
const { jsonSchemaOf } = require('../schema/jsonschema');
const { readModel } = require('../schema/model');
const { compare } = require('../schema/ratchet');
const { typesOf } = require('../schema/types');
const { vscodeOf } = require('../schema/vscode');
const { CliError, EXIT, line, json, printable, count, green, yellow } = require('./terminal');

/** @typedef {import('../schema/model').Model} Model */
/** @typedef {{schema?: string, output?: string, against?: string, git?: string, today?: string, json?: boolean}} SchemaFlags */

const DEFAULT_SCHEMA = path.join(__dirname, '..', '..', 'schema', 'default.json');

/** @type {Record<string, (model: Model) => string>} */
const GENERATORS = { types: typesOf, docs: docsOf, vscode: vscodeOf, jsonschema: jsonSchemaOf };
const VERBS = ['check', ...Object.keys(GENERATORS)];

/** @param {string} file */
function read(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    throw new CliError(`cannot read schema file: ${/** @type {Error} */ (error).message}`);
  }
}

/** @param {string} directory @param {string[]} args */
function git(directory, args) {
  return execFileSync('git', ['-C', directory, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 64 << 20 });
}

/** Why a child failed, in its own words. @param {unknown} error */
function reason(error) {
  const { stderr, message } = /** @type {Error & {stderr?: string}} */ (error);
  return String(stderr ?? '').trim().split('\n').pop() || message;
}

/**
 * The schema file as it was at a revision; null: it was not there yet.
 * @param {string} file @param {string} ref
 */
function atRevision(file, ref) {
  const full = path.resolve(file);
  const directory = path.dirname(full);
  const name = `./${path.basename(full)}`;
  if (ref === '' || ref.startsWith('-')) throw new CliError(`--git takes a revision such as origin/main, not "${ref}"`, EXIT.usage);
  let commit;
  try {
    commit = git(directory, ['rev-parse', '--verify', '--end-of-options', `${ref}^{commit}`]).trim();
    if (git(directory, ['ls-tree', commit, '--', name]) === '') return null;
    return git(directory, ['show', `${commit}:${name}`]);
  } catch (error) {
    throw new CliError(`cannot read ${file} at ${ref}: ${reason(error)}`);
  }
}

/** @param {SchemaFlags} flags @param {string} file @returns {{origin: string, text: string | null} | undefined} */
function earlier(flags, file) {
  if (flags.against !== undefined && flags.git !== undefined) throw new CliError('give --against or --git, not both', EXIT.usage);
  if (flags.against !== undefined) return { origin: flags.against, text: read(flags.against) };
  if (flags.git !== undefined) return { origin: `${flags.git}:${file}`, text: atRevision(file, flags.git) };
  return undefined;
}

/** @param {string | undefined} given */
function dayOf(given) {
  const day = given ?? new Date().toISOString().slice(0, 10);
  const at = /^\d{4}-\d\d-\d\d$/.test(day) ? new Date(`${day}T00:00:00Z`) : new Date(NaN);
  if (Number.isNaN(at.getTime()) || at.toISOString().slice(0, 10) !== day) {
    throw new CliError(`--today takes a date such as 2026-11-21, not "${given}"`, EXIT.usage);
  }
  return day;
}

/** @param {import('../schema/ratchet').Change} change */
function changeText({ at, direction, person, text }) {
  const word = `${direction}${person ? ', about people' : ''}`.padEnd(21);
  return `${direction === 'widened' ? yellow(word) : word} ${printable(`${at === '' ? 'the schema' : at} ${text}`)}`;
}

/**
 * @param {Model} model @param {string[]} expired
 * @param {string | undefined} origin @param {import('../schema/ratchet').Verdict | null} verdict
 */
function print(model, expired, origin, verdict) {
  for (const change of verdict?.changes ?? []) line(changeText(change));
  const subject = `${printable(model.name)}, version ${model.version}, notice ${model.notice}, ${count(model.events.length, 'event')}`;
  if (origin !== undefined && verdict === null) line(`${printable(origin)} does not exist: there is nothing to compare with.`);
  if (verdict?.changes.length === 0) line(`Nothing changed since ${printable(origin)}.`);
  const problems = [...expired, ...(verdict?.missing ?? [])];
  line(problems.length === 0 ? green(`${subject}: fine`) : `${subject}: ${count(problems.length, 'problem')}`);
}

/** @param {SchemaFlags} flags @param {string} file */
function check(flags, file) {
  const today = dayOf(flags.today);
  const text = read(file);
  const model = readModel(text, file);
  const before = earlier(flags, file);
  const expired = expiredEvents(model, text, file, today);
  const verdict = before === undefined || before.text === null ? null : compare(readModel(before.text, before.origin), model);
  const problems = [...expired, ...(verdict?.missing ?? [])];
  if (flags.json) {
    json({
      ok: problems.length === 0, schema: model.name, version: model.version, notice: model.notice, hash: model.hash,
      events: model.events.length, against: before?.origin ?? null, compared: verdict !== null,
      changes: verdict?.changes ?? [], missing: verdict?.missing ?? [], expired,
    });
  } else {
    print(model, expired, before?.origin, verdict);
  }
  if (problems.length > 0) throw new CliError(problems.join('\ncandor: '));
}

/** @param {SchemaFlags} flags @param {string} text */
function deliver(flags, text) {
  if (flags.output !== undefined) {
    try {
      fs.writeFileSync(flags.output, text);
    } catch (error) {
      throw new CliError(`cannot write: ${/** @type {Error} */ (error).message}`);
    }
  }
  if (flags.json) json({ output: flags.output ?? null, bytes: Buffer.byteLength(text), ...(flags.output === undefined && { text }) });
  else if (flags.output === undefined) process.stdout.write(text);
}

/** @param {SchemaFlags} flags @param {string} verb one of VERBS */
async function schema(flags, verb) {
  const file = flags.schema ?? DEFAULT_SCHEMA;
  const wrong = (verb === 'check' ? /** @type {const} */ (['output']) : /** @type {const} */ (['against', 'git', 'today']))
    .find((flag) => flags[flag] !== undefined);
  if (wrong !== undefined) throw new CliError(`"schema ${verb}" takes no --${wrong}`, EXIT.usage);
  if (verb === 'check') check(flags, file);
  else deliver(flags, GENERATORS[verb](readModel(read(file), file)));
}

module.exports = { schema, VERBS };
