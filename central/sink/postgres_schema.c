/* Tables of the PostgreSQL sink: versions, and a partition for each day of ids, so that
 * de-duplication stays inside one and retention is a drop. */
#include <stdio.h>

#include "base/uuid.h"
#include "central/sink/postgres_internal.h"

#define DAY_MS INT64_C(86400000)
#define LOCK   "SELECT pg_advisory_xact_lock(7165063)" /* collectors take turns */

/* Forward only; what a version once was is never changed. */
static const char *const versions[] = {
    /* 1 */
    "CREATE TABLE candor_events("
    " event_id uuid NOT NULL PRIMARY KEY, event_type text NOT NULL, category text NOT NULL,"
    " ts timestamptz NOT NULL, session_id text NOT NULL, user_id text NOT NULL,"
    " machine_id text NOT NULL, app text NOT NULL, app_version text NOT NULL,"
    " platform text NOT NULL, correlation_id text NOT NULL, payload text NOT NULL)"
    " PARTITION BY RANGE (event_id)",
    /* 2: the latest errors without a scan */
    "CREATE INDEX candor_events_error ON candor_events(event_id) WHERE event_type='Error'",
    /* 3: the hour of the id, and what the event's chart counts it as; null in older rows */
    "ALTER TABLE candor_events ADD hour integer, ADD dim text, ADD bucket smallint",
};
enum { LATEST = sizeof versions / sizeof versions[0] };

static candor_status read_version(candor_pg *c, unsigned *out, candor_err *err)
{
    candor_status st;
    PGresult *r = candor_pg_ask(c, "SELECT coalesce(max(version),0)::int8 FROM candor_meta", NULL,
                                0, &st, err);
    if (r == NULL) return st;
    *out = (unsigned)candor_pg_i64(c, r, 0, 0);
    c->pq->PQclear(r);
    return CANDOR_OK;
}

static candor_status note_version(candor_pg *c, unsigned version, candor_err *err)
{
    char sql[96];
    snprintf(sql, sizeof sql, "INSERT INTO candor_meta(version) VALUES(%u)", version);
    return candor_pg_run(c, sql, err);
}

static candor_status upgrade(candor_pg *c, unsigned have, unsigned want, candor_err *err)
{
    candor_status st = CANDOR_OK;
    unsigned v;
    if (have > LATEST)
        return candor_fail(err, CANDOR_CORRUPT, 0, "open the sink",
                           "its tables are of version %u and this collector knows versions to %d; "
                           "use the collector that made them, or a later one",
                           have, (int)LATEST);
    for (v = have; v < want && st == CANDOR_OK; v++) {
        if (v < LATEST) st = candor_pg_run(c, versions[v], err);
        if (st == CANDOR_OK) st = note_version(c, v + 1, err);
    }
    return st;
}

candor_status candor_pg_migrate(candor_pg *c, unsigned format, candor_err *err)
{
    unsigned have = 0;
    candor_err ignored = {0};
    candor_status st = candor_pg_run(c, "BEGIN;" LOCK, err);
    if (st == CANDOR_OK)
        st = candor_pg_run(c,
                           "CREATE TABLE IF NOT EXISTS candor_meta(version integer PRIMARY KEY,"
                           " made timestamptz NOT NULL DEFAULT now())",
                           err);
    if (st == CANDOR_OK) st = read_version(c, &have, err);
    if (st == CANDOR_OK) st = upgrade(c, have, format != 0 ? format : LATEST, err);
    if (st == CANDOR_OK) return candor_pg_run(c, "COMMIT", err);
    if (candor_pg_run(c, "ROLLBACK", &ignored) != CANDOR_OK) candor_pg_close(c);
    return st;
}

/* --- days ----------------------------------------------------------------------------------- */

static void partition_name(int64_t day, char out[32])
{
    char text[CANDOR_TIME_TEXT];
    candor_time_format(day * DAY_MS, text);
    snprintf(out, 32, "candor_events_d%.4s%.2s%.2s", text, text + 5, text + 8);
}

static void floor_text(int64_t day, char out[CANDOR_UUID_TEXT + 1])
{
    unsigned char id[16];
    candor_sink_id_floor(day * DAY_MS, id);
    candor_uuid_format(id, out);
    out[CANDOR_UUID_TEXT] = '\0';
}

/* Looked for first: creating one waits for every reader of the parent. */
static candor_status exists(candor_pg *c, const char *name, bool *out, candor_err *err)
{
    const candor_pg_param p = {name, (int)strlen(name), false};
    candor_status st;
    PGresult *r =
        candor_pg_ask(c, "SELECT (to_regclass($1) IS NOT NULL)::int::int8", &p, 1, &st, err);
    if (r == NULL) return st;
    *out = candor_pg_i64(c, r, 0, 0) == 1;
    c->pq->PQclear(r);
    return CANDOR_OK;
}

