'use strict';
// What the three exporters share: the client behind them, the result of an export, attributes.

const { open } = require('../index');
const { internalsOf } = require('../internals');

/** As in @opentelemetry/core, which is no dependency. */
const SUCCESS = 0;
const FAILED = 1;

/** Waits of one export for room in the journal, and exports that wait at a time: beyond it, FAILED at once. */
const RETRIES_MAX = 8;
const WAITING_MAX = 64;

/** Refusals that are decisions, not failures: the user's, the host's, the schema's. */
const INTENDED = new Set(['disabled', 'level', 'sampled']);

/** @typedef {import('../index').Options} Options */
/** A client of any schema that has the events. @typedef {import('../index').TelemetryClient<any>} TelemetryClient */
/** @typedef {{code: number, error?: Error}} ExportResult  As in @opentelemetry/core */
/** @typedef {(result: ExportResult) => void} ExportCallback */
/** @typedef {[number, number]} HrTime  Seconds since 1970 and nanoseconds */
/** @typedef {{attributes?: Readonly<Record<string, unknown>>}} Resource */
/** @typedef {{name?: string, version?: string}} Scope */

/** @param {HrTime | undefined} time @returns {string | undefined} nanoseconds, as digits */
function nanosText(time) {
  if (!Array.isArray(time) || !Number.isInteger(time[0]) || !Number.isInteger(time[1])) return undefined;
  return String(BigInt(time[0]) * 1000000000n + BigInt(time[1]));
}

/**
 * One exporter's client: given, or opened from options and then closed at shutdown.
 */
class Exporter {
  /** @type {TelemetryClient} */
  #client;
  #owned;
  #shut = false;
  #waiting = 0;
  /** Resources and scopes are few and shared by all records. @type {WeakMap<object, Record<string, unknown>>} */
  #cache = new WeakMap();

  /** @param {{client: TelemetryClient} | Options} options  An open client, or the options of `open` */
  constructor(options) {
    const given = /** @type {{client?: TelemetryClient}} */ (options)?.client;
    this.#owned = given === undefined;
    this.#client = given ?? open(/** @type {Options} */ (options));
  }

  /** The client that records what is exported. */
  get client() {
    return this.#client;
  }

  /**
   * The attributes of a resource that the schema knows; the schema may not know many.
   * @param {Resource | undefined} resource @param {Scope | undefined} scope
   * @param {Readonly<Record<string, unknown>> | undefined} own  they win
   * @returns {Record<string, unknown>}
   */
  attributesOf(resource, scope, own) {
    return { ...this.#known(resource), ...(scope?.name ? { 'otel.scope.name': scope.name } : undefined), ...own };
  }

  /** @param {Resource | undefined} resource */
  #known(resource) {
    if (resource === undefined || resource === null) return undefined;
    let known = this.#cache.get(resource);
    if (known === undefined) {
      const allowed = internalsOf(this.#client).attributes;
      known = Object.fromEntries(Object.entries(resource.attributes ?? {}).filter(([name]) => allowed.has(name)));
      // Attributes that are still being detected may come; until then there is nothing to remember.
      if (!(/** @type {any} */ (resource).asyncAttributesPending)) this.#cache.set(resource, known);
    }
    return known;
  }

  /**
   * Emit every record, at once. Where the journal is full for the moment, wait for the worker to write it
   * out and go on from there; the SDK is told of a failure only when that does not help. The client
   * counts each refusal.
   * @template T
   * @param {Iterable<T>} records @param {(record: T) => boolean} emit @param {ExportCallback} done
   */
  send(records, emit, done) {
    try {
      if (this.#shut) throw new Error('the exporter is shut down');
      this.#sendFrom([...records], 0, emit, done, RETRIES_MAX);
    } catch (error) {
      finish(done, { code: FAILED, error: error instanceof Error ? error : new Error('export failed') });
    }
  }

  /**
   * @template T
   * @param {T[]} records @param {number} at @param {(record: T) => boolean} emit @param {ExportCallback} done
   * @param {number} retries
   */
  #sendFrom(records, at, emit, done, retries) {
    let dropped = 0;
    let why = '';
    for (let i = at; i < records.length; i++) {
      const reason = this.#tryEmit(records[i], emit);
      if (reason === undefined) continue;
      if (INTENDED.has(reason)) continue;
      if (reason === 'journal_full' && retries > 0 && this.#waiting < WAITING_MAX) {
        this.#later(() => this.#sendFrom(records, i, emit, done, retries - 1), done);
        return;
      }
      dropped++;
      why = reason;
    }
    if (dropped === 0) finish(done, { code: SUCCESS });
    else finish(done, { code: FAILED, error: new Error(`${dropped} records were not kept: ${why}`) });
  }

  /**
   * One record that cannot be read costs none of the others.
   * @template T @param {T} record @param {(record: T) => boolean} emit @returns {string | undefined} why it was not kept
   */
  #tryEmit(record, emit) {
    try {
      return emit(record) ? undefined : internalsOf(this.#client).lastResult();
    } catch {
      return 'bad_payload';
    }
  }

  /** @param {() => void} next @param {ExportCallback} done */
  #later(next, done) {
    this.#waiting++;
    this.#client.flush().catch(() => {}).then(() => {
      this.#waiting--;
      next();
    }).catch((error) => finish(done, { code: FAILED, error }));
  }

  /** What was exported survives power loss afterwards. */
  async forceFlush() {
    if (!this.#shut) await this.#client.flush();
  }

  async shutdown() {
    if (this.#shut) return;
    this.#shut = true;
    await this.#client.flush().catch(() => {}); // what was kept stays in the journal
    if (this.#owned) this.#client.close();
  }
}

/** @param {ExportCallback} done @param {ExportResult} result */
function finish(done, result) {
  try {
    done(result);
  } catch {
    // The callback's own failure; an exporter has nobody to tell.
  }
}

module.exports = { Exporter, nanosText };
