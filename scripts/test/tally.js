'use strict';

/** Counts of one step or of all: passed, failed with detail, skipped with the reason. */
class Tally {
  passed = 0;
  failed = 0;
  skipped = 0;
  /** @type {{name: string, detail: string}[]} */
  failures = [];
  /** @type {string[]} */
  skips = [];

  pass(count = 1) {
    this.passed += count;
  }

  /** @param {string} name @param {string} detail @param {number} [count] */
  fail(name, detail, count = 1) {
    this.failed += count;
    this.failures.push({ name, detail });
  }

  /** @param {string} reason @param {number} [count] */
  skip(reason, count = 1) {
    this.skipped += count;
    this.skips.push(reason);
  }

  /** @param {Tally} other */
  add(other) {
    this.passed += other.passed;
    this.failed += other.failed;
    this.skipped += other.skipped;
    this.failures.push(...other.failures);
    this.skips.push(...other.skips);
  }

  line() {
    return `${this.passed} passed, ${this.failed} failed, ${this.skipped} skipped`;
  }
}

module.exports = { Tally };
