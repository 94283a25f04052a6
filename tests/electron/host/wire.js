'use strict';
// Values of the structured clone algorithm as text and back: the way between Chromium and Node here takes
// text only. Used on both sides; in the page its source is injected.

const wire = (() => {
  /** @param {unknown} root @returns {string} */
  function encode(root) {
    const seen = new Map();
    /** @param {any} value @returns {any} */
    const put = (value) => {
      if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
      if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0) ? value : ['n', Object.is(value, -0) ? '-0' : String(value)];
      if (value === undefined) return ['u'];
      if (typeof value === 'bigint') return ['b', String(value)];
      if (seen.has(value)) return ['r', seen.get(value)];
      seen.set(value, seen.size);
      if (value instanceof Date) return ['d', value.getTime()];
      if (value instanceof Error) return ['e', value.name, value.message];
      if (Array.isArray(value)) return ['a', value.map(put)];
      if (value instanceof Map) return ['m', [...value].map(([key, inner]) => [put(key), put(inner)])];
      if (value instanceof Set) return ['s', [...value].map(put)];
      if (value instanceof ArrayBuffer) return ['t', 'ArrayBuffer', [...new Uint8Array(value)]];
      if (ArrayBuffer.isView(value)) return ['t', 'Uint8Array', [...new Uint8Array(value.buffer, value.byteOffset, value.byteLength)]];
      return ['o', Object.entries(value).map(([key, inner]) => [key, put(inner)])];
    };
    return JSON.stringify(put(root));
  }

  /** @param {string} text @returns {any} */
  function decode(text) {
    /** @type {any[]} */
    const seen = [];
    /** @param {any} value @returns {any} */
    const take = (value) => {
      if (!Array.isArray(value)) return value;
      const [tag, body, more] = value;
      if (tag === 'n') return Number(body);
      if (tag === 'u') return undefined;
      if (tag === 'b') return BigInt(body);
      if (tag === 'r') return seen[body];
      if (tag === 'd') return keep(new Date(body));
      if (tag === 'e') return keep(Object.assign(new Error(more), { name: body }));
      if (tag === 't') return keep(body === 'ArrayBuffer' ? Uint8Array.from(more).buffer : Uint8Array.from(more));
      if (tag === 'a') {
        const list = keep(/** @type {any[]} */ ([]));
        for (const inner of body) list.push(take(inner));
        return list;
      }
      if (tag === 'm') {
        const map = keep(new Map());
        for (const [key, inner] of body) map.set(take(key), take(inner));
        return map;
      }
      if (tag === 's') {
        const set = keep(new Set());
        for (const inner of body) set.add(take(inner));
        return set;
      }
      const object = keep({});
      // Structured clone defines own properties: "__proto__" is one like any other.
      for (const [key, inner] of body) Object.defineProperty(object, key, { value: take(inner), writable: true, enumerable: true, configurable: true });
      return object;
    };
    const keep = (/** @type {any} */ value) => {
      seen.push(value);
      return value;
    };
    return take(JSON.parse(text));
  }

  return { encode, decode };
})();

if (typeof module === 'object') module.exports = wire;
