/* What the writer does for its database file between transactions: see that it can be written
 * again, and give free pages back to the file system. */
#include "central/store/sqlite_internal.h"

#define VACUUM_PAGES "512" /* moved in one step */
/* Free pages that stay in the file for the next events: what a day's retention frees is soon used
 * again, so it is not worth moving pages for. Nothing stays while the disk is nearly full. */
#define KEEP_PAGES 2048
#define KEEP_PART  32 /* of the file */

candor_status candor_writer_probe(candor_writer *w, candor_err *err)
{
    return candor_db_exec(w->db,
                          "INSERT INTO meta VALUES('probe',1) "
                          "ON CONFLICT DO UPDATE SET value=value+1",
                          err);
}

static candor_status pragma_number(sqlite3 *db, const char *sql, int64_t *out, candor_err *err)
{
    sqlite3_stmt *s = NULL;
    candor_status st = candor_db_prepare(db, sql, &s, err);
    if (st == CANDOR_OK && sqlite3_step(s) != SQLITE_ROW) st = candor_db_fail(db, sql, err);
    if (st == CANDOR_OK) *out = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return st;
}

static int64_t kept(const atomic_bool *space_low, int64_t pages)
{
    if (space_low != NULL && atomic_load(space_low)) return 0;
    return pages / KEEP_PART > KEEP_PAGES ? pages / KEEP_PART : KEEP_PAGES;
}

candor_status candor_space_step(sqlite3 *db, const atomic_bool *space_low, bool *more,
                                candor_err *err)
{
    int64_t all = 0, spare = 0, left = 0;
    candor_status st = pragma_number(db, "PRAGMA freelist_count", &spare, err);
    *more = false;
    if (st == CANDOR_OK) st = pragma_number(db, "PRAGMA page_count", &all, err);
    if (st != CANDOR_OK || spare <= kept(space_low, all)) return st;
    st = candor_db_exec(db, "PRAGMA incremental_vacuum(" VACUUM_PAGES ")", err);
    if (st == CANDOR_OK) st = pragma_number(db, "PRAGMA freelist_count", &left, err);
    if (st != CANDOR_OK) return st;
    /* Not fewer: a file made without auto_vacuum keeps its pages, and fills them again. */
    *more = left < spare && left > kept(space_low, all);
    /* The file shrinks when the log is copied back. Readers may hold that up: the next one does. */
    if (left < spare && !*more)
        sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return CANDOR_OK;
}
