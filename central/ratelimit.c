#include "central/ratelimit.h"

#include <stdlib.h>

#include "plat/plat.h"

#define WAYS      8
#define MINUTE_MS 60000u
#define UNIT      ((uint64_t)MINUTE_MS) /* one token, in per_minute-ths of a millisecond */

typedef struct bucket {
    uint64_t key, seen_ms, level; /* level: tokens times UNIT; seen_ms 0: free */
} bucket;

struct candor_ratelimit {
    candor_mutex *lock;
    uint64_t per_minute;
    size_t sets;
    bucket *buckets;
};

candor_status candor_ratelimit_new(uint64_t per_minute, size_t entries, candor_ratelimit **out)
{
    candor_ratelimit *r = calloc(1, sizeof *r);
    candor_status st = CANDOR_OK;
    *out = NULL;
    if (r == NULL) return CANDOR_NOMEM;
    r->per_minute = per_minute;
    for (r->sets = 1; r->sets * WAYS < entries;)
        r->sets *= 2;
    r->buckets = calloc(r->sets * WAYS, sizeof *r->buckets);
    if (r->buckets == NULL) st = CANDOR_NOMEM;
    if (st == CANDOR_OK) st = candor_mutex_new(&r->lock);
    if (st != CANDOR_OK)
        candor_ratelimit_free(r);
    else
        *out = r;
    return st;
}

void candor_ratelimit_free(candor_ratelimit *r)
{
    if (r == NULL) return;
    candor_mutex_free(r->lock);
    free(r->buckets);
    free(r);
}

static bucket *find(candor_ratelimit *r, uint64_t key)
{
    bucket *set = &r->buckets[(size_t)(key & (r->sets - 1)) * WAYS], *oldest = set;
    int i;
    for (i = 0; i < WAYS; i++) {
        if (set[i].seen_ms != 0 && set[i].key == key) return &set[i];
        if (set[i].seen_ms < oldest->seen_ms) oldest = &set[i];
    }
    oldest->key = key;
    oldest->seen_ms = 0;
    oldest->level = r->per_minute * UNIT;
    return oldest;
}

static void refill(const candor_ratelimit *r, bucket *b, uint64_t now_ms)
{
    uint64_t passed = b->seen_ms != 0 && now_ms > b->seen_ms ? now_ms - b->seen_ms : 0;
    uint64_t full = r->per_minute * UNIT;
    if (passed > MINUTE_MS) passed = MINUTE_MS; /* enough to fill any bucket */
    b->level = b->level + passed * r->per_minute < full ? b->level + passed * r->per_minute : full;
    if (now_ms > b->seen_ms) b->seen_ms = now_ms;
}

unsigned candor_ratelimit_take(candor_ratelimit *r, uint64_t key, uint64_t now_ms)
{
    bucket *b;
    unsigned wait_s = 0;
    if (r->per_minute == 0) return 0;
    candor_mutex_lock(r->lock);
    b = find(r, key);
    refill(r, b, now_ms);
    if (b->level >= UNIT)
        b->level -= UNIT;
    else
        wait_s = 1 + (unsigned)((UNIT - b->level) / r->per_minute / 1000);
    candor_mutex_unlock(r->lock);
    return wait_s;
}
