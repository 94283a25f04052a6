/* Rows of ev, sixteen a statement: a step of a statement opens its table and indexes anew, which
 * for a single row is a third of the insert. */
#include "central/store/sqlite_internal.h"

enum { TOGETHER = 16, COLUMNS = 7 }; /* as CANDOR_EV_16_ROWS and CANDOR_EV_ROW have it */

typedef struct place {
    candor_batch *batch;
    candor_row *row;
    unsigned char correlation[16]; /* borrowed by the statement until it has run */
} place;

static void bind_row(candor_writer *w, sqlite3_stmt *s, int at, place *p)
{
    const candor_row *r = p->row;
    const candor_row_context *c = &p->batch->contexts[r->context];
    sqlite3_bind_blob(s, at, r->id, sizeof r->id, SQLITE_STATIC);
    sqlite3_bind_int64(s, at + 1, w->type_no[r->def->index]);
    sqlite3_bind_int64(s, at + 2, c->app_no);
    sqlite3_bind_int64(s, at + 3, c->session);
    sqlite3_bind_int64(s, at + 4, r->ts_ms - (int64_t)candor_uuid7_ms(r->id));
    candor_bind_correlation(s, at + 5, candor_batch_text(p->batch, r->correlation), p->correlation);
    candor_db_bind_text(s, at + 6, candor_batch_text(p->batch, r->payload));
}

/* The rowid of the event that has the row's id. */
static candor_status find_rowid(candor_writer *w, const candor_row *r, int64_t *rowid,
                                candor_err *err)
{
    sqlite3_stmt *s = w->q.event_place;
    candor_status st = CANDOR_OK;
    sqlite3_bind_blob(s, 1, r->id, sizeof r->id, SQLITE_STATIC);
    if (sqlite3_step(s) == SQLITE_ROW)
        *rowid = sqlite3_column_int64(s, 0);
    else
        st = candor_db_fail(w->db, "find a duplicate", err);
    sqlite3_reset(s);
    return st;
}

/* Which of the rows the statement left out. Those it inserted have the table's last `inserted`
 * rowids, ascending in their order (sqlite.org/autoinc.html), so the next of these belongs to the
 * next row that was inserted, and every other rowid is an older row's, or a twin's in the same
 * statement. */
static candor_status tell_duplicates(candor_writer *w, place *p, int n, int inserted,
                                     candor_err *err)
{
    int64_t next = sqlite3_last_insert_rowid(w->db) - inserted + 1;
    candor_status st = CANDOR_OK;
    int i;
    for (i = 0; i < n && st == CANDOR_OK; i++) {
        int64_t rowid = 0;
        p[i].row->duplicate = true;
        if (inserted == 0) continue;
        st = find_rowid(w, p[i].row, &rowid, err);
        if (st != CANDOR_OK || rowid != next) continue;
        p[i].row->duplicate = false;
        next++;
    }
    return st;
}

static candor_status count_row(candor_writer *w, place *p, candor_err *err)
{
    if (p->row->duplicate) return CANDOR_OK;
    p->batch->inserted++;
    return candor_rollup_row(w, p->batch, p->row, &p->batch->contexts[p->row->context], err);
}

static candor_status write_rows(candor_writer *w, sqlite3_stmt *s, place *p, int n, candor_err *err)
{
    candor_status st;
    int i, inserted;
    for (i = 0; i < n; i++) {
        p[i].row->duplicate = false;
        bind_row(w, s, 1 + i * COLUMNS, &p[i]);
    }
    st = candor_db_run(s, "insert events", err);
    inserted = st == CANDOR_OK ? sqlite3_changes(w->db) : 0;
    if (st == CANDOR_OK && inserted != n) st = tell_duplicates(w, p, n, inserted, err);
    for (i = 0; i < n && st == CANDOR_OK; i++)
        st = count_row(w, &p[i], err);
    return st;
}

candor_status candor_events_write(candor_writer *w, candor_batch *const *batches,
                                  const candor_row_ref *refs, size_t n, candor_err *err)
{
    place p[TOGETHER];
    candor_status st = CANDOR_OK;
    size_t at = 0;
    while (at < n && st == CANDOR_OK) {
        int i, many = n - at >= TOGETHER ? TOGETHER : 1;
        for (i = 0; i < many; i++) {
            const candor_row_ref *ref = &refs[at + (size_t)i];
            p[i].batch = batches[ref->batch];
            p[i].row = &p[i].batch->rows[ref->row];
        }
        st = write_rows(w, many == 1 ? w->q.event : w->q.events, p, many, err);
        at += (size_t)many;
    }
    return st;
}
