/* ClickHouse's HTTP interface: one request at a time, and its errors as ours. */
#include <stdlib.h>

#include "central/sink/clickhouse_internal.h"

#define RESPONSE_MAX ((size_t)256 << 20)
#define POLL_MS      1000
#define BOUNDARY     "candor-ids-7f3a9c51d2"

candor_status candor_ch_init(candor_ch *c, const candor_sink_url *url,
                             const candor_ch_bounds *bounds, candor_err *err)
{
    const candor_http_settings settings = {.user_agent = "candor-central",
                                           .connect_timeout_ms = bounds->connect_ms,
                                           .total_timeout_ms = bounds->total_ms,
                                           .stall_timeout_ms = bounds->stall_ms,
                                           .response_max = RESPONSE_MAX};
    candor_status st = candor_http_new(&settings, &c->http, err);
    c->url = url;
    c->max_s = bounds->max_s;
    if (st == CANDOR_OK) st = candor_waker_new(&c->waker, err);
    if (st != CANDOR_OK) candor_ch_deinit(c);
    return st;
}

void candor_ch_deinit(candor_ch *c)
{
    candor_http_free(c->http);
    if (c->waker != NULL) candor_waker_free(c->waker);
    candor_buf_free(&c->target);
    memset(c, 0, sizeof *c);
}

/* --- errors --------------------------------------------------------------------------------- */

/* ErrorCodes.cpp of ClickHouse. */
static candor_status status_of(unsigned long code)
{
    switch (code) {
    case 159: /* TIMEOUT_EXCEEDED */
    case 160: /* TOO_SLOW */
        return CANDOR_TIMEOUT;
    case 192: /* UNKNOWN_USER */
    case 193: /* WRONG_PASSWORD */
    case 194: /* REQUIRED_PASSWORD */
    case 497: /* ACCESS_DENIED */
    case 516: /* AUTHENTICATION_FAILED */
        return CANDOR_DENIED;
    case 243: /* NOT_ENOUGH_SPACE */
        return CANDOR_FULL;
    case 202: /* TOO_MANY_SIMULTANEOUS_QUERIES */
    case 241: /* MEMORY_LIMIT_EXCEEDED */
    case 252: /* TOO_MANY_PARTS */
        return CANDOR_BUSY;
    default:
        return CANDOR_IO;
    }
}

/* "Code: 60, e.displayText() = DB::Exception: Table default.x doesn't exist. ..." */
static candor_status explain(const candor_http_response *r, candor_err *err)
{
    const char *text = r->body.p != NULL ? r->body.p : "", *what;
    unsigned long code = 0;
    int n;
    if (strncmp(text, "Code: ", 6) == 0) code = strtoul(text + 6, NULL, 10);
    what = strstr(text, "DB::Exception: ");
    what = what != NULL ? what + 15 : text;
    n = (int)strcspn(what, "\n");
    err->sys = (int)code;
    return candor_fail(err, status_of(code), 0, "store", "ClickHouse: %.*s (HTTP %d, code %lu)",
                       n < 160 ? n : 160, what, r->code, code);
}

/* --- requests ------------------------------------------------------------------------------- */

static void put_encoded(candor_buf *b, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (strchr(plain, *text) != NULL) {
            candor_buf_put_c(b, *text);
            continue;
        }
        candor_buf_put_c(b, '%');
        candor_buf_put_c(b, digits[c >> 4]);
        candor_buf_put_c(b, digits[c & 15]);
    }
}

/* wait_end_of_query: an error that comes late is an HTTP status, not the end of a good answer. */
static void put_target(candor_ch *c, const char *sql, const char *more)
{
    const candor_sink_url *u = c->url;
    bool v6 = strchr(u->host, ':') != NULL;
    unsigned port = u->port != 0 ? u->port : strcmp(u->scheme, "https") == 0 ? 8443 : 8123;
    candor_buf_clear(&c->target);
    candor_buf_putf(&c->target, "%s://%s%s%s:%u/?wait_end_of_query=1", u->scheme, v6 ? "[" : "",
                    u->host, v6 ? "]" : "", port);
    if (*u->database != '\0') candor_buf_put_bytes(&c->target, CANDOR_LIT("&database="));
    put_encoded(&c->target, u->database);
    if (c->max_s != 0) candor_buf_putf(&c->target, "&max_execution_time=%u", c->max_s);
    if (sql != NULL) {
        candor_buf_put_bytes(&c->target, CANDOR_LIT("&query="));
        put_encoded(&c->target, sql);
    }
    candor_buf_put_bytes(&c->target, candor_bytes_str(more));
    candor_buf_put_c(&c->target, '\0');
}

