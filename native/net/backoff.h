/* When to try again. Pure: no clock, no randomness of its own. Layer: net. Threads: any. */
#ifndef CANDOR_NET_BACKOFF_H
#define CANDOR_NET_BACKOFF_H

#include <stdint.h>

/* Exponential backoff with full jitter: a delay from 0 to min(max, base * 2^retries), or
 * Retry-After when that is longer; a week at most. jitter: 0 to 1. retries: failed attempts before
 * this one. See https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ */
int64_t candor_backoff_delay(int64_t retries, int64_t base_ms, int64_t max_ms,
                             int64_t retry_after_ms, double jitter);

#endif
