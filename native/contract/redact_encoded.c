/* Percent-encoded text (RFC 3986 2.1): password%3Dhunter2, %2Fhome%2Fbob, also encoded twice. */
#include "contract/redact_internal.h"

/* The length of the escape at p when it is one of `codes` (pairs of hex digits), or 0. %25 is an
 * encoded '%': "%252F" is "%2F" encoded again. */
static size_t escape_of(const redactor *r, const char *p, const char *codes)
{
    size_t n = 1;
    if (!rd_at(r, p, '%')) return 0;
    if (rd_starts(r, p + 1, CANDOR_LIT("25"))) n += 2;
    if (!rd_is(r, p + n, RD_HEX) || !rd_is(r, p + n + 1, RD_HEX)) return 0;
    for (; *codes != '\0'; codes += 2)
        if (rd_lower(p[n]) == codes[0] && rd_lower(p[n + 1]) == codes[1]) return n + 2;
    return 0;
}

size_t candor_redact_encoded_sep(const redactor *r, const char *p)
{
    return escape_of(r, p, "2f5c");
}

/* & ; " ' , } space line feed, carriage return, < */
#define VALUE_STOPS "263b22272c7d200a0d3c"

static const char *value_end(const redactor *r, const char *from)
{
    const char *p = from;
    for (; p < r->end && (rd_class(p) & RD_STOP) == 0 && *p != '&' && *p != ';'; p++) {
        CANDOR_REDACT_STEP();
        if (*p == '%' && escape_of(r, p, VALUE_STOPS) != 0) break;
    }
    return p;
}

/* The key's end, without an encoded quote behind it: %22token%22%3A */
static const char *over_quote(const redactor *r, const char *sign)
{
    for (size_t n = 3; n <= 5; n += 2) {
        if ((size_t)(sign - r->start) >= n && escape_of(r, sign - n, "2227") == n) return sign - n;
    }
    return sign;
}

/* The key may follow an escape, whose digits are no part of it: %26pass%3Dx */
static rd_key key_of(const redactor *r, const char *end)
{
    const char *from;
    rd_key kind = candor_redact_key_before(r, end, &from);
    if (kind != RD_KEY_NONE || from == r->start || from[-1] != '%') return kind;
    from += rd_starts(r, from, CANDOR_LIT("25")) ? 4 : 2;
    return from < end ? candor_redact_key(from, end) : RD_KEY_NONE;
}

static bool take_assigned(redactor *r, size_t sign)
{
    rd_key kind = key_of(r, over_quote(r, r->p));
    if (kind == RD_KEY_NONE || kind >= RD_KEY_UID) return false;
    const char *v = r->p + sign;
    for (size_t n; (n = escape_of(r, v, "222720")) != 0;)
        v += n;
    const char *end = value_end(r, v);
    bool count = kind == RD_KEY_COUNT && !candor_redact_holds(v, end, RD_ALPHA);
    if (v == end || count || candor_redact_benign(v, end)) return false;
    return candor_redact_secret(r, v, end);
}

static bool take_path(redactor *r, size_t sep)
{
    const char *name = r->p + sep;
    if (!rd_is(r, name, RD_WORD) || r->p < r->path_end) return false;
    rd_shape s = candor_redact_relative(r, name);
    r->path_end = s.end;
    const char *end = candor_redact_trim(r->p, s.end);
    if (s.seps == 0 && !candor_redact_is_root(name, end)) return false;
    candor_redact_replace(r, r->p, end, CANDOR_FOUND_PATH);
    return true;
}

bool candor_redact_encoded(redactor *r)
{
    size_t n = escape_of(r, r->p, "3d3a");
    if (n != 0) return take_assigned(r, n);
    n = candor_redact_encoded_sep(r, r->p);
    return n != 0 && take_path(r, n);
}
