/* The writer's transaction: everything queued becomes one commit. */
#include <stdlib.h>

#include "base/uuid.h"
#include "central/approval.h"
#include "central/store/sqlite_internal.h"

#define CACHE_ENTRIES ((size_t)65536)

/* --- one batch ------------------------------------------------------------------------------ */

static candor_status same_digest(candor_writer *w, const candor_batch *b, bool *same,
                                 candor_err *err)
{
    sqlite3_stmt *s = w->q.batch_digest;
    candor_status st = CANDOR_OK;
    candor_bytes known;
    sqlite3_bind_blob(s, 1, b->id, sizeof b->id, SQLITE_STATIC);
    if (sqlite3_step(s) == SQLITE_ROW) {
        known = candor_db_column(s, 0);
        *same = known.n == sizeof b->digest && memcmp(known.p, b->digest, known.n) == 0;
    } else {
        st = candor_db_fail(w->db, "read a batch", err);
    }
    sqlite3_reset(s);
    return st;
}

/* The same id with another body is not the same batch: its events decide for themselves. */
static candor_status note_batch(candor_writer *w, candor_batch *b, candor_err *err)
{
    sqlite3_stmt *s = w->q.batch;
    candor_status st;
    b->duplicate_batch = false;
    if (!b->has_id) return CANDOR_OK;
    sqlite3_bind_blob(s, 1, b->id, sizeof b->id, SQLITE_STATIC);
    sqlite3_bind_blob(s, 2, b->digest, sizeof b->digest, SQLITE_STATIC);
    sqlite3_bind_int64(s, 3, b->received_ms);
    if (b->sent_ms != 0)
        sqlite3_bind_int64(s, 4, b->received_ms - b->sent_ms);
    else
        sqlite3_bind_null(s, 4);
    sqlite3_bind_int64(s, 5, (int64_t)b->n_rows);
    st = candor_db_run(s, "note a batch", err);
    if (st == CANDOR_OK && sqlite3_changes(w->db) == 0)
        st = same_digest(w, b, &b->duplicate_batch, err);
    return st;
}

static candor_status prepare_batch(candor_writer *w, candor_batch *b, candor_err *err)
{
    candor_status st = note_batch(w, b, err);
    size_t i;
    b->inserted = 0;
    for (i = 0; i < b->n_contexts && st == CANDOR_OK && !b->duplicate_batch; i++)
        st = candor_session_resolve(w, b, &b->contexts[i], err);
    return st;
}

static candor_status finish_batch(candor_writer *w, candor_batch *b, candor_err *err)
{
    candor_status st = CANDOR_OK;
    size_t i;
    for (i = 0; i < b->n_contexts && st == CANDOR_OK && !b->duplicate_batch; i++)
        st = candor_session_touch(w, &b->contexts[i], err);
    return st;
}

/* --- a group -------------------------------------------------------------------------------- */

/* Least significant byte first, which keeps rows of equal order as they came. Ids of one group
 * differ in a few bytes of their time and counter, so that most passes have nothing to do. */
static void sort_refs(candor_row_ref *refs, candor_row_ref *spare, size_t n)
{
    candor_row_ref *from = refs, *to = spare;
    unsigned shift;
    size_t i;
    for (shift = 0; shift < 64; shift += 8) {
        size_t at[256] = {0}, sum = 0;
        candor_row_ref *swap = from;
        for (i = 0; i < n; i++)
            at[from[i].order >> shift & 255]++;
        if (at[from[0].order >> shift & 255] == n) continue;
        for (i = 0; i < 256; i++) {
            size_t count = at[i];
            at[i] = sum;
            sum += count;
        }
        for (i = 0; i < n; i++)
            to[at[from[i].order >> shift & 255]++] = from[i];
        from = to;
        to = swap;
    }
    if (from != refs) memcpy(refs, from, n * sizeof *refs);
}

/* References to all rows in the order of their ids: neighbours share B-tree pages. */
static candor_status collect(candor_writer *w, candor_batch *const *batches, size_t n,
                             size_t *n_refs, candor_err *err)
{
    size_t i, j, total = 0;
    for (i = 0; i < n; i++)
        total += batches[i]->duplicate_batch ? 0 : batches[i]->n_rows;
    if (total > w->cap_refs) {
        void *p = realloc(w->refs, 2 * total * sizeof *w->refs); /* half of it to sort with */
        if (p == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "collect rows", NULL);
        w->refs = p;
        w->cap_refs = total;
    }
    *n_refs = 0;
    for (i = 0; i < n; i++)
        for (j = 0; j < batches[i]->n_rows && !batches[i]->duplicate_batch; j++)
            w->refs[(*n_refs)++] = (candor_row_ref){candor_uuid_head(batches[i]->rows[j].id),
                                                    (uint32_t)i, (uint32_t)j};
    if (total > 1) sort_refs(w->refs, w->refs + total, total);
    return CANDOR_OK;
}

static candor_status write_group(candor_writer *w, candor_batch *const *batches, size_t n,
                                 candor_err *err)
{
    candor_status st = candor_approval_warm(w, err);
    size_t i, n_refs = 0;
    for (i = 0; i < n && st == CANDOR_OK; i++)
        st = prepare_batch(w, batches[i], err);
    if (st == CANDOR_OK) st = collect(w, batches, n, &n_refs, err);
    if (st == CANDOR_OK) st = candor_events_write(w, batches, w->refs, n_refs, err);
    for (i = 0; i < n && st == CANDOR_OK; i++)
        st = finish_batch(w, batches[i], err);
    return st == CANDOR_OK ? candor_rollup_flush(w, err) : st;
}

