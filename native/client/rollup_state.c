/* The roll-ups in state.db. */
#include "base/json.h"
#include "client/rollup.h"
#include "client/state_sql.h"

#define ROW_BYTES  64  /* of a row besides its texts: day, sums, SQLite's own */
#define FREEZE_MAX 256 /* rows of one batch: with the longest keys they stay below its size */
#define KEY_MAX    (CANDOR_ROLLUP_KEYS_MAX * 256)

/* --- segments -------------------------------------------------------------------------------- */

uint64_t candor_rollup_rolled(candor_state *s, const unsigned char segment[16])
{
    sqlite3_stmt *stmt = candor_sql(s, "SELECT rolled FROM rollup_segments WHERE id=?1", NULL);
    if (stmt == NULL) return 0;
    sqlite3_bind_blob(stmt, 1, segment, 16, SQLITE_TRANSIENT);
    uint64_t at = 0;
    if (candor_sql_row(s, stmt, NULL) == CANDOR_OK) at = (uint64_t)sqlite3_column_int64(stmt, 0);
    candor_sql_done(stmt);
    return at;
}

static candor_status set_rolled(candor_state *s, const unsigned char segment[16], uint64_t to,
                                candor_err *err)
{
    sqlite3_stmt *stmt = candor_sql(s,
                                    "INSERT INTO rollup_segments(id,rolled) VALUES(?1,?2)"
                                    " ON CONFLICT(id) DO UPDATE SET rolled=excluded.rolled",
                                    err);
    if (stmt == NULL) return CANDOR_IO;
    sqlite3_bind_blob(stmt, 1, segment, 16, SQLITE_TRANSIENT);
    sqlite3_bind_int64(stmt, 2, (sqlite3_int64)to);
    return candor_sql_run(s, stmt, err);
}

void candor_rollup_forget_segment(candor_state *s, const unsigned char segment[16])
{
    sqlite3_stmt *stmt = candor_sql(s, "DELETE FROM rollup_segments WHERE id=?1", NULL);
    if (stmt == NULL) return;
    sqlite3_bind_blob(stmt, 1, segment, 16, SQLITE_TRANSIENT);
    (void)!candor_sql_run(s, stmt, NULL);
}

/* --- add ------------------------------------------------------------------------------------- */

/* What the rows take, kept while a transaction adds more. */
typedef struct room {
    uint64_t rows, bytes, other, refused;
} room;

static candor_status measure(candor_state *s, room *out, candor_err *err)
{
    sqlite3_stmt *stmt = candor_sql(s,
                                    "SELECT count(*),coalesce(sum(size),0) FROM ("
                                    "SELECT length(target)+length(key)+?1 AS size FROM rollup"
                                    " UNION ALL"
                                    " SELECT length(target)+length(key)+?1 FROM rollup_out)",
                                    err);
    if (stmt == NULL) return CANDOR_IO;
    sqlite3_bind_int(stmt, 1, ROW_BYTES);
    candor_status st = candor_sql_row(s, stmt, err);
    if (st == CANDOR_OK) {
        out->rows = (uint64_t)sqlite3_column_int64(stmt, 0);
        out->bytes = (uint64_t)sqlite3_column_int64(stmt, 1);
    }
    candor_sql_done(stmt);
    return st;
}

static void bind_entry(sqlite3_stmt *stmt, const candor_rollup_entry *e, candor_bytes key)
{
    sqlite3_bind_int64(stmt, 1, e->day);
    candor_sql_text(stmt, 2, e->target->name);
    candor_sql_text(stmt, 3, key);
    sqlite3_bind_int64(stmt, 4, (sqlite3_int64)e->n);
    if (e->rollup->errors != NULL)
        sqlite3_bind_int64(stmt, 5, (sqlite3_int64)e->errors);
    else
        sqlite3_bind_null(stmt, 5);
}

static candor_status add_to(candor_state *s, const candor_rollup_entry *e, candor_bytes key,
                            bool *found, candor_err *err)
{
    sqlite3_stmt *stmt =
        candor_sql(s,
                   "UPDATE rollup SET n=n+?4, errors=CASE WHEN ?5 IS NULL THEN errors"
                   " ELSE coalesce(errors,0)+?5 END WHERE day=?1 AND target=?2 AND key=?3",
                   err);
    if (stmt == NULL) return CANDOR_IO;
    bind_entry(stmt, e, key);
    candor_status st = candor_sql_run(s, stmt, err);
    *found = st == CANDOR_OK && sqlite3_changes(s->db) != 0;
    return st;
}

