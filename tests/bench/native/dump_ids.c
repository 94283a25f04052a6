/* The event ids of a stopped collector's events.db, 16 bytes each, on standard output: what is
 * stored, by another way than the collector's own queries. Usage: dump_ids EVENTS_DB */
#include <sqlite3.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    int rc = argc == 2 ? sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READWRITE, NULL) : SQLITE_MISUSE;
    if (rc == SQLITE_OK) /* without the index of ids, which could not hold one twice */
        rc = sqlite3_prepare_v2(db, "SELECT event_id FROM ev NOT INDEXED", -1, &s, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW)
        rc = sqlite3_column_bytes(s, 0) == 16 &&
                     fwrite(sqlite3_column_blob(s, 0), 16, 1, stdout) == 1
                 ? SQLITE_OK
                 : SQLITE_CORRUPT;
    if (rc != SQLITE_DONE) fprintf(stderr, "dump_ids: %s\n", sqlite3_errstr(rc));
    sqlite3_finalize(s);
    sqlite3_close(db);
    return rc == SQLITE_DONE && fflush(stdout) == 0 ? 0 : 1;
}