static candor_status request(candor_ch *c, candor_bytes body, const char *type, candor_bytes *out,
                             candor_err *err)
{
    const candor_http_header headers[] = {{"Content-Type", type},
                                          {"X-ClickHouse-User", c->url->user},
                                          {"X-ClickHouse-Key", c->url->password}};
    size_t n = *c->url->user == '\0' ? 1 : *c->url->password == '\0' ? 2 : 3;
    const candor_http_request r = {"POST", c->target.p, headers, n, body};
    candor_http_response answer;
    candor_status st;
    if (c->target.failed) return candor_fail(err, CANDOR_NOMEM, 0, "store", NULL);
    st = candor_http_start(c->http, &r, err);
    if (st != CANDOR_OK) return st;
    while (!candor_http_poll(c->http, c->waker, POLL_MS, &answer)) {
    }
    if (answer.status != CANDOR_OK)
        return candor_fail(err, CANDOR_NET, 0, "store", "ClickHouse: %.200s", answer.error);
    if (answer.code != 200) return explain(&answer, err);
    if (out != NULL) *out = answer.body;
    return CANDOR_OK;
}

candor_status candor_ch_run(candor_ch *c, const char *sql, candor_bytes *out, candor_err *err)
{
    put_target(c, NULL, "");
    return request(c, candor_bytes_str(sql), "text/plain", out, err);
}

/* Five seconds for the other replicas: those that are away follow when they are back. */
candor_status candor_ch_alter(candor_ch *c, const char *sql, candor_err *err)
{
    put_target(c, NULL, "&replication_alter_columns_timeout=5");
    return request(c, candor_bytes_str(sql), "text/plain", NULL, err);
}

candor_status candor_ch_ask(candor_ch *c, candor_buf *sql, candor_bytes *out, candor_err *err)
{
    candor_status st;
    candor_buf_put_c(sql, '\0');
    st = sql->failed ? candor_fail(err, CANDOR_NOMEM, 0, "store", NULL)
                     : candor_ch_run(c, sql->p, out, err);
    candor_buf_clear(sql);
    return st;
}

candor_status candor_ch_insert(candor_ch *c, const char *sql, candor_bytes rows, candor_err *err)
{
    /* A block that a replica took before it died would be dropped as known by the next one, which
     * does not have it. What is twice is found by its ids. */
    put_target(c, sql,
               c->bounds_parts ? "&insert_deduplicate=0&max_partitions_per_insert_block=0"
                               : "&insert_deduplicate=0");
    return request(c, rows, "application/octet-stream", NULL, err);
}

candor_status candor_ch_with_ids(candor_ch *c, const char *sql, candor_bytes ids, candor_bytes *out,
                                 candor_err *err)
{
    candor_buf body = {0};
    candor_status st;
    put_target(c, sql, "&ids_format=RowBinary&ids_structure=event_id%20FixedString(16)");
    candor_buf_put_bytes(
        &body, CANDOR_LIT("--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"ids\"; "
                          "filename=\"ids\"\r\nContent-Type: application/octet-stream\r\n\r\n"));
    candor_buf_put_bytes(&body, ids);
    candor_buf_put_bytes(&body, CANDOR_LIT("\r\n--" BOUNDARY "--\r\n"));
    st = body.failed ? candor_fail(err, CANDOR_NOMEM, 0, "store", NULL)
                     : request(c, candor_buf_bytes(&body),
                               "multipart/form-data; boundary=" BOUNDARY, out, err);
    candor_buf_free(&body);
    return st;
}

uint64_t candor_ch_number(candor_bytes answer)
{
    uint64_t v = 0;
    size_t i;
    for (i = 0; i < answer.n && answer.p[i] >= '0' && answer.p[i] <= '9'; i++)
        v = v * 10 + (uint64_t)(answer.p[i] - '0');
    return v;
}

candor_bytes candor_ch_take_until(candor_bytes *in, char end)
{
    const char *p = in->n != 0 ? memchr(in->p, end, in->n) : NULL;
    candor_bytes field = candor_bytes_of(in->p, p != NULL ? (size_t)(p - in->p) : in->n);
    *in = p != NULL ? candor_bytes_of(p + 1, in->n - field.n - 1) : candor_bytes_of(NULL, 0);
    return field;
}

candor_status candor_ch_ask_number(candor_ch *c, candor_buf *sql, uint64_t *out, candor_err *err)
{
    candor_bytes answer = {NULL, 0};
    candor_status st = candor_ch_ask(c, sql, &answer, err);
    if (st == CANDOR_OK) *out = candor_ch_number(answer);
    return st;
}
