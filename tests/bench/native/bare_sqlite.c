/* The yardstick of the ingest benchmark: inserts the collector's rows into the collector's event
 * table with nothing around it. One thread, one prepared statement, WAL, synchronous=FULL, no HTTP,
 * no parsing, no roll-ups, no dictionary look-ups: the rows come ready from a file. Usage:
 * bare_sqlite DATABASE ROWS_FILE ROWS_PER_TRANSACTION ROWS_FILE: see rowBytes in lib/requests.js.
 * Prints {"rows":n,"seconds":s}. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ROW_HEAD       48u
#define NO_CORRELATION 0u

/* Table, index and pragmas of central/store/sqlite_db.c, but for auto_vacuum, which only costs. */
static const char *const SETUP =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4000;"
    "PRAGMA cache_size=-16384; PRAGMA temp_store=MEMORY;"
    "CREATE TABLE ev(event_id BLOB UNIQUE, type INTEGER, app INTEGER, session INTEGER, dt INTEGER,"
    " corr, payload TEXT);"
    "CREATE INDEX ev_error ON ev(event_id) WHERE type=1;";

static const char *const INSERT =
    "INSERT INTO ev(event_id,type,app,session,dt,corr,payload) VALUES(?,?,?,?,?,?,?)"
    " ON CONFLICT DO NOTHING";

typedef struct rows {
    const unsigned char *at, *end;
} rows;

static uint32_t read_u32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static double now_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int complain(const char *what, const char *why)
{
    fprintf(stderr, "bare_sqlite: %s: %s\n", what, why);
    return 1;
}

static bool map_rows(const char *path, rows *out)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    bool ok = fstat(fd, &st) == 0 && st.st_size > 0;
    /* MAP_POPULATE: page faults belong to the preparation, not to the measured time. */
    void *map = ok ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0)
                   : MAP_FAILED;
    close(fd);
    if (map == MAP_FAILED) return false;
    out->at = map;
    out->end = out->at + st.st_size;
    return true;
}

/* The next row's bytes and size; NULL at the end or where the file is torn. */
static const unsigned char *next_row(rows *r, uint32_t *size)
{
    if (r->end - r->at < 4) return NULL;
    *size = read_u32(r->at);
    const unsigned char *row = r->at + 4;
    if (*size < ROW_HEAD || *size > (size_t)(r->end - row)) return NULL;
    r->at = row + *size;
    return row;
}

static int insert_row(sqlite3_stmt *s, const unsigned char *row, uint32_t size)
{
    sqlite3_bind_blob(s, 1, row, 16, SQLITE_STATIC);
    for (int i = 0; i < 3; i++) /* type, app, session */
        sqlite3_bind_int64(s, 2 + i, read_u32(row + 36 + 4 * i));
    sqlite3_bind_int64(s, 5, 0);
    if (read_u32(row + 16) == NO_CORRELATION)
        sqlite3_bind_null(s, 6);
    else
        sqlite3_bind_blob(s, 6, row + 20, 16, SQLITE_STATIC);
    sqlite3_bind_text(s, 7, (const char *)row + ROW_HEAD, (int)(size - ROW_HEAD), SQLITE_STATIC);
    int rc = sqlite3_step(s);
    if (rc == SQLITE_DONE) rc = sqlite3_reset(s);
    return rc;
}

static int insert_all(sqlite3 *db, sqlite3_stmt *s, rows *r, uint64_t per_transaction,
                      uint64_t *inserted)
{
    uint32_t size = 0;
    int rc = SQLITE_OK;
    const unsigned char *row = next_row(r, &size);
    while (rc == SQLITE_OK && row != NULL) {
        rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
        for (uint64_t i = 0; rc == SQLITE_OK && row != NULL && i < per_transaction; i++) {
            rc = insert_row(s, row, size);
            *inserted += (uint64_t)sqlite3_changes(db);
            row = next_row(r, &size);
        }
        if (rc == SQLITE_OK) rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    }
    return rc;
}

int main(int argc, char **argv)
{
    rows r = {NULL, NULL};
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    uint64_t inserted = 0;
    if (argc != 4) {
        fprintf(stderr, "usage: bare_sqlite DATABASE ROWS_FILE ROWS_PER_TRANSACTION\n");
        return 2;
    }
    uint64_t per_transaction = strtoull(argv[3], NULL, 10);
    if (per_transaction == 0) return complain(argv[3], "not a number of rows");
    if (!map_rows(argv[2], &r)) return complain(argv[2], "cannot map the rows");
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int rc = sqlite3_open_v2(argv[1], &db, flags, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_exec(db, SETUP, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v3(db, INSERT, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL);
    double start = now_seconds();
    if (rc == SQLITE_OK) rc = insert_all(db, s, &r, per_transaction, &inserted);
    double seconds = now_seconds() - start;
    int failed = rc == SQLITE_OK ? 0 : complain("insert", sqlite3_errmsg(db));
    if (failed == 0 && r.at != r.end) failed = complain(argv[2], "the rows file is torn");
    sqlite3_finalize(s);
    sqlite3_close(db);
    if (failed == 0)
        printf("{\"rows\":%llu,\"seconds\":%.6f}\n", (unsigned long long)inserted, seconds);
    return failed;
}
