/* Parameters in, a job to the store, its reply back on the loop. */
#include "central/query.h"

#include <stdlib.h>

#include "base/uuid.h"
#include "central/params.h"
#include "central/respond.h"

/* --- parameters ----------------------------------------------------------------------------- */

static bool optional(candor_conn *c, const char *name, char *out, size_t cap)
{
    return candor_param_text(c, name, out, cap) != CANDOR_FOUND_BAD;
}

static bool range_params(candor_conn *c, candor_query_job *j)
{
    candor_found from = candor_param_time(c, "from", &j->from_ms), to;
    if (from == CANDOR_FOUND_BAD) return false;
    to = candor_param_time(c, "to", &j->to_ms);
    if (to == CANDOR_FOUND_BAD) return false;
    j->has_from = from == CANDOR_FOUND_YES;
    j->has_to = to == CANDOR_FOUND_YES;
    if (!j->has_from) j->from_ms = 0;
    if (!j->has_to) j->to_ms = CANDOR_TIME_MAX;
    return true;
}

/* A token bound to an app sees that app, whatever source asks for. */
static bool source_param(candor_conn *c, candor_query_job *j)
{
    candor_found f = candor_param_text(c, "source", j->app, sizeof j->app);
    if (f == CANDOR_FOUND_NO) f = candor_param_text(c, "app", j->app, sizeof j->app);
    if (f == CANDOR_FOUND_BAD) return false;
    if (*c->principal.app == '\0') return true;
    if (f == CANDOR_FOUND_YES && strcmp(j->app, c->principal.app) != 0) {
        candor_reply_refuse(&c->reply, CANDOR_PROBLEM_WRONG_APP,
                            "the token is bound to the app \"%s\"", c->principal.app);
        return false;
    }
    memcpy(j->app, c->principal.app, sizeof c->principal.app);
    return true;
}

static bool kind_params(candor_conn *c, candor_query_job *j)
{
    return optional(c, "category", j->category, sizeof j->category) &&
           optional(c, "type", j->type, sizeof j->type);
}

static bool who_params(candor_conn *c, candor_query_job *j)
{
    return optional(c, "session", j->session, sizeof j->session) &&
           optional(c, "user", j->user, sizeof j->user) &&
           optional(c, "machine", j->machine, sizeof j->machine) &&
           optional(c, "version", j->version, sizeof j->version);
}

/* Everything that decides the rows, or the cells, but not how many a page shows. */
static void put_question(candor_conn *c, candor_query_job *j)
{
    const char *const parts[] = {j->app,     j->category, j->type,        j->session, j->user,
                                 j->machine, j->version,  j->correlation, j->group};
    size_t i;
    candor_buf_put_bytes(&j->question, c->head.path);
    candor_buf_putf(&j->question, "\n%lld\n%lld\n%u%s\n", (long long)j->from_ms,
                    (long long)j->to_ms, j->bucket, j->zone);
    for (i = 0; i < sizeof parts / sizeof parts[0]; i++) /* no text holds a NUL */
        candor_buf_put(&j->question, parts[i], strlen(parts[i]) + 1);
}

static bool page_params(candor_conn *c, candor_query_job *j)
{
    char text[80];
    candor_found f;
    candor_status st;
    j->limit = CANDOR_QUERY_LIMIT_DEFAULT;
    j->filter.scan_rows = (unsigned)c->loop->server->config.scan_rows;
    if (candor_param_number(c, "limit", 1, CANDOR_QUERY_LIMIT_MAX, &j->limit) == CANDOR_FOUND_BAD)
        return false;
    put_question(c, j);
    f = candor_param_text(c, "cursor", text, sizeof text);
    if (f != CANDOR_FOUND_YES) return f == CANDOR_FOUND_NO;
    st = candor_cursor_read(c->loop->server->pepper, candor_buf_bytes(&j->question),
                            candor_bytes_str(text), j->place);
    j->has_place = st == CANDOR_OK;
    if (st == CANDOR_OK) return true;
    if (st == CANDOR_INVALID)
        candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BAD_CURSOR,
                            "cursor is not one that a page gave as next_cursor for this path with "
                            "these filters; start again without it");
    else
        candor_reply_refuse(&c->reply, CANDOR_PROBLEM_NO_MEMORY, "out of memory; try again");
    return false;
}

static bool zone_param(candor_conn *c, candor_query_job *j)
{
    candor_found f = candor_param_text(c, "tz", j->zone, sizeof j->zone);
    if (f == CANDOR_FOUND_NO) memcpy(j->zone, "UTC", 4);
    if (*j->zone == ' ') *j->zone = '+'; /* the sign of an offset, sent as it is */
    if (f == CANDOR_FOUND_BAD || candor_zone_name_ok(j->zone)) return f != CANDOR_FOUND_BAD;
    candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BAD_PARAMETER,
                        "tz is no time zone; give a name such as Europe/Berlin, an offset such as "
                        "+05:30, or UTC");
    return false;
}

