#include "central/sink/sink.h"

#include "base/uuid.h"

const char candor_sink_names[] =
    "sqlite, jsonl, memory, postgres, mysql or clickhouse, and to follow also otlp, otlp_grpc or "
    "posthog";

static const struct {
    const char *name;
    candor_sink_open_fn *open;
} kinds[] = {
    {"sqlite", candor_sink_sqlite_open},   {"jsonl", candor_sink_jsonl_open},
    {"memory", candor_sink_memory_open},   {"postgres", candor_sink_postgres_open},
    {"mysql", candor_sink_mysql_open},     {"clickhouse", candor_sink_clickhouse_open},
    {"otlp", candor_sink_otlp_open},       {"otlp_grpc", candor_sink_otlp_grpc_open},
    {"posthog", candor_sink_posthog_open},
};

candor_sink_open_fn *candor_sink_find(candor_bytes name)
{
    size_t i;
    for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (candor_bytes_eq(name, candor_bytes_str(kinds[i].name))) return kinds[i].open;
    return NULL;
}

bool candor_sink_forwards(const char *name)
{
    return strncmp(name, "otlp", 4) == 0 || strcmp(name, "posthog") == 0;
}

typedef struct seek {
    const unsigned char *id;
    candor_event_visit *visit;
    void *ctx;
    bool found;
} seek;

static bool take(void *ctx, const candor_stored_event *e)
{
    seek *s = ctx;
    if (memcmp(e->id, s->id, sizeof e->id) != 0) return true;
    s->found = true;
    return s->visit(s->ctx, e);
}

/* A page of one event that begins with the id: the cursor lies right behind it. */
candor_status candor_sink_find_event(candor_sink_events *events, candor_reader *r,
                                     const unsigned char id[16], candor_event_visit *visit,
                                     void *ctx, bool *found, candor_err *err)
{
    const int64_t ms = (int64_t)candor_uuid7_ms(id);
    candor_event_filter f = {
        .from_ms = ms, .to_ms = ms + 1, .limit = 1, .scan_rows = 1, .has_cursor = true};
    candor_event_page page;
    seek k = {id, visit, ctx, false};
    candor_status st;
    int i = 15;
    memcpy(f.cursor, id, sizeof f.cursor);
    while (i >= 0 && ++f.cursor[i] == 0)
        i--;
    st = events(r, &f, take, &k, &page, err);
    *found = k.found;
    return st;
}

candor_status candor_sink_get(const candor_sink *s, candor_reader *r, const unsigned char id[16],
                              candor_event_visit *visit, void *ctx, bool *found, candor_err *err)
{
    return candor_sink_find_event(s->ops->events, r, id, visit, ctx, found, err);
}
