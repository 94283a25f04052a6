#include <stddef.h>
#include <strings.h>

#include "central/strict_http.h"

/* --- bytes ---------------------------------------------------------------------------------- */

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

/* RFC 9110 section 5.6.2 */
static bool is_tchar(unsigned char c)
{
    if (is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) return true;
    return c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool all_tchar(candor_bytes s)
{
    size_t i;
    for (i = 0; i < s.n; i++)
        if (!is_tchar((unsigned char)s.p[i])) return false;
    return s.n > 0;
}

static bool eq_nocase(candor_bytes a, const char *b)
{
    return a.n == strlen(b) && strncasecmp(a.p, b, a.n) == 0;
}

static candor_bytes trim(candor_bytes s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = candor_bytes_of(s.p + 1, s.n - 1);
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

/* --- the end of a head ---------------------------------------------------------------------- */

candor_scan candor_head_scan(candor_bytes text, size_t from, size_t *end, const char **why)
{
    size_t i;
    for (i = from; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '\n') {
            if (i == 0 || text.p[i - 1] != '\r') {
                *why = "a line ends with a bare LF; RFC 9112 wants CRLF";
                return CANDOR_SCAN_BAD;
            }
            if (i == 1) {
                *why = "the request line is empty";
                return CANDOR_SCAN_BAD;
            }
            if (i >= 3 && text.p[i - 2] == '\n') {
                *end = i + 1;
                return CANDOR_SCAN_DONE;
            }
        } else if (i > 0 && text.p[i - 1] == '\r') {
            *why = "a CR that no LF follows";
            return CANDOR_SCAN_BAD;
        } else if ((c < 0x20 && c != '\t' && c != '\r') || c == 0x7f) {
            *why = "a control character in the request head";
            return CANDOR_SCAN_BAD;
        }
    }
    return CANDOR_SCAN_MORE;
}

/* --- fields --------------------------------------------------------------------------------- */

typedef struct known_field {
    const char *name;
    size_t at;
} known_field;

#define FIELD(text, member)                                                                        \
    {                                                                                              \
        text, offsetof(candor_head, member)                                                        \
    }
static const known_field known_fields[] = {
    FIELD("host", host),
    FIELD("connection", connection),
    FIELD("expect", expect),
    FIELD("transfer-encoding", transfer_encoding),
    FIELD("content-length", content_length),
    FIELD("content-type", content_type),
    FIELD("content-encoding", content_encoding),
    FIELD("authorization", authorization),
    FIELD("if-none-match", if_none_match),
    FIELD("accept-encoding", accept_encoding),
    FIELD("cookie", cookie),
    FIELD("origin", origin),
    FIELD("upload-offset", upload_offset),
    FIELD("upload-complete", upload_complete),
    FIELD("candor-batch-id", batch_id),
    FIELD("candor-machine-id", machine_id),
    FIELD("candor-sent-at", sent_at),
    FIELD("candor-schema-hash", schema_hash),
    FIELD("candor-consent", consent),
    FIELD("candor-content-sha256", content_sha256),
    FIELD("candor-drops", drops),
};

static candor_bytes *known_slot(candor_head *h, candor_bytes name)
{
    size_t i;
    for (i = 0; i < sizeof known_fields / sizeof known_fields[0]; i++)
        if (eq_nocase(name, known_fields[i].name))
            return (candor_bytes *)(void *)((char *)h + known_fields[i].at);
    return NULL;
}

static const char *take_field(candor_head *h, candor_bytes line)
{
    const char *colon;
    candor_bytes name, value, *slot;
    if (line.p[0] == ' ' || line.p[0] == '\t') return "a folded header line (obs-fold)";
    colon = memchr(line.p, ':', line.n);
    if (colon == NULL) return "a header line without a colon";
    name = candor_bytes_of(line.p, (size_t)(colon - line.p));
    if (name.n == 0) return "a header with an empty name";
    if (!all_tchar(name)) return "a header name with a character that is not a token character";
    value = trim(candor_bytes_of(colon + 1, line.n - name.n - 1));
    slot = known_slot(h, name);
    if (slot == NULL) return NULL;
    if (slot->p != NULL) return "a header that may appear once appears twice";
    *slot = value; /* value.p is never NULL here, so it also marks presence */
    return NULL;
}

static const char *take_length(candor_head *h)
{
    size_t i;
    if (h->content_length.p == NULL) return NULL;
    if (h->content_length.n == 0 || h->content_length.n > 15)
        return "Content-Length is not a number of 1 to 15 digits";
    for (i = 0; i < h->content_length.n; i++) {
        unsigned char c = (unsigned char)h->content_length.p[i];
        if (!is_digit(c)) return "Content-Length is not a number of 1 to 15 digits";
        h->length = h->length * 10 + (uint64_t)(c - '0');
    }
    h->has_length = true;
    return NULL;
}

/* "gzip, chunked" and the like: two parsers may disagree about where such a body ends. */
static const char *take_coding(candor_head *h)
{
    if (h->transfer_encoding.p == NULL) return NULL;
    if (h->has_length) return "Content-Length together with Transfer-Encoding";
    if (!h->http11) return "Transfer-Encoding in an HTTP/1.0 request";
    if (!eq_nocase(h->transfer_encoding, "chunked"))
        return "Transfer-Encoding is not exactly \"chunked\"";
    h->chunked = true;
    return NULL;
}

static bool host_ok(candor_bytes host)
{
    size_t i;
    for (i = 0; i < host.n; i++) {
        unsigned char c = (unsigned char)host.p[i];
        if (!is_digit(c) && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') &&
            (c == 0 || strchr("-._~:[]%", c) == NULL))
            return false;
    }
    return true;
}

static const char *take_host(const candor_head *h)
{
    if (h->host.p == NULL) return h->http11 ? "no Host header in an HTTP/1.1 request" : NULL;
    return host_ok(h->host) ? NULL : "Host is not a host name with an optional port";
}

/* Connection is a list of tokens (RFC 9110 section 7.6.1). */
static bool has_token(candor_bytes list, const char *token)
{
    while (list.n > 0) {
        const char *comma = memchr(list.p, ',', list.n);
        size_t n = comma != NULL ? (size_t)(comma - list.p) : list.n;
        if (eq_nocase(trim(candor_bytes_of(list.p, n)), token)) return true;
        if (comma == NULL) break;
        list = candor_bytes_of(comma + 1, list.n - n - 1);
    }
    return false;
}

static const char *take_rest(candor_head *h, int *code)
{
    h->keep_alive =
        h->http11 ? !has_token(h->connection, "close") : has_token(h->connection, "keep-alive");
    if (h->expect.p == NULL) return NULL;
    if (!eq_nocase(h->expect, "100-continue")) {
        *code = 417;
        return "Expect is not 100-continue";
    }
    h->expect_continue = h->http11;
    return NULL;
}

/* --- request line --------------------------------------------------------------------------- */

static const char *take_target(candor_head *h, candor_bytes target)
{
    size_t i;
    const char *mark;
    if (target.n == 0 || target.p[0] != '/')
        return "the request target is not a path (origin-form)";
    for (i = 0; i < target.n; i++) {
        unsigned char c = (unsigned char)target.p[i];
        if (c <= 0x20 || c >= 0x7f || strchr("\"<>\\^`{|}#", c) != NULL)
            return "a character in the request target that RFC 3986 does not allow";
    }
    mark = memchr(target.p, '?', target.n);
    h->path = candor_bytes_of(target.p, mark != NULL ? (size_t)(mark - target.p) : target.n);
    if (mark != NULL) h->query = candor_bytes_of(mark + 1, target.n - h->path.n - 1);
    return NULL;
}

static const char *take_request_line(candor_head *h, candor_bytes line, int *code)
{
    const char *sp = memchr(line.p, ' ', line.n), *sp2;
    candor_bytes rest, version;
    if (sp == NULL) return "the request line is not METHOD SP TARGET SP VERSION";
    h->method = candor_bytes_of(line.p, (size_t)(sp - line.p));
    if (!all_tchar(h->method)) return "the method is not a token";
    rest = candor_bytes_of(sp + 1, line.n - h->method.n - 1);
    sp2 = memchr(rest.p, ' ', rest.n);
    if (sp2 == NULL) return "the request line is not METHOD SP TARGET SP VERSION";
    version = candor_bytes_of(sp2 + 1, rest.n - (size_t)(sp2 - rest.p) - 1);
    rest.n = (size_t)(sp2 - rest.p);
    h->http11 = candor_bytes_eq(version, CANDOR_LIT("HTTP/1.1"));
    if (!h->http11 && !candor_bytes_eq(version, CANDOR_LIT("HTTP/1.0"))) {
        bool shaped = version.n == 8 && memcmp(version.p, "HTTP/", 5) == 0 &&
                      is_digit((unsigned char)version.p[5]) && version.p[6] == '.' &&
                      is_digit((unsigned char)version.p[7]);
        *code = shaped ? 505 : 400;
        return "the HTTP version is not 1.1 or 1.0";
    }
    return take_target(h, rest);
}

static candor_bytes next_line(candor_bytes *text)
{
    const char *lf = memchr(text->p, '\n', text->n); /* scan guarantees CRLF line ends */
    size_t n = lf != NULL ? (size_t)(lf - text->p) + 1 : text->n;
    candor_bytes line = candor_bytes_of(text->p, n >= 2 ? n - 2 : 0);
    *text = candor_bytes_of(text->p + n, text->n - n);
    return line;
}

bool candor_head_parse(candor_bytes text, candor_head *out, int *code, const char **why)
{
    memset(out, 0, sizeof *out);
    *code = 400;
    *why = take_request_line(out, next_line(&text), code);
    while (*why == NULL) {
        candor_bytes line = next_line(&text);
        if (line.n == 0) break;
        *why = take_field(out, line);
    }
    if (*why == NULL) *why = take_host(out);
    if (*why == NULL) *why = take_length(out);
    if (*why == NULL) *why = take_coding(out);
    if (*why == NULL) *why = take_rest(out, code);
    return *why == NULL;
}
