/* Tables and statements of attachments.db. */
#include "central/store/attachments_db.h"

#include "base/gzip.h"

#define CACHE_KIB  2048
#define LEVEL      6
#define STEP_ROWS  64                    /* texts deleted in one step; each may be a megabyte */
#define OTHER_APPS CANDOR_LIT("(other)") /* sqlite_dict.c: apps past its limit share this name */

/* --- puts ----------------------------------------------------------------------------------- */

candor_status candor_attachment_db_app(candor_attachment_db *d, const unsigned char id[16],
                                       candor_bytes *app, candor_err *err)
{
    int rc;
    *app = (candor_bytes){NULL, 0};
    sqlite3_bind_blob(d->event_app, 1, id, 16, SQLITE_STATIC);
    rc = sqlite3_step(d->event_app);
    if (rc == SQLITE_ROW) {
        *app = candor_db_column(d->event_app, 0);
        if (candor_bytes_eq(*app, OTHER_APPS)) *app = (candor_bytes){NULL, 0};
    }
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? CANDOR_OK
                                                 : candor_db_fail(d->events, "find an event", err);
}

bool candor_attachment_foreign(candor_bytes app, const char *bound)
{
    return *bound != '\0' && app.n != 0 && !candor_bytes_eq(app, candor_bytes_str(bound));
}

static candor_status insert(candor_attachment_db *d, const candor_attachment_job *j,
                            candor_bytes app, candor_err *err)
{
    sqlite3_stmt *s = d->q.add;
    candor_status st;
    candor_buf_clear(&d->packed);
    st = candor_gzip(candor_buf_bytes(&j->text), LEVEL, NULL, &d->packed, err);
    if (st != CANDOR_OK) return st;
    sqlite3_bind_blob(s, 1, j->event_id, sizeof j->event_id, SQLITE_STATIC);
    candor_db_bind_text(s, 2, candor_bytes_str(j->field));
    sqlite3_bind_blob(s, 3, j->sha256, sizeof j->sha256, SQLITE_STATIC);
    sqlite3_bind_int64(s, 4, (int64_t)j->text.n);
    sqlite3_bind_int64(s, 5, j->received_ms);
    candor_db_bind_text(s, 6, app);
    sqlite3_bind_blob64(s, 7, d->packed.p, d->packed.n, SQLITE_STATIC);
    return candor_db_run(s, "store an attachment", err);
}

candor_status candor_attachment_db_add(candor_attachment_db *d, candor_attachment_job *j,
                                       candor_err *err)
{
    candor_bytes app;
    candor_status st = candor_attachment_db_app(d, j->event_id, &app, err);
    if (st == CANDOR_OK && candor_attachment_foreign(app, j->app)) {
        j->result = CANDOR_ATTACHMENT_OTHER_APP;
    } else if (st == CANDOR_OK) {
        j->result = CANDOR_ATTACHMENT_DONE;
        st = insert(d, j, *j->app != '\0' ? candor_bytes_str(j->app) : app, err);
    }
    sqlite3_reset(d->event_app);
    if (st == CANDOR_OK && j->result == CANDOR_ATTACHMENT_DONE)
        st = candor_partial_overtake(d, j, err);
    return st;
}

static candor_attachment_result compare(sqlite3_stmt *s, candor_attachment_job *j)
{
    candor_bytes digest = candor_db_column(s, 0), ours;
    ours = candor_bytes_of((const char *)j->sha256, sizeof j->sha256);
    if (candor_attachment_foreign(candor_db_column(s, 1), j->app))
        return CANDOR_ATTACHMENT_OTHER_APP;
    j->offset = (uint64_t)sqlite3_column_int64(s, 2);
    return candor_bytes_eq(digest, ours) ? CANDOR_ATTACHMENT_KNOWN : CANDOR_ATTACHMENT_CONFLICT;
}

