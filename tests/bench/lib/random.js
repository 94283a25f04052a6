'use strict';
// A small seeded generator (xorshift128, Marsaglia 2003): the same seed gives the same events, so two
// collectors can be fed the same load, and a surprising figure can be repeated.

class Random {
  #x; #y; #z; #w;

  constructor(seed) {
    this.#x = 123456789 ^ seed;
    this.#y = 362436069 ^ Math.imul(seed, 0x9e3779b1);
    this.#z = 521288629;
    this.#w = 88675123;
    for (let i = 0; i < 32; i += 1) this.u32(); // neighbouring seeds start alike
  }

  u32() {
    const t = this.#x ^ (this.#x << 11);
    this.#x = this.#y;
    this.#y = this.#z;
    this.#z = this.#w;
    this.#w = (this.#w ^ (this.#w >>> 19) ^ t ^ (t >>> 8)) >>> 0;
    return this.#w;
  }

  /** 0 <= value < 1 */
  float() {
    return this.u32() / 4294967296;
  }

  /** 0 <= value < n */
  below(n) {
    return Math.floor(this.float() * n);
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  /** Log-normal around a median: most values near it, a long tail, as durations and sizes are. */
  logNormal(middle, sigma) {
    const u = Math.max(this.float(), 1e-12);
    const normal = Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * this.float());
    return middle * Math.exp(sigma * normal);
  }

  /** n hex digits. */
  hex(n) {
    let text = '';
    while (text.length < n) text += HEX16[this.u32() >>> 16];
    return text.slice(0, n);
  }

  /** UUID version 7 (RFC 9562 section 5.7) of a unix time in milliseconds. */
  uuid7(unixMs) {
    const high = Math.floor(unixMs / 65536);
    const a = this.u32();
    const b = this.u32();
    const c = this.u32();
    return `${HEX16[(high >>> 16) & 0xffff]}${HEX16[high & 0xffff]}-${HEX16[unixMs % 65536]}-`
      + `${HEX16[0x7000 | (a & 0xfff)]}-${HEX16[0x8000 | ((a >>> 16) & 0x3fff)]}-`
      + `${HEX16[b >>> 16]}${HEX16[b & 0xffff]}${HEX16[c >>> 16]}`;
  }
}

const HEX16 = Array.from({ length: 65536 }, (_, i) => i.toString(16).padStart(4, '0'));

module.exports = { Random };
