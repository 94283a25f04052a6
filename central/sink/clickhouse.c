/* ClickHouse over HTTP, one server or a cluster: a group goes to its shards, and is told stored
 * when all of them have it. */
#include <stdlib.h>

#include "central/sink/clickhouse_internal.h"

typedef struct clickhouse_sink {
    candor_sink base;
    candor_ch_cluster cluster;
    candor_ch_crew *crew;
    candor_sink_rows rows;
    const candor_schema *schema;
} clickhouse_sink;

static clickhouse_sink *of(candor_sink *base)
{
    return (clickhouse_sink *)(void *)base;
}

/* --- a group -------------------------------------------------------------------------------- */

static candor_status share_out(clickhouse_sink *s, candor_err *err)
{
    const size_t n = s->cluster.n_shards;
    candor_status st = CANDOR_OK;
    size_t i;
    for (i = 0; i < n; i++)
        candor_ch_crew_shard(s->crew, i)->n_rows = 0;
    for (i = 0; i < s->rows.n && st == CANDOR_OK; i++) {
        candor_sink_row *row = &s->rows.items[i];
        size_t no = candor_ch_shard_of(row->row->id, n);
        st = candor_ch_shard_add(candor_ch_crew_shard(s->crew, no), row, err);
    }
    return st;
}

static candor_status store(candor_ch_shard *h, void *arg, candor_err *err)
{
    (void)arg;
    return candor_ch_shard_store(h, err);
}

static candor_status clickhouse_write(candor_sink *base, candor_batch *const *batches, size_t n,
                                      candor_err *err)
{
    clickhouse_sink *s = of(base);
    candor_status st = candor_sink_rows_collect(&s->rows, batches, n, err);
    if (st == CANDOR_OK && s->rows.n != 0) {
        st = share_out(s, err);
        if (st == CANDOR_OK) st = candor_ch_crew_run(s->crew, store, NULL, false, err);
    }
    if (st == CANDOR_OK) candor_sink_rows_finish(&s->rows);
    return st;
}

/* --- care ----------------------------------------------------------------------------------- */

static candor_status clickhouse_erase(candor_sink *base, candor_erasure *e, candor_err *err)
{
    return candor_ch_erase(of(base)->crew, e, err);
}

static candor_status clickhouse_retain(candor_sink *base, int64_t first_day,
                                       candor_deleted *deleted, bool *more, candor_err *err)
{
    return candor_ch_retain(of(base)->crew, first_day, deleted, more, err);
}

static candor_status clickhouse_sweep(candor_sink *base, const candor_sweep *w, candor_err *err)
{
    return candor_ch_sweep(of(base)->crew, w, err);
}

/* Enough servers of each shard answer. */
static candor_status look(candor_ch_shard *h, void *arg, candor_err *err)
{
    candor_ch_server *v;
    unsigned up = 0;
    size_t i;
    candor_status st = candor_ch_shard_usable(h, &v, err);
    (void)arg;
    if (st != CANDOR_OK) return st;
    for (i = 0; i < h->n; i++)
        if (atomic_load(&h->servers[i].state) == CANDOR_CH_UP) up++;
    if (up >= h->cluster->copies || h->cluster->copies == 1) return CANDOR_OK;
    return candor_fail(err, CANDOR_IO, 0, "store", "shard %zu has %u of %u copies up", h->no + 1,
                       up, h->cluster->copies);
}

static candor_status clickhouse_probe(candor_sink *base, candor_err *err)
{
    return candor_ch_crew_run(of(base)->crew, look, NULL, false, err);
}

/* Without names of servers: health is open to anybody. */
static void clickhouse_report(candor_sink *base, candor_buf *json)
{
    const candor_ch_cluster *c = &of(base)->cluster;
    size_t shard, i;
    candor_buf_put_bytes(json, CANDOR_LIT("\"sink\":\"clickhouse\""));
    for (shard = 0; c->replicated && shard < c->n_shards; shard++) {
        candor_buf_put_bytes(json, shard == 0 ? CANDOR_LIT(",\"shards\":[[") : CANDOR_LIT(",["));
        for (i = c->first[shard]; i < c->first[shard + 1]; i++)
            candor_buf_putf(
                json, "%s\"%s\"", i == c->first[shard] ? "" : ",",
                candor_ch_state_name((candor_ch_state)atomic_load(&c->servers[i].state)));
        candor_buf_put_c(json, ']');
    }
    if (c->replicated) candor_buf_put_c(json, ']');
}

/* --- open, close ------------------------------------------------------------------------------ */

static void clickhouse_close(candor_sink *base)
{
    clickhouse_sink *s = of(base);
    candor_ch_crew_free(s->crew);
    candor_ch_cluster_deinit(&s->cluster);
    candor_sink_rows_free(&s->rows);
    free(s);
}

static candor_status clickhouse_reader_open(candor_sink *base, candor_reader **out, candor_err *err)
{
    return candor_ch_reader_open(&of(base)->cluster, of(base)->schema, out, err);
}

/* One server of each shard has to be there; what contradicts the settings is said at once. */
static candor_status look_at_all(candor_ch_cluster *c, candor_err *err)
{
    candor_status st = CANDOR_OK;
    size_t shard, i;
    for (shard = 0; shard < c->n_shards && st == CANDOR_OK; shard++) {
        candor_err why = {0};
        bool there = false;
        for (i = c->first[shard]; i < c->first[shard + 1] && st == CANDOR_OK; i++) {
            candor_status at = candor_ch_server_check(c, &c->servers[i], &why);
            there = there || at == CANDOR_OK;
            if (at == CANDOR_OK || st != CANDOR_OK) continue;
            *err = why;
            if (at == CANDOR_INVALID || at == CANDOR_CORRUPT || at == CANDOR_DENIED) st = at;
        }
        if (st == CANDOR_OK && !there) st = err->code;
    }
    return st;
}

candor_status candor_sink_clickhouse_open(const candor_sink_settings *settings, candor_sink **out,
                                          candor_err *err)
{
    static const candor_sink_ops ops = {
        .name = "clickhouse",
        .write = clickhouse_write,
        .erase = clickhouse_erase,
        .retain = clickhouse_retain,
        .sweep = clickhouse_sweep,
        .sweep_ms = 86400000,
        .probe = clickhouse_probe,
        .close = clickhouse_close,
        .report = clickhouse_report,
        .reader_open = clickhouse_reader_open,
        .reader_close = candor_ch_reader_close,
        .count = candor_ch_reader_count,
        .events = candor_ch_reader_events,
        .sessions = candor_ch_reader_sessions,
        .stats = candor_ch_reader_stats,
        .allow = candor_ch_reader_allow,
    };
    clickhouse_sink *s = calloc(1, sizeof *s);
    candor_status st;
    *out = NULL;
    if (s == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "open the sink", NULL);
    s->base.ops = &ops;
    s->schema = settings->schema;
    s->cluster.format = settings->format;
    s->cluster.retention = settings->retention;
    s->cluster.retention_days = settings->retention_days;
    s->cluster.log = settings->log;
    s->cluster.metrics = settings->metrics;
    st = candor_ch_cluster_init(&s->cluster, settings->url, err);
    if (st == CANDOR_OK) st = look_at_all(&s->cluster, err);
    if (st == CANDOR_OK) st = candor_ch_crew_new(&s->cluster, &s->crew, err);
    if (st != CANDOR_OK)
        clickhouse_close(&s->base);
    else
        *out = &s->base;
    return st;
}
