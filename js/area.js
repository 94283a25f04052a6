'use strict';
// The staging area between an encoder and native code, as laid out in native/contract/sanitise.h.
// Memory is V8's: Electron forbids array buffers that native code owns.

const EVENT = 1; // indices into u32
const PRESENT_LO = 2;
const PRESENT_HI = 3;
const BAD_TYPE = 4;
const CORRELATION_AT = 5;
const CORRELATION_LEN = 6;
const HEAP_END = 7;
const SLOTS = 4; // field i as a number: f64[SLOTS + i]; as two words, at and len: u32[2 * that], next
const HEAP_AT = 544;
const CUT = 0x80000000;

/** In place of an event index: native counts the reason. */
const UNKNOWN_EVENT = 0xffffffff;
const BAD_PAYLOAD = 0xfffffffe;
const TOO_LARGE = 0xfffffffd;

/** Strings up to this length are copied by a loop: cheaper than any call while they are ASCII. */
const SHORT = 24;

/** One past `cap` code units at most, without half of a surrogate pair. @param {string} s @param {number} cap */
function cutUnits(s, cap) {
  const last = s.charCodeAt(cap - 1);
  return s.slice(0, last >= 0xd800 && last <= 0xdbff ? cap - 1 : cap);
}

/**
 * @param {ArrayBuffer} memory
 */
function createArea(memory) {
  const u32 = new Uint32Array(memory);
  const f64 = new Float64Array(memory);
  const bytes = Buffer.from(memory);
  const size = bytes.length;
  let end = HEAP_AT;
  let bad = 0;
  let overflow = false;

  /** @param {number} word @param {number} at @param {number} n */
  function put(word, at, n) {
    u32[word] = at;
    u32[word + 1] = n;
    return true;
  }

  /** No room left: the event is refused as a whole. @param {number} word */
  function noRoom(word) {
    overflow = true;
    return put(word, HEAP_AT, 0);
  }

  /**
   * Any string: cut to `cap` bytes of UTF-8 between characters; lone surrogates become U+FFFD.
   * @param {string} s @param {number} word @param {number} cap
   */
  function writeLong(s, word, cap) {
    let cut = s.length > cap;
    const text = cut ? cutUnits(s, cap) : s;
    let need = 3 * text.length;
    if (need > cap || need > size - end) {
      need = Buffer.byteLength(text, 'utf8');
      if (need > cap) {
        cut = true;
        need = cap;
      }
      if (need > size - end) return noRoom(word);
    }
    const n = bytes.write(text, end, need, 'utf8');
    put(word, end, cut ? (n | CUT) >>> 0 : n);
    end += n;
    return true;
  }

  return {
    u32,
    f64,

    /** Begin an event. */
    reset() {
      end = HEAP_AT;
      bad = 0;
      overflow = false;
    },

    /** A value of a type that the field does not take. */
    refuse() {
      bad++;
      return false;
    },

    /**
     * @param {string} s
     * @param {number} word  index into u32 of the slot's first word
     * @param {number} cap  bytes
     * @returns {boolean} true
     */
    writeString(s, word, cap) {
      const n = s.length;
      const at = (end + 3) & ~3;
      if (n > SHORT || n > cap || n > size - at) return writeLong(s, word, cap);
      let all = 0;
      let i = 0;
      for (; i < n - 3; i += 4) { // four characters a store
        const a = s.charCodeAt(i);
        const b = s.charCodeAt(i + 1);
        const c = s.charCodeAt(i + 2);
        const d = s.charCodeAt(i + 3);
        all |= a | b | c | d;
        u32[(at + i) >> 2] = a | b << 8 | c << 16 | d << 24;
      }
      for (; i < n; i++) {
        const c = s.charCodeAt(i);
        all |= c;
        bytes[at + i] = c;
      }
      if (all > 127) return writeLong(s, word, cap); // over what was written
      u32[word] = at;
      u32[word + 1] = n;
      end = at + n;
      return true;
    },

    /**
     * Room for the elements of a list.
     * @param {number} count
     * @returns {number} first element's slot, or -1 when the heap is full
     */
    takeSlots(count) {
      const at = (end + 7) & ~7;
      if (8 * count > size - at) {
        overflow = true;
        return -1;
      }
      end = at + 8 * count;
      return at / 8;
    },

    /** @param {number} word @param {number} first  slot @param {number} count */
    writeList(word, first, count) {
      return put(word, 8 * first, count);
    },

    /**
     * End an event: native may read it now.
     * @param {number} event @param {number} lo @param {number} hi
     */
    finish(event, lo, hi) {
      u32[EVENT] = overflow ? TOO_LARGE : event;
      u32[PRESENT_LO] = lo;
      u32[PRESENT_HI] = hi;
      u32[BAD_TYPE] = bad;
      u32[HEAP_END] = end;
    },
  };
}

/** @typedef {ReturnType<typeof createArea>} Area */

module.exports = {
  createArea, CORRELATION_AT, CORRELATION_LEN, SLOTS, HEAP_AT, CUT, UNKNOWN_EVENT, BAD_PAYLOAD, TOO_LARGE,
};
