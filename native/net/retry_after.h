/* The Retry-After header (RFC 9110 10.2.3). Layer: net. Threads: any. */
#ifndef CANDOR_NET_RETRY_AFTER_H
#define CANDOR_NET_RETRY_AFTER_H

#include "base/bytes.h"

/* A collector, or whoever answers in its place, must not silence a client for longer. */
#define CANDOR_RETRY_AFTER_MAX_MS (INT64_C(24) * 60 * 60 * 1000)

/* value: delta-seconds or an HTTP-date. Milliseconds from now_ms on, 0..CANDOR_RETRY_AFTER_MAX_MS
 * (a date gone by is 0), or -1 when it is neither. */
int64_t candor_retry_after_parse(candor_bytes value, int64_t now_ms);

#endif
