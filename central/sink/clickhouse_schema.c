/* Tables of the ClickHouse sink, by versions. What Debian's 18.16 knows, and what is the same
 * today. */
#include <stdio.h>

#include "central/sink/clickhouse_internal.h"

#define SERVER_MIN 18
#define SQL_MAX    1024
#define COLUMNS                                                                                    \
    " event_id FixedString(16), event_type String, category String, ts_ms Int64,"                  \
    " session_id String, user_id String, machine_id String, app String, app_version String,"       \
    " platform String, correlation_id String, payload String"
#define TS "ts DateTime ALIAS toDateTime(intDiv(ts_ms,1000))" /* for people; kept nowhere */

/* Forward only; what a version once was is never changed. The same event twice is one row after a
 * merge, as ORDER BY says which rows are the same. */
#define DAYS         "PARTITION BY toYYYYMMDD(day) ORDER BY event_id" /* versions 1 and 2 */
#define DAYS_COLUMNS "day Date," COLUMNS
/* 3: what is kept for different times lies in different partitions. keep: in days, as --retention
 * said when the event was stored; 0: for ever, or nobody said. */
#define CLASSES         "PARTITION BY (toYYYYMMDD(day),keep) ORDER BY event_id"
#define DIM             "dim String"
#define BUCKET          "bucket Int16 DEFAULT " CANDOR_CH_UNDERIVED
#define CLASSES_COLUMNS "day Date, keep UInt16," COLUMNS ", " TS ", " DIM ", " BUCKET
enum { LATEST = 3 };

static candor_status check_server(candor_ch *c, candor_err *err)
{
    candor_bytes answer;
    candor_status st = candor_ch_run(c, "SELECT version()", &answer, err);
    if (st != CANDOR_OK || candor_ch_number(answer) >= SERVER_MIN) return st;
    return candor_fail(err, CANDOR_INVALID, 0, "open the sink",
                       "the server is ClickHouse %.*s; %d or later is needed",
                       answer.n < 20 ? (int)answer.n : 20, answer.p, SERVER_MIN);
}

static candor_status ask_count(candor_ch *c, const char *sql, uint64_t *out, candor_err *err)
{
    candor_bytes answer = {NULL, 0};
    candor_status st = candor_ch_run(c, sql, &answer, err);
    *out = st == CANDOR_OK ? candor_ch_number(answer) : 0;
    return st;
}

candor_status candor_ch_has_table(candor_ch *c, const char *name, bool *out, candor_err *err)
{
    char sql[SQL_MAX];
    uint64_t n;
    candor_status st;
    snprintf(sql, sizeof sql,
             "SELECT count() FROM system.tables WHERE database=currentDatabase() AND name='%s'",
             name);
    st = ask_count(c, sql, &n, err);
    *out = n != 0;
    return st;
}

/* --- a table ---------------------------------------------------------------------------------- */

/* Replicas of a table are those of one path; each version has its own. */
static candor_status create(candor_ch *c, const char *table, const char *columns,
                            const char *layout, const char *path, candor_err *err)
{
    char sql[SQL_MAX], engine[256] = "ReplacingMergeTree()";
    if (path != NULL)
        snprintf(engine, sizeof engine, "ReplicatedReplacingMergeTree('%.160s','{replica}')", path);
    snprintf(sql, sizeof sql, "CREATE TABLE IF NOT EXISTS %s(%s) ENGINE=%s %s", table, columns,
             engine, layout);
    return candor_ch_run(c, sql, NULL, err);
}

static candor_status create_days(candor_ch *c, const char *zookeeper, candor_err *err)
{
    return create(c, "candor_events", zookeeper != NULL ? DAYS_COLUMNS ", " TS : DAYS_COLUMNS, DAYS,
                  zookeeper, err);
}

static candor_status create_old(candor_ch *c, const char *zookeeper, candor_err *err)
{
    return create(c, CANDOR_CH_OLD, DAYS_COLUMNS ", " TS ", " DIM ", " BUCKET, DAYS, zookeeper,
                  err);
}

static candor_status create_classes(candor_ch *c, const char *table, const char *zookeeper,
                                    candor_err *err)
{
    char path[CANDOR_CH_PATH_MAX + 4];
    snprintf(path, sizeof path, "%s_%d", zookeeper != NULL ? zookeeper : "", (int)LATEST);
    return create(c, table, CLASSES_COLUMNS, CLASSES, zookeeper != NULL ? path : NULL, err);
}

