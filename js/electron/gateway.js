'use strict';
// One way in for everything that other processes send: bounded, rate-limited, refused with a reason, and
// never an exception in the host.

const { REFUSALS, TYPE_CHARS_MAX, allowance, isPlain, measure } = require('./bounds');
const { CONFIGURABLE, ABOVE_USER, readChanges, storedOptions, writeJson } = require('./settings');

/** @typedef {import('./bounds').Refusal} Refusal */
/** @typedef {import('./bounds').Allowance} Allowance */
/** @typedef {import('./settings').Configurable} Configurable */
/** @typedef {import('./settings').TelemetrySettings} TelemetrySettings */
/** @typedef {import('../index').TelemetryClient<any>} TelemetryClient */

/**
 * @typedef {object} GatewayOptions
 * @property {TelemetryClient} client
 * @property {string[]} [allowedEvents]  what a page or a utility process may emit; default: every event of the schema
 * @property {Configurable[]} [configurable]  what a settings page may change; default: nothing
 * @property {string} [settingsFile]  where endpoint and user id are kept
 * @property {() => Promise<import('../vault').Key[]>} [keys]  createKeyProvider(); asked when full content is on
 * @property {() => void} [onChange]  settings were changed by a page
 * @property {(sender: any, on: boolean) => void} [onFollow]  a page wants to hear of changes
 *
 * @typedef {{ok: true, value: unknown} | {ok: false, error: string}} Answer
 */

/** What a call takes of its sender's allowance; one that does more work, or more traffic, takes more. @type {Record<string, number>} */
const COSTS = { preview: 3, purge: 3, upload: 10 };

/** @param {unknown} error */
function sentence(error) {
  return error instanceof Error ? error.message : 'the call failed';
}

/** What a page asked for and cannot have. */
class Refused extends Error {
  /** @param {Refusal} reason @param {string} message */
  constructor(reason, message) {
    super(message);
    this.reason = reason;
  }
}

/** @param {unknown} value @returns {boolean} */
function toBoolean(value) {
  if (typeof value !== 'boolean') throw new Refused('bad_argument', 'true or false is needed');
  return value;
}

/** @template {string} T @param {unknown} value @param {readonly T[]} words @returns {T} */
function toWord(value, words) {
  const word = words.find((candidate) => candidate === value);
  if (word === undefined) throw new Refused('bad_argument', `one of ${words.join(', ')} is needed`);
  return word;
}

class Gateway {
  #client;
  #options;
  /** @type {Map<unknown, (argument: unknown, sender: object) => unknown>} */
  #methods;
  #counts = { emits: 0, kept: 0, calls: 0, refused: /** @type {Record<Refusal, number>} */ (Object.fromEntries(REFUSALS.map((name) => [name, 0]))) };
  /** @type {WeakMap<object, Allowance>} */
  #allowances = new WeakMap();
  /** @type {Promise<unknown> | undefined} */
  #keysSet;
  /** Changed since the start and not in force yet. @type {Set<Configurable>} */
  #pending = new Set();
  /** As the user gave it; the client knows only its hash. @type {string | null} */
  #userId;

  /** @param {GatewayOptions} options */
  constructor(options) {
    this.#client = options.client;
    this.#options = options;
    this.#userId = (options.settingsFile === undefined ? {} : storedOptions(options.settingsFile)).userId ?? null;
    this.#methods = this.#table();
  }