static candor_status insert(candor_state *s, const candor_rollup_entry *e, candor_bytes key,
                            room *r, candor_err *err)
{
    sqlite3_stmt *stmt =
        candor_sql(s, "INSERT INTO rollup(day,target,key,n,errors) VALUES(?1,?2,?3,?4,?5)", err);
    if (stmt == NULL) return CANDOR_IO;
    bind_entry(stmt, e, key);
    r->rows++;
    r->bytes += e->target->name.n + key.n + ROW_BYTES;
    return candor_sql_run(s, stmt, err);
}

/* spare: rows and bytes that are left alone. */
static bool has_room(const room *r, const candor_rollup_entry *e, candor_bytes key, uint64_t spare)
{
    return r->rows + spare < CANDOR_ROLLUP_ROWS_MAX &&
           r->bytes + e->target->name.n + key.n + (1 + spare) * ROW_BYTES <=
               CANDOR_ROLLUP_BYTES_MAX;
}

/* The key of what finds no row of its own: the catch-all of each field, where it has one. */
static candor_bytes other_key(const candor_rollup *rollup, candor_buf *out)
{
    bool first = true;
    for (unsigned i = 0; i < rollup->n_keys; i++) {
        const candor_field *f = rollup->keys[i].to;
        candor_bytes word = CANDOR_LIT("other");
        if (f->kind == CANDOR_KIND_ENUM && f->other >= 0)
            word = f->values[f->other];
        else if (f->kind != CANDOR_KIND_ID || f->max_length < word.n)
            continue;
        if (!first) candor_buf_put_c(out, ',');
        first = false;
        candor_buf_put_bytes(out, f->key_json);
        candor_json_put_string(out, word);
    }
    return candor_buf_bytes(out);
}

static candor_status add_other(candor_state *s, const candor_rollup_entry *e, room *r,
                               candor_err *err)
{
    char storage[KEY_MAX];
    candor_buf text;
    bool found = false;
    candor_buf_init_fixed(&text, storage, sizeof storage);
    candor_bytes key = other_key(e->rollup, &text);
    candor_status st = add_to(s, e, key, &found, err);
    if (st == CANDOR_OK && !found && !has_room(r, e, key, 0)) {
        r->refused += e->n; /* days without end: not even a row for the rest */
        return st;
    }
    if (st == CANDOR_OK && !found) st = insert(s, e, key, r, err);
    if (st == CANDOR_OK) r->other += e->n;
    return st;
}

static candor_status add_entry(candor_state *s, const candor_rollup_tally *t,
                               const candor_rollup_entry *e, room *r, candor_err *err)
{
    bool found = false;
    candor_bytes key = candor_rollup_key_of(t, e);
    candor_status st = add_to(s, e, key, &found, err);
    if (st != CANDOR_OK || found) return st;
    return has_room(r, e, key, CANDOR_ROLLUP_ROWS_SPARE) ? insert(s, e, key, r, err)
                                                         : add_other(s, e, r, err);
}

static candor_status add_hour(candor_state *s, const candor_hour_count *c, candor_err *err)
{
    sqlite3_stmt *stmt = candor_sql(s,
                                    "INSERT INTO hourly(hour,type,kept) VALUES(?1,?2,?3)"
                                    " ON CONFLICT(hour,type) DO UPDATE SET kept=kept+excluded.kept",
                                    err);
    if (stmt == NULL) return CANDOR_IO;
    sqlite3_bind_int64(stmt, 1, c->hour);
    candor_sql_text(stmt, 2, c->type);
    sqlite3_bind_int64(stmt, 3, (sqlite3_int64)c->n);
    return candor_sql_run(s, stmt, err);
}

static candor_status add_all(candor_state *s, const candor_rollup_tally *t, candor_err *err)
{
    room r = {0};
    candor_status st = measure(s, &r, err);
    for (size_t i = 0; i < t->n_entries && st == CANDOR_OK; i++)
        st = add_entry(s, t, &t->entries[i], &r, err);
    for (size_t i = 0; i < t->n_hours && st == CANDOR_OK; i++)
        if (t->hours[i].n != 0) st = add_hour(s, &t->hours[i], err);
    if (st == CANDOR_OK) st = candor_state_add(s, "kept", t->events, err);
    if (st == CANDOR_OK) st = candor_state_add(s, "rollups.in", t->events - r.refused, err);
    if (st == CANDOR_OK) st = candor_state_add(s, "rollups.other", r.other, err);
    if (st == CANDOR_OK) st = candor_state_add_loss(s, CANDOR_LOSS_SPOOL_FULL, r.refused, err);
    return st;
}

