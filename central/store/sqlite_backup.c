#include "central/store/sqlite_backup.h"

#include <sqlite3.h>

#include "central/store/sqlite_internal.h"

#define STEP_PAGES 256 /* 1 MiB between two pauses */
#define PAUSE_MS   1   /* in which the disk is the collector's */
#define BUSY_MS    10000

static const struct {
    const char *name, *count;
    int oldest, format; /* what is older is brought up to date when a collector opens it */
} kinds[] = {
    [CANDOR_BACKUP_EVENTS] = {"events", "SELECT count(*) FROM ev", CANDOR_EVENTS_FORMAT,
                              CANDOR_EVENTS_FORMAT},
    [CANDOR_BACKUP_TEXTS] = {"texts", "SELECT count(*) FROM attachment", 1, CANDOR_TEXTS_FORMAT},
};

static candor_status open_file(const char *path, const candor_db_key *key, int flags, sqlite3 **out,
                               candor_err *err)
{
    candor_status st = CANDOR_OK;
    if (sqlite3_open_v2(path, out, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        st = candor_db_fail(*out, "open the database", err);
    if (st == CANDOR_OK) sqlite3_busy_timeout(*out, BUSY_MS);
    if (st == CANDOR_OK) st = candor_db_key_apply(*out, key, err);
    /* The first read shows whether it is a database, and this its key. */
    if (st == CANDOR_OK)
        st =
            candor_db_key_explain(candor_db_exec(*out, "PRAGMA user_version", err), path, key, err);
    return st;
}

/* --- copying -------------------------------------------------------------------------------- */

static candor_status copy_pages(sqlite3 *from, sqlite3 *to, candor_backup_progress *progress,
                                void *ctx, candor_err *err)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
    int rc = b != NULL ? SQLITE_OK : SQLITE_ERROR;
    while (rc == SQLITE_OK) {
        rc = sqlite3_backup_step(b, STEP_PAGES);
        if (progress != NULL) {
            int pages = sqlite3_backup_pagecount(b);
            progress(ctx, (uint64_t)(pages - sqlite3_backup_remaining(b)), (uint64_t)pages);
        }
        if (rc == SQLITE_OK) sqlite3_sleep(PAUSE_MS);
    }
    if (b != NULL) sqlite3_backup_finish(b);
    return rc == SQLITE_DONE ? CANDOR_OK : candor_db_fail(to, "copy the database", err);
}

/* The read transaction spans all steps: without it each commit of the collector would make the copy
 * begin again, and under load it would never end. */
candor_status candor_backup_copy(const char *from, const char *to, const candor_db_key *key,
                                 candor_backup_progress *progress, void *ctx, candor_err *err)
{
    sqlite3 *source = NULL, *copy = NULL;
    candor_status st = open_file(from, key, SQLITE_OPEN_READWRITE, &source, err);
    if (st == CANDOR_OK)
        st =
            candor_db_exec(source, "PRAGMA query_only=ON; BEGIN; SELECT 1 FROM sqlite_schema", err);
    if (st == CANDOR_OK)
        st = open_file(to, key, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &copy, err);
    /* Nobody knows of the file yet: what a crash leaves is thrown away. */
    if (st == CANDOR_OK)
        st = candor_db_exec(copy, "PRAGMA journal_mode=OFF; PRAGMA synchronous=FULL", err);
    if (st == CANDOR_OK) st = copy_pages(source, copy, progress, ctx, err);
    sqlite3_close(copy);
    sqlite3_close(source);
    return st;
}

/* --- what a backup says of itself ----------------------------------------------------------- */

static candor_status check_whole(sqlite3 *db, const char *path, candor_err *err)
{
    sqlite3_stmt *s = NULL;
    candor_status st = candor_db_prepare(db, "PRAGMA integrity_check(1)", &s, err);
    candor_bytes found = {NULL, 0};
    if (st != CANDOR_OK) return st;
    if (sqlite3_step(s) == SQLITE_ROW) found = candor_db_column(s, 0);
    if (!candor_bytes_eq(found, CANDOR_LIT("ok")))
        st = candor_fail(err, CANDOR_CORRUPT, 0, "check the database", "%.140s is damaged: %.*s",
                         path, found.n < 120 ? (int)found.n : 120, found.n != 0 ? found.p : "");
    sqlite3_finalize(s);
    return st;
}

static candor_status read_number(sqlite3 *db, const char *sql, int64_t *out, candor_err *err)
{
    sqlite3_stmt *s = NULL;
    candor_status st = candor_db_prepare(db, sql, &s, err);
    *out = -1;
    if (st != CANDOR_OK) return st;
    if (sqlite3_step(s) == SQLITE_ROW) *out = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return st;
}

static candor_status put_row(sqlite3 *db, const candor_backup_info *info, candor_err *err)
{
    sqlite3_stmt *s = NULL;
    bool keys = info->kind == CANDOR_BACKUP_EVENTS;
    candor_status st = candor_db_prepare(db, "INSERT INTO backup VALUES(?1,?2,?3,?4)", &s, err);
    if (st != CANDOR_OK) return st;
    candor_db_bind_text(s, 1, candor_bytes_str(kinds[info->kind].name));
    sqlite3_bind_int64(s, 2, info->created_ms);
    if (keys) sqlite3_bind_blob(s, 3, info->pepper, CANDOR_BACKUP_KEY, SQLITE_STATIC);
    if (keys) sqlite3_bind_blob(s, 4, info->receipt_seed, CANDOR_BACKUP_KEY, SQLITE_STATIC);
    st = candor_db_run(s, "describe the backup", err);
    sqlite3_finalize(s);
    return st;
}

candor_status candor_backup_seal(const char *path, const candor_db_key *key,
                                 candor_backup_info *info, candor_err *err)
{
    sqlite3 *db = NULL;
    int64_t rows = 0;
    candor_status st = open_file(path, key, SQLITE_OPEN_READWRITE, &db, err);
    /* One file that nothing lies beside, and none of a backup that was restored before. */
    if (st == CANDOR_OK)
        st = candor_db_exec(db,
                            "PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL;"
                            "DROP TABLE IF EXISTS backup;"
                            "CREATE TABLE backup(kind TEXT NOT NULL, created INTEGER NOT NULL,"
                            " pepper BLOB, receipt_key BLOB)",
                            err);
    if (st == CANDOR_OK) st = put_row(db, info, err);
    if (st == CANDOR_OK) st = check_whole(db, path, err);
    if (st == CANDOR_OK) st = read_number(db, kinds[info->kind].count, &rows, err);
    info->rows = (uint64_t)rows;
    sqlite3_close(db);
    return st;
}

static candor_status not_a_backup(const char *path, candor_backup_kind kind, candor_err *err)
{
    return candor_fail(err, CANDOR_INVALID, 0, "restore",
                       "%.180s is no backup of %s; `candor-central backup` makes one", path,
                       kinds[kind].name);
}

static void take_key(sqlite3_stmt *s, int at, unsigned char out[CANDOR_BACKUP_KEY], bool *ok)
{
    if (sqlite3_column_bytes(s, at) == CANDOR_BACKUP_KEY)
        memcpy(out, sqlite3_column_blob(s, at), CANDOR_BACKUP_KEY);
    else
        *ok = false;
}

static candor_status read_row(sqlite3 *db, const char *path, candor_backup_info *out,
                              candor_err *err)
{
    sqlite3_stmt *s = NULL;
    bool ok = candor_db_prepare(db, "SELECT created,pepper,receipt_key FROM backup WHERE kind=?1",
                                &s, err) == CANDOR_OK;
    if (!ok) return not_a_backup(path, out->kind, err);
    candor_db_bind_text(s, 1, candor_bytes_str(kinds[out->kind].name));
    ok = sqlite3_step(s) == SQLITE_ROW;
    if (ok) out->created_ms = sqlite3_column_int64(s, 0);
    if (ok && out->kind == CANDOR_BACKUP_EVENTS) {
        take_key(s, 1, out->pepper, &ok);
        take_key(s, 2, out->receipt_seed, &ok);
    }
    sqlite3_finalize(s);
    return ok ? CANDOR_OK : not_a_backup(path, out->kind, err);
}

candor_status candor_backup_check(const char *path, const candor_db_key *key,
                                  candor_backup_kind kind, candor_backup_info *out, candor_err *err)
{
    sqlite3 *db = NULL;
    int64_t format = 0, rows = 0;
    candor_status st = open_file(path, key, SQLITE_OPEN_READONLY, &db, err);
    memset(out, 0, sizeof *out);
    out->kind = kind;
    if (st == CANDOR_OK) st = check_whole(db, path, err);
    if (st == CANDOR_OK) st = read_row(db, path, out, err);
    if (st == CANDOR_OK)
        st = read_number(db, "SELECT value FROM meta WHERE key='format'", &format, err);
    if (st == CANDOR_OK && (format < kinds[kind].oldest || format > kinds[kind].format))
        st = candor_fail(err, CANDOR_CORRUPT, 0, "restore",
                         "the format of %.140s is %lld and this version reads format %d; restore "
                         "it with the version that made it",
                         path, (long long)format, kinds[kind].format);
    if (st == CANDOR_OK) st = read_number(db, kinds[kind].count, &rows, err);
    out->rows = (uint64_t)rows;
    sqlite3_close(db);
    return st;
}

candor_status candor_backup_unseal(const char *path, const candor_db_key *key, candor_err *err)
{
    sqlite3 *db = NULL;
    candor_status st = open_file(path, key, SQLITE_OPEN_READWRITE, &db, err);
    if (st == CANDOR_OK) /* it held keys: its pages are overwritten */
        st = candor_db_exec(
            db, "PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; DROP TABLE backup", err);
    sqlite3_close(db);
    return st;
}

candor_status candor_backup_rekey(const char *path, const candor_db_key *from,
                                  const candor_db_key *to, candor_err *err)
{
    sqlite3 *db = NULL;
    candor_status st = open_file(path, from, SQLITE_OPEN_READWRITE, &db, err);
    if (st == CANDOR_OK)
        st = candor_db_exec(db, "PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL", err);
    if (st == CANDOR_OK) st = candor_db_key_change(db, to, err);
    sqlite3_close(db);
    db = NULL;
    if (st == CANDOR_OK) st = open_file(path, to, SQLITE_OPEN_READWRITE, &db, err);
    if (st == CANDOR_OK) st = check_whole(db, path, err);
    sqlite3_close(db);
    return st;
}
