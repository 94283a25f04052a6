/* JSON string values: decoding escapes and writing them. */
#include "base/utf8.h"

#define REPLACEMENT UINT32_C(0xfffd)

/* Four hex digits at p, checked; UINT32_MAX when they are not there. */
static uint32_t hex4(const char *p, const char *end)
{
    unsigned char b[2];
    if (end - p < 4 || !candor_hex_decode(candor_bytes_of(p, 4), b, 2)) return UINT32_MAX;
    return (uint32_t)b[0] << 8 | b[1];
}

/* *p stands behind \u. A surrogate pair is one character; half of one is U+FFFD. */
static uint32_t decode_unicode(const char **p, const char *end)
{
    uint32_t c = hex4(*p, end), low;
    if (c == UINT32_MAX) return REPLACEMENT;
    *p += 4;
    if (c < 0xd800 || c > 0xdfff) return c;
    if (c > 0xdbff || end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u') return REPLACEMENT;
    low = hex4(*p + 2, end);
    if (low < 0xdc00 || low > 0xdfff) return REPLACEMENT; /* the next one stands for itself */
    *p += 6;
    return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
}

/* *p stands behind a backslash. */
static uint32_t decode_escape(const char **p, const char *end)
{
    char c;
    if (*p == end) return REPLACEMENT;
    c = *(*p)++;
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'u':
        return decode_unicode(p, end);
    case '"':
    case '\\':
    case '/':
        return (uint32_t)(unsigned char)c;
    default:
        return REPLACEMENT; /* not from the tokenizer */
    }
}

size_t candor_json_unescape(candor_bytes raw, char *out, size_t cap)
{
    const char *p, *end;
    size_t n = 0;
    if (raw.n == 0) return 0;
    p = raw.p;
    end = p + raw.n;
    while (p < end) {
        const char *slash = memchr(p, '\\', (size_t)(end - p));
        size_t run = (size_t)((slash != NULL ? slash : end) - p);
        char utf8[4];
        unsigned length;
        if (run > cap - n) return SIZE_MAX;
        if (run != 0) memcpy(out + n, p, run);
        n += run;
        if (slash == NULL) break;
        p = slash + 1;
        length = candor_utf8_put(decode_escape(&p, end), utf8);
        if (length > cap - n) return SIZE_MAX;
        memcpy(out + n, utf8, length);
        n += length;
    }
    return n;
}

/* The short form where RFC 8259 section 7 has one. */
static void put_escape(candor_buf *b, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    static const char letters[32] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    char text[6] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
    char letter = c < 32 ? letters[c] : (char)c;
    if (letter != '\0') {
        text[1] = letter;
        candor_buf_put(b, text, 2);
    } else {
        candor_buf_put(b, text, 6);
    }
}

/* The first byte at or after p that cannot be copied: must be escaped or is malformed. */
static inline const char *skip_copyable(const char *p, const char *end, unsigned *bad)
{
    for (;;) {
        unsigned length;
        p = candor_skip_plain(p, end);
        if (p == end || (unsigned char)*p < 0x80) return p;
        length = candor_utf8_step(p, end, bad);
        if (length == 0) return p;
        p += length;
    }
}

void candor_json_put_string(candor_buf *b, candor_bytes s)
{
    const char *p = s.n != 0 ? s.p : "";
    const char *end = p + s.n;
    size_t before = b->n;
    candor_buf_put_c(b, '"');
    while (p < end) {
        unsigned bad = 0;
        const char *run = p;
        p = skip_copyable(p, end, &bad);
        candor_buf_put(b, run, (size_t)(p - run));
        if (p == end) break;
        if ((unsigned char)*p < 0x80) {
            put_escape(b, (unsigned char)*p++);
        } else {
            candor_buf_put(b, "\xef\xbf\xbd", 3);
            p += bad;
        }
    }
    candor_buf_put_c(b, '"');
    if (b->failed) b->n = before; /* all or nothing, as every append */
}