/* ILLEGAL_COLUMN; today's servers say DUPLICATE_COLUMN. UNFINISHED: a replica that is away adds it
 * when it is back. */
static bool is_there(const candor_err *why)
{
    return strstr(why->text, "code 44)") != NULL || strstr(why->text, "code 15)") != NULL ||
           strstr(why->text, "code 341)") != NULL;
}

/* It is there already after a crash, or on another replica: 18.16 has no IF NOT EXISTS here. */
static candor_status add_column(candor_ch *c, const char *column, candor_err *err)
{
    char sql[SQL_MAX];
    candor_status st;
    snprintf(sql, sizeof sql, "ALTER TABLE candor_events ADD COLUMN %s", column);
    st = candor_ch_run(c, sql, NULL, err);
    return st != CANDOR_OK && is_there(err) ? CANDOR_OK : st;
}

/* --- 3: another layout ------------------------------------------------------------------------ */

static candor_status has_classes(candor_ch *c, bool *out, candor_err *err)
{
    uint64_t n;
    candor_status st = ask_count(c,
                                 "SELECT count() FROM system.columns WHERE database="
                                 "currentDatabase() AND table='candor_events' AND name='keep'",
                                 &n, err);
    *out = n != 0;
    return st;
}

/* A partition key stays what it is, so the table gives way to a new one, and what it has is read
 * beside it until it has expired: nothing is moved, so nothing can be lost half-way. Who comes
 * second, or after a crash between the two renames, finds it done or does the rest. */
static candor_status give_way(candor_ch *c, const char *zookeeper, candor_err *err)
{
    candor_err why = {0}, ignored = {0};
    bool done = false;
    candor_status at = create_classes(c, "candor_events_3", zookeeper, &why), st;
    if (at == CANDOR_OK)
        at = candor_ch_run(
            c, "RENAME TABLE candor_events TO " CANDOR_CH_OLD ", candor_events_3 TO candor_events",
            NULL, &why);
    if (at != CANDOR_OK) /* refused where candor_events is there */
        at = candor_ch_run(c, "RENAME TABLE candor_events_3 TO candor_events", NULL, &ignored);
    st = has_classes(c, &done, err);
    if (st == CANDOR_OK && !done) *err = why;
    return st == CANDOR_OK && !done ? why.code : st;
}

static candor_status to_classes(candor_ch *c, const char *zookeeper, candor_err *err)
{
    bool done = false, there = false;
    candor_status st = has_classes(c, &done, err);
    if (st != CANDOR_OK || done) return st;
    st = candor_ch_has_table(c, "candor_events", &there, err);
    if (st == CANDOR_OK && there) st = add_column(c, DIM, err);
    if (st == CANDOR_OK && there) st = add_column(c, BUCKET, err);
    return st == CANDOR_OK ? give_way(c, zookeeper, err) : st;
}

/* An empty machine in the place of a replica copies what the others have of the old table too. */
static candor_status join_old(candor_ch *c, const char *zookeeper, candor_err *err)
{
    char sql[SQL_MAX];
    candor_bytes answer = {NULL, 0};
    const char *slash;
    uint64_t n = 0;
    candor_status st = candor_ch_run(
        c,
        "SELECT zookeeper_path FROM system.replicas WHERE database=currentDatabase() AND "
        "table='candor_events'",
        &answer, err);
    if (st != CANDOR_OK || answer.n == 0) return st;
    slash = answer.p + answer.n;
    while (slash > answer.p && slash[-1] != '/')
        slash--;
    snprintf(sql, sizeof sql,
             "SELECT count() FROM system.zookeeper WHERE path='%.*s' AND name='%s'",
             slash - answer.p > 0 ? (int)(slash - answer.p - 1) : 0, answer.p,
             strrchr(zookeeper, '/') + 1);
    st = ask_count(c, sql, &n, err);
    return st == CANDOR_OK && n != 0 ? create_old(c, zookeeper, err) : st;
}

/* --- versions --------------------------------------------------------------------------------- */

