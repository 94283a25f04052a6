/* Parameters in, a job to the store, its reply back on the loop. */
#include "central/query.h"

#include <stdlib.h>

#include "base/uuid.h"
#include "central/respond.h"

#define TIME_MAX INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

/* --- parameters ----------------------------------------------------------------------------- */

typedef enum found { FOUND_NO, FOUND_YES, FOUND_BAD } found;

static found text_param(candor_conn *c, const char *name, char *out, size_t cap)
{
    candor_bytes raw;
    size_t n;
    if (!candor_query_find(c->head.query, name, &raw) || raw.n == 0) return FOUND_NO;
    if (candor_query_decode(raw, out, cap, &n)) return FOUND_YES;
    candor_reply_problem(&c->reply, 400, "%s is malformed or longer than %zu bytes", name, cap - 1);
    return FOUND_BAD;
}

/* RFC 3339, a date alone, or Unix milliseconds. A '+' of an offset may come as a space. */
static found time_param(candor_conn *c, const char *name, int64_t *out)
{
    char text[64];
    size_t n;
    found f = text_param(c, name, text, sizeof text - 16);
    if (f != FOUND_YES) return f;
    n = strlen(text);
    if (n == 10 && text[4] == '-') {
        memcpy(text + n, "T00:00:00Z", 11);
        n += 10;
    } else if (n > 6 && text[n - 6] == ' ') {
        text[n - 6] = '+';
    }
    if (candor_time_parse(candor_bytes_of(text, n), out)) return FOUND_YES;
    if (strspn(text, "0123456789") == n && n <= 15) {
        *out = strtoll(text, NULL, 10);
        if (*out <= TIME_MAX) return FOUND_YES;
    }
    candor_reply_problem(&c->reply, 400,
                         "%s is not a time; give RFC 3339 (2026-11-21T09:52:00Z), a date, "
                         "or Unix milliseconds",
                         name);
    return FOUND_BAD;
}

static found limit_param(candor_conn *c, unsigned *out)
{
    char text[16];
    found f = text_param(c, "limit", text, sizeof text);
    unsigned long v;
    if (f != FOUND_YES) return f;
    v = strspn(text, "0123456789") == strlen(text) ? strtoul(text, NULL, 10) : 0;
    if (v >= 1 && v <= CANDOR_QUERY_LIMIT_MAX) {
        *out = (unsigned)v;
        return FOUND_YES;
    }
    candor_reply_problem(&c->reply, 400, "limit takes 1 to %d", CANDOR_QUERY_LIMIT_MAX);
    return FOUND_BAD;
}

static found cursor_param(candor_conn *c, candor_event_filter *f)
{
    char text[64];
    found r = text_param(c, "cursor", text, sizeof text);
    if (r != FOUND_YES) return r;
    f->has_cursor = candor_hex_decode(candor_bytes_str(text), f->cursor, sizeof f->cursor);
    if (f->has_cursor) return FOUND_YES;
    candor_reply_problem(&c->reply, 400, "cursor is not one that a page gave as next_cursor");
    return FOUND_BAD;
}

static bool range_params(candor_conn *c, candor_query_job *j)
{
    found from = time_param(c, "from", &j->from_ms), to = FOUND_NO;
    if (from == FOUND_BAD) return false;
    to = time_param(c, "to", &j->to_ms);
    if (to == FOUND_BAD) return false;
    j->has_from = from == FOUND_YES;
    j->has_to = to == FOUND_YES;
    if (!j->has_from) j->from_ms = 0;
    if (!j->has_to) j->to_ms = TIME_MAX;
    return true;
}

/* A token bound to an app sees that app, whatever source asks for. */
static bool source_param(candor_conn *c, candor_query_job *j)
{
    found f = text_param(c, "source", j->app, sizeof j->app);
    if (f == FOUND_NO) f = text_param(c, "app", j->app, sizeof j->app);
    if (f == FOUND_BAD) return false;
    if (*c->principal.app == '\0') return true;
    if (f == FOUND_YES && strcmp(j->app, c->principal.app) != 0) {
        candor_reply_problem(&c->reply, 403, "the token is bound to the app \"%s\"",
                             c->principal.app);
        return false;
    }
    memcpy(j->app, c->principal.app, sizeof c->principal.app);
    return true;
}

static bool event_params(candor_conn *c, candor_query_job *j)
{
    j->filter.limit = CANDOR_QUERY_LIMIT_DEFAULT;
    j->filter.scan_rows = (unsigned)c->loop->server->config.scan_rows;
    return text_param(c, "category", j->category, sizeof j->category) != FOUND_BAD &&
           text_param(c, "type", j->type, sizeof j->type) != FOUND_BAD &&
           limit_param(c, &j->filter.limit) != FOUND_BAD &&
           cursor_param(c, &j->filter) != FOUND_BAD;
}

/* --- the job -------------------------------------------------------------------------------- */

static void job_done(candor_task *t)
{
    candor_query_job *j = (candor_query_job *)(void *)t;
    candor_conn *c = j->conn;
    candor_reply_deinit(&c->reply);
    c->reply = j->reply;
    free(j);
    candor_conn_send(c);
}

static void job_run(candor_query *q, candor_reader *r)
{
    candor_query_job *j = (candor_query_job *)(void *)q;
    candor_err err = {0};
    candor_status st = r != NULL ? j->make(j, r, &err) : CANDOR_IO;
    if (st == CANDOR_TIMEOUT) {
        candor_reply_problem(&j->reply, 503,
                             "the query took too long; ask for a shorter time or another filter");
        j->reply.retry_after_s = 1;
    } else if (st == CANDOR_INVALID) { /* of the sink, which cannot answer this */
        candor_reply_problem(&j->reply, 501, "%s", err.text);
    } else if (st != CANDOR_OK) {
        char text[256];
        candor_err_describe(&err, text, sizeof text);
        candor_log_say(&j->server->log, CANDOR_LOG_ERROR, "query_failed", text);
        candor_reply_problem(&j->reply, 500, "the query failed (%s); the log has the details",
                             candor_status_text(st));
    }
    j->query.task.run = job_done;
    candor_mailbox_post(j->conn->loop->mail, &j->query.task);
}

static void start(candor_conn *c, bool events)
{
    candor_query_job *j = calloc(1, sizeof *j);
    candor_store *store = c->loop->server->store;
    if (j == NULL) {
        candor_reply_problem(&c->reply, 503, "out of memory; try again");
    } else if (range_params(c, j) && source_param(c, j) && (!events || event_params(c, j))) {
        j->conn = c;
        j->server = c->loop->server;
        j->query.run = job_run;
        j->make = events ? candor_events_make : candor_stats_make;
        if (store->ops->query(store, &j->query) == CANDOR_OK) return; /* job_done goes on */
        candor_reply_problem(&c->reply, 503, "too many queries wait; try again");
        c->reply.retry_after_s = 1;
    }
    free(j);
    candor_conn_send(c);
}

void candor_query_events(candor_conn *c)
{
    start(c, true);
}

void candor_query_stats(candor_conn *c)
{
    start(c, false);
}
