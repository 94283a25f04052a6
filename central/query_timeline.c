/* GET /api/telemetry/aggregate/timeline: events by hour, day or week of a time zone. Roll-ups know
 * whole hours of UTC; an hour counts for the day in which it begins there, which is exact wherever
 * the offset is whole hours. */
#include <stdlib.h>

#include "base/json.h"
#include "base/uuid.h"
#include "central/query.h"
#include "central/respond.h"
#include "central/zone_rule.h"

#define HOUR_MS INT64_C(3600000)
#define HOUR_S  3600
#define DAY_S   86400

/* Hours of a bucket, and how many buckets back a range without a beginning reaches. */
static const struct {
    const char *name;
    int64_t hours, back;
} sizes[] = {{"hour", 1, 48}, {"day", 24, 30}, {"week", 168, 26}};

typedef struct cell {
    int64_t n, errors;
} cell;

typedef struct timeline {
    candor_query_job *job;
    int64_t hour0, hours;
    cell *cells; /* one an hour */
} timeline;

static bool add_hour(void *ctx, const candor_stat_row *row)
{
    timeline *t = ctx;
    const candor_query_job *j = t->job;
    const candor_event_def *def = candor_schema_event(j->server->schema, row->a);
    cell *c = &t->cells[row->k - t->hour0];
    if (*j->type != '\0' && !candor_bytes_eq(row->a, candor_bytes_str(j->type))) return true;
    if (*j->category != '\0' && !candor_bytes_eq(row->b, candor_bytes_str(j->category)))
        return true;
    c->n += row->n;
    if (def != NULL && candor_level_is_error(def->level)) c->errors += row->n;
    return true;
}

/* --- the range ------------------------------------------------------------------------------ */

static candor_status set_range(candor_query_job *j, candor_err *err)
{
    int64_t size = sizes[j->bucket].hours * HOUR_MS;
    if (!j->has_to) j->to_ms = (candor_clock_unix_ms() / HOUR_MS + 1) * HOUR_MS;
    if (!j->has_from) j->from_ms = j->to_ms - sizes[j->bucket].back * size;
    if (j->from_ms < 0) j->from_ms = 0;
    j->has_from = j->has_to = true;
    if (j->to_ms <= j->from_ms || (j->to_ms - j->from_ms) / size < CANDOR_QUERY_BUCKETS)
        return CANDOR_OK;
    return candor_fail(err, CANDOR_INVALID, 0, "timeline",
                       "from and to are more than %d times one %s apart; ask for a shorter time or "
                       "larger buckets",
                       CANDOR_QUERY_BUCKETS, sizes[j->bucket].name);
}

/* --- buckets -------------------------------------------------------------------------------- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Equal for hours of the same bucket. Weeks begin on Monday; 1970-01-01 was a Thursday. */
static int64_t key_of(unsigned bucket, int64_t hour, int32_t offset)
{
    int64_t day = floor_div(hour * HOUR_S + offset, DAY_S);
    if (bucket == CANDOR_BUCKET_HOUR) return hour;
    return bucket == CANDOR_BUCKET_DAY ? day : floor_div(day + 3, 7);
}

static void put_label(candor_buf *b, unsigned bucket, int64_t key, int32_t offset)
{
    int64_t local = bucket == CANDOR_BUCKET_HOUR  ? key * HOUR_S + offset
                    : bucket == CANDOR_BUCKET_DAY ? key * DAY_S
                                                  : (key * 7 - 3) * DAY_S;
    int64_t days = floor_div(local, DAY_S), rest = local - days * DAY_S, year;
    int month, day, east = offset < 0 ? -offset : offset;
    candor_date_of(days, &year, &month, &day);
    candor_buf_putf(b, "%04lld-%02d-%02d", (long long)year, month, day);
    if (bucket != CANDOR_BUCKET_HOUR) return;
    candor_buf_putf(b, "T%02d:%02d:%02d%c%02d:%02d", (int)(rest / HOUR_S),
                    (int)(rest % HOUR_S / 60), (int)(rest % 60), offset < 0 ? '-' : '+',
                    east / HOUR_S, east % HOUR_S / 60);
}

static void put_buckets(const timeline *t, const candor_zone *zone, candor_buf *b)
{
    unsigned bucket = t->job->bucket;
    int64_t i = 0;
    while (i < t->hours) {
        int32_t offset = candor_zone_offset(zone, (t->hour0 + i) * HOUR_S);
        int64_t key = key_of(bucket, t->hour0 + i, offset);
        cell sum = {0, 0};
        candor_buf_put_bytes(b,
                             i == 0 ? CANDOR_LIT("{\"bucket\":\"") : CANDOR_LIT(",{\"bucket\":\""));
        put_label(b, bucket, key, offset);
        for (; i < t->hours; i++) {
            offset = candor_zone_offset(zone, (t->hour0 + i) * HOUR_S);
            if (key_of(bucket, t->hour0 + i, offset) != key) break;
            sum.n += t->cells[i].n;
            sum.errors += t->cells[i].errors;
        }
        if (candor_is_private(t->job) && !candor_private_cell(t->job, &sum.n, &sum.errors))
            candor_buf_put_bytes(b, CANDOR_LIT("\",\"count\":null,\"errors\":null}"));
        else
            candor_buf_putf(b, "\",\"count\":%lld,\"errors\":%lld}", (long long)sum.n,
                            (long long)sum.errors);
    }
}

static candor_status load(candor_query_job *j, candor_reader *r, timeline *t, candor_err *err)
{
    const candor_stat_range range = candor_query_range(j);
    t->hour0 = floor_div(j->from_ms, HOUR_MS);
    t->hours = -floor_div(-j->to_ms, HOUR_MS) - t->hour0;
    if (j->to_ms <= j->from_ms) t->hours = 0;
    if (t->hours == 0) return CANDOR_OK;
    t->cells = calloc((size_t)t->hours, sizeof *t->cells);
    if (t->cells == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "timeline", NULL);
    return j->server->store->ops->stats(r, CANDOR_STAT_HOURS, &range, add_hour, t, err);
}

candor_status candor_timeline_make(candor_query_job *j, candor_reader *r, candor_err *err)
{
    candor_buf *b = candor_reply_begin(&j->reply, 200, candor_type_json);
    timeline t = {.job = j};
    candor_zone *zone = NULL;
    candor_status st = set_range(j, err);
    if (st == CANDOR_OK) st = candor_zone_open(j->zone, &zone, err);
    if (st == CANDOR_OK) st = load(j, r, &t, err);
    if (st == CANDOR_OK) {
        candor_buf_put_c(b, '{');
        candor_query_put_range(j, b);
        candor_buf_putf(b, "\"bucket\":\"%s\",\"tz\":", sizes[j->bucket].name);
        candor_json_put_string(b, candor_bytes_str(j->zone));
        candor_buf_put_bytes(b, CANDOR_LIT(",\"buckets\":["));
        put_buckets(&t, zone, b);
        candor_buf_put_bytes(b, CANDOR_LIT("]}\n"));
    }
    free(t.cells);
    candor_zone_free(zone);
    return st;
}
