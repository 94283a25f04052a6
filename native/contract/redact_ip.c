/* Addresses: e-mail, IPv4, IPv6, MAC. */
#include "contract/redact_internal.h"

/* --- IP -----------------------------------------------------------------------------------------
 */

/* The end of a dotted quad, or NULL. A longer dotted number is a version, not an address. */
static const char *ipv4_end(const redactor *r, const char *p)
{
    for (int part = 0; part < 4; part++) {
        unsigned v = 0;
        const char *digits = p;
        while (rd_is(r, p, RD_DIGIT) && p - digits < 4)
            v = v * 10 + (unsigned)(*p++ - '0');
        if (p == digits || p - digits > 3 || v > 255) return NULL;
        if (part < 3 && !rd_at(r, p++, '.')) return NULL;
    }
    if (rd_is(r, p, RD_NAME)) return NULL;
    if (rd_at(r, p, '.') && rd_is(r, p + 1, RD_DIGIT)) return NULL;
    return p;
}

typedef struct groups {
    unsigned n, gaps; /* 16-bit groups, "::" seen */
    bool digit;
} groups;

/* Groups and gaps of RFC 4291 2.2 from p on; at most 8 groups, so bounded. */
static const char *read_groups(const redactor *r, const char *p, groups *g)
{
    for (;;) {
        const char *q = p;
        if (rd_starts(r, p, CANDOR_LIT("::"))) {
            g->gaps++;
            p += 2;
        } else if (g->n + g->gaps > 0) {
            if (!rd_at(r, p, ':') || !rd_is(r, p + 1, RD_HEX)) return p;
            p++;
        }
        const char *v4 = g->n > 0 || g->gaps > 0 ? ipv4_end(r, p) : NULL;
        if (v4 != NULL) {
            g->n += 2;
            g->digit = true;
            return v4;
        }
        const char *hex = p;
        while (rd_is(r, p, RD_HEX) && p - hex < 5)
            g->digit |= (rd_class(p++) & RD_DIGIT) != 0;
        if (p - hex > 4 || rd_is(r, p, RD_NAME)) return NULL;
        if (p == hex) return g->gaps > 0 && p - q == 2 ? p : NULL;
        if (++g->n > 8) return NULL;
    }
}

/* "a::b" without a digit is more often C++ than an address; "12:30:45" has too few groups. */
static const char *ipv6_end(const redactor *r, const char *p)
{
    groups g = {0, 0, false};
    const char *from = p;
    p = read_groups(r, p, &g);
    if (p == NULL || g.n == 0 || g.gaps > 1) return NULL;
    if (g.gaps == 0 ? g.n != 8 : g.n > 7) return NULL;
    if (!g.digit && g.n < 3) return NULL;
    if (rd_starts(r, p, CANDOR_LIT("::"))) return NULL;
    if (rd_at(r, p, '%') && rd_is(r, p + 1, RD_ALNUM)) p = rd_run(r, p + 1, RD_KEY); /* zone */
    return rd_at(r, p - 1, ':') ? p : candor_redact_trim(from, p);
}

static const char *mac_end(const redactor *r, const char *p)
{
    for (int i = 0; i < 6; i++) {
        if (!rd_is(r, p, RD_HEX) || !rd_is(r, p + 1, RD_HEX)) return NULL;
        p += 2;
        if (i < 5 && !rd_at(r, p++, ':')) return NULL;
    }
    return rd_is(r, p, RD_NAME) || rd_at(r, p, ':') ? NULL : p;
}

/* ip-10-0-0-1, ec2-203-0-113-7: hosts named after their address. */
static const char *dashed_end(const redactor *r, const char *p)
{
    if (rd_starts(r, p, CANDOR_LIT("ip-")))
        p += 3;
    else if (rd_starts(r, p, CANDOR_LIT("ec2-")))
        p += 4;
    else
        return NULL;
    for (int part = 0; part < 4; part++) {
        const char *digits = p;
        while (rd_is(r, p, RD_DIGIT) && p - digits < 4)
            p++;
        if (p == digits || p - digits > 3) return NULL;
        if (part < 3 && !rd_at(r, p++, '-')) return NULL;
    }
    return rd_is(r, p, RD_NAME) ? NULL : p;
}

