#include "base/utf8.h"

/* Bounds of the second byte by lead byte; they shut out overlong forms, surrogates and what lies
 * beyond U+10FFFF. Returns the length of the whole character, 0 for a byte that cannot lead. */
static unsigned lead_length(unsigned char lead, unsigned char *lo, unsigned char *hi)
{
    *lo = 0x80;
    *hi = 0xbf;
    if (lead < 0x80) return 1;
    if (lead < 0xc2) return 0;
    if (lead < 0xe0) return 2;
    if (lead < 0xf0) {
        if (lead == 0xe0) *lo = 0xa0;
        if (lead == 0xed) *hi = 0x9f;
        return 3;
    }
    if (lead > 0xf4) return 0;
    if (lead == 0xf0) *lo = 0x90;
    if (lead == 0xf4) *hi = 0x8f;
    return 4;
}

unsigned candor_utf8_step(const char *p, const char *end, unsigned *bad)
{
    const unsigned char *s = (const unsigned char *)p;
    size_t left = (size_t)(end - p);
    unsigned char lo, hi;
    unsigned length = lead_length(s[0], &lo, &hi);
    *bad = 1;
    if (length < 2) return length;
    for (unsigned i = 1; i < length; i++) {
        if (i >= left || s[i] < lo || s[i] > hi) {
            *bad = i;
            return 0;
        }
        lo = 0x80;
        hi = 0xbf;
    }
    return length;
}

unsigned candor_utf8_len(const char *p, const char *end)
{
    unsigned bad;
    return candor_utf8_step(p, end, &bad);
}

unsigned candor_utf8_put(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

bool candor_utf8_ok(candor_bytes text)
{
    const char *p = text.p, *end = text.n != 0 ? text.p + text.n : text.p;
    while (p < end) {
        unsigned n = candor_utf8_len(p, end);
        if (n == 0) return false;
        p += n;
    }
    return true;
}
