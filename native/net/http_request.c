/* A request as libcurl options, after a check of everything the caller gave. Layer: net. */
#include <stdio.h>

#include "net/http_private.h"

#define METHOD_MAX 16

/* RFC 9110 5.6.2 */
static bool is_token(const char *s)
{
    if (s == NULL || *s == '\0') return false;
    for (; *s != '\0'; s++) {
        const bool alnum =
            (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9');
        if (!alnum && strchr("!#$%&'*+-.^_`|~", *s) == NULL) return false;
    }
    return true;
}

/* RFC 9110 5.5: a CR or LF would begin a header of the sender's choice; other controls are invalid.
 */
static bool is_field_value(const char *s)
{
    if (s == NULL) return false;
    for (; *s != '\0'; s++)
        if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f) return false;
    return true;
}

static candor_status out_of_memory(candor_err *err)
{
    return candor_fail(err, CANDOR_NOMEM, 0, "request", "out of memory");
}

static candor_status append_line(candor_http *h, const char *line, candor_err *err)
{
    struct curl_slist *more = h->curl.curl_slist_append(h->headers, line); /* copies line */

    if (more == NULL) return out_of_memory(err);
    h->headers = more;
    return CANDOR_OK;
}

static candor_status append_header(candor_http *h, const candor_http_header *header,
                                   candor_buf *line, candor_err *err)
{
    if (!is_token(header->name))
        return candor_fail(err, CANDOR_INVALID, 0, "header", "a header's name is not a token");
    if (!is_field_value(header->value))
        return candor_fail(err, CANDOR_INVALID, 0, "header",
                           "the value of header %.40s holds a line break or control character",
                           header->name);
    candor_buf_clear(line);
    candor_buf_put_bytes(line, candor_bytes_str(header->name));
    /* CURLOPT_HTTPHEADER(3): "Name:" would take a header away, "Name;" sends it empty. */
    if (header->value[0] == '\0') {
        candor_buf_put_c(line, ';');
    } else {
        candor_buf_put(line, ": ", 2);
        candor_buf_put_bytes(line, candor_bytes_str(header->value));
    }
    candor_buf_put_c(line, '\0');
    if (line->failed) return out_of_memory(err);
    return append_line(h, line->p, err);
}

/* "Expect:" and "Content-Type:" take away what libcurl would add on its own: a wait of a second for
 * 100-continue, and a form's media type. A caller's header of that name comes after and counts. */
static candor_status build_headers(candor_http *h, const candor_http_request *r, candor_err *err)
{
    candor_buf line = {0};
    candor_status st = append_line(h, "Expect:", err);
    bool typed = false;

    for (size_t i = 0; i < r->n_headers && st == CANDOR_OK; i++) {
        st = append_header(h, &r->headers[i], &line, err);
        if (st == CANDOR_OK)
            typed = typed || h->curl.curl_strequal(r->headers[i].name, "Content-Type") != 0;
    }
    if (st == CANDOR_OK && !typed) st = append_line(h, "Content-Type:", err);
    candor_buf_free(&line);
    return st;
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
    candor_http *h = ctx;
    const size_t got = size * n;

    if (got > h->response_max - h->body.n) {
        h->over_limit = true;
        return 0;
    }
    candor_buf_put(&h->body, p, got);
    return h->body.failed ? 0 : got;
}

/* "Date: Sat, 21 Nov 2026 15:08:30 GMT\r\n"; a longer value is none. */
static void keep_date(candor_http *h, const char *line, size_t n)
{
    if (n < 7 || (memcmp(line, "Date: ", 6) != 0 && memcmp(line, "date: ", 6) != 0)) return;
    while (n > 6 && (line[n - 1] == '\r' || line[n - 1] == '\n'))
        n--;
    if (n - 6 >= sizeof h->date) return;
    memcpy(h->date, line + 6, n - 6);
    h->date[n - 6] = '\0';
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
    candor_http *h = ctx;
    const size_t got = size * n;

    keep_date(h, p, got);
    h->header_bytes += got;
    if (h->header_bytes <= CANDOR_HTTP_HEADERS_MAX) return got;
    h->over_limit = true;
    return 0;
}

/* Sets one option unless an earlier one failed. */
#define SET(h, rc, option, value)                                                                  \
    ((rc) = (rc) == CURLE_OK ? (h)->curl.curl_easy_setopt((h)->easy, option, value) : (rc))

