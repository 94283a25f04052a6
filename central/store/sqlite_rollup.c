/* Roll-ups: what the cards and charts read. Rows really inserted are summed in memory and written
 * at the end of their own transaction, so the sums always equal the rows. Most transactions write
 * them as one row of r_delta; each FOLD_ROWS-th, or earlier when they are large, takes all of
 * r_delta into the tables, where neighbouring transactions share nearly all rows. */
#include "central/chart.h"
#include "central/store/sqlite_internal.h"

#define MAX_LOAD   (CANDOR_SUMS / 4 * 3)
#define FOLD_ROWS  256
#define FOLD_BYTES (128 * 1024) /* what every query decodes besides the tables: below 1 ms */

/* --- plain counters ------------------------------------------------------------------------- */

static size_t sum_hash(candor_counter_kind kind, const int64_t k[4])
{
    uint64_t h = (uint64_t)kind * 0x9E3779B97F4A7C15u;
    int i;
    for (i = 0; i < 4; i++)
        h = (h ^ (uint64_t)k[i]) * 0xFF51AFD7ED558CCDu;
    return (size_t)(h >> 32) & (CANDOR_SUMS - 1);
}

static void clear_sums(candor_writer *w)
{
    while (w->n_sums > 0)
        w->sums[w->sum_at[--w->n_sums]].used = false;
}

static candor_status draw_gen(candor_writer *w, candor_err *err)
{
    sqlite3_stmt *s = w->q.gen_next;
    candor_status st = CANDOR_OK;
    if (sqlite3_step(s) == SQLITE_ROW)
        w->fold.gen = sqlite3_column_int64(s, 0);
    else
        st = candor_db_fail(w->db, "read a generation", err);
    sqlite3_reset(s);
    return st;
}

/* Readers remember sums of a day under its generation. Every row has an hour, so the hours name all
 * days that change. */
static candor_status stamp_day(candor_writer *w, int64_t day, candor_err *err)
{
    candor_fold *f = &w->fold;
    candor_status st = CANDOR_OK;
    size_t i;
    for (i = 0; i < f->n_days; i++)
        if (f->days[i] == day) return CANDOR_OK;
    if (f->gen == 0) st = draw_gen(w, err);
    if (st != CANDOR_OK) return st;
    if (f->n_days == CANDOR_FOLD_DAYS) f->n_days = 0; /* some are stamped again: no harm */
    f->days[f->n_days++] = day;
    sqlite3_bind_int64(w->q.gen, 1, day);
    sqlite3_bind_int64(w->q.gen, 2, f->gen);
    return candor_db_run(w->q.gen, "stamp a day", err);
}

static candor_status flush_day(candor_writer *w, const candor_sum *hour, candor_err *err)
{
    int64_t day = hour->k[2] / 24;
    candor_status st = stamp_day(w, day, err);
    if (st != CANDOR_OK) return st;
    sqlite3_bind_int64(w->q.sum_day, 1, day);
    sqlite3_bind_int64(w->q.sum_day, 2, hour->k[0]);
    sqlite3_bind_int64(w->q.sum_day, 3, hour->k[1]);
    sqlite3_bind_int64(w->q.sum_day, 5, hour->n);
    return candor_db_run(w->q.sum_day, "update a roll-up", err);
}

static candor_status flush_sum(candor_writer *w, const candor_sum *s, candor_err *err)
{
    sqlite3_stmt *const by_kind[CANDOR_COUNT_KINDS] = {
        w->q.sum_hour, w->q.sum_users, w->q.sum_approval, w->q.sum_version, w->q.sum_error};
    sqlite3_stmt *q = by_kind[s->kind];
    candor_status st;
    int k;
    for (k = 0; k < candor_count_keys(s->kind); k++)
        sqlite3_bind_int64(q, k + 1, s->k[k]);
    sqlite3_bind_int64(q, 5, s->n);
    st = candor_db_run(q, "update a roll-up", err);
    return st == CANDOR_OK && s->kind == CANDOR_COUNT_HOUR ? flush_day(w, s, err) : st;
}

static candor_status flush_sums(candor_writer *w, candor_err *err)
{
    candor_status st = CANDOR_OK;
    size_t i;
    if (w->n_sums != 0) w->fold.due = true;
    for (i = 0; i < w->n_sums && st == CANDOR_OK; i++)
        st = flush_sum(w, &w->sums[w->sum_at[i]], err);
    clear_sums(w);
    return st;
}

