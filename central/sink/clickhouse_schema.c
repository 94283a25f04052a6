/* Tables of the ClickHouse sink, by versions. What Debian's 18.16 knows, and what is the same
 * today. */
#include <stdio.h>
#include <stdlib.h>

#include "central/sink/clickhouse_internal.h"

#define SERVER_MIN 18
#define COLUMNS                                                                                    \
    " day Date, event_id FixedString(16), event_type String, category String, ts_ms Int64,"        \
    " session_id String, user_id String, machine_id String, app String, app_version String,"       \
    " platform String, correlation_id String, payload String"
#define TS    "ts DateTime ALIAS toDateTime(intDiv(ts_ms,1000))" /* for people; kept nowhere */
#define ORDER "PARTITION BY toYYYYMMDD(day) ORDER BY event_id"

/* Forward only; what a version once was is never changed. The same event twice is one row after a
 * merge, as ORDER BY says which rows are the same. */
static const char *const versions[] = {
    /* 1 */
    "CREATE TABLE IF NOT EXISTS candor_events(" COLUMNS ") ENGINE=ReplacingMergeTree() " ORDER,
    /* 2 */
    "ALTER TABLE candor_events ADD COLUMN " TS,
};
enum { LATEST = sizeof versions / sizeof versions[0] };

static candor_status check_server(candor_ch *c, candor_err *err)
{
    candor_bytes answer;
    candor_status st = candor_ch_run(c, "SELECT version()", &answer, err);
    if (st != CANDOR_OK || candor_ch_number(answer) >= SERVER_MIN) return st;
    return candor_fail(err, CANDOR_INVALID, 0, "open the sink",
                       "the server is ClickHouse %.*s; %d or later is needed",
                       answer.n < 20 ? (int)answer.n : 20, answer.p, SERVER_MIN);
}

/* What a later replica creates has to be what the first one has: the latest version, at once. */
static candor_status create_replica(candor_ch *c, const char *zookeeper, candor_err *err)
{
    candor_buf sql = {0};
    candor_status st;
    candor_buf_putf(&sql,
                    "CREATE TABLE IF NOT EXISTS candor_events(" COLUMNS ", " TS ") "
                    "ENGINE=ReplicatedReplacingMergeTree('%s','{replica}') " ORDER,
                    zookeeper);
    st = candor_ch_ask(c, &sql, NULL, err);
    candor_buf_putf(&sql, "INSERT INTO candor_meta(version) VALUES (%d)", (int)LATEST);
    if (st == CANDOR_OK) st = candor_ch_ask(c, &sql, NULL, err);
    candor_buf_free(&sql);
    return st;
}

/* ILLEGAL_COLUMN; today's servers say DUPLICATE_COLUMN. */
static bool is_there(const candor_err *why)
{
    return strstr(why->text, "code 44)") != NULL || strstr(why->text, "code 15)") != NULL;
}

static candor_status upgrade(candor_ch *c, unsigned have, unsigned want, const char *zookeeper,
                             candor_err *err)
{
    candor_status st = CANDOR_OK;
    unsigned v;
    if (have == 0 && zookeeper != NULL) return create_replica(c, zookeeper, err);
    if (have > LATEST)
        return candor_fail(err, CANDOR_CORRUPT, 0, "open the sink",
                           "its tables are of version %u and this collector knows versions to %d; "
                           "use the collector that made them, or a later one",
                           have, (int)LATEST);
    for (v = have; v < want && st == CANDOR_OK; v++) {
        char sql[96];
        candor_err why = {0};
        if (v < LATEST) st = candor_ch_run(c, versions[v], NULL, &why);
        /* added before a crash, or by another replica; 18.16 has no IF NOT EXISTS for columns */
        if (st != CANDOR_OK && is_there(&why)) st = CANDOR_OK;
        if (st != CANDOR_OK) *err = why;
        snprintf(sql, sizeof sql, "INSERT INTO candor_meta(version) VALUES (%u)", v + 1);
        if (st == CANDOR_OK) st = candor_ch_run(c, sql, NULL, err);
    }
    return st;
}

candor_status candor_ch_migrate(candor_ch *c, unsigned format, const char *zookeeper,
                                candor_err *err)
{
    candor_bytes answer;
    candor_status st = check_server(c, err);
    if (st == CANDOR_OK)
        st = candor_ch_run(c,
                           "CREATE TABLE IF NOT EXISTS candor_meta(version UInt32) "
                           "ENGINE=MergeTree() ORDER BY version",
                           NULL, err);
    if (st == CANDOR_OK)
        st = candor_ch_run(c, "SELECT max(version) FROM candor_meta", &answer, err);
    if (st != CANDOR_OK) return st;
    return upgrade(c, (unsigned)candor_ch_number(answer), format != 0 ? format : LATEST, zookeeper,
                   err);
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
