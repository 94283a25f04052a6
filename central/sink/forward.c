#include "central/sink/forward.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/gzip.h"

#define CONNECT_MS   10000u
#define STALL_MS     10000u
#define TOTAL_MS     20000u /* the collector's end waits for it */
#define RESPONSE_MAX ((size_t)1 << 20)
#define POLL_MS      1000

/* --- chunks --------------------------------------------------------------------------------- */

static candor_status note(candor_forward *f, const candor_sink_row *const *rows, size_t n,
                          uint64_t refused, candor_err *err)
{
    candor_status st = CANDOR_OK;
    size_t i;
    for (i = 0; i < n && st == CANDOR_OK; i++) /* which ones were, the receiver does not say */
        st = candor_idset_add(i < refused ? &f->refused : &f->sent, rows[i]->row->id, NULL);
    return st == CANDOR_OK ? st : candor_fail(err, st, 0, "forward", NULL);
}

/* What cannot be taken is found by halves: one event must not hold up the others, nor take them
 * with it. */
static candor_status send_chunk(candor_forward *f, const candor_sink_row *const *rows, size_t n,
                                candor_err *err)
{
    uint64_t rejected = 0;
    candor_status st = f->kind->send(f, rows, n, &rejected, err);
    if (st == CANDOR_OK) return note(f, rows, n, rejected, err);
    if (st != CANDOR_LIMIT && st != CANDOR_INVALID) return st;
    if (n == 1) return note(f, rows, 1, 1, err);
    st = send_chunk(f, rows, n / 2, err);
    return st == CANDOR_OK ? send_chunk(f, rows + n / 2, n - n / 2, err) : st;
}

static bool is_dealt_with(const candor_forward *f, const candor_sink_row *r)
{
    return candor_idset_has(&f->sent, r->row->id) || candor_idset_has(&f->refused, r->row->id);
}

static candor_status send_group(candor_forward *f, unsigned group, candor_err *err)
{
    const candor_sink_row *chunk[CANDOR_FORWARD_ROWS];
    size_t n = 0, bytes = 0, i;
    candor_status st = CANDOR_OK;
    for (i = 0; i < f->rows.n && st == CANDOR_OK; i++) {
        const candor_sink_row *r = &f->rows.items[i];
        if (f->kind->group != NULL && f->kind->group(r->row) != group) continue;
        if (is_dealt_with(f, r)) continue;
        if (n == CANDOR_FORWARD_ROWS ||
            (n != 0 && bytes + r->row->payload.n > CANDOR_FORWARD_BYTES)) {
            st = send_chunk(f, chunk, n, err);
            n = bytes = 0;
        }
        chunk[n++] = r;
        bytes += r->row->payload.n;
    }
    return st == CANDOR_OK && n != 0 ? send_chunk(f, chunk, n, err) : st;
}

static void finish(candor_forward *f)
{
    size_t i;
    for (i = 0; i < f->rows.n; i++) {
        candor_sink_row *r = &f->rows.items[i];
        if (candor_idset_has(&f->refused, r->row->id))
            r->batch->refused++;
        else
            candor_sink_rows_new(r);
    }
    candor_sink_rows_finish(&f->rows);
    candor_idset_free(&f->sent);
    candor_idset_free(&f->refused);
}

candor_status candor_forward_write(candor_sink *base, candor_batch *const *batches, size_t n,
                                   candor_err *err)
{
    candor_forward *f = (candor_forward *)(void *)base;
    candor_status st = candor_sink_rows_collect(&f->rows, batches, n, err);
    unsigned group;
    for (group = 0; group < f->kind->groups && st == CANDOR_OK; group++)
        st = send_group(f, group, err);
    if (st == CANDOR_OK) finish(f);
    return st;
}

/* What was handed on is its receiver's: docs/otlp.md says so. */
candor_status candor_forward_erase(candor_sink *base, candor_erasure *e, candor_err *err)
{
    (void)base;
    (void)e;
    (void)err;
    return CANDOR_OK;
}

candor_status candor_forward_retain(candor_sink *base, int64_t first_day, candor_deleted *deleted,
                                    bool *more, candor_err *err)
{
    (void)base;
    (void)first_day;
    (void)deleted;
    (void)err;
    *more = false;
    return CANDOR_OK;
}

candor_status candor_forward_sweep(candor_sink *base, const candor_sweep *w, candor_err *err)
{
    (void)base;
    (void)w;
    (void)err;
    return CANDOR_OK;
}

candor_status candor_forward_probe(candor_sink *base, candor_err *err)
{
    (void)base;
    (void)err;
    return CANDOR_OK;
}

/* --- requests ------------------------------------------------------------------------------- */

candor_status candor_forward_judge(int code, const char *whom, candor_err *err)
{
    candor_status st = CANDOR_INVALID;
    if (code == 413) st = CANDOR_LIMIT;
    if (code == 429 || code >= 500) st = CANDOR_BUSY;
    /* The address or the token is wrong: somebody will mend that, and the events wait. */
    if (code == 401 || code == 403 || code == 404 || code == 405) st = CANDOR_DENIED;
    if (code / 100 == 2) return CANDOR_OK;
    return candor_fail(err, st, 0, "forward", "%s answers with HTTP %d", whom, code);
}

