/* Working with borrowed slices and owned, growing buffers (base/types.h). Layer: base. Threads: one
 * owner at a time. */
#ifndef CANDOR_BASE_BYTES_H
#define CANDOR_BASE_BYTES_H

#include "base/status.h"

#define CANDOR_LIT(s) ((candor_bytes){(s), sizeof(s) - 1})

static inline bool candor_bytes_eq(candor_bytes a, candor_bytes b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Over the caller's storage, in place of zeroes. */
void candor_buf_init_fixed(candor_buf *b, char *storage, size_t cap);
/* Grows so that `more` bytes fit after n. Sets failed and returns false when it cannot. */
bool candor_buf_reserve(candor_buf *b, size_t more);
void candor_buf_put_slow(candor_buf *b, const void *p, size_t n);
void candor_buf_putf(candor_buf *b, const char *fmt, ...) CANDOR_PRINTF(2, 3);

static inline void candor_buf_put(candor_buf *b, const void *p, size_t n)
{
    if (!b->failed && n <= b->cap - b->n) {
        if (n != 0) {
            memcpy(b->p + b->n, p, n);
            b->n += n;
        }
    } else {
        candor_buf_put_slow(b, p, n);
    }
}
/* Copy s to memory that holds it; the result is its end there. Keys and words are short and many:
 * two overlapping moves of a fixed size, inlined, cost less than a call of memcpy. */
static inline char *candor_bytes_copy(char *to, candor_bytes s)
{
    if (s.n >= 8 && s.n <= 16) {
        memcpy(to, s.p, 8);
        memcpy(to + s.n - 8, s.p + s.n - 8, 8);
    } else if (s.n > 16 && s.n <= 32) {
        memcpy(to, s.p, 16);
        memcpy(to + s.n - 16, s.p + s.n - 16, 16);
    } else if (s.n >= 4 && s.n < 8) {
        memcpy(to, s.p, 4);
        memcpy(to + s.n - 4, s.p + s.n - 4, 4);
    } else if (s.n != 0) {
        memcpy(to, s.p, s.n);
    }
    return to + s.n;
}
static inline void candor_buf_put_bytes(candor_buf *b, candor_bytes s)
{
    candor_buf_put(b, s.p, s.n);
}
static inline void candor_buf_put_c(candor_buf *b, char c)
{
    candor_buf_put(b, &c, 1);
}
static inline candor_bytes candor_buf_bytes(const candor_buf *b)
{
    return (candor_bytes){b->p, b->n};
}

/* Explicit little-endian access; no alignment needed. */
static inline void candor_put_u32(void *at, uint32_t v)
{
    unsigned char *d = at;
    d[0] = (unsigned char)v;
    d[1] = (unsigned char)(v >> 8);
    d[2] = (unsigned char)(v >> 16);
    d[3] = (unsigned char)(v >> 24);
}
static inline uint32_t candor_get_u32(const void *at)
{
    const unsigned char *s = at;
    return (uint32_t)s[0] | (uint32_t)s[1] << 8 | (uint32_t)s[2] << 16 | (uint32_t)s[3] << 24;
}
static inline bool candor_is_little_endian(void)
{
    const uint16_t one = 1;
    unsigned char first;
    memcpy(&first, &one, 1);
    return first == 1; /* known to every compiler */
}
/* Where memory has this order anyway, one store: gcc 12 gathers eight byte stores into a vector, at
 * thirty instructions each. */
static inline void candor_put_u64(void *at, uint64_t v)
{
    if (candor_is_little_endian()) {
        memcpy(at, &v, sizeof(v));
        return;
    }
    candor_put_u32(at, (uint32_t)v);
    candor_put_u32((unsigned char *)at + 4, (uint32_t)(v >> 32));
}
static inline uint64_t candor_get_u64(const void *at)
{
    return (uint64_t)candor_get_u32(at) | (uint64_t)candor_get_u32((const unsigned char *)at + 4)
                                              << 32;
}

/* Eight hex digits at once, as candor_get_u64 reads them. In the results bit 7 of each byte counts.
 * A byte below 0x80 plus 0x80 - c has that bit if it is c or more, and carries nothing further. */
#define CANDOR_EACH(byte) (UINT64_MAX / 255 * (byte)) /* in all eight bytes of a word */
static inline uint64_t candor_hex_digits(uint64_t x)
{
    return (x + CANDOR_EACH(0x80 - '0')) & ~(x + CANDOR_EACH(0x80 - '9' - 1)) & ~x;
}
static inline uint64_t candor_hex_letters(uint64_t x) /* a to f */
{
    return (x + CANDOR_EACH(0x80 - 'a')) & ~(x + CANDOR_EACH(0x80 - 'f' - 1)) & ~x;
}
/* Accepts both cases. False, and nothing is written, unless all eight are hex digits. */
static inline bool candor_hex_decode_word(uint64_t x, void *out)
{
    const uint64_t letters = candor_hex_letters(x | CANDOR_EACH(0x20));
    uint64_t v;
    if ((x & CANDOR_EACH(0x80)) != 0) return false;
    if (((candor_hex_digits(x) | letters) & CANDOR_EACH(0x80)) != CANDOR_EACH(0x80)) return false;
    v = (x & CANDOR_EACH(0x0f)) + (letters >> 7 & CANDOR_EACH(1)) * 9;
    v = (v << 4 | v >> 8) & UINT64_C(0x00ff00ff00ff00ff);
    v = (v | v >> 8) & UINT64_C(0x0000ffff0000ffff);
    candor_put_u32(out, (uint32_t)(v | v >> 16));
    return true;
}

/* Nothing but hex digits in lower case; true of none at all. */
bool candor_is_hex(candor_bytes s);
/* Lower-case hex; out must hold 2*n bytes; not terminated. */
void candor_hex_encode(const void *src, size_t n, char *out);
/* Accepts both cases. False unless src is exactly 2*n hex digits. */
bool candor_hex_decode(candor_bytes src, void *out, size_t n);

#endif