static CURLcode set_method(candor_http *h, const candor_http_request *r)
{
    CURLcode rc = CURLE_OK;

    if (r->body.n == 0 && strcmp(r->method, "GET") == 0) {
        SET(h, rc, CURLOPT_HTTPGET, 1L);
    } else if (r->body.n == 0 && strcmp(r->method, "HEAD") == 0) {
        SET(h, rc, CURLOPT_NOBODY, 1L);
    } else {
        SET(h, rc, CURLOPT_POST, 1L);
        /* Not NULL, or libcurl would read the body from stdin. */
        SET(h, rc, CURLOPT_POSTFIELDS, r->body.n != 0 ? r->body.p : "");
        SET(h, rc, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n);
        if (strcmp(r->method, "POST") != 0) SET(h, rc, CURLOPT_CUSTOMREQUEST, r->method);
    }
    return rc;
}

/* A cancelled HTTP/2 stream would leave its connection open, so only who needs it gets it. Clear
 * text has no ALPN to agree on it: the other side must know (RFC 9113 3.3). */
static long http_version(const candor_http *h)
{
    if (!h->grpc) return CURL_HTTP_VERSION_1_1;
    return h->url.clear_text ? CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE : CURL_HTTP_VERSION_2TLS;
}

static CURLcode set_limits(candor_http *h)
{
    CURLcode rc = CURLE_OK;

    SET(h, rc, CURLOPT_NOSIGNAL, 1L); /* timeouts without SIGALRM: the process is the host's */
    SET(h, rc, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(h, rc, CURLOPT_FOLLOWLOCATION, 0L); /* the body and the token go where they were sent */
    SET(h, rc, CURLOPT_CONNECTTIMEOUT_MS, h->connect_ms);
    SET(h, rc, CURLOPT_TIMEOUT_MS, h->total_ms);
    SET(h, rc, CURLOPT_HTTP_VERSION, http_version(h));
    /* libcurl 7.88 begins HTTP/2 anew on a connection of prior knowledge that it uses again
     * (https://github.com/curl/curl/issues/10634). */
    if (h->grpc && h->url.clear_text) SET(h, rc, CURLOPT_FORBID_REUSE, 1L);
    SET(h, rc, CURLOPT_SSL_VERIFYPEER, 1L);
    SET(h, rc, CURLOPT_SSL_VERIFYHOST, 2L);
    SET(h, rc, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
#if LIBCURL_VERSION_NUM >= 0x075700
    /* A cancel must not wait for a resolver thread that hangs in getaddrinfo (CURLOPT_QUICK_EXIT).
     */
    SET(h, rc, CURLOPT_QUICK_EXIT, 1L);
#endif
    return rc;
}

static CURLcode set_peer(candor_http *h)
{
    CURLcode rc = CURLE_OK;

    SET(h, rc, CURLOPT_CURLU, h->url.parsed);
    /* Clear text stays on this machine: no proxy, whatever the environment says. */
    if (h->url.clear_text)
        SET(h, rc, CURLOPT_NOPROXY, "*");
    else if (h->proxy != NULL)
        SET(h, rc, CURLOPT_PROXY, h->proxy);
    if (h->user_agent != NULL) SET(h, rc, CURLOPT_USERAGENT, h->user_agent);
    return rc;
}

static CURLcode set_callbacks(candor_http *h)
{
    CURLcode rc = CURLE_OK;

    SET(h, rc, CURLOPT_ERRORBUFFER, h->detail);
    SET(h, rc, CURLOPT_HTTPHEADER, h->headers);
    SET(h, rc, CURLOPT_WRITEFUNCTION, on_body);
    SET(h, rc, CURLOPT_WRITEDATA, h);
    SET(h, rc, CURLOPT_HEADERFUNCTION, on_header);
    SET(h, rc, CURLOPT_HEADERDATA, h);
    return rc;
}

candor_status candor_http_prepare(candor_http *h, const candor_http_request *r, candor_err *err)
{
    candor_status st;
    CURLcode rc;

    if (!is_token(r->method) || strlen(r->method) > METHOD_MAX)
        return candor_fail(err, CANDOR_INVALID, 0, "request", "the HTTP method is not a token");
    h->curl.curl_easy_reset(h->easy); /* keeps connections and sessions (curl_easy_reset(3)) */
    st = build_headers(h, r, err);
    if (st != CANDOR_OK) return st;
    rc = set_limits(h);
    if (rc == CURLE_OK) rc = set_peer(h);
    if (rc == CURLE_OK) rc = set_callbacks(h);
    if (rc == CURLE_OK) rc = set_method(h, r);
    if (rc == CURLE_OUT_OF_MEMORY) return out_of_memory(err);
    if (rc != CURLE_OK)
        return candor_fail(err, CANDOR_NET, 0, "request", "libcurl refused an option: %s",
                           h->curl.curl_easy_strerror(rc));
    return candor_trust_apply(&h->trust, &h->curl, h->easy, err);
}
