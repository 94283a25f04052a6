/* Reading state.db for people: totals and statistics. */
#include "base/json.h"
#include "client/state_sql.h"

static candor_status read_spool(candor_state *s, candor_state_totals *out, candor_err *err)
{
    sqlite3_stmt *stmt =
        candor_sql(s,
                   "SELECT count(*),coalesce(sum(events),0),coalesce(sum(bytes),0),"
                   "min(created_ms),"
                   "min(CASE WHEN next_attempt_ms>?1 THEN 0 ELSE next_attempt_ms "
                   "END),max(created_ms) FROM batches "
                   "WHERE gone=0",
                   err);
    if (stmt == NULL) return CANDOR_IO;
    sqlite3_bind_int64(stmt, 1, candor_clock_unix_ms() + CANDOR_AHEAD_MAX_MS);
    candor_status st = candor_sql_row(s, stmt, err);
    if (st == CANDOR_OK) {
        out->batches = (uint64_t)sqlite3_column_int64(stmt, 0);
        out->events = (uint64_t)sqlite3_column_int64(stmt, 1);
        out->bytes = (uint64_t)sqlite3_column_int64(stmt, 2);
        if (out->batches != 0) {
            out->oldest_ms = sqlite3_column_int64(stmt, 3);
            out->next_attempt_ms = sqlite3_column_int64(stmt, 4);
            out->newest_ms = sqlite3_column_int64(stmt, 5);
        }
    }
    candor_sql_done(stmt);
    return st;
}

static bool has_prefix(candor_bytes s, const char *prefix, candor_bytes *rest)
{
    size_t n = strlen(prefix);
    if (s.n < n || memcmp(s.p, prefix, n) != 0) return false;
    *rest = candor_bytes_of(s.p + n, s.n - n);
    return true;
}

static void place_counter(candor_state_totals *out, candor_bytes name, uint64_t n)
{
    candor_bytes rest;
    if (candor_bytes_eq(name, CANDOR_LIT("kept"))) out->kept = n;
    if (candor_bytes_eq(name, CANDOR_LIT("rollups.in"))) out->rolled_up = n;
    if (candor_bytes_eq(name, CANDOR_LIT("rollups.made"))) out->rollups_made = n;
    if (candor_bytes_eq(name, CANDOR_LIT("rollups.other"))) out->rollups_other = n;
    if (candor_bytes_eq(name, CANDOR_LIT("sent.batches"))) out->sent_batches = n;
    if (candor_bytes_eq(name, CANDOR_LIT("sent.events"))) out->sent_events = n;
    if (has_prefix(name, "loss.", &rest))
        for (int i = 0; i < CANDOR_LOSS_COUNT; i++)
            if (candor_bytes_eq(rest, candor_bytes_str(candor_loss_name((candor_loss)i))))
                out->loss[i] = n;
    if (candor_bytes_eq(name, CANDOR_LIT("emit.disk_low"))) out->counts.disk_low = n;
    if (has_prefix(name, "emit.", &rest))
        for (int i = 0; i < CANDOR_EMIT_COUNT; i++)
            if (candor_bytes_eq(rest, candor_bytes_str(candor_emit_name((candor_emit_result)i))))
                out->counts.emit[i] = n;
    if (has_prefix(name, "adjust.", &rest))
        for (int i = 0; i < CANDOR_ADJUST_COUNT; i++)
            if (candor_bytes_eq(rest, candor_bytes_str(candor_adjust_name((candor_adjust)i))))
                out->counts.adjust[i] = n;
}

candor_status candor_state_total(candor_state *s, candor_state_totals *out, candor_err *err)
{
    memset(out, 0, sizeof *out);
    out->oldest_ms = out->next_attempt_ms = INT64_MAX;
    candor_status st = read_spool(s, out, err);
    sqlite3_stmt *stmt = candor_sql(s, "SELECT name,n FROM counters", err);
    if (stmt == NULL) return CANDOR_IO;
    while (st == CANDOR_OK && (st = candor_sql_row(s, stmt, err)) == CANDOR_OK)
        place_counter(out, candor_sql_column(stmt, 0), (uint64_t)sqlite3_column_int64(stmt, 1));
    candor_sql_done(stmt);
    return st == CANDOR_NOTFOUND ? CANDOR_OK : st;
}