candor_status candor_pg_partition(candor_pg *c, int64_t day, candor_err *err)
{
    char name[32], from[CANDOR_UUID_TEXT + 1], to[CANDOR_UUID_TEXT + 1], sql[320];
    candor_err ignored = {0};
    bool there = false;
    candor_status st;
    partition_name(day, name);
    st = exists(c, name, &there, err);
    if (st != CANDOR_OK || there) return st;
    floor_text(day, from);
    floor_text(day + 1, to);
    snprintf(sql, sizeof sql,
             "BEGIN;" LOCK ";CREATE TABLE IF NOT EXISTS %s PARTITION OF candor_events"
             " FOR VALUES FROM ('%s') TO ('%s');COMMIT",
             name, from, to);
    st = candor_pg_run(c, sql, err);
    if (st != CANDOR_OK && candor_pg_run(c, "ROLLBACK", &ignored) != CANDOR_OK) candor_pg_close(c);
    return st;
}

/* sql answers with categories and counts. */
static candor_status tally(candor_pg *c, const char *sql, const candor_pg_param *p, int n,
                           candor_deleted *deleted, uint64_t *total, candor_err *err)
{
    candor_status st;
    PGresult *r = candor_pg_ask(c, sql, p, n, &st, err);
    int i;
    *total = 0;
    if (r == NULL) return st;
    for (i = 0; i < c->pq->PQntuples(r); i++) {
        const uint64_t some = (uint64_t)candor_pg_i64(c, r, i, 1);
        const candor_bytes category =
            candor_bytes_of(c->pq->PQgetvalue(r, i, 0), (size_t)c->pq->PQgetlength(r, i, 0));
        candor_deleted_add(deleted, category, some);
        *total += some;
    }
    c->pq->PQclear(r);
    return CANDOR_OK;
}

/* {"a","b"}: categories are identifiers. */
candor_status candor_pg_sweep(candor_pg *c, const candor_sweep *w, uint64_t *deleted,
                              candor_err *err)
{
    unsigned char low[16], high[16];
    candor_buf list = {0};
    candor_status st;
    size_t i;
    candor_sink_id_floor(w->from_ms, low);
    candor_sink_id_floor(w->to_ms, high);
    for (i = 0; i < w->n; i++)
        candor_buf_putf(&list, "%s\"%.*s\"", i != 0 ? "," : "{", (int)w->categories[i].n,
                        w->categories[i].p);
    candor_buf_put_bytes(&list, CANDOR_LIT("}"));
    candor_buf_put_c(&list, '\0');
    if (list.failed) return candor_fail(err, CANDOR_NOMEM, 0, "delete what is old", NULL);
    const candor_pg_param p[] = {
        {(const char *)low, 16, true}, {(const char *)high, 16, true}, {list.p, 0, false}};
    st = tally(c,
               "WITH gone AS (DELETE FROM candor_events WHERE event_id>=$1::uuid AND "
               "event_id<$2::uuid AND category=ANY($3::text[]) RETURNING category) "
               "SELECT category,count(*)::int8 FROM gone GROUP BY 1",
               p, 3, w->deleted, deleted, err);
    candor_buf_free(&list);
    return st;
}

/* Rows that were deleted leave holes, which nothing fills in the partition of a past day. */
candor_status candor_pg_pack(candor_pg *c, int64_t day, candor_err *err)
{
    char name[32], sql[64];
    bool there = false;
    candor_status st;
    partition_name(day, name);
    st = exists(c, name, &there, err);
    if (st != CANDOR_OK || !there) return st;
    snprintf(sql, sizeof sql, "VACUUM FULL %s", name);
    return candor_pg_run(c, sql, err);
}

static candor_status drop(candor_pg *c, const char *partition, candor_deleted *deleted,
                          candor_err *err)
{
    char sql[160];
    uint64_t n;
    candor_status st;
    snprintf(sql, sizeof sql, "SELECT category,count(*)::int8 FROM %.31s GROUP BY 1", partition);
    st = tally(c, sql, NULL, 0, deleted, &n, err);
    snprintf(sql, sizeof sql, "DROP TABLE IF EXISTS %.31s", partition);
    return st == CANDOR_OK ? candor_pg_run(c, sql, err) : st;
}

candor_status candor_pg_drop_day(candor_pg *c, int64_t first_day, candor_deleted *deleted,
                                 bool *more, candor_err *err)
{
    char limit[32], name[32];
    candor_pg_param p = {limit, 0, false};
    candor_status st;
    PGresult *r;
    *more = false;
    partition_name(first_day, limit);
    p.n = (int)strlen(limit);
    r = candor_pg_ask(c,
                      "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid=i.inhrelid "
                      "WHERE i.inhparent='candor_events'::regclass AND "
                      "c.relname ~ '^candor_events_d[0-9]{8}$' AND c.relname < $1 ORDER BY 1 "
                      "LIMIT 1",
                      &p, 1, &st, err);
    if (r == NULL) return st;
    *more = c->pq->PQntuples(r) == 1;
    if (*more) snprintf(name, sizeof name, "%.31s", c->pq->PQgetvalue(r, 0, 0));
    c->pq->PQclear(r);
    return *more ? drop(c, name, deleted, err) : CANDOR_OK;
}