/* The latest at once; what an older collector left unfinished there gives way. */
static candor_status begin(candor_ch *c, const char *zookeeper, candor_err *err)
{
    candor_status st = create_classes(c, "candor_events", zookeeper, err);
    if (st == CANDOR_OK) st = to_classes(c, zookeeper, err);
    return st == CANDOR_OK && zookeeper != NULL ? join_old(c, zookeeper, err) : st;
}

static candor_status note_version(candor_ch *c, unsigned version, candor_err *err)
{
    char sql[96];
    snprintf(sql, sizeof sql, "INSERT INTO candor_meta(version) VALUES (%u)", version);
    return candor_ch_run(c, sql, NULL, err);
}

static candor_status upgrade(candor_ch *c, unsigned have, unsigned want, const char *zookeeper,
                             candor_err *err)
{
    candor_status st = CANDOR_OK;
    unsigned v;
    if (have > LATEST)
        return candor_fail(err, CANDOR_CORRUPT, 0, "open the sink",
                           "its tables are of version %u and this collector knows versions to %d; "
                           "use the collector that made them, or a later one",
                           have, (int)LATEST);
    if (have == 0 && want == LATEST) {
        st = begin(c, zookeeper, err);
        return st == CANDOR_OK ? note_version(c, LATEST, err) : st;
    }
    for (v = have + 1; v <= want && st == CANDOR_OK; v++) {
        if (v == 1) st = create_days(c, zookeeper, err);
        if (v == 2) st = add_column(c, TS, err);
        if (v == 3) st = to_classes(c, zookeeper, err);
        if (st == CANDOR_OK) st = note_version(c, v, err);
    }
    return st;
}

candor_status candor_ch_migrate(candor_ch *c, unsigned format, const char *zookeeper, bool *old,
                                candor_err *err)
{
    uint64_t have;
    candor_status st = check_server(c, err);
    if (st == CANDOR_OK)
        st = candor_ch_run(c,
                           "CREATE TABLE IF NOT EXISTS candor_meta(version UInt32) "
                           "ENGINE=MergeTree() ORDER BY version",
                           NULL, err);
    if (st == CANDOR_OK) st = ask_count(c, "SELECT max(version) FROM candor_meta", &have, err);
    if (st == CANDOR_OK)
        st = upgrade(c, (unsigned)have, format != 0 ? format : LATEST, zookeeper, err);
    return st == CANDOR_OK ? candor_ch_has_table(c, CANDOR_CH_OLD, old, err) : st;
}

/* --- expressions ------------------------------------------------------------------------------ */

void candor_ch_put_text(candor_buf *sql, candor_bytes text)
{
    size_t i;
    candor_buf_put_bytes(sql, CANDOR_LIT("unhex('"));
    for (i = 0; i < text.n; i++) {
        char two[2];
        candor_hex_encode(text.p + i, 1, two);
        candor_buf_put(sql, two, sizeof two);
    }
    candor_buf_put_bytes(sql, CANDOR_LIT("')"));
}

void candor_ch_put_id(candor_buf *sql, const unsigned char id[16])
{
    candor_buf_put_bytes(sql, CANDOR_LIT("toFixedString("));
    candor_ch_put_text(sql, candor_bytes_of((const char *)id, 16));
    candor_buf_put_bytes(sql, CANDOR_LIT(",16)"));
}

void candor_ch_put_columns(candor_buf *sql, const candor_filter_column *columns, size_t n)
{
    size_t i;
    for (i = 0; i < n; i++) {
        candor_buf_putf(sql, " AND %s=", columns[i].column);
        candor_ch_put_text(sql, candor_bytes_str(columns[i].value));
    }
}

void candor_ch_put_range(candor_buf *sql, const candor_page_range *range)
{
    int64_t first = candor_sink_id_day(range->low), last = candor_sink_id_day(range->high);
    candor_buf_put_bytes(sql, CANDOR_LIT(" WHERE event_id>="));
    candor_ch_put_id(sql, range->low);
    candor_buf_put_bytes(sql, CANDOR_LIT(" AND event_id<"));
    candor_ch_put_id(sql, range->high);
    candor_buf_putf(sql, " AND day>=toDate(%lld) AND day<=toDate(%lld)",
                    (long long)(first < 65535 ? first : 65535),
                    (long long)(last < 65535 ? last : 65535));
}