candor_status candor_rollup_add(candor_writer *w, candor_counter_kind kind, int64_t k0, int64_t k1,
                                int64_t k2, int64_t k3, int64_t n, candor_err *err)
{
    const int64_t k[4] = {k0, k1, k2, k3};
    size_t i = sum_hash(kind, k);
    candor_sum *s = &w->sums[i];
    while (s->used && (s->kind != kind || memcmp(s->k, k, sizeof k) != 0)) {
        i = (i + 1) & (CANDOR_SUMS - 1);
        s = &w->sums[i];
    }
    if (!s->used) {
        *s = (candor_sum){true, kind, {k0, k1, k2, k3}, 0};
        w->sum_at[w->n_sums++] = (uint16_t)i;
    }
    s->n += n;
    return w->n_sums >= MAX_LOAD ? flush_sums(w, err) : CANDOR_OK;
}

/* --- one inserted row ----------------------------------------------------------------------- */

static candor_status user_row(candor_writer *w, const candor_row_context *c, int64_t day,
                              candor_err *err)
{
    unsigned char text[8 + sizeof c->user];
    candor_bytes key;
    candor_status st;
    candor_put_u64(text, (uint64_t)day);
    memcpy(text + 8, c->user, sizeof c->user);
    key = candor_bytes_of((const char *)text, sizeof text);
    if (candor_cache_get(&w->cache, CANDOR_CACHE_USER_DAY, key) != NULL) return CANDOR_OK;
    sqlite3_bind_int64(w->q.user_day, 1, day);
    sqlite3_bind_int64(w->q.user_day, 2, c->app_no);
    sqlite3_bind_blob(w->q.user_day, 3, c->user, sizeof c->user, SQLITE_STATIC);
    st = candor_db_run(w->q.user_day, "count a user", err);
    if (st == CANDOR_OK && sqlite3_changes(w->db) == 1)
        st = candor_rollup_add(w, CANDOR_COUNT_USERS, day, c->app_no, 0, 0, 1, err);
    if (st == CANDOR_OK) candor_cache_put(&w->cache, CANDOR_CACHE_USER_DAY, key, 1, 0);
    return st;
}

/* The events that a list of sessions shows: few, so that no index over all of them is needed. */
static candor_status life_row(candor_writer *w, const candor_row *r, const candor_row_context *c,
                              candor_err *err)
{
    sqlite3_bind_int64(w->q.life, 1, c->session);
    sqlite3_bind_blob(w->q.life, 2, r->id, sizeof r->id, SQLITE_STATIC);
    return candor_db_run(w->q.life, "note an event of a session", err);
}

candor_status candor_rollup_row(candor_writer *w, const candor_batch *b, const candor_row *r,
                                candor_row_context *c, candor_err *err)
{
    int64_t ms = (int64_t)candor_uuid7_ms(r->id), hour = ms / CANDOR_HOUR_MS,
            day = ms / CANDOR_DAY_MS;
    int64_t type = w->type_no[r->def->index];
    candor_status st;
    st = candor_rollup_add(w, CANDOR_COUNT_HOUR, type, c->app_no, hour, 0, 1, err);
    if (st == CANDOR_OK && day != c->day) st = user_row(w, c, day, err);
    if (day > c->day) c->day = day;
    if (st == CANDOR_OK) st = candor_version_row(w, r->def, day, c->app_no, c->version_no, 1, err);
    if (st == CANDOR_OK)
        st = candor_error_row(w, r->def, candor_batch_text(b, r->payload), day, c->app_no, 1, err);
    if (st == CANDOR_OK && candor_chart_has(r->def))
        st = candor_charts_row(w, b, r, c->app_no, day, err);
    if (st == CANDOR_OK && (r->def == w->turn_def || r->def == w->decision_def))
        st = candor_approval_row(w, b, r, c, day, err);
    if (st == CANDOR_OK &&
        (type == CANDOR_ERROR_TYPE || r->def == w->start_def || r->def == w->end_def))
        st = life_row(w, r, c, err);
    return st;
}

/* --- end of a transaction ------------------------------------------------------------------- */