candor_status candor_state_counters(candor_state *s, const char *prefix,
                                    void (*visit)(void *ctx, candor_bytes name, uint64_t n),
                                    void *ctx, candor_err *err)
{
    candor_bytes rest;
    candor_status st = CANDOR_OK;
    sqlite3_stmt *stmt = candor_sql(s, "SELECT name,n FROM counters ORDER BY name", err);
    if (stmt == NULL) return CANDOR_IO;
    while ((st = candor_sql_row(s, stmt, err)) == CANDOR_OK) {
        candor_bytes name = candor_sql_column(stmt, 0);
        if (has_prefix(name, prefix, &rest))
            visit(ctx, name, (uint64_t)sqlite3_column_int64(stmt, 1));
    }
    candor_sql_done(stmt);
    return st == CANDOR_NOTFOUND ? CANDOR_OK : st;
}

int64_t candor_state_newest_ms(candor_state *s)
{
    int64_t newest = 0;
    sqlite3_stmt *stmt =
        candor_sql(s, "SELECT coalesce(max(created_ms),0) FROM batches WHERE gone=0", NULL);
    if (stmt != NULL && candor_sql_row(s, stmt, NULL) == CANDOR_OK)
        newest = sqlite3_column_int64(stmt, 0);
    candor_sql_done(stmt);
    return newest;
}

static void put_time(candor_buf *out, int64_t unix_ms)
{
    char text[CANDOR_TIME_TEXT];
    candor_time_format(unix_ms, text);
    candor_json_put_string(out, candor_bytes_of(text, sizeof text));
}

static void put_counts(candor_buf *out, sqlite3_stmt *stmt)
{
    candor_buf_put_bytes(out, CANDOR_LIT("\"type\":"));
    candor_json_put_string(out, candor_sql_column(stmt, 1));
    candor_buf_putf(out, ",\"kept\":%lld,\"sent\":%lld}", (long long)sqlite3_column_int64(stmt, 2),
                    (long long)sqlite3_column_int64(stmt, 3));
}

static candor_status put_rows(candor_state *s, const char *sql, int64_t since_hour, bool with_hour,
                              candor_buf *out, candor_err *err)
{
    sqlite3_stmt *stmt = candor_sql(s, sql, err);
    if (stmt == NULL) return CANDOR_IO;
    sqlite3_bind_int64(stmt, 1, since_hour);
    candor_status st;
    bool first = true;
    while ((st = candor_sql_row(s, stmt, err)) == CANDOR_OK) {
        candor_buf_put_bytes(out, first ? CANDOR_LIT("{") : CANDOR_LIT(",{"));
        first = false;
        if (with_hour) {
            candor_buf_put_bytes(out, CANDOR_LIT("\"hour\":"));
            put_time(out, sqlite3_column_int64(stmt, 0) * 3600000);
            candor_buf_put_c(out, ',');
        }
        put_counts(out, stmt);
    }
    candor_sql_done(stmt);
    return st == CANDOR_NOTFOUND ? CANDOR_OK : st;
}

candor_status candor_state_stats(candor_state *s, int64_t since_ms, candor_buf *out,
                                 candor_err *err)
{
    const int64_t latest = 253402300799999; /* year 9999: what a time text can say */
    if (since_ms < 0) since_ms = 0;
    if (since_ms > latest) since_ms = latest;
    candor_buf_put_bytes(out, CANDOR_LIT("{\"since\":"));
    put_time(out, since_ms);
    candor_buf_put_bytes(out, CANDOR_LIT(",\"hours\":["));
    candor_status st = put_rows(s,
                                "SELECT hour,type,kept,sent FROM hourly WHERE hour>=?1"
                                " ORDER BY hour,type",
                                since_ms / 3600000, true, out, err);
    candor_buf_put_bytes(out, CANDOR_LIT("],\"types\":["));
    if (st == CANDOR_OK)
        st = put_rows(s,
                      "SELECT 0,type,sum(kept),sum(sent) FROM hourly WHERE hour>=?1"
                      " GROUP BY type ORDER BY type",
                      since_ms / 3600000, false, out, err);
    candor_buf_put_bytes(out, CANDOR_LIT("]}"));
    if (st == CANDOR_OK && out->failed)
        st = candor_fail(err, CANDOR_NOMEM, 0, "stats", "no memory");
    return st;
}