const char *candor_redact_ip_end(const redactor *r, const char *p)
{
    if (!rd_is(r, p, RD_HEX) && !rd_at(r, p, ':')) return NULL;
    const char *e = ipv4_end(r, p);
    if (e == NULL) e = ipv6_end(r, p);
    if (e == NULL) e = mac_end(r, p);
    return e;
}

bool candor_redact_ip(redactor *r)
{
    unsigned before = rd_before(r, r->p);
    if ((before & RD_NAME) != 0) return false;
    if (before != 0 && (r->p[-1] == ':' || r->p[-1] == '.') && *r->p == ':') return false;
    if (before != 0 && r->p[-1] == '.' && r->p - 1 > r->start &&
        (rd_class(r->p - 2) & RD_DIGIT) != 0)
        return false; /* inside a longer dotted number */
    if (*r->p == ':' && !rd_starts(r, r->p, CANDOR_LIT("::"))) return false;
    const char *e = candor_redact_ip_end(r, r->p);
    if (e == NULL) e = dashed_end(r, r->p);
    if (e == NULL) return false;
    candor_redact_replace(r, r->p, e, CANDOR_FOUND_IP);
    return true;
}

/* --- e-mail -------------------------------------------------------------------------------------
 */

/* The last label: letters (any script), or an IDN's "xn--" form. */
static bool top_level_ok(const char *p, const char *end)
{
    size_t n = (size_t)(end - p), high = 0;
    if (n > 4 && candor_redact_same(p, p + 4, CANDOR_LIT("xn--"))) return true;
    for (; p < end; p++) {
        if ((rd_class(p) & (RD_ALPHA | RD_HIGH)) == 0) return false;
        high += (rd_class(p) & RD_HIGH) != 0;
    }
    return n >= 2 || high > 0;
}

static bool all_digits(const char *p, const char *end)
{
    while (p < end && (rd_class(p) & RD_DIGIT) != 0)
        p++;
    return p == end;
}

/* The end of a mail domain at p, or NULL: two labels or more, or "localhost". "2.0.0-beta.x" after
 * a package's @ is a version: two labels of digits make no domain. */
static const char *domain_end(const redactor *r, const char *p)
{
    const char *label = p, *best = NULL;
    unsigned labels = 0, numeric = 0;
    for (const char *q = p;; q = label) {
        while (rd_is(r, q, RD_ALNUM | RD_HIGH) || rd_at(r, q, '-') || rd_at(r, q, '_')) {
            CANDOR_REDACT_STEP();
            q++;
        }
        if (q == label) break;
        numeric += labels < 2 && all_digits(label, q);
        labels++;
        const char *e = q;
        while (e > label && e[-1] == '-')
            e--;
        if (labels > 1 && top_level_ok(label, e)) best = e;
        if (labels == 1 && candor_redact_same(label, e, CANDOR_LIT("localhost"))) best = e;
        if (!rd_at(r, q, '.')) break;
        label = q + 1;
    }
    return numeric < 2 ? best : NULL;
}

/* user@host:/path and user@host:~, as scp and shell prompts write it. */
static const char *login_end(const redactor *r, const char *p)
{
    const char *q = p;
    while (rd_is(r, q, RD_ALNUM) || rd_at(r, q, '-') || rd_at(r, q, '.')) {
        CANDOR_REDACT_STEP();
        q++;
    }
    bool path = rd_at(r, q, ':') && (rd_at(r, q + 1, '/') || rd_at(r, q + 1, '~'));
    return q > p && path && !rd_starts(r, q, CANDOR_LIT("://")) ? q : NULL;
}

/* The whole address literal of RFC 5321 4.1.3, user@[192.0.2.1]. */
static const char *literal_end(const redactor *r, const char *p)
{
    if (!rd_at(r, p, '[')) return NULL;
    const char *q = p + 1;
    if (r->end - q > 5 && candor_redact_same(q, q + 5, CANDOR_LIT("ipv6:"))) q += 5;
    q = candor_redact_ip_end(r, q);
    return q != NULL && rd_at(r, q, ']') ? q + 1 : NULL;
}

