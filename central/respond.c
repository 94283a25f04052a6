#include "central/respond.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

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
    r->allow = NULL;
    r->retry_after_s = 0;
    r->download = false;
    candor_buf_clear(&r->body);
    return &r->body;
}

/* type "about:blank": the title is that of the status, and detail says the rest (RFC 9457 4.2.1).
 */
void candor_reply_problem(candor_reply *r, int code, const char *detail, ...)
{
    candor_buf *b = candor_reply_begin(r, code, candor_type_problem);
    char text[512];
    va_list args;
    va_start(args, detail);
    vsnprintf(text, sizeof text, detail, args);
    va_end(args);
    candor_buf_putf(b, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"detail\":",
                    candor_code_title(code), code);
    candor_json_put_string(b, candor_bytes_str(text));
    candor_buf_put_bytes(b, CANDOR_LIT("}\n"));
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
    candor_buf_putf(out, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n", r->code,
                    candor_code_title(r->code), r->type, r->body.n);
    put_date(out);
    candor_buf_put_bytes(out, CANDOR_LIT("Cache-Control: no-store\r\n"
                                         "X-Content-Type-Options: nosniff\r\n"
                                         "Content-Security-Policy: default-src 'none'; "
                                         "frame-ancestors 'none'\r\n"
                                         "Referrer-Policy: no-referrer\r\n"));
    if (r->code == 401) candor_buf_put_bytes(out, CANDOR_LIT("WWW-Authenticate: Bearer\r\n"));
    if (r->allow != NULL) candor_buf_putf(out, "Allow: %s\r\n", r->allow);
    if (r->retry_after_s != 0) candor_buf_putf(out, "Retry-After: %u\r\n", r->retry_after_s);
    if (r->download) candor_buf_put_bytes(out, CANDOR_LIT("Content-Disposition: attachment\r\n"));
    if (!keep) candor_buf_put_bytes(out, CANDOR_LIT("Connection: close\r\n"));
    candor_buf_put_bytes(out, CANDOR_LIT("\r\n"));
}
