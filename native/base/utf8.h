/* Scanning text eight bytes at a time. Private to base. Threads: any.
 *
 * A byte is plain when JSON can hold it as it stands and no UTF-8 check is needed: 0x20..0x7f but
 * `"` and `\`. Reader and writer share the scan because they stop at the same bytes. */
#ifndef CANDOR_BASE_UTF8_H
#define CANDOR_BASE_UTF8_H

#include "base/json.h"

/* The bit tricks give a false positive only above the first true one (a borrow moves upwards), and
 * only the first one is used. https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord */
static inline uint64_t candor_plain_stops(uint64_t x)
{
    uint64_t quote = x ^ CANDOR_EACH('"'), slash = x ^ CANDOR_EACH('\\');
    uint64_t stops = x;                         /* 0x80.. */
    stops |= (x - CANDOR_EACH(0x20)) & ~x;      /* below 0x20 */
    stops |= (quote - CANDOR_EACH(1)) & ~quote; /* zero byte: was a quote */
    stops |= (slash - CANDOR_EACH(1)) & ~slash;
    return stops & CANDOR_EACH(0x80);
}

static inline bool candor_is_plain(char c)
{
    unsigned char u = (unsigned char)c;
    return u >= 0x20 && u < 0x80 && u != '"' && u != '\\';
}

/* The first byte at or after p that is not plain, or end. */
static inline const char *candor_skip_plain(const char *p, const char *end)
{
    while (end - p >= 8) {
        uint64_t stops = candor_plain_stops(candor_get_u64(p));
        if (stops != 0) {
            /* Index of the lowest set byte without a compiler's builtin: the multiplication moves
             * the matching byte of the table to the top. */
            uint64_t low = (stops & (0 - stops)) >> 7;
            return p + (low * UINT64_C(0x0001020304050607) >> 56);
        }
        p += 8;
    }
    while (p < end && candor_is_plain(*p))
        p++;
    return p;
}

/* Length of the well-formed character at p, or 0 with *bad = the length of the maximal subpart that
 * one U+FFFD stands for (Unicode 15, section 3.9, table 3-7 and "U+FFFD substitution"). */
unsigned candor_utf8_step(const char *p, const char *end, unsigned *bad);

/* The UTF-8 of code point c, not a surrogate; returns its length 1..4. */
unsigned candor_utf8_put(uint32_t c, char out[4]);

#endif