static candor_status add_delta(candor_writer *w, candor_bytes row, candor_err *err)
{
    candor_bytes sums, cells;
    candor_chart_cell cell;
    candor_sum s;
    candor_status st = CANDOR_OK;
    candor_delta_split(row, &sums, &cells);
    while (st == CANDOR_OK && candor_delta_take_sum(&sums, &s))
        st = candor_rollup_add(w, s.kind, s.k[0], s.k[1], s.k[2], s.k[3], s.n, err);
    while (st == CANDOR_OK && candor_delta_take_cell(&cells, &cell))
        st = candor_charts_add(w, &cell, err);
    return st;
}

static void forget_fold(candor_fold *f)
{
    f->due = false;
    f->gen = 0;
    f->n_days = 0;
}

candor_status candor_rollup_fold(candor_writer *w, candor_err *err)
{
    sqlite3_stmt *s = w->q.delta_all;
    candor_status st = CANDOR_OK;
    int rc = SQLITE_DONE;
    while (st == CANDOR_OK && (rc = sqlite3_step(s)) == SQLITE_ROW)
        st = add_delta(w, candor_db_column(s, 0), err);
    if (st == CANDOR_OK && rc != SQLITE_DONE) st = candor_db_fail(w->db, "read roll-ups", err);
    sqlite3_reset(s);
    if (st == CANDOR_OK) st = candor_charts_flush(w, err);
    if (st == CANDOR_OK) st = flush_sums(w, err);
    if (st == CANDOR_OK) st = candor_db_run(w->q.delta_drop, "fold roll-ups", err);
    if (st != CANDOR_OK) return st;
    w->fold.rows = w->fold.bytes = 0;
    forget_fold(&w->fold);
    return CANDOR_OK;
}

static candor_status measure_delta(candor_writer *w, candor_err *err)
{
    sqlite3_stmt *s = w->q.delta_size;
    candor_status st = CANDOR_OK;
    if (w->fold.rows >= 0) return CANDOR_OK;
    if (sqlite3_step(s) == SQLITE_ROW) {
        w->fold.rows = sqlite3_column_int64(s, 0);
        w->fold.bytes = sqlite3_column_int64(s, 1);
    } else {
        st = candor_db_fail(w->db, "read roll-ups", err);
    }
    sqlite3_reset(s);
    return st;
}

static candor_status encode(candor_writer *w, candor_err *err)
{
    candor_fold *f = &w->fold;
    size_t i;
    candor_buf_clear(&f->sums);
    candor_buf_clear(&f->cells);
    candor_buf_clear(&f->row);
    for (i = 0; i < w->n_sums; i++)
        candor_delta_put_sum(&f->sums, &w->sums[w->sum_at[i]]);
    candor_charts_put(w, &f->cells);
    candor_delta_put_row(&f->row, candor_buf_bytes(&f->sums), candor_buf_bytes(&f->cells));
    if (f->sums.failed || f->cells.failed || f->row.failed)
        return candor_fail(err, CANDOR_NOMEM, 0, "write roll-ups", NULL);
    return CANDOR_OK;
}

static candor_status write_delta(candor_writer *w, candor_err *err)
{
    candor_fold *f = &w->fold;
    candor_status st;
    sqlite3_bind_blob(w->q.delta, 1, f->row.p, (int)f->row.n, SQLITE_STATIC);
    st = candor_db_run(w->q.delta, "write roll-ups", err);
    if (st != CANDOR_OK) return st;
    f->rows++;
    f->bytes += (int64_t)f->row.n;
    clear_sums(w);
    candor_charts_drop(w);
    return CANDOR_OK;
}

/* Without a sum nothing was inserted, and without a row of r_delta there is nothing to fold. */
candor_status candor_rollup_flush(candor_writer *w, candor_err *err)
{
    const candor_fold *f = &w->fold;
    candor_status st;
    if (w->n_sums == 0 && !f->due) return CANDOR_OK;
    st = measure_delta(w, err);
    if (st == CANDOR_OK) st = encode(w, err);
    if (st != CANDOR_OK) return st;
    if (f->due || f->rows + 1 >= FOLD_ROWS || f->bytes + (int64_t)f->row.n >= FOLD_BYTES)
        return candor_rollup_fold(w, err);
    return write_delta(w, err);
}

void candor_rollup_drop(candor_writer *w)
{
    clear_sums(w);
    candor_charts_drop(w);
    forget_fold(&w->fold);
    w->fold.rows = -1;
}

void candor_rollup_deinit(candor_writer *w)
{
    candor_buf_free(&w->fold.sums);
    candor_buf_free(&w->fold.cells);
    candor_buf_free(&w->fold.row);
}