candor_status candor_attachment_db_whole(candor_attachment_db *d, candor_attachment_job *j,
                                         bool *found, candor_err *err)
{
    sqlite3_stmt *s = d->q.find;
    candor_status st = CANDOR_OK;
    int rc;
    sqlite3_bind_blob(s, 1, j->event_id, sizeof j->event_id, SQLITE_STATIC);
    candor_db_bind_text(s, 2, candor_bytes_str(j->field));
    rc = sqlite3_step(s);
    *found = rc == SQLITE_ROW;
    if (rc == SQLITE_ROW)
        j->result = compare(s, j);
    else if (rc != SQLITE_DONE)
        st = candor_db_fail(d->db, "find an attachment", err);
    sqlite3_reset(s);
    return st;
}

static candor_status put_one(candor_attachment_db *d, candor_attachment_job *j, candor_err *err)
{
    bool found;
    candor_status st;
    if (j->op == CANDOR_ATTACHMENT_APPEND) return candor_partial_append(d, j, err);
    st = candor_attachment_db_whole(d, j, &found, err);
    return st == CANDOR_OK && !found ? candor_attachment_db_add(d, j, err) : st;
}

candor_status candor_attachment_db_put(candor_attachment_db *d, candor_task *jobs, candor_err *err)
{
    candor_status st = candor_db_run(d->q.begin, "begin", err);
    for (; jobs != NULL && st == CANDOR_OK; jobs = jobs->next)
        st = put_one(d, (candor_attachment_job *)(void *)jobs, err);
    if (st == CANDOR_OK) st = candor_db_run(d->q.commit, "commit", err);
    if (st != CANDOR_OK && !sqlite3_get_autocommit(d->db)) {
        sqlite3_step(d->q.rollback);
        sqlite3_reset(d->q.rollback);
    }
    candor_partial_settle(d, st == CANDOR_OK);
    if (d->packed.cap > CANDOR_TEXT_MAX) candor_buf_free(&d->packed);
    return st;
}

/* --- reads ---------------------------------------------------------------------------------- */

/* A token bound to an app sees what is known to be that app's, even if the event came after its
 * attachment. */
static candor_status may_see(candor_attachment_db *d, const candor_attachment_job *j,
                             candor_bytes app, bool *yes, candor_err *err)
{
    candor_status st = CANDOR_OK;
    *yes = *j->app == '\0';
    if (*yes) return CANDOR_OK;
    if (app.n == 0) st = candor_attachment_db_app(d, j->event_id, &app, err);
    *yes = st == CANDOR_OK && candor_bytes_eq(app, candor_bytes_str(j->app));
    sqlite3_reset(d->event_app);
    return st;
}

static candor_status read_list(candor_attachment_db *d, candor_attachment_job *j, candor_err *err)
{
    sqlite3_stmt *s = d->q.list;
    candor_status st = CANDOR_OK;
    int rc = SQLITE_ROW;
    sqlite3_bind_blob(s, 1, j->event_id, sizeof j->event_id, SQLITE_STATIC);
    while (st == CANDOR_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        const candor_attachment a = {candor_db_column(s, 0), candor_db_column(s, 1),
                                     sqlite3_column_int64(s, 2), sqlite3_column_int64(s, 3)};
        bool yes = false;
        st = may_see(d, j, candor_db_column(s, 4), &yes, err);
        if (st != CANDOR_OK || !yes) continue;
        if (a.sha256.n != CANDOR_SHA256_SIZE)
            st = candor_fail(err, CANDOR_CORRUPT, 0, "list attachments", "a digest is damaged");
        else if (!j->visit(j->ctx, &a))
            st = candor_fail(err, CANDOR_NOMEM, 0, "list attachments", NULL);
    }
    if (st == CANDOR_OK && rc != SQLITE_DONE) st = candor_db_fail(d->db, "list attachments", err);
    sqlite3_reset(s);
    return st;
}

/* Nobody is given a text that is not, to the byte, what was sent. */
static candor_status unpack(sqlite3_stmt *s, candor_attachment_job *j, candor_err *err)
{
    candor_bytes digest = candor_db_column(s, 0);
    size_t size = (size_t)sqlite3_column_int64(s, 1);
    candor_status st = candor_gunzip(candor_db_column(s, 3), size, &j->text, NULL, 0, err);
    if (st == CANDOR_OK) st = candor_sha256(candor_buf_bytes(&j->text), j->sha256);
    if (st == CANDOR_OK && (digest.n != sizeof j->sha256 || j->text.n != size ||
                            memcmp(digest.p, j->sha256, sizeof j->sha256) != 0))
        st = candor_fail(err, CANDOR_CORRUPT, 0, "read an attachment",
                         "the stored text does not match its digest");
    return st;
}

