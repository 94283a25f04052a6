/* GET /api/telemetry/aggregate/users: how many people used an app, day by day of UTC. */
#include <stdlib.h>

#include "base/uuid.h"
#include "central/query.h"
#include "central/respond.h"

#define DAY_MS INT64_C(86400000)
#define BACK   30 /* days of a question without a beginning */

typedef struct days {
    int64_t first, count;
    int64_t *users; /* one a day */
} days;

static bool add_day(void *ctx, const candor_stat_row *row)
{
    days *d = ctx;
    if (row->k >= d->first && row->k < d->first + d->count) d->users[row->k - d->first] += row->n;
    return true;
}

static candor_status set_range(candor_query_job *j, days *d, candor_err *err)
{
    if (!j->has_to) j->to_ms = (candor_clock_unix_ms() / DAY_MS + 1) * DAY_MS;
    if (!j->has_from) j->from_ms = j->to_ms - BACK * DAY_MS;
    if (j->from_ms < 0) j->from_ms = 0;
    j->has_from = j->has_to = true;
    d->first = j->from_ms / DAY_MS;
    d->count = j->to_ms > j->from_ms ? (j->to_ms + DAY_MS - 1) / DAY_MS - d->first : 0;
    if (d->count <= CANDOR_QUERY_BUCKETS) return CANDOR_OK;
    return candor_fail(err, CANDOR_INVALID, 0, "users",
                       "from and to are more than %d days apart; ask for a shorter time",
                       CANDOR_QUERY_BUCKETS);
}

static void put_days(candor_query_job *j, const days *d, candor_buf *b)
{
    int64_t i;
    for (i = 0; i < d->count; i++) {
        char ts[CANDOR_TIME_TEXT];
        int64_t n = d->users[i];
        candor_time_format((d->first + i) * DAY_MS, ts);
        candor_buf_putf(b, "%s{\"day\":\"%.10s\",\"users\":", i != 0 ? "," : "", ts);
        if (candor_is_private(j) && !candor_private_cell(j, &n, NULL))
            candor_buf_put_bytes(b, CANDOR_LIT("null}"));
        else
            candor_buf_putf(b, "%lld}", (long long)n);
    }
}

candor_status candor_users_make(candor_query_job *j, candor_reader *r, candor_err *err)
{
    candor_buf *b = candor_reply_begin(&j->reply, 200, candor_type_json);
    days d = {0};
    candor_status st = set_range(j, &d, err);
    const candor_stat_range range = {
        .from_ms = j->from_ms, .to_ms = j->to_ms, .app = candor_or_null(j->app)};
    if (st == CANDOR_OK) {
        d.users = calloc((size_t)d.count + 1, sizeof *d.users);
        if (d.users == NULL) st = candor_fail(err, CANDOR_NOMEM, 0, "users", NULL);
    }
    if (st == CANDOR_OK)
        st = j->server->store->ops->stats(r, CANDOR_STAT_USERS, &range, add_day, &d, err);
    if (st == CANDOR_OK) {
        j->unit = "user-day";
        candor_buf_put_c(b, '{');
        candor_query_put_range(j, b);
        candor_buf_put_bytes(b, CANDOR_LIT("\"days\":["));
        put_days(j, &d, b);
        candor_buf_put_bytes(b, CANDOR_LIT("]}\n"));
    }
    free(d.users);
    return st;
}
