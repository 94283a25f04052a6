#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CAP_MIN ((size_t)64)

void candor_buf_init_fixed(candor_buf *b, char *storage, size_t cap)
{
    *b = (candor_buf){.p = storage, .cap = cap, .fixed = true};
}

/* Doubling keeps appends linear in total; the clamp keeps a capped buffer within its cap. */
static size_t next_cap(const candor_buf *b, size_t need)
{
    size_t cap = b->cap <= SIZE_MAX / 2 ? b->cap * 2 : SIZE_MAX;
    if (cap < CAP_MIN) cap = CAP_MIN;
    if (cap < need) cap = need;
    if (b->max != 0 && cap > b->max) cap = b->max;
    return cap;
}

bool candor_buf_reserve(candor_buf *b, size_t more)
{
    size_t need, cap;
    char *p;
    if (b->failed) return false;
    if (more <= b->cap - b->n) return true;
    if (b->fixed || more > SIZE_MAX - b->n) goto failed;
    need = b->n + more;
    if (b->max != 0 && need > b->max) goto failed;
    cap = next_cap(b, need);
    p = realloc(b->p, cap);
    if (p == NULL) goto failed;
    b->p = p;
    b->cap = cap;
    return true;
failed:
    b->failed = true;
    return false;
}

void candor_buf_clear(candor_buf *b)
{
    b->n = 0;
    b->failed = false;
}

void candor_buf_free(candor_buf *b)
{
    if (!b->fixed) free(b->p);
    *b = (candor_buf){0};
}

void candor_buf_put_slow(candor_buf *b, const void *p, size_t n)
{
    if (!candor_buf_reserve(b, n) || n == 0) return;
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

/* vsnprintf writes a terminator that a full buffer has no room for, hence the detour. */
void candor_buf_putf(candor_buf *b, const char *fmt, ...)
{
    char local[512];
    char *text = local;
    va_list args;
    int len;
    va_start(args, fmt);
    len = vsnprintf(local, sizeof(local), fmt, args);
    va_end(args);
    if (len >= (int)sizeof(local)) {
        text = malloc((size_t)len + 1);
        if (text != NULL) {
            va_start(args, fmt);
            len = vsnprintf(text, (size_t)len + 1, fmt, args);
            va_end(args);
        }
    }
    if (len < 0 || text == NULL) {
        b->failed = true;
    } else {
        candor_buf_put(b, text, (size_t)len);
    }
    if (text != local) free(text);
}

bool candor_is_hex(candor_bytes s)
{
    for (; s.n >= 8; s.p += 8, s.n -= 8) {
        const uint64_t x = candor_get_u64(s.p);
        if ((x & CANDOR_EACH(0x80)) != 0) return false;
        if (((candor_hex_digits(x) | candor_hex_letters(x)) & CANDOR_EACH(0x80)) !=
            CANDOR_EACH(0x80))
            return false;
    }
    for (size_t i = 0; i < s.n; i++)
        if ((s.p[i] < '0' || s.p[i] > '9') && (s.p[i] < 'a' || s.p[i] > 'f')) return false;
    return true;
}

void candor_hex_encode(const void *src, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *s = src;
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[s[i] >> 4];
        out[2 * i + 1] = digits[s[i] & 15];
    }
}

/* Value plus one, so that 0 means "no digit". */
static const unsigned char hex_values[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16};

bool candor_hex_decode(candor_bytes src, void *out, size_t n)
{
    const unsigned char *s = (const unsigned char *)src.p;
    unsigned char *d = out;
    if (src.n % 2 != 0 || src.n / 2 != n) return false;
    for (; n >= 4; n -= 4, s += 8, d += 4)
        if (!candor_hex_decode_word(candor_get_u64(s), d)) return false;
    for (size_t i = 0; i < n; i++) {
        unsigned hi = hex_values[s[2 * i]], lo = hex_values[s[2 * i + 1]];
        if (hi == 0 || lo == 0) return false;
        d[i] = (unsigned char)((hi - 1) << 4 | (lo - 1));
    }
    return true;
}