candor_status candor_rollup_add(candor_state *s, const candor_rollup_tally *t,
                                const unsigned char segment[16], uint64_t to, candor_err *err)
{
    candor_status st = add_all(s, t, err);
    if (st == CANDOR_OK) st = set_rolled(s, segment, to, err);
    /* The segment's own row: with it goes what is remembered here, see recover.c. */
    return st == CANDOR_OK ? candor_state_set_consumed(s, segment, 0, err) : st;
}

/* --- freeze ---------------------------------------------------------------------------------- */

static candor_status random_id(int64_t now_ms, unsigned char out[16], candor_err *err)
{
    unsigned char random[10];
    if (candor_random(random, sizeof random) != CANDOR_OK)
        return candor_fail(err, CANDOR_CRYPTO, 0, "rollup", "no random bytes");
    candor_uuid7_make((uint64_t)now_ms, random, out);
    return CANDOR_OK;
}

/* Move the first row; *moved: there was one. */
static candor_status freeze_one(candor_state *s, const char *batch, int64_t before, int64_t now_ms,
                                bool *moved, candor_err *err)
{
    unsigned char event[16];
    candor_status st = random_id(now_ms, event, err);
    if (st != CANDOR_OK) return st;
    sqlite3_stmt *stmt =
        candor_sql(s,
                   "INSERT INTO rollup_out SELECT ?1,?2,?3,day,target,key,n,errors FROM rollup"
                   " WHERE day<?4 ORDER BY day,target,key LIMIT 1",
                   err);
    if (stmt == NULL) return CANDOR_IO;
    candor_sql_text(stmt, 1, candor_bytes_str(batch));
    sqlite3_bind_blob(stmt, 2, event, 16, SQLITE_TRANSIENT);
    sqlite3_bind_int64(stmt, 3, now_ms);
    sqlite3_bind_int64(stmt, 4, before);
    st = candor_sql_run(s, stmt, err);
    *moved = st == CANDOR_OK && sqlite3_changes(s->db) != 0;
    if (!*moved) return st;
    stmt = candor_sql(s,
                      "DELETE FROM rollup WHERE (day,target,key)=(SELECT day,target,key FROM rollup"
                      " WHERE day<?1 ORDER BY day,target,key LIMIT 1)",
                      err);
    if (stmt == NULL) return CANDOR_IO;
    sqlite3_bind_int64(stmt, 1, before);
    return candor_sql_run(s, stmt, err);
}

candor_status candor_rollup_freeze(candor_state *s, int64_t before, int64_t now_ms, candor_err *err)
{
    char batch[CANDOR_UUID_TEXT + 1] = "";
    unsigned char id[16];
    unsigned n = 0;
    bool moved = true;
    candor_status st = random_id(now_ms, id, err);
    if (st == CANDOR_OK) st = candor_state_begin(s, err);
    if (st != CANDOR_OK) return st;
    candor_uuid_format(id, batch);
    while (n < FREEZE_MAX && moved && st == CANDOR_OK) {
        st = freeze_one(s, batch, before, now_ms, &moved, err);
        if (moved) n++;
    }
    st = candor_state_end(s, st, err);
    return st == CANDOR_OK && n == 0 ? CANDOR_NOTFOUND : st;
}

candor_status candor_rollup_frozen(candor_state *s, char batch[CANDOR_UUID_TEXT + 1],
                                   candor_err *err)
{
    sqlite3_stmt *stmt = candor_sql(s, "SELECT batch FROM rollup_out ORDER BY batch LIMIT 1", err);
    if (stmt == NULL) return CANDOR_IO;
    candor_status st = candor_sql_row(s, stmt, err);
    if (st == CANDOR_OK) {
        candor_bytes id = candor_sql_column(stmt, 0);
        bool ok = id.n == CANDOR_UUID_TEXT;
        if (ok) memcpy(batch, id.p, CANDOR_UUID_TEXT);
        batch[ok ? CANDOR_UUID_TEXT : 0] = '\0';
        if (!ok) st = candor_fail(err, CANDOR_CORRUPT, 0, "rollup", "a batch id that is none");
    }
    candor_sql_done(stmt);
    return st;
}

