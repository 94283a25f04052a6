/* GET /api/telemetry/events and /errors/recent: a page of stored events, newest first. */
#include <stdlib.h>

#include "base/json.h"
#include "base/uuid.h"
#include "central/error_group.h"
#include "central/payload.h"
#include "central/query.h"
#include "central/respond.h"

#define PAGES_MAX 64 /* of the store, looked through for one page of what belongs together */

typedef struct page_writer {
    const candor_query_job *job;
    candor_buf *out;
    unsigned shown;
    bool over;              /* there was one more than the page shows */
    unsigned char last[16]; /* shown */
} page_writer;

static void put_field(candor_buf *b, const char *key, candor_bytes value)
{
    candor_buf_putf(b, ",\"%s\":", key);
    candor_json_put_string(b, value);
}

/* Its correlation id, or the traceId of its payload. */
static bool is_of_trace(const candor_event_def *def, const candor_stored_event *e, const char *id)
{
    const candor_field *f = def != NULL ? candor_event_field(def, CANDOR_LIT("traceId")) : NULL;
    candor_bytes value;
    if (candor_bytes_eq(e->correlation_id, candor_bytes_str(id))) return true;
    return f != NULL && candor_payload_find(e->payload, f, &value) &&
           candor_bytes_eq(value, candor_bytes_str(id));
}

static bool group_of(const candor_event_def *def, const candor_stored_event *e,
                     char text[CANDOR_ERROR_GROUP_TEXT])
{
    return candor_is_error(def) && candor_error_group(def, e->payload, text) == CANDOR_OK;
}

static bool put_event(void *ctx, const candor_stored_event *e)
{
    page_writer *w = ctx;
    const candor_query_job *j = w->job;
    const candor_event_def *def = candor_schema_event(j->server->schema, e->type);
    candor_buf *b = w->out;
    char id[CANDOR_UUID_TEXT], ts[CANDOR_TIME_TEXT], group[CANDOR_ERROR_GROUP_TEXT];
    const candor_bytes hash = candor_bytes_of(group, CANDOR_ERROR_GROUP_HASH);
    bool grouped = group_of(def, e, group);
    if (*j->correlation != '\0' && !is_of_trace(def, e, j->correlation)) return true;
    if (*j->group != '\0' && !(grouped && candor_bytes_eq(hash, candor_bytes_str(j->group))))
        return true;
    if (w->shown == j->limit) {
        w->over = true;
        return true;
    }
    memcpy(w->last, e->id, sizeof w->last);
    candor_uuid_format(e->id, id);
    candor_time_format(e->ts_ms, ts);
    if (w->shown++ != 0) candor_buf_put_c(b, ',');
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
    if (grouped) put_field(b, "error_group", hash);
    candor_buf_put_bytes(b, CANDOR_LIT(",\"payload\":"));
    candor_buf_put_bytes(b, e->payload); /* JSON of our own sanitiser */
    candor_buf_put_c(b, '}');
    return !b->failed;
}

/* What belongs together is rare among what the store's filters let through: page after page, until
 * enough is found. */
static candor_status read_pages(candor_query_job *j, candor_reader *r, page_writer *w,
                                candor_event_page *page, candor_err *err)
{
    bool sparse = *j->correlation != '\0' || *j->group != '\0';
    candor_status st = CANDOR_OK;
    unsigned i;
    for (i = 0; i < (sparse ? PAGES_MAX : 1); i++) {
        if (i != 0 && (!page->more || w->shown == j->limit)) break;
        j->filter.limit = sparse ? CANDOR_QUERY_LIMIT_MAX : j->limit;
        st = j->server->store->ops->events(r, &j->filter, put_event, w, page, err);
        if (st != CANDOR_OK) break;
        memcpy(j->filter.cursor, page->cursor, sizeof j->filter.cursor);
        j->filter.has_cursor = true;
    }
    if (w->over) {
        memcpy(page->cursor, w->last, sizeof page->cursor);
        page->more = true;
    }
    return st;
}

candor_status candor_events_make(candor_query_job *j, candor_reader *r, candor_err *err)
{
    candor_buf *b = candor_reply_begin(&j->reply, 200, candor_type_json);
    page_writer w = {.job = j, .out = b};
    candor_event_page page;
    candor_status st;
    j->filter.from_ms = j->from_ms;
    j->filter.to_ms = j->to_ms;
    j->filter.category = candor_or_null(j->category);
    j->filter.type = candor_or_null(j->type);
    j->filter.app = candor_or_null(j->app);
    j->filter.match = candor_query_match(j);
    if (j->has_place) memcpy(j->filter.cursor, j->place, sizeof j->filter.cursor);
    j->filter.has_cursor = j->has_place;
    candor_buf_put_bytes(b, CANDOR_LIT("{\"events\":["));
    st = read_pages(j, r, &w, &page, err);
    if (st != CANDOR_OK) return st;
    candor_buf_put_c(b, ']');
    return candor_query_put_cursor(j, b, page.more, page.cursor, err);
}

/* The same, of the types that the schema calls errors or crashes. */
candor_status candor_errors_make(candor_query_job *j, candor_reader *r, candor_err *err)
{
    const candor_schema *schema = j->server->schema;
    unsigned i, n = candor_schema_count(schema);
    candor_bytes *names = calloc(n != 0 ? n : 1, sizeof *names);
    candor_status st;
    if (names == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
    j->filter.only = names;
    for (i = 0; i < n; i++) {
        const candor_event_def *def = candor_schema_at(schema, i);
        if (candor_level_is_error(def->level)) names[j->filter.n_only++] = def->name;
    }
    st = candor_events_make(j, r, err);
    free(names);
    return st;
}
