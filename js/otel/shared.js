'use strict';
// What the three exporters share: the client behind them, the result of an export, attributes.

const { open } = require('../index');
const { internalsOf } = require('../internals');

/** As in @opentelemetry/core, which is no dependency. */
const SUCCESS = 0;
const FAILED = 1;

/** Flushes in a row that make no room in the journal, until what waits for it fails. */
const RETRIES_MAX = 8;
/** Records that wait behind the first export that does: beyond it, FAILED at once. */
const WAITING_MAX = 16384;

/** Refusals that are decisions, not failures: the user's, the host's, the schema's. */
const INTENDED = new Set(['disabled', 'level', 'sampled']);

/** @typedef {import('../index').Options} Options */
/** A client of any schema that has the events. @typedef {import('../index').TelemetryClient<any>} TelemetryClient */
/** @typedef {{code: number, error?: Error}} ExportResult  As in @opentelemetry/core */
/** @typedef {(result: ExportResult) => void} ExportCallback */
/** @typedef {[number, number]} HrTime  Seconds since 1970 and nanoseconds */
/**
 * An export on its way into the journal.
 * @typedef {object} Job
 * @property {unknown[]} records
 * @property {(record: any) => boolean} emit
 * @property {ExportCallback} done
 * @property {number} at  the next record
 * @property {number} dropped
 * @property {string} why  the last one was
 */
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
  /** Exports that wait for room, in their order. @type {Job[]} */
  #queue = [];
  #waiting = 0;
  /** @type {Promise<void> | undefined} */
  #draining;
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
      const job = { records: [...records], emit, done, at: 0, dropped: 0, why: '' };
      const behind = this.#queue.length > 0;
      const fits = !behind || this.#waiting + job.records.length <= WAITING_MAX;
      if (behind && fits) this.#wait(job);
      else if (!this.#run(job, !fits)) this.#wait(job);
    } catch (error) {
      finish(done, { code: FAILED, error: error instanceof Error ? error : new Error('export failed') });
    }
  }

  /** @param {Job} job @param {boolean} last  No wait for room @returns {boolean} false: the journal is full */
  #run(job, last) {
    for (; job.at < job.records.length; job.at++) {
      const reason = this.#tryEmit(job.records[job.at], job.emit);
      if (reason === undefined || INTENDED.has(reason)) continue;
      if (reason === 'journal_full' && !last) return false;
      job.dropped++;
      job.why = reason;
    }
    if (job.dropped === 0) finish(job.done, { code: SUCCESS });
    else finish(job.done, { code: FAILED, error: new Error(`${job.dropped} records were not kept: ${job.why}`) });
    return true;
  }

  /** @param {Job} job */
  #wait(job) {
    this.#queue.push(job);
    this.#waiting += job.records.length - job.at;
    this.#draining ??= this.#drain();
  }

  /** One flush at a time for all that wait. */
  async #drain() {
    for (let idle = 0; this.#queue.length > 0;) {
      await this.#client.flush().catch(() => {});
      idle = this.#goOn(idle >= RETRIES_MAX) ? 0 : idle + 1;
    }
    this.#draining = undefined;
  }

  /** @param {boolean} last @returns {boolean} whether there was room for any */
  #goOn(last) {
    const before = this.#waiting;
    let done = 0;
    for (const job of this.#queue) {
      const from = job.at;
      const through = this.#run(job, last);
      this.#waiting -= job.at - from;
      if (!through) break;
      done++;
    }
    this.#queue.splice(0, done);
    return this.#waiting < before;
  }

  /**
   * One record that cannot be read costs none of the others.
   * @param {unknown} record @param {(record: any) => boolean} emit @returns {string | undefined} why it was not kept
   */
  #tryEmit(record, emit) {
    try {
      return emit(record) ? undefined : internalsOf(this.#client).lastResult();
    } catch {
      return 'bad_payload';
    }
  }

  /** What was exported survives power loss afterwards. */
  async forceFlush() {
    if (!this.#shut) await this.#client.flush();
  }

  async shutdown() {
    if (this.#shut) return;
    this.#shut = true;
    await this.#draining;
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
