/* The SQLite store as a sink: the same transactions, without the threads of central/store/sqlite.c.
 */
#include <stdio.h>
#include <stdlib.h>

#include "central/sink/sink.h"
#include "central/store/sqlite_reader.h"

typedef struct sqlite_sink {
    candor_sink base;
    candor_writer writer;
    char path[CANDOR_PATH_MAX];
} sqlite_sink;

static candor_status sqlite_write(candor_sink *base, candor_batch *const *batches, size_t n,
                                  candor_err *err)
{
    sqlite_sink *s = (sqlite_sink *)(void *)base;
    candor_status st = candor_writer_group(&s->writer, batches, n, err);
    size_t i, j;
    for (i = 0; i < n && st == CANDOR_OK; i++)
        for (j = 0; j < batches[i]->n_rows && batches[i]->duplicate_batch; j++)
            batches[i]->rows[j].duplicate = true;
    return st;
}

static candor_status sqlite_erase(candor_sink *base, candor_erasure *e, candor_err *err)
{
    candor_eraser *x = NULL;
    bool more = true;
    candor_status st = candor_eraser_open(&((sqlite_sink *)(void *)base)->writer, e, &x, err);
    while (st == CANDOR_OK && more)
        st = candor_eraser_step(x, &more, err);
    candor_eraser_close(x);
    return st;
}

/* --- care ----------------------------------------------------------------------------------- */

static candor_status sqlite_retain(candor_sink *base, int64_t first_day, candor_deleted *deleted,
                                   bool *more, candor_err *err)
{
    candor_writer *w = &((sqlite_sink *)(void *)base)->writer;
    candor_status st = CANDOR_OK;
    *more = false;
    w->deleted = deleted;
    if (first_day > w->purged_day) {
        w->retention_days = 1; /* whatever it is: the day counts */
        st = candor_purge_step(w, (first_day + 1) * CANDOR_DAY_MS, more, err);
    }
    return st == CANDOR_OK && !*more ? candor_space_step(w->db, w->space_low, more, err) : st;
}

static candor_status sqlite_sweep(candor_sink *base, const candor_sweep *w, candor_err *err)
{
    return candor_purge_sweep(&((sqlite_sink *)(void *)base)->writer, w, err);
}

static candor_status sqlite_probe(candor_sink *base, candor_err *err)
{
    return candor_writer_probe(&((sqlite_sink *)(void *)base)->writer, err);
}

static uint64_t sqlite_bytes(candor_sink *base)
{
    candor_err err = {0};
    uint64_t n = 0;
    return candor_file_mtime(((sqlite_sink *)(void *)base)->path, NULL, &n, &err) == CANDOR_OK ? n
                                                                                               : 0;
}

static void sqlite_close(candor_sink *base)
{
    sqlite_sink *s = (sqlite_sink *)(void *)base;
    if (s->writer.db != NULL) candor_writer_close(&s->writer);
    free(s);
}

/* --- reading -------------------------------------------------------------------------------- */

static candor_status sqlite_reader_open(candor_sink *base, candor_reader **out, candor_err *err)
{
    return candor_reader_open(((sqlite_sink *)(void *)base)->path, NULL, out, err);
}

static candor_status sqlite_count(candor_reader *r, uint64_t *out, candor_err *err)
{
    sqlite3_stmt *s = NULL;
    candor_status st = candor_db_prepare(r->db, "SELECT count(*) FROM ev", &s, err);
    if (st != CANDOR_OK) return st;
    if (sqlite3_step(s) == SQLITE_ROW)
        *out = (uint64_t)sqlite3_column_int64(s, 0);
    else
        st = candor_db_fail(r->db, "count", err);
    sqlite3_finalize(s);
    return st;
}

candor_status candor_sink_sqlite_open(const candor_sink_settings *settings, candor_sink **out,
                                      candor_err *err)
{
    static const candor_sink_ops ops = {
        .name = "sqlite",
        .write = sqlite_write,
        .erase = sqlite_erase,
        .retain = sqlite_retain,
        .sweep = sqlite_sweep,
        .sweep_ms = CANDOR_SWEEP_MS,
        .probe = sqlite_probe,
        .close = sqlite_close,
        .bytes = sqlite_bytes,
        .reader_open = sqlite_reader_open,
        .reader_close = candor_reader_close,
        .count = sqlite_count,
        .events = candor_reader_events,
        .sessions = candor_reader_sessions,
        .stats = candor_reader_stats,
        .allow = candor_reader_allow,
    };
    candor_sqlite_settings db = {.schema = settings->schema,
                                 .log = settings->log,
                                 .metrics = settings->metrics,
                                 .space_low = settings->space_low,
                                 .cache_kib = settings->cache_kib,
                                 .retention_days = settings->retention_days};
    sqlite_sink *s = calloc(1, sizeof *s);
    candor_status st = CANDOR_OK;
    *out = NULL;
    if (s == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "open the store", NULL);
    s->base.ops = &ops;
    if (snprintf(s->path, sizeof s->path, "%s", settings->url) >= (int)sizeof s->path)
        st = candor_fail(err, CANDOR_LIMIT, 0, "open the store", "the path is too long");
    db.path = s->path;
    if (st == CANDOR_OK) st = candor_writer_open(&s->writer, &db, err);
    if (st != CANDOR_OK)
        sqlite_close(&s->base);
    else
        *out = &s->base;
    return st;
}
