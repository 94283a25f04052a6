/* Tables of the MySQL and MariaDB sink, by versions. */
#include <stdio.h>
#include <stdlib.h>

#include <mysqld_error.h>

#include "central/sink/mysql_internal.h"

/* Forward only; what a version once was is never changed. InnoDB keeps rows in the order of the
 * primary key: events that come together lie together, and old ones go from one end. */
static const char *const versions[] = {
    /* 1 */
    "CREATE TABLE candor_events("
    " event_id BINARY(16) NOT NULL PRIMARY KEY, event_type VARCHAR(128) NOT NULL,"
    " category VARCHAR(128) NOT NULL, ts_ms BIGINT NOT NULL, session_id VARCHAR(128) NOT NULL,"
    " user_id VARCHAR(128) NOT NULL, machine_id VARCHAR(128) NOT NULL, app VARCHAR(128) NOT NULL,"
    " app_version VARCHAR(128) NOT NULL, platform VARCHAR(128) NOT NULL,"
    " correlation_id VARCHAR(128) NOT NULL, payload MEDIUMTEXT NOT NULL)"
    " ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
    /* 2: the time for people, UTC; kept nowhere */
    ("ALTER TABLE candor_events ADD COLUMN ts DATETIME(3) GENERATED ALWAYS AS"
     " (TIMESTAMP'1970-01-01 00:00:00' + INTERVAL ts_ms*1000 MICROSECOND) VIRTUAL"),
    /* 3: the hour of the id, and what the event's chart counts it as, '' and -1 for nothing; null
       in older rows */
    "ALTER TABLE candor_events ADD hour INT, ADD dim VARCHAR(255), ADD bucket SMALLINT",
};
enum { LATEST = sizeof versions / sizeof versions[0] };

static candor_status read_version(candor_myc *c, unsigned *out, candor_err *err)
{
    MYSQL_RES *r = NULL;
    MYSQL_ROW row;
    candor_status st =
        candor_my_run(c, "SELECT coalesce(max(version),0) FROM candor_meta", &r, err);
    if (st != CANDOR_OK) return st;
    row = c->my->mysql_fetch_row(r);
    *out = row != NULL && row[0] != NULL ? (unsigned)strtoul(row[0], NULL, 10) : 0;
    c->my->mysql_free_result(r);
    return CANDOR_OK;
}

/* A statement that changes tables commits by itself: after a crash it may have been done and not
 * noted. */
static bool done_before(candor_myc *c)
{
    unsigned code = c->conn != NULL ? c->my->mysql_errno(c->conn) : 0;
    return code == ER_TABLE_EXISTS_ERROR || code == ER_DUP_FIELDNAME || code == ER_DUP_KEYNAME;
}

static candor_status upgrade(candor_myc *c, unsigned have, unsigned want, candor_err *err)
{
    candor_status st = CANDOR_OK;
    unsigned v;
    if (have > LATEST)
        return candor_fail(err, CANDOR_CORRUPT, 0, "open the sink",
                           "its tables are of version %u and this collector knows versions to %d; "
                           "use the collector that made them, or a later one",
                           have, (int)LATEST);
    for (v = have; v < want && st == CANDOR_OK; v++) {
        char sql[96];
        if (v < LATEST) st = candor_my_run(c, versions[v], NULL, err);
        if (st != CANDOR_OK && done_before(c)) st = CANDOR_OK;
        snprintf(sql, sizeof sql, "INSERT INTO candor_meta(version) VALUES(%u)", v + 1);
        if (st == CANDOR_OK) st = candor_my_run(c, sql, NULL, err);
    }
    return st;
}

candor_status candor_my_migrate(candor_myc *c, unsigned format, candor_err *err)
{
    unsigned have = 0;
    candor_err ignored = {0};
    /* collectors take turns */
    candor_status st = candor_my_run(c, "SELECT get_lock('candor_migrate', 30)", NULL, err);
    if (st == CANDOR_OK)
        st = candor_my_run(c,
                           "CREATE TABLE IF NOT EXISTS candor_meta(version INT PRIMARY KEY,"
                           " made TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP) ENGINE=InnoDB",
                           NULL, err);
    if (st == CANDOR_OK) st = read_version(c, &have, err);
    if (st == CANDOR_OK) st = upgrade(c, have, format != 0 ? format : LATEST, err);
    if (c->conn != NULL &&
        candor_my_run(c, "SELECT release_lock('candor_migrate')", NULL, &ignored) != CANDOR_OK)
        candor_my_close(c); /* the lock goes with it */
    return st;
}
