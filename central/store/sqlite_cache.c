#include <stdlib.h>

#include "central/store/sqlite_internal.h"
#include "plat/crc32c.h"

#define KEYS_MAX   ((size_t)4 * 1024 * 1024)
#define KIND_BYTES 8

candor_status candor_cache_init(candor_cache *c, size_t cap)
{
    memset(c, 0, sizeof *c);
    c->entries = calloc(cap, sizeof *c->entries);
    c->cap = cap;
    return c->entries != NULL ? CANDOR_OK : CANDOR_NOMEM;
}

void candor_cache_deinit(candor_cache *c)
{
    free(c->entries);
    candor_buf_free(&c->keys);
    memset(c, 0, sizeof *c);
}

void candor_cache_clear(candor_cache *c)
{
    memset(c->entries, 0, c->cap * sizeof *c->entries);
    c->used = 0;
    candor_buf_clear(&c->keys);
}

static uint32_t hash_of(int64_t kind, candor_bytes key)
{
    char head[KIND_BYTES];
    candor_put_u64(head, (uint64_t)kind);
    return candor_crc32c(candor_crc32c(0, head, sizeof head), key.p, key.n);
}

static bool same(const candor_cache *c, const candor_cache_entry *e, uint32_t hash, int64_t kind,
                 candor_bytes key)
{
    const char *stored = c->keys.p + e->at;
    return e->hash == hash && e->n == key.n + KIND_BYTES &&
           candor_get_u64(stored) == (uint64_t)kind &&
           (key.n == 0 || memcmp(stored + KIND_BYTES, key.p, key.n) == 0);
}

static candor_cache_entry *probe(candor_cache *c, uint32_t hash, int64_t kind, candor_bytes key)
{
    size_t i = hash & (c->cap - 1);
    while (c->entries[i].n != 0 && !same(c, &c->entries[i], hash, kind, key))
        i = (i + 1) & (c->cap - 1);
    return &c->entries[i];
}

candor_cache_entry *candor_cache_get(candor_cache *c, int64_t kind, candor_bytes key)
{
    candor_cache_entry *e = probe(c, hash_of(kind, key), kind, key);
    return e->n != 0 ? e : NULL;
}

void candor_cache_put(candor_cache *c, int64_t kind, candor_bytes key, int64_t value, int64_t extra)
{
    uint32_t hash = hash_of(kind, key);
    candor_cache_entry *e;
    char head[KIND_BYTES];
    if (c->used >= c->cap / 4 * 3 || c->keys.n + key.n + KIND_BYTES > KEYS_MAX)
        candor_cache_clear(c);
    e = probe(c, hash, kind, key);
    if (e->n == 0) {
        size_t at = c->keys.n;
        candor_put_u64(head, (uint64_t)kind);
        candor_buf_put(&c->keys, head, sizeof head);
        candor_buf_put_bytes(&c->keys, key);
        if (c->keys.failed) {
            candor_cache_clear(c);
            return;
        }
        e->hash = hash;
        e->at = (uint32_t)at;
        e->n = (uint32_t)(key.n + KIND_BYTES);
        c->used++;
    }
    e->value = value;
    e->extra = extra;
}