static candor_status read_text(candor_attachment_db *d, candor_attachment_job *j, candor_err *err)
{
    sqlite3_stmt *s = d->q.get;
    candor_status st = CANDOR_OK;
    bool yes = false;
    int rc;
    sqlite3_bind_blob(s, 1, j->event_id, sizeof j->event_id, SQLITE_STATIC);
    candor_db_bind_text(s, 2, candor_bytes_str(j->field));
    rc = sqlite3_step(s);
    if (rc == SQLITE_ROW)
        st = may_see(d, j, candor_db_column(s, 2), &yes, err);
    else if (rc != SQLITE_DONE)
        st = candor_db_fail(d->db, "read an attachment", err);
    j->result = yes ? CANDOR_ATTACHMENT_DONE : CANDOR_ATTACHMENT_NONE;
    if (st == CANDOR_OK && yes) st = unpack(s, j, err);
    sqlite3_reset(s);
    return st;
}

/* Overwritten in the file at once, in the log with the next rest. */
static candor_status erase(candor_attachment_db *d, candor_attachment_job *j, candor_err *err)
{
    candor_status st = candor_db_run(d->q.begin, "begin", err);
    size_t i;
    j->erased = 0;
    for (i = 0; i < j->n_ids && st == CANDOR_OK; i++) {
        sqlite3_bind_blob(d->q.erase, 1, j->ids[i], 16, SQLITE_STATIC);
        st = candor_db_run(d->q.erase, "erase attachments", err);
        if (st == CANDOR_OK) j->erased += (uint64_t)sqlite3_changes(d->db);
        if (st == CANDOR_OK) st = candor_partial_erase(d, j->ids[i], &j->erased, err);
    }
    if (st == CANDOR_OK) st = candor_db_run(d->q.commit, "commit", err);
    if (st != CANDOR_OK && !sqlite3_get_autocommit(d->db)) {
        sqlite3_step(d->q.rollback);
        sqlite3_reset(d->q.rollback);
    }
    if (j->erased != 0) d->purging = true;
    candor_partial_settle(d, st == CANDOR_OK);
    return st;
}

candor_status candor_attachment_db_read(candor_attachment_db *d, candor_attachment_job *j,
                                        candor_err *err)
{
    j->result = CANDOR_ATTACHMENT_DONE;
    if (j->op == CANDOR_ATTACHMENT_ERASE) return erase(d, j, err);
    if (j->op == CANDOR_ATTACHMENT_OFFSET) return candor_partial_offset(d, j, err);
    return j->op == CANDOR_ATTACHMENT_LIST ? read_list(d, j, err) : read_text(d, j, err);
}

/* --- retention ------------------------------------------------------------------------------ */

static candor_status purge_step(candor_attachment_db *d, int64_t cutoff, bool *more,
                                candor_err *err)
{
    sqlite3_stmt *s = d->q.purge;
    unsigned char id[16];
    candor_status st;
    int n;
    candor_day_floor(cutoff, id);
    sqlite3_bind_blob(s, 1, id, sizeof id, SQLITE_STATIC);
    sqlite3_bind_int(s, 2, STEP_ROWS);
    st = candor_db_run(s, "delete old attachments", err);
    n = st == CANDOR_OK ? sqlite3_changes(d->db) : 0;
    if (n != 0) d->purging = true;
    if (d->metrics != NULL) candor_count(&d->metrics->attachments_purged, (uint64_t)n);
    *more = n == STEP_ROWS;
    if (st == CANDOR_OK && !*more) d->purged_day = cutoff;
    return st;
}

/* Whole days, as of events. What was deleted is overwritten in the file (secure_delete), and at the
 * end in the log, which would keep it until its pages are used again. */
