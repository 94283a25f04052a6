/* Token buckets, one a key, in a table of fixed size: when a set of buckets is full, the one unused
 * for longest goes, and its key starts full again. Layer: central. Threads: any. */
#ifndef CANDOR_CENTRAL_RATELIMIT_H
#define CANDOR_CENTRAL_RATELIMIT_H

#include "base/bytes.h"

typedef struct candor_ratelimit candor_ratelimit;
/* per_minute: rate, and burst; 0: no limit. entries: rounded up to a power of two. */
CANDOR_CHECK candor_status candor_ratelimit_new(uint64_t per_minute, size_t entries,
                                                candor_ratelimit **out);
void candor_ratelimit_free(candor_ratelimit *r); /* accepts NULL */
/* Take one from key's bucket. 0: allowed; else after how many seconds to come back. */
unsigned candor_ratelimit_take(candor_ratelimit *r, uint64_t key, uint64_t now_ms);

#endif