candor_status candor_rollup_each(candor_state *s, const char *batch,
                                 candor_status (*visit)(void *ctx, const candor_rollup_row *row),
                                 void *ctx, candor_err *err)
{
    sqlite3_stmt *stmt = candor_sql(s,
                                    "SELECT event,created_ms,day,target,key,n,errors"
                                    " FROM rollup_out WHERE batch=?1 ORDER BY event",
                                    err);
    if (stmt == NULL) return CANDOR_IO;
    candor_sql_text(stmt, 1, candor_bytes_str(batch));
    candor_status st = CANDOR_OK, done = CANDOR_OK;
    while (done == CANDOR_OK && (st = candor_sql_row(s, stmt, err)) == CANDOR_OK) {
        candor_rollup_row row = {.created_ms = sqlite3_column_int64(stmt, 1),
                                 .day = sqlite3_column_int64(stmt, 2),
                                 .target = candor_sql_column(stmt, 3),
                                 .key = candor_sql_column(stmt, 4),
                                 .n = (uint64_t)sqlite3_column_int64(stmt, 5),
                                 .errors = (uint64_t)sqlite3_column_int64(stmt, 6)};
        row.has_errors = sqlite3_column_type(stmt, 6) != SQLITE_NULL;
        if (sqlite3_column_bytes(stmt, 0) == 16)
            memcpy(row.event, sqlite3_column_blob(stmt, 0), 16);
        done = visit(ctx, &row);
    }
    candor_sql_done(stmt);
    if (done != CANDOR_OK) return done;
    return st == CANDOR_NOTFOUND ? CANDOR_OK : st;
}

candor_status candor_rollup_settle(candor_state *s, const char *batch, bool *settled,
                                   candor_err *err)
{
    sqlite3_stmt *stmt = candor_sql(s, "DELETE FROM rollup_out WHERE batch=?1", err);
    if (stmt == NULL) return CANDOR_IO;
    candor_sql_text(stmt, 1, candor_bytes_str(batch));
    candor_status st = candor_sql_run(s, stmt, err);
    int rows = st == CANDOR_OK ? sqlite3_changes(s->db) : 0;
    *settled = rows != 0;
    if (rows > 0) st = candor_state_add(s, "rollups.made", (uint64_t)rows, err);
    return st;
}

/* --- totals, purge --------------------------------------------------------------------------- */

candor_status candor_rollup_total(candor_state *s, candor_rollup_totals *out, candor_err *err)
{
    memset(out, 0, sizeof *out);
    out->oldest_day = INT64_MAX;
    sqlite3_stmt *stmt = candor_sql(s,
                                    "SELECT (SELECT count(*) FROM rollup),"
                                    "(SELECT coalesce(sum(n),0) FROM rollup),"
                                    "(SELECT min(day) FROM rollup),"
                                    "count(*),coalesce(sum(n),0) FROM rollup_out",
                                    err);
    if (stmt == NULL) return CANDOR_IO;
    candor_status st = candor_sql_row(s, stmt, err);
    if (st == CANDOR_OK) {
        out->frozen = (uint64_t)sqlite3_column_int64(stmt, 3);
        out->rows = (uint64_t)sqlite3_column_int64(stmt, 0) + out->frozen;
        out->events =
            (uint64_t)sqlite3_column_int64(stmt, 1) + (uint64_t)sqlite3_column_int64(stmt, 4);
        if (out->rows != out->frozen) out->oldest_day = sqlite3_column_int64(stmt, 2);
    }
    candor_sql_done(stmt);
    return st;
}

static candor_status run(candor_state *s, const char *sql, uint64_t n, candor_err *err)
{
    sqlite3_stmt *stmt = candor_sql(s, sql, err);
    if (stmt == NULL) return CANDOR_IO;
    if (sqlite3_bind_parameter_count(stmt) != 0) sqlite3_bind_int64(stmt, 1, (sqlite3_int64)n);
    return candor_sql_run(s, stmt, err);
}

candor_status candor_rollup_purge(candor_state *s, uint64_t *events, candor_err *err)
{
    candor_rollup_totals totals;
    candor_status st = candor_rollup_total(s, &totals, err);
    if (st == CANDOR_OK) st = run(s, "DELETE FROM rollup", 0, err);
    if (st == CANDOR_OK) st = run(s, "DELETE FROM rollup_out", 0, err);
    if (st == CANDOR_OK)
        st =
            run(s, "UPDATE counters SET n=max(0,n-?1) WHERE name='rollups.in'", totals.events, err);
    if (st == CANDOR_OK) st = candor_state_add_loss(s, CANDOR_LOSS_PURGED, totals.events, err);
    *events = st == CANDOR_OK ? totals.events : 0;
    return st;
}
