#include "net/backoff.h"

/* A time much further ahead is taken for one that a wrong clock has left behind (state_sql.h). */
#define DELAY_MAX_MS (7 * 86400000LL)

int64_t candor_backoff_delay(int64_t retries, int64_t base_ms, int64_t max_ms,
                             int64_t retry_after_ms, double jitter)
{
    int64_t bound = base_ms;
    for (int64_t i = 0; i < retries && bound < max_ms; i++)
        bound *= 2;
    if (bound > max_ms) bound = max_ms;
    int64_t delay = (int64_t)((double)bound * jitter);
    if (retry_after_ms > delay) delay = retry_after_ms;
    return delay < DELAY_MAX_MS ? delay : DELAY_MAX_MS;
}
