/* Chunked bodies and query strings. */
#include "central/strict_http.h"

enum { SIZE_DIGITS, SIZE_LF, DATA, DATA_CR, DATA_LF, LAST_CR, LAST_LF, FINISHED };

static int hex_value(unsigned char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* One byte outside of chunk data. */
static const char *step(candor_chunks *c, unsigned char ch)
{
    int v;
    switch (c->state) {
    case SIZE_DIGITS:
        v = hex_value(ch);
        if (v >= 0 && c->digits < 8) {
            c->left = c->left << 4 | (uint64_t)v;
            c->digits++;
            return NULL;
        }
        if (ch != '\r' || c->digits == 0) return "a chunk size is not 1 to 8 hex digits and CRLF";
        c->state = SIZE_LF;
        return NULL;
    case SIZE_LF:
        c->state = c->left > 0 ? DATA : LAST_CR;
        c->digits = 0;
        return ch == '\n' ? NULL : "a chunk size is not followed by CRLF";
    case DATA_CR:
        c->state = DATA_LF;
        return ch == '\r' ? NULL : "chunk data is not followed by CRLF";
    case DATA_LF:
        c->state = SIZE_DIGITS;
        return ch == '\n' ? NULL : "chunk data is not followed by CRLF";
    case LAST_CR:
        c->state = LAST_LF;
        return ch == '\r' ? NULL : "trailer fields are not accepted";
    default:
        c->state = FINISHED;
        return ch == '\n' ? NULL : "the last chunk is not followed by CRLF";
    }
}

candor_scan candor_chunks_next(candor_chunks *c, candor_bytes in, size_t *used, candor_bytes *data,
                               const char **why)
{
    size_t i = 0;
    *data = (candor_bytes){NULL, 0};
    while (i < in.n && c->state != FINISHED) {
        if (c->state == DATA) {
            size_t n = in.n - i < c->left ? in.n - i : (size_t)c->left;
            *data = candor_bytes_of(in.p + i, n);
            c->left -= n;
            if (c->left == 0) c->state = DATA_CR;
            *used = i + n;
            return CANDOR_SCAN_MORE;
        }
        *why = step(c, (unsigned char)in.p[i]);
        if (*why != NULL) return CANDOR_SCAN_BAD;
        i++;
    }
    *used = i;
    return c->state == FINISHED ? CANDOR_SCAN_DONE : CANDOR_SCAN_MORE;
}

bool candor_query_find(candor_bytes query, const char *name, candor_bytes *value)
{
    size_t want = strlen(name);
    while (query.n > 0) {
        const char *amp = memchr(query.p, '&', query.n);
        size_t n = amp != NULL ? (size_t)(amp - query.p) : query.n;
        if (n > want && query.p[want] == '=' && memcmp(query.p, name, want) == 0) {
            *value = candor_bytes_of(query.p + want + 1, n - want - 1);
            return true;
        }
        if (amp == NULL) break;
        query = candor_bytes_of(amp + 1, query.n - n - 1);
    }
    return false;
}

bool candor_query_decode(candor_bytes value, char *out, size_t cap, size_t *n)
{
    size_t i, at = 0;
    for (i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if (c == '%') {
            int hi = i + 2 < value.n ? hex_value((unsigned char)value.p[i + 1]) : -1;
            int lo = hi >= 0 ? hex_value((unsigned char)value.p[i + 2]) : -1;
            if (hi < 0 || lo < 0) return false;
            c = (unsigned char)(hi << 4 | lo);
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        if (c == 0 || at + 1 >= cap) return false;
        out[at++] = (char)c;
    }
    out[at] = '\0';
    *n = at;
    return true;
}