static bool read_nothing(candor_conn *c, candor_query_job *j)
{
    (void)c;
    (void)j;
    return true;
}

static bool read_events(candor_conn *c, candor_query_job *j)
{
    return kind_params(c, j) && who_params(c, j) &&
           optional(c, "correlation", j->correlation, sizeof j->correlation) &&
           optional(c, "group", j->group, sizeof j->group) && page_params(c, j);
}

/* By day or week, of UTC. */
static bool read_starts(candor_conn *c, candor_query_job *j)
{
    static const char *const words[] = {"day", "week"};
    return candor_param_word(c, "bucket", words, 2, &j->bucket) != CANDOR_FOUND_BAD;
}

static bool read_latency(candor_conn *c, candor_query_job *j)
{
    static const char *const words[] = {"value", "day"};
    memcpy(j->type, "ToolCall", sizeof "ToolCall");
    return candor_param_text(c, "type", j->type, sizeof j->type) != CANDOR_FOUND_BAD &&
           candor_param_word(c, "by", words, 2, &j->by) != CANDOR_FOUND_BAD;
}

static bool read_sessions(candor_conn *c, candor_query_job *j)
{
    return who_params(c, j) && page_params(c, j);
}

static bool read_timeline(candor_conn *c, candor_query_job *j)
{
    static const char *const words[] = {"hour", "day", "week"};
    j->bucket = CANDOR_BUCKET_DAY;
    return kind_params(c, j) && zone_param(c, j) &&
           candor_param_word(c, "bucket", words, 3, &j->bucket) != CANDOR_FOUND_BAD;
}

static bool read_slo(candor_conn *c, candor_query_job *j)
{
    j->target = CANDOR_QUERY_TARGET;
    return candor_param_ratio(c, "target", &j->target) != CANDOR_FOUND_BAD;
}

/* --- what makers share ---------------------------------------------------------------------- */

const char *candor_or_null(const char *text)
{
    return *text != '\0' ? text : NULL;
}

bool candor_level_is_error(candor_level level)
{
    return level == CANDOR_LEVEL_ERROR || level == CANDOR_LEVEL_CRASH;
}

void candor_query_put_name(candor_buf *b, const char *key, candor_bytes name)
{
    candor_buf_putf(b, ",\"%s\":", key);
    if (name.n != 0)
        candor_json_put_string(b, name);
    else
        candor_buf_put_bytes(b, CANDOR_LIT("null"));
}

void candor_query_put_ratio(candor_buf *b, const char *key, int64_t part, int64_t whole)
{
    candor_buf_putf(b, "\"%s\":", key);
    if (whole > 0)
        candor_json_put_fixed(b, (double)part / (double)whole, 6);
    else
        candor_buf_put_bytes(b, CANDOR_LIT("null"));
}

candor_stat_range candor_query_range(const candor_query_job *j)
{
    return (candor_stat_range){
        .from_ms = j->from_ms, .to_ms = j->to_ms, .app = candor_or_null(j->app)};
}

candor_status candor_query_days(candor_query_job *j, int64_t days, candor_err *err)
{
    const int64_t day = INT64_C(86400000);
    if (!j->has_to) j->to_ms = (candor_clock_unix_ms() / day + 1) * day;
    if (!j->has_from) j->from_ms = j->to_ms - days * day;
    if (j->from_ms < 0) j->from_ms = 0;
    j->has_from = j->has_to = true;
    if (j->to_ms <= j->from_ms || (j->to_ms - j->from_ms) / day < CANDOR_QUERY_DAYS)
        return CANDOR_OK;
    return candor_fail(err, CANDOR_INVALID, 0, "query",
                       "from and to are more than %d days apart; ask for a shorter time",
                       CANDOR_QUERY_DAYS);
}

candor_session_match candor_query_match(const candor_query_job *j)
{
    return (candor_session_match){candor_or_null(j->session), candor_or_null(j->user),
                                  candor_or_null(j->machine), candor_or_null(j->version)};
}

static void put_time(candor_buf *b, const char *key, bool given, int64_t ms)
{
    char ts[CANDOR_TIME_TEXT];
    candor_buf_putf(b, "\"%s\":", key);
    if (!given) {
        candor_buf_put_bytes(b, CANDOR_LIT("null,"));
        return;
    }
    candor_time_format(ms, ts);
    candor_buf_putf(b, "\"%.*s\",", CANDOR_TIME_TEXT, ts);
}

void candor_query_put_range(const candor_query_job *j, candor_buf *b)
{
    put_time(b, "from", j->has_from, j->from_ms);
    put_time(b, "to", j->has_to, j->to_ms);
}