  #table() {
    const client = this.#client;
    const changed = async (/** @type {Promise<unknown>} */ done) => {
      await done;
      this.#options.onChange?.();
      return this.settings();
    };
    return new Map(/** @type {[unknown, (argument: unknown, sender: object) => unknown][]} */ ([
      ['status', () => ({ ...client.status(), ipc: this.counts() })],
      ['getSettings', () => this.settings()],
      ['follow', (on, sender) => this.#options.onFollow?.(sender, toBoolean(on))],
      ['setEnabled', (on) => changed(client.setEnabled(toBoolean(on)))],
      ['setLevel', (level) => changed(client.setLevel(toWord(level, /** @type {const} */ (['off', 'crash', 'error', 'all']))))],
      ['setMode', (mode) => changed(client.setMode(toWord(mode, /** @type {const} */ (['auto', 'manual', 'off']))))],
      ['setFullContent', (on) => changed(this.setFullContent(toBoolean(on)))],
      ['acknowledgeNotice', () => changed(client.acknowledgeNotice())],
      ['configure', (changes) => changed(this.#configure(changes))],
      ['preview', () => client.preview()],
      ['ledger', (options) => client.ledger(this.#ledgerOptions(options))],
      ['upload', () => client.upload()],
      ['purge', async () => {
        const report = await client.purge();
        this.#options.onChange?.();
        return report;
      }],
    ]));
  }

  /** What was taken and refused since the start, by reason. */
  counts() {
    return { ...this.#counts, refused: { ...this.#counts.refused } };
  }

  /** @param {Refusal} reason @returns {false} */
  refuse(reason) {
    this.#counts.refused[reason]++;
    return false;
  }

  /** @param {object} sender */
  #allowance(sender) {
    let found = this.#allowances.get(sender);
    if (found === undefined) this.#allowances.set(sender, found = allowance());
    return found;
  }

  /**
   * An event of another process.
   * @param {object} sender  whose allowance it takes
   * @param {unknown} type @param {unknown} payload @param {unknown} meta
   * @returns {boolean} kept
   */
  emit(sender, type, payload, meta) {
    try {
      this.#counts.emits++;
      const allowed = this.#allowance(sender);
      if (!allowed.emits.take(1)) return this.refuse('rate');
      if (typeof type !== 'string' || type.length > TYPE_CHARS_MAX) return this.refuse('event');
      if (this.#options.allowedEvents?.includes(type) === false) return this.refuse('event');
      const { chars, refusal } = measure(payload);
      if (refusal !== null) return this.refuse(refusal);
      if (!allowed.chars.take(chars)) return this.refuse('rate');
      const id = typeof meta === 'object' && meta !== null ? /** @type {{correlationId?: unknown}} */ (meta).correlationId : undefined;
      const kept = this.#client.emit(type, /** @type {any} */ (payload), typeof id === 'string' ? { correlationId: id } : undefined);
      if (kept) this.#counts.kept++;
      return kept;
    } catch {
      return this.refuse('bad_payload');
    }
  }

  /**
   * Any other call of a page.
   * @param {object} sender @param {unknown} method @param {unknown} argument
   * @returns {Promise<Answer>}
   */
  async call(sender, method, argument) {
    try {
      this.#counts.calls++;
      const run = this.#methods.get(method);
      const cost = run === undefined ? 1 : COSTS[String(method)] ?? 1;
      if (!this.#allowance(sender).calls.take(cost)) throw new Refused('rate', 'too many calls in a short time: try again in a moment');
      if (run === undefined) throw new Refused('unknown_method', 'there is no such method');
      return { ok: true, value: await run(argument, sender) };
    } catch (error) {
      if (error instanceof Refused) this.refuse(error.reason);
      return { ok: false, error: sentence(error) };
    }
  }

  /** @returns {TelemetrySettings} */
  settings() {
    const status = this.#client.status();
    return {
      enabled: status.enabled,
      decidedBy: status.decided_by,
      reason: status.reason,
      locked: ABOVE_USER.has(status.decided_by),
      level: status.level ?? 'off',
      mode: status.mode ?? 'off',
      fullContent: status.full_content?.enabled === true,
      fullContentDecidedBy: status.full_content?.decided_by ?? 'default',
      notice: status.notice ?? null,
      endpoint: status.endpoint ?? null,
      userId: this.#userId,
      configurable: [...this.#options.configurable ?? []],
      needsRestart: [...this.#pending],
    };
  }

  /** Keys first: text that comes without one is not kept. @param {boolean} on */
  async setFullContent(on) {
    if (on) await this.provideKeys();
    await this.#client.setFullContent(on);
  }

  /** @returns {Promise<void>} rejects where there is no keychain */
  async provideKeys() {
    const { keys } = this.#options;
    if (keys === undefined) return;
    this.#keysSet ??= keys().then((list) => this.#client.setKeys(list));
    try {
      await this.#keysSet;
    } catch (error) {
      this.#keysSet = undefined; // a keyring may be started later
      throw error;
    }
  }

  /** @param {unknown} given */
  async #configure(given) {
    const read = readChanges(given, this.#options.configurable ?? []);
    if ('error' in read) throw new Refused('bad_argument', read.error);
    const { changes } = read;
    const report = await this.#client.configure(changes);
    const { settingsFile } = this.#options;
    if (settingsFile !== undefined) {
      const stored = { ...storedOptions(settingsFile), ...changes };
      writeJson(settingsFile, Object.fromEntries(CONFIGURABLE.filter((name) => typeof stored[name] === 'string').map((name) => [name, stored[name]])));
    }
    if (changes.userId !== undefined) this.#userId = changes.userId;
    for (const name of CONFIGURABLE) if (report.needs_restart.includes(name)) this.#pending.add(name);
  }

  /** @param {unknown} options */
  #ledgerOptions(options) {
    if (options === undefined || options === null) return {};
    const limit = typeof options === 'object' && isPlain(options) ? /** @type {{limit?: unknown}} */ (options).limit : NaN;
    if (limit === undefined) return {};
    if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1) throw new Refused('bad_argument', 'ledger takes { limit }, a number from 1 on');
    return { limit: Math.min(limit, 1000) };
  }
}

module.exports = { Gateway };
