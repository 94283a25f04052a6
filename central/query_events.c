/* GET /api/telemetry/events: a page of stored events, newest first. */
#include "base/json.h"
#include "base/uuid.h"
#include "central/query.h"
#include "central/respond.h"

typedef struct page_writer {
    candor_buf *out;
    bool first;
} page_writer;

static void put_field(candor_buf *b, const char *key, candor_bytes value)
{
    candor_buf_putf(b, ",\"%s\":", key);
    candor_json_put_string(b, value);
}

static bool put_event(void *ctx, const candor_stored_event *e)
{
    page_writer *w = ctx;
    candor_buf *b = w->out;
    char id[CANDOR_UUID_TEXT], ts[CANDOR_TIME_TEXT];
    candor_uuid_format(e->id, id);
    candor_time_format(e->ts_ms, ts);
    if (!w->first) candor_buf_put_c(b, ',');
    w->first = false;
    candor_buf_put_bytes(b, CANDOR_LIT("{\"event_id\":\""));
    candor_buf_put(b, id, sizeof id);
    candor_buf_put_c(b, '"');
    put_field(b, "event_type", e->type);
    put_field(b, "category", e->category);
    candor_buf_put_bytes(b, CANDOR_LIT(",\"timestamp\":\""));
    candor_buf_put(b, ts, sizeof ts);
    candor_buf_put_c(b, '"');
    put_field(b, "session_id", e->context.session_id);
    put_field(b, "user_id", e->context.user_id);
    put_field(b, "machine_id", e->context.machine_id);
    put_field(b, "app", e->context.app);
    put_field(b, "app_version", e->context.app_version);
    put_field(b, "platform", e->context.platform);
    if (e->correlation_id.n != 0) put_field(b, "correlation_id", e->correlation_id);
    candor_buf_put_bytes(b, CANDOR_LIT(",\"payload\":"));
    candor_buf_put_bytes(b, e->payload); /* JSON of our own sanitiser */
    candor_buf_put_c(b, '}');
    return !b->failed;
}

static const char *or_null(const char *text)
{
    return *text != '\0' ? text : NULL;
}

candor_status candor_events_make(candor_query_job *j, candor_reader *r, candor_err *err)
{
    candor_buf *b = candor_reply_begin(&j->reply, 200, candor_type_json);
    page_writer w = {b, true};
    candor_event_page page;
    candor_status st;
    j->filter.from_ms = j->from_ms;
    j->filter.to_ms = j->to_ms;
    j->filter.category = or_null(j->category);
    j->filter.type = or_null(j->type);
    j->filter.app = or_null(j->app);
    candor_buf_put_bytes(b, CANDOR_LIT("{\"events\":["));
    st = j->server->store->ops->events(r, &j->filter, put_event, &w, &page, err);
    if (st != CANDOR_OK) return st;
    candor_buf_put_bytes(b, CANDOR_LIT("],\"next_cursor\":"));
    if (page.more) {
        char hex[32];
        candor_hex_encode(page.cursor, sizeof page.cursor, hex);
        candor_buf_put_c(b, '"');
        candor_buf_put(b, hex, sizeof hex);
        candor_buf_put_c(b, '"');
    } else {
        candor_buf_put_bytes(b, CANDOR_LIT("null"));
    }
    candor_buf_put_bytes(b, CANDOR_LIT("}\n"));
    return CANDOR_OK;
}