candor_status candor_forward_post(candor_forward *f, const char *path, const char *type, bool zip,
                                  bool token, candor_http_response *answer, candor_err *err)
{
    bool named = *f->url.user != '\0' && strcmp(f->url.user, "bearer") != 0;
    char bearer[300];
    candor_http_header headers[4] = {{"Content-Type", type}};
    candor_http_request r = {"POST", NULL, headers, 1, candor_buf_bytes(&f->body)};
    candor_status st = CANDOR_OK;
    if (zip) {
        candor_buf_clear(&f->zipped);
        st = candor_gzip(candor_buf_bytes(&f->body), 6, NULL, &f->zipped, err);
        headers[r.n_headers++] = (candor_http_header){"Content-Encoding", "gzip"};
        r.body = candor_buf_bytes(&f->zipped);
    }
    if (f->kind->grpc) headers[r.n_headers++] = (candor_http_header){"TE", "trailers"};
    snprintf(bearer, sizeof bearer, "%s%s", named ? "" : "Bearer ", f->url.password);
    if (token && *f->url.password != '\0')
        headers[r.n_headers++] =
            (candor_http_header){named ? f->url.user : "Authorization", bearer};
    candor_buf_clear(&f->target);
    candor_buf_putf(&f->target, "%s%s", f->base, path);
    candor_buf_put_c(&f->target, '\0');
    if (f->target.failed || f->body.failed)
        return candor_fail(err, CANDOR_NOMEM, 0, "forward", NULL);
    r.url = f->target.p;
    if (st == CANDOR_OK) st = candor_http_start(f->http, &r, err);
    if (st == CANDOR_INVALID) st = candor_fail(err, CANDOR_DENIED, 0, "forward", "%s", err->text);
    if (st != CANDOR_OK) return st;
    while (!candor_http_poll(f->http, f->waker, POLL_MS, answer)) {
    }
    if (answer->status != CANDOR_OK)
        return candor_fail(err, CANDOR_NET, 0, "forward", "%.200s", answer->error);
    return CANDOR_OK;
}

/* --- life ----------------------------------------------------------------------------------- */

void candor_forward_close(candor_sink *base)
{
    candor_forward *f = (candor_forward *)(void *)base;
    if (f->kind->free != NULL) f->kind->free(f);
    candor_http_free(f->http);
    if (f->waker != NULL) candor_waker_free(f->waker);
    candor_sink_rows_free(&f->rows);
    candor_idset_free(&f->sent);
    candor_idset_free(&f->refused);
    candor_buf_free(&f->target);
    candor_buf_free(&f->body);
    candor_buf_free(&f->zipped);
    free(f);
}

/* "otlp+grpcs" is https, as is "posthog+https". */
static candor_status set_base(candor_forward *f, unsigned port, candor_err *err)
{
    const candor_sink_url *u = &f->url;
    size_t n = strlen(u->scheme), prefix = strlen(u->database);
    bool tls = n != 0 && u->scheme[n - 1] == 's', v6 = strchr(u->host, ':') != NULL;
    char name[16] = "";
    if (u->port != 0) port = u->port;
    if (port != 0) snprintf(name, sizeof name, ":%u", port);
    while (prefix != 0 && u->database[prefix - 1] == '/')
        prefix--;
    n = (size_t)snprintf(f->base, sizeof f->base, "%s://%s%s%s%s%s%.*s", tls ? "https" : "http",
                         v6 ? "[" : "", u->host, v6 ? "]" : "", name, prefix != 0 ? "/" : "",
                         (int)prefix, u->database);
    return n < sizeof f->base
               ? CANDOR_OK
               : candor_fail(err, CANDOR_INVALID, 0, "settings", "--sink-url is too long");
}

candor_status candor_forward_open(const candor_sink_settings *s, const candor_forward_kind *kind,
                                  unsigned port, candor_forward **out, candor_err *err)
{
    char ca[256] = "";
    candor_http_settings settings = {.user_agent = "candor-central",
                                     .connect_timeout_ms = CONNECT_MS,
                                     .total_timeout_ms = TOTAL_MS,
                                     .stall_timeout_ms = STALL_MS,
                                     .response_max = RESPONSE_MAX,
                                     .grpc = kind->grpc};
    candor_forward *f = calloc(1, sizeof *f);
    candor_status st;
    *out = NULL;
    if (f == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "open the sink", NULL);
    f->sink.ops = &kind->ops;
    f->kind = kind;
    f->schema = s->schema;
    st = candor_sink_url_parse(s->url, &f->url, err);
    if (st == CANDOR_OK) st = set_base(f, port, err);
    if (st == CANDOR_OK) settings.ca_file = candor_sink_url_option(&f->url, "ca", ca, sizeof ca);
    if (st == CANDOR_OK) st = candor_http_new(&settings, &f->http, err);
    if (st == CANDOR_OK) st = candor_waker_new(&f->waker, err);
    if (st != CANDOR_OK)
        candor_forward_close(&f->sink);
    else
        *out = f;
    return st;
}