candor_status candor_writer_group(candor_writer *w, candor_batch *const *batches, size_t n,
                                  candor_err *err)
{
    candor_status st = candor_db_run(w->q.begin, "begin", err);
    if (st == CANDOR_OK) st = write_group(w, batches, n, err);
    if (st == CANDOR_OK) st = candor_db_run(w->q.commit, "commit", err);
    if (st == CANDOR_OK) return CANDOR_OK;
    if (!sqlite3_get_autocommit(w->db)) { /* a full disk may have rolled back already */
        sqlite3_step(w->q.rollback);
        sqlite3_reset(w->q.rollback);
    }
    candor_rollup_drop(w);
    candor_cache_clear(&w->cache); /* it may hold numbers of rows that are gone */
    w->n_pending = -1;
    w->turns_warm = false;
    return st;
}

/* --- open and close ------------------------------------------------------------------------- */

static candor_status prepare_all(candor_writer *w, candor_err *err)
{
    candor_status st = CANDOR_OK;
#define PREPARE(name, sql)                                                                         \
    if (st == CANDOR_OK) st = candor_db_prepare(w->db, sql, &w->q.name, err);
    CANDOR_WRITER_SQL(PREPARE)
    return st;
}

static void finalize_all(candor_writer *w)
{
#define FINALIZE(name, sql) sqlite3_finalize(w->q.name);
    CANDOR_WRITER_SQL(FINALIZE)
}

static candor_status number_types(candor_writer *w, candor_err *err)
{
    unsigned i, n = candor_schema_count(w->schema);
    candor_status st = candor_db_run(w->q.begin, "number the event types", err);
    for (i = 0; i < n && st == CANDOR_OK; i++) {
        const candor_event_def *def = candor_schema_at(w->schema, i);
        candor_db_bind_text(w->q.type, 1, def->name);
        candor_db_bind_text(w->q.type, 2, def->category);
        st = candor_db_run(w->q.type, "number an event type", err);
        if (st != CANDOR_OK) break;
        candor_db_bind_text(w->q.type_find, 1, def->name);
        if (sqlite3_step(w->q.type_find) == SQLITE_ROW)
            w->type_no[i] = sqlite3_column_int64(w->q.type_find, 0);
        else
            st = candor_db_fail(w->db, "number an event type", err);
        sqlite3_reset(w->q.type_find);
    }
    return st == CANDOR_OK ? candor_db_run(w->q.commit, "number the event types", err) : st;
}

static void find_roles(candor_writer *w)
{
    const candor_approval_defs approval = candor_approval_of(w->schema);
    w->turn_def = approval.turn;
    w->turn_model = approval.model;
    w->decision_def = approval.decision;
    w->decision_field = approval.verdict;
    w->start_def = candor_schema_event(w->schema, CANDOR_LIT("SessionStart"));
    w->end_def = candor_schema_event(w->schema, CANDOR_LIT("SessionEnd"));
}

static candor_status allocate(candor_writer *w, candor_err *err)
{
    size_t types = candor_schema_count(w->schema);
    candor_status st = candor_cache_init(&w->cache, CACHE_ENTRIES);
    w->type_no = calloc(types != 0 ? types : 1, sizeof *w->type_no);
    w->sums = calloc(CANDOR_SUMS, sizeof *w->sums);
    if (w->type_no == NULL || w->sums == NULL) st = CANDOR_NOMEM;
    if (st == CANDOR_OK) st = candor_charts_new(&w->charts);
    return st == CANDOR_OK ? st : candor_fail(err, st, 0, "open the store", NULL);
}

candor_status candor_writer_open(candor_writer *w, const candor_sqlite_settings *s, candor_err *err)
{
    candor_status st;
    memset(w, 0, sizeof *w);
    w->schema = s->schema;
    w->metrics = s->metrics;
    w->deleted = s->metrics != NULL ? &s->metrics->deleted : NULL;
    w->space_low = s->space_low;
    w->retention_days = (int64_t)s->retention_days;
    w->n_pending = -1;
    w->fold.rows = -1;
    st = allocate(w, err);
    if (st == CANDOR_OK) st = candor_db_open(s->path, s->key, true, s->cache_kib, &w->db, err);
    if (st == CANDOR_OK) st = candor_db_create_schema(w->db, err);
    if (st == CANDOR_OK) st = prepare_all(w, err);
    if (st == CANDOR_OK) st = number_types(w, err);
    if (st == CANDOR_OK) st = candor_life_fill(w->db, err);
    if (st == CANDOR_OK) find_roles(w);
    if (st != CANDOR_OK) candor_writer_close(w);
    return st;
}

void candor_writer_close(candor_writer *w)
{
    finalize_all(w);
    if (w->db != NULL) sqlite3_close(w->db);
    if (w->cache.entries != NULL) candor_cache_deinit(&w->cache);
    candor_charts_free(w->charts);
    free(w->type_no);
    candor_rollup_deinit(w);
    free(w->sums);
    free(w->refs);
    free(w->turns);
    memset(w, 0, sizeof *w);
}