candor_status candor_query_put_cursor(const candor_query_job *j, candor_buf *b, bool more,
                                      const unsigned char place[CANDOR_CURSOR_PLACE],
                                      candor_err *err)
{
    char text[CANDOR_CURSOR_TEXT];
    candor_status st = CANDOR_OK;
    if (more)
        st = candor_cursor_make(j->server->pepper, candor_buf_bytes(&j->question), place, text);
    if (st != CANDOR_OK) return candor_fail(err, st, 0, "query", NULL);
    if (more)
        candor_buf_putf(b, ",\"next_cursor\":\"%.*s\"}\n", (int)sizeof text, text);
    else
        candor_buf_put_bytes(b, CANDOR_LIT(",\"next_cursor\":null}\n"));
    return CANDOR_OK;
}

/* --- the job -------------------------------------------------------------------------------- */

static void job_free(candor_query_job *j)
{
    if (j == NULL) return;
    candor_buf_free(&j->question);
    free(j);
}

static void job_done(candor_task *t)
{
    candor_query_job *j = (candor_query_job *)(void *)t;
    candor_conn *c = j->conn;
    candor_reply_deinit(&c->reply);
    c->reply = j->reply;
    c->reply.validate = c->reply.code == 200;
    job_free(j);
    candor_conn_send(c);
}

static void job_run(candor_query *q, candor_reader *r)
{
    candor_query_job *j = (candor_query_job *)(void *)q;
    candor_err err = {0};
    candor_status st = CANDOR_IO;
    if (r != NULL)
        st = candor_is_private(j) ? candor_private_make(j, r, &err) : j->make(j, r, &err);
    if (st == CANDOR_TIMEOUT) {
        candor_reply_refuse(&j->reply, CANDOR_PROBLEM_QUERY_TIMEOUT,
                            "the query took too long; ask for a shorter time or another filter");
        j->reply.retry_after_s = 1;
    } else if (st == CANDOR_INVALID) {
        candor_reply_refuse(&j->reply, CANDOR_PROBLEM_BAD_PARAMETER, "%s", err.text);
    } else if (st == CANDOR_NOTFOUND) { /* of a sink that does not keep it */
        candor_reply_refuse(&j->reply, CANDOR_PROBLEM_NOT_KEPT, "%s", err.text);
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

/* After the parameters. */
static void set_privacy(candor_conn *c, candor_query_job *j)
{
    j->privacy = c->principal.privacy;
    if (!candor_is_private(j)) return;
    memcpy(j->token, c->principal.id, sizeof j->token);
    candor_private_close_range(j, candor_clock_unix_ms());
    candor_buf_clear(&j->question);
    put_question(c, j);
}

typedef bool reader(candor_conn *c, candor_query_job *j);
typedef candor_status maker(candor_query_job *j, candor_reader *r, candor_err *err);

static void start(candor_conn *c, reader *read, maker *make)
{
    candor_query_job *j = calloc(1, sizeof *j);
    candor_store *store = c->loop->server->store;
    if (j == NULL) {
        candor_reply_refuse(&c->reply, CANDOR_PROBLEM_NO_MEMORY, "out of memory; try again");
    } else if (range_params(c, j) && source_param(c, j) && read(c, j)) {
        j->conn = c;
        j->server = c->loop->server;
        j->query.run = job_run;
        j->make = make;
        set_privacy(c, j);
        if (store->ops->query(store, &j->query) == CANDOR_OK) return; /* job_done goes on */
        candor_count(&c->loop->server->metrics.shed[CANDOR_SHED_QUERIES], 1);
        candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BUSY, "too many queries wait; try again");
        c->reply.retry_after_s = 1;
    }
    job_free(j);
    candor_conn_send(c);
}

void candor_query_events(candor_conn *c)
{
    start(c, read_events, candor_events_make);
}

void candor_query_errors(candor_conn *c)
{
    start(c, read_events, candor_errors_make);
}

void candor_query_sessions(candor_conn *c)
{
    start(c, read_sessions, candor_sessions_make);
}

void candor_query_stats(candor_conn *c)
{
    start(c, read_nothing, candor_stats_make);
}

void candor_query_categories(candor_conn *c)
{
    start(c, kind_params, candor_categories_make);
}

void candor_query_sources(candor_conn *c)
{
    start(c, kind_params, candor_sources_make);
}

void candor_query_timeline(candor_conn *c)
{
    start(c, read_timeline, candor_timeline_make);
}

void candor_query_users(candor_conn *c)
{
    start(c, read_nothing, candor_users_make);
}

void candor_query_slo(candor_conn *c)
{
    start(c, read_slo, candor_slo_make);
}

void candor_query_versions(candor_conn *c)
{
    start(c, read_nothing, candor_versions_make);
}

void candor_query_groups(candor_conn *c)
{
    start(c, read_nothing, candor_groups_make);
}

void candor_query_starts(candor_conn *c)
{
    start(c, read_starts, candor_starts_make);
}

void candor_query_latency(candor_conn *c)
{
    start(c, read_latency, candor_latency_make);
}
