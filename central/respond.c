#include "central/respond.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/digest.h"
#include "base/json.h"

const char candor_type_json[] = "application/json";
const char candor_type_problem[] = "application/problem+json";
const char candor_type_text[] = "text/plain; charset=utf-8";
const char candor_type_metrics[] = "text/plain; version=0.0.4; charset=utf-8";

static const struct {
    int code;
    const char *title;
} titles[] = {{200, "OK"},
              {201, "Created"},
              {202, "Accepted"},
              {204, "No Content"},
              {304, "Not Modified"},
              {400, "Bad Request"},
              {401, "Unauthorized"},
              {403, "Forbidden"},
              {404, "Not Found"},
              {405, "Method Not Allowed"},
              {408, "Request Timeout"},
              {409, "Conflict"},
              {413, "Content Too Large"},
              {415, "Unsupported Media Type"},
              {417, "Expectation Failed"},
              {429, "Too Many Requests"},
              {431, "Request Header Fields Too Large"},
              {500, "Internal Server Error"},
              {501, "Not Implemented"},
              {503, "Service Unavailable"},
              {505, "HTTP Version Not Supported"}};

const char *candor_code_title(int code)
{
    size_t i;
    for (i = 0; i < sizeof titles / sizeof titles[0]; i++)
        if (titles[i].code == code) return titles[i].title;
    return "Status";
}

candor_buf *candor_reply_begin(candor_reply *r, int code, const char *type)
{
    r->code = code;
    r->type = type;
    r->problem = NULL;
    r->allow = NULL;
    r->retry_after_s = 0;
    r->download = r->validate = false;
    *r->etag = *r->cookie = *r->fields = '\0';
    r->cache = r->policy = r->encoding = NULL;
    candor_buf_clear(&r->body);
    return &r->body;
}

/* --- problems ------------------------------------------------------------------------------- */

#define PROBLEM_ROW(id, status, text) {status, text},
static const struct {
    int status;
    const char *code;
} problems[] = {CANDOR_PROBLEM_MAP(PROBLEM_ROW)};
#define N_PROBLEMS (sizeof problems / sizeof problems[0])

/* type "about:blank": the title is that of the status, and detail says the rest (RFC 9457 4.2.1).
 * code is an extension member (3.2). */
static void put_problem(candor_reply *r, int status, const char *code, const char *detail,
                        va_list args)
{
    candor_buf *b = candor_reply_begin(r, status, candor_type_problem);
    char text[512];
    vsnprintf(text, sizeof text, detail, args);
    candor_buf_putf(
        b, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"code\":\"%s\",\"detail\":",
        candor_code_title(status), status, code);
    candor_json_put_string(b, candor_bytes_str(text));
    candor_buf_put_bytes(b, CANDOR_LIT("}\n"));
    r->problem = code;
}

void candor_reply_refuse(candor_reply *r, candor_problem p, const char *detail, ...)
{
    va_list args;
    va_start(args, detail);
    put_problem(r, problems[p].status, problems[p].code, detail, args);
    va_end(args);
}

void candor_reply_problem(candor_reply *r, int code, const char *detail, ...)
{
    va_list args;
    size_t i = 0;
    while (i + 1 < N_PROBLEMS && problems[i].status != code)
        i++;
    va_start(args, detail);
    put_problem(r, code, problems[i].code, detail, args);
    va_end(args);
}

/* --- validation ----------------------------------------------------------------------------- */

/* A list of tags, or '*'. Weak comparison: W/ does not count (RFC 9110 8.8.3.2). */
static bool names_tag(candor_bytes list, const char *tag)
{
    size_t n = strlen(tag), i;
    if (candor_bytes_eq(list, CANDOR_LIT("*"))) return true;
    for (i = 0; i + n <= list.n; i++)
        if (memcmp(list.p + i, tag, n) == 0) return true;
    return false;
}

void candor_reply_validate(candor_reply *r, candor_bytes if_none_match)
{
    unsigned char digest[CANDOR_SHA256_SIZE];
    if (!r->validate || r->code != 200 || r->body.failed) return;
    if (candor_sha256(candor_buf_bytes(&r->body), digest) != CANDOR_OK) return;
    r->etag[0] = r->etag[CANDOR_ETAG_TEXT - 1] = '"';
    candor_hex_encode(digest, (CANDOR_ETAG_TEXT - 2) / 2, r->etag + 1);
    r->etag[CANDOR_ETAG_TEXT] = '\0';
    if (!names_tag(if_none_match, r->etag)) return;
    r->code = 304;
    candor_buf_clear(&r->body);
}

void candor_reply_deinit(candor_reply *r)
{
    candor_buf_free(&r->body);
}

static void put_date(candor_buf *out)
{
    char text[64];
    time_t now = time(NULL);
    struct tm tm;
    /* RFC 9110 5.6.7; the C locale's names, as we never call setlocale */
    if (gmtime_r(&now, &tm) == NULL) return;
    if (strftime(text, sizeof text, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm) == 0) return;
    candor_buf_put_bytes(out, candor_bytes_str(text));
}

void candor_reply_head(const candor_reply *r, bool keep, candor_buf *out)
{
    candor_buf_putf(out, "HTTP/1.1 %d %s\r\n", r->code, candor_code_title(r->code));
    if (r->code != 304 && r->code != 204) /* RFC 9110 8.6 */
        candor_buf_putf(out, "Content-Type: %s\r\nContent-Length: %zu\r\n", r->type, r->body.n);
    put_date(out);
    /* What has a tag may be kept by the one who asked, to be asked about again; content may not. */
    if (*r->etag != '\0') candor_buf_putf(out, "ETag: %s\r\n", r->etag);
    if (r->cache != NULL)
        candor_buf_putf(out, "Cache-Control: %s\r\n", r->cache);
    else
        candor_buf_putf(out, "Cache-Control: %s\r\n",
                        *r->etag != '\0' && !r->download ? "private, no-cache" : "no-store");
    candor_buf_putf(out, "X-Content-Type-Options: nosniff\r\nContent-Security-Policy: %s\r\n",
                    r->policy != NULL ? r->policy : "default-src 'none'; frame-ancestors 'none'");
    candor_buf_put_bytes(out, CANDOR_LIT("Referrer-Policy: no-referrer\r\n"));
    if (r->encoding != NULL)
        candor_buf_putf(out, "Content-Encoding: %s\r\nVary: Accept-Encoding\r\n", r->encoding);
    if (*r->fields != '\0') candor_buf_put_bytes(out, candor_bytes_str(r->fields));
    if (*r->cookie != '\0') candor_buf_putf(out, "Set-Cookie: %s\r\n", r->cookie);
    if (r->code == 401) candor_buf_put_bytes(out, CANDOR_LIT("WWW-Authenticate: Bearer\r\n"));
    if (r->allow != NULL) candor_buf_putf(out, "Allow: %s\r\n", r->allow);
    if (r->retry_after_s != 0) candor_buf_putf(out, "Retry-After: %u\r\n", r->retry_after_s);
    if (r->download) candor_buf_put_bytes(out, CANDOR_LIT("Content-Disposition: attachment\r\n"));
    if (!keep) candor_buf_put_bytes(out, CANDOR_LIT("Connection: close\r\n"));
    candor_buf_put_bytes(out, CANDOR_LIT("\r\n"));
}