candor_status candor_attachment_db_rest(candor_attachment_db *d, int64_t now_ms, bool *more,
                                        candor_err *err)
{
    int64_t cutoff = now_ms / CANDOR_DAY_MS - d->retention_days;
    candor_status st = candor_partial_expire(d, now_ms, err);
    candor_partial_settle(d, st == CANDOR_OK);
    *more = false;
    if (st == CANDOR_OK && d->retention_days != 0 && cutoff > d->purged_day)
        st = purge_step(d, cutoff, more, err);
    if (st == CANDOR_OK && !*more) st = candor_space_step(d->db, d->space_low, more, err);
    if (st == CANDOR_OK && !*more && d->purging) /* a reader, a backup say, may put it off */
        d->purging = sqlite3_wal_checkpoint_v2(d->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
                                               NULL) != SQLITE_OK;
    return st;
}

/* --- open and close ------------------------------------------------------------------------- */

static const char schema_sql[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "INSERT INTO meta VALUES('format',2) ON CONFLICT DO NOTHING;"
    "UPDATE meta SET value=2 WHERE key='format' AND value=1;" /* the tables of partial texts */
    "CREATE TABLE IF NOT EXISTS attachment(id INTEGER PRIMARY KEY, event_id BLOB NOT NULL,"
    " field TEXT NOT NULL, sha256 BLOB NOT NULL, size INTEGER NOT NULL, received INTEGER NOT NULL,"
    " app TEXT NOT NULL, body BLOB NOT NULL, UNIQUE(event_id,field));"
    "CREATE TABLE IF NOT EXISTS partial(id INTEGER PRIMARY KEY, event_id BLOB NOT NULL,"
    " field TEXT NOT NULL, sha256 BLOB NOT NULL, size INTEGER NOT NULL, touched INTEGER NOT NULL,"
    " app TEXT NOT NULL, UNIQUE(event_id,field,sha256));"
    "CREATE TABLE IF NOT EXISTS piece(id INTEGER PRIMARY KEY, partial INTEGER NOT NULL,"
    " at INTEGER NOT NULL, size INTEGER NOT NULL, body BLOB NOT NULL, UNIQUE(partial,at));"
    "CREATE TRIGGER IF NOT EXISTS partial_gone AFTER DELETE ON partial"
    " BEGIN DELETE FROM piece WHERE partial=old.id; END;"
    "COMMIT";

static candor_status prepare_all(candor_attachment_db *d, candor_err *err)
{
    candor_status st = candor_db_prepare(
        d->events, "SELECT a.text FROM ev e JOIN dict a ON a.id=e.app WHERE e.event_id=?1",
        &d->event_app, err);
#define PREPARE(name, sql)                                                                         \
    if (st == CANDOR_OK) st = candor_db_prepare(d->db, sql, &d->q.name, err);
    CANDOR_ATTACHMENT_SQL(PREPARE)
    return st;
}

candor_status candor_attachment_db_open(candor_attachment_db *d,
                                        const candor_attachments_settings *s, candor_err *err)
{
    candor_status st;
    memset(d, 0, sizeof *d);
    d->retention_days = (int64_t)s->retention_days;
    d->space_low = s->space_low;
    d->metrics = s->metrics;
    d->partial_bytes = s->partial_bytes;
    d->partial_age_ms = s->partial_age_ms;
    st = candor_db_open(s->path, s->key, true, CACHE_KIB, &d->db, err);
    if (st == CANDOR_OK) st = candor_db_exec(d->db, "PRAGMA secure_delete=ON", err);
    if (st == CANDOR_OK) st = candor_db_create(d->db, schema_sql, CANDOR_TEXTS_FORMAT, err);
    if (st == CANDOR_OK)
        st = candor_db_open(s->events_path, s->key, false, CACHE_KIB, &d->events, err);
    if (st == CANDOR_OK) st = prepare_all(d, err);
    if (st == CANDOR_OK) candor_partial_settle(d, false); /* the gauges */
    return st;
}

void candor_attachment_db_close(candor_attachment_db *d)
{
#define FINALIZE(name, sql) sqlite3_finalize(d->q.name);
    CANDOR_ATTACHMENT_SQL(FINALIZE)
    sqlite3_finalize(d->event_app);
    sqlite3_close(d->db);
    sqlite3_close(d->events);
    candor_buf_free(&d->packed);
}
