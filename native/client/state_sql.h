/* Private to state*.c: prepared statements by text, bound and stepped in one place. */
#ifndef CANDOR_CLIENT_STATE_SQL_H
#define CANDOR_CLIENT_STATE_SQL_H

#include <sqlite3.h>

#include "client/state.h"

#define CANDOR_STATEMENTS_MAX 96
/* No delay is this long (retryMaxMs ends at a week, Retry-After at a day): a time further ahead was
 * written while the clock was wrong, and counts as 0. */
#define CANDOR_AHEAD_MAX_MS (8 * 86400000LL)

struct candor_state {
    sqlite3 *db;
    bool damaged;
    /* how long a statement waits for other processes */
    uint64_t busy_since_ns, patience_ns;
    const _Atomic int64_t *give_up_at_ns; /* NULL, or 0 there: no end but patience */
    struct {
        const char *sql; /* static text: compared by address */
        sqlite3_stmt *stmt;
    } cache[CANDOR_STATEMENTS_MAX];
};

/* Statement for sql, prepared at its first use, reset and unbound. NULL: err is filled. */
sqlite3_stmt *candor_sql(candor_state *s, const char *sql, candor_err *err);
/* Step a statement that returns no rows. */
CANDOR_CHECK candor_status candor_sql_run(candor_state *s, sqlite3_stmt *stmt, candor_err *err);
/* Step once. OK: a row; NOTFOUND: none. The statement is reset by its next use; see
 * candor_sql_done. */
CANDOR_CHECK candor_status candor_sql_row(candor_state *s, sqlite3_stmt *stmt, candor_err *err);
void candor_sql_done(
    sqlite3_stmt *stmt); /* ends a read, so that it holds no snapshot; accepts NULL */
CANDOR_CHECK candor_status candor_sql_fail(candor_state *s, candor_err *err);
void candor_sql_text(sqlite3_stmt *stmt, int at, candor_bytes text);
/* A column's text; borrowed until the next step. */
candor_bytes candor_sql_column(sqlite3_stmt *stmt, int at);

#endif
