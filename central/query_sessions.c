/* GET /api/telemetry/sessions: a page of sessions, newest first. */
#include "base/json.h"
#include "base/uuid.h"
#include "central/payload.h"
#include "central/query.h"
#include "central/respond.h"

#define DAY_MS INT64_C(86400000)

typedef struct page_writer {
    const candor_event_def *end; /* SessionEnd; may be NULL */
    candor_buf *out;
    bool first;
} page_writer;

static void put_text(candor_buf *b, const char *key, candor_bytes value)
{
    candor_buf_putf(b, ",\"%s\":", key);
    candor_json_put_string(b, value);
}

static void put_moment(candor_buf *b, const char *key, int64_t ms)
{
    char ts[CANDOR_TIME_TEXT];
    candor_buf_putf(b, ",\"%s\":", key);
    if (ms < 0) {
        candor_buf_put_bytes(b, CANDOR_LIT("null"));
        return;
    }
    candor_time_format(ms, ts);
    candor_buf_putf(b, "\"%.*s\"", CANDOR_TIME_TEXT, ts);
}

/* A number of SessionEnd's payload; null when the session has none. */
static void put_of_end(const page_writer *w, const candor_stored_session *s, const char *key,
                       candor_bytes name)
{
    const candor_field *f = w->end != NULL ? candor_event_field(w->end, name) : NULL;
    candor_bytes value;
    candor_buf_putf(w->out, ",\"%s\":", key);
    if (f != NULL && candor_payload_find(s->end_payload, f, &value))
        candor_buf_put_bytes(w->out, value); /* JSON of our own sanitiser */
    else
        candor_buf_put_bytes(w->out, CANDOR_LIT("null"));
}

static bool put_session(void *ctx, const candor_stored_session *s)
{
    page_writer *w = ctx;
    candor_buf *b = w->out;
    char day[CANDOR_TIME_TEXT];
    candor_time_format(s->last_day * DAY_MS, day);
    candor_buf_put_bytes(b, w->first ? CANDOR_LIT("{\"session_id\":")
                                     : CANDOR_LIT(",{\"session_id\":"));
    w->first = false;
    candor_json_put_string(b, s->context.session_id);
    put_text(b, "user_id", s->context.user_id);
    put_text(b, "machine_id", s->context.machine_id);
    put_text(b, "app", s->context.app);
    put_text(b, "app_version", s->context.app_version);
    put_text(b, "platform", s->context.platform);
    put_moment(b, "started", s->started_ms);
    put_moment(b, "ended", s->ended_ms);
    put_of_end(w, s, "duration", CANDOR_LIT("duration"));
    put_of_end(w, s, "proposals_created", CANDOR_LIT("proposalsCreated"));
    put_of_end(w, s, "proposals_approved", CANDOR_LIT("proposalsApproved"));
    candor_buf_putf(b, ",\"errors\":%llu,\"last_day\":\"%.10s\"}", (unsigned long long)s->errors,
                    day);
    return !b->failed;
}

candor_status candor_sessions_make(candor_query_job *j, candor_reader *r, candor_err *err)
{
    candor_buf *b = candor_reply_begin(&j->reply, 200, candor_type_json);
    candor_session_filter filter = {
        .app = candor_or_null(j->app),
        .match = candor_query_match(j),
        .from_ms = j->from_ms,
        .to_ms = j->to_ms,
        .limit = j->limit,
        .scan_rows = j->filter.scan_rows,
        .has_cursor = j->has_place,
    };
    page_writer w = {candor_schema_event(j->server->schema, CANDOR_LIT("SessionEnd")), b, true};
    candor_session_page page;
    candor_status st;
    memcpy(filter.cursor, j->place, sizeof filter.cursor);
    candor_buf_put_bytes(b, CANDOR_LIT("{\"sessions\":["));
    st = j->server->store->ops->sessions(r, &filter, put_session, &w, &page, err);
    if (st != CANDOR_OK) return st;
    candor_buf_put_c(b, ']');
    return candor_query_put_cursor(j, b, page.more, page.cursor, err);
}
