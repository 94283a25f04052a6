/* Secrets that a sentence or an element names: "the password is x", "token x",
 * <password>x</password>. Prose speaks of passwords too ("the password is wrong"), so the value
 * must look like one. */
#include "contract/redact_internal.h"

#define BLANKS_MAX 4 /* between words */
#define LINKS_MAX  3 /* "has been set to" */

/* Words that may end a key here; "key" and "code" need the word before them. */
static const candor_bytes key_words[] = {
    {"password", 8}, {"passwd", 6}, {"passphrase", 10}, {"passcode", 8}, {"pwd", 3}, {"secret", 6},
    {"token", 5},    {"apikey", 6}, {"api_key", 7},     {"api-key", 7},  {"key", 3}, {"code", 4},
    {"otp", 3},      {"pin", 3},    {"pincode", 7},     {NULL, 0}};

static const candor_bytes links[] = {{"is", 2},      {"was", 3},   {"now", 3}, {"set", 3},
                                     {"to", 2},      {"reset", 5}, {"are", 3}, {"equals", 6},
                                     {"changed", 7}, {"=", 1},     {"as", 2},  {NULL, 0}};

/* Names of algorithms, which have letters and digits as passwords do. */
static const candor_bytes algorithms[] = {
    {"sha1", 4},     {"sha256", 6}, {"sha512", 6}, {"base64", 6},  {"oauth2", 6},    {"hs256", 5},
    {"rs256", 5},    {"es256", 5},  {"x509", 4},   {"ed25519", 7}, {"pbkdf2", 6},    {"argon2", 6},
    {"argon2id", 8}, {"utf8", 4},   {"base32", 6}, {"aes256", 6},  {"secp256k1", 9}, {NULL, 0}};

/* 1.2, v1.2.3-4 */
static bool is_version(const char *p, const char *end)
{
    if (rd_lower(*p) == 'v') p++;
    while (p < end && ((rd_class(p) & RD_DIGIT) != 0 || *p == '.' || *p == '-'))
        p++;
    return p == end;
}

/* Without the bytes of longer characters: cleaning changes how many there are. */
static size_t length(const char *p, const char *end)
{
    size_t n = 0;
    for (; p < end; p++)
        n += (rd_class(p) & RD_HIGH) == 0;
    return n;
}

static size_t digits(const char *p, const char *end)
{
    size_t n = 0;
    for (; p < end; p++)
        n += (rd_class(p) & RD_DIGIT) != 0;
    return n;
}

/* Letters with digits or with the signs that password rules ask for. */
static bool mixed(const char *p, const char *end, size_t min)
{
    if (length(p, end) < min || is_version(p, end)) return false;
    if (candor_redact_listed(p, end, algorithms)) return false;
    if (!candor_redact_holds(p, end, RD_ALPHA | RD_HIGH)) return false;
    if (candor_redact_holds(p, end, RD_DIGIT)) return true;
    for (; p < end; p++)
        if (*p == '!' || *p == '#' || *p == '$' || *p == '^' || *p == '*') return true;
    return false;
}

/* linked: "is" or the like stands between. */
static bool looks_secret(rd_key kind, bool linked, const char *p, const char *end)
{
    size_t n = (size_t)(end - p), number = digits(p, end);
    if (n == 0 || candor_redact_benign(p, end)) return false;
    if (kind == RD_KEY_CODE) return number == n ? n >= 4 && n <= 8 : linked && mixed(p, end, 5);
    if (linked && number == n) return n >= 4;
    if (!linked && (rd_class(p) & RD_WORD) == 0) return false;
    if (!linked && (memchr(p, '/', n) != NULL || memchr(p, '(', n) != NULL)) return false;
    return mixed(p, end, linked ? 4 : 6);
}

static const char *over_blanks(const redactor *r, const char *p)
{
    const char *q = p;
    while (q - p < BLANKS_MAX && rd_blank(r, q))
        q++;
    return q;
}

static const char *over_links(const redactor *r, const char *p)
{
    for (int i = 0; i < LINKS_MAX; i++) {
        const char *end = p;
        while (end - p < 8 && (rd_is(r, end, RD_ALPHA) || rd_at(r, end, '=')))
            end++;
        const char *next = over_blanks(r, rd_at(r, end, ':') ? end + 1 : end);
        if (next == end || !candor_redact_listed(p, end, links)) break;
        p = next;
    }
    return p;
}

/* The value in quotes, or NULL when none closes them nearby. */
static const char *quoted_end(const redactor *r, const char *quote)
{
    for (const char *p = quote + 1; p < r->end && p - quote < 128 && *p != '\n'; p++)
        if (*p == *quote) return p;
    return NULL;
}

bool candor_redact_phrase(redactor *r)
{
    const char *end = r->p, *key;
    while (end - r->p < 12 && (rd_is(r, end, RD_NAME) || rd_at(r, end, '-')))
        end++;
    if (!candor_redact_listed(r->p, end, key_words) || (rd_before(r, r->p) & RD_NAME) != 0)
        return false;
    const char *p = end;
    if (rd_at(r, p, '"') || rd_at(r, p, '\'')) p++;
    const char *v = over_blanks(r, p);
    if (v == p || v == r->end) return false;
    rd_key kind = candor_redact_key_before(r, end, &key);
    if (kind != RD_KEY_STRONG && kind != RD_KEY_WEAK && kind != RD_KEY_CODE) return false;
    const char *value = over_links(r, v);
    bool linked = value != v;
    v = value;
    if (rd_at(r, v, '"') || rd_at(r, v, '\'') || rd_at(r, v, '`')) {
        const char *close = quoted_end(r, v);
        if (close == NULL || close == v + 1) return false;
        bool like = linked ? !candor_redact_benign(v + 1, close) : mixed(v + 1, close, 6);
        return like && candor_redact_secret(r, v + 1, close);
    }
    const char *to = candor_redact_value_end(r, v);
    return looks_secret(kind, linked, v, to) && candor_redact_secret(r, v, to);
}

/* --- elements ------------------------------------------------------------------------------------
 */

#define TAG_MAX 64

/* The text of an element whose name is a secret's. A closing tag tells it from a generic type
 * (List<Token>); where the text was cut, only a name that is no type counts. */
bool candor_redact_element(redactor *r)
{
    const char *name = r->p + 1, *end = name;
    while (end - name < TAG_MAX && (rd_is(r, end, RD_KEY) || rd_at(r, end, ':')))
        end++;
    if (end == name) return false;
    rd_key kind = candor_redact_key(name, end);
    if (kind == RD_KEY_NONE || kind == RD_KEY_COUNT || kind >= RD_KEY_UID) return false;
    const char *p = end;
    while (p < r->end && *p != '>' && *p != '<' && *p != '\n') {
        CANDOR_REDACT_STEP();
        p++;
    }
    if (!rd_at(r, p, '>') || p[-1] == '/') return false;
    const char *from = ++p;
    while (p < r->end && *p != '<') {
        CANDOR_REDACT_STEP();
        p++;
    }
    candor_bytes tag = {name, (size_t)(end - name)};
    bool closed = rd_starts(r, p, CANDOR_LIT("</")) && rd_starts(r, p + 2, tag);
    bool cut = p == r->end && kind == RD_KEY_STRONG && rd_is(r, from, RD_WORD) &&
               candor_redact_placeholder(r, r->p) == 0;
    if (!closed && !cut) return false;
    while (from < p && (rd_class(from) & RD_SPACE) != 0)
        from++;
    while (p > from && (rd_class(p - 1) & RD_SPACE) != 0)
        p--;
    return candor_redact_secret(r, from, p);
}
