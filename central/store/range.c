/* The times that every store reads alike: of sums, and of sessions. */
#include "base/uuid.h"
#include "central/store/store.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS  INT64_C(86400000)

int64_t candor_floor_div(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return a % b < 0 ? q - 1 : q;
}

void candor_stat_bounds(candor_stat what, const candor_stat_range *range, int64_t *from_ms,
                        int64_t *to_ms)
{
    const bool hours =
        what == CANDOR_STAT_COUNTS || what == CANDOR_STAT_HOURS || what == CANDOR_STAT_FAILED;
    const int64_t step = hours ? HOUR_MS : DAY_MS;
    *from_ms = candor_floor_div(range->from_ms, step) * step;
    *to_ms = -candor_floor_div(-range->to_ms, step) * step;
}

/* A session id of our clients carries the time of its start. */
static int64_t id_time(candor_bytes id, int64_t otherwise)
{
    unsigned char raw[16];
    return candor_uuid_parse(id, raw) && candor_uuid_is_v7(raw) ? (int64_t)candor_uuid7_ms(raw)
                                                                : otherwise;
}

bool candor_session_reaches(const candor_session_filter *f, candor_bytes id, int64_t last_day)
{
    const int64_t last = last_day * DAY_MS;
    return last + DAY_MS > f->from_ms && id_time(id, last) < f->to_ms;
}