/* What follows the @ of a package or an action: "pkg@latest", "checkout@main", "dep@npm:x". */
static const candor_bytes versions[] = {
    {"latest", 6},   {"next", 4},   {"beta", 4},   {"alpha", 5},     {"canary", 6},
    {"rc", 2},       {"stable", 6}, {"dev", 3},    {"nightly", 7},   {"main", 4},
    {"master", 6},   {"head", 4},   {"npm", 3},    {"workspace", 9}, {"patch", 5},
    {"link", 4},     {"file", 4},   {"portal", 6}, {"virtual", 7},   {"experimental", 12},
    {"lts", 3},      {"http", 4},   {"https", 5},  {"git", 3},       {"catalog", 7},
    {"insiders", 8}, {"legacy", 6}, {"module", 6}, {NULL, 0}};

/* bob@laptop: a login on a host without a domain. A commit ("x@2943ec9") is none. */
static const char *host_end(const redactor *r, const char *from, const char *p)
{
    const char *q = p;
    bool hex = true;
    while (rd_is(r, q, RD_ALNUM) || rd_at(r, q, '-')) {
        CANDOR_REDACT_STEP();
        hex = hex && (rd_class(q) & RD_HEX) != 0;
        q++;
    }
    while (q > p && q[-1] == '-')
        q--;
    if (q - p < 2 || !rd_is(r, p, RD_ALPHA) || (rd_class(from) & (RD_ALPHA | RD_HIGH)) == 0)
        return NULL;
    if (rd_is(r, q, RD_NAME) || rd_starts(r, q, CANDOR_LIT("://")) || (hex && q - p >= 6))
        return NULL;
    bool version = rd_lower(*p) == 'v' && (rd_class(p + 1) & RD_DIGIT) != 0;
    return version || candor_redact_listed(p, q, versions) ? NULL : q;
}

static const char *after_at(const redactor *r, const char *from, const char *p)
{
    const char *e = domain_end(r, p);
    if (e == NULL) e = login_end(r, p);
    if (e == NULL) e = literal_end(r, p);
    bool one = p - from == 2 && (rd_class(from) & RD_HIGH) == 0;
    if (e == NULL && !one) e = host_end(r, from, p);
    if (e == NULL && (rd_class(from) & (RD_ALPHA | RD_HIGH)) != 0) e = ipv4_end(r, p);
    return e;
}

/* a@example.com:hunter2, as lists of accounts have it; not a port, a position or a path. */
static void take_password(redactor *r)
{
    const char *v = r->p + 1;
    if (!rd_at(r, r->p, ':') || !rd_is(r, v, RD_WORD)) return;
    const char *end = candor_redact_value_end(r, v);
    if (end <= v || memchr(v, '/', (size_t)(end - v)) != NULL) return;
    if (memchr(v, '\\', (size_t)(end - v)) != NULL) return;
    if (candor_redact_holds(v, end, RD_ALPHA | RD_HIGH)) (void)candor_redact_secret(r, v, end);
}

#define QUOTED_LOCAL_MAX 66 /* RFC 5321 4.5.3.1.1, and its quotes */

bool candor_redact_email_quoted(redactor *r)
{
    const char *p = r->p;
    if (p - r->kept < 3 || p[-1] != '"') return false;
    const char *e = domain_end(r, p + 1), *quote = p - 2;
    while (quote > r->kept && p - quote < QUOTED_LOCAL_MAX && *quote != '"' && *quote != '\n')
        quote--;
    if (e == NULL || *quote != '"') return false;
    candor_redact_replace(r, quote, e, CANDOR_FOUND_EMAIL);
    return true;
}

/* local_end: the run of local-part bytes that holds r->p was examined; from inside it, nothing new.
 */
bool candor_redact_email(redactor *r)
{
    const char *p = r->p, *escaped = NULL;
    if (p < r->local_end) return false;
    while (rd_is(r, p, RD_LOCAL)) {
        CANDOR_REDACT_STEP();
        if (*p == '%' && escaped == NULL && rd_starts(r, p, CANDOR_LIT("%40")) && p > r->p)
            escaped = p;
        p++;
    }
    r->local_end = p;
    const char *e = NULL;
    if (rd_at(r, p, '@')) e = after_at(r, r->p, p + 1);
    if (e == NULL && escaped != NULL) e = domain_end(r, escaped + 3);
    if (e == NULL) return false;
    candor_redact_replace(r, r->p, e, CANDOR_FOUND_EMAIL);
    take_password(r);
    return true;
}
