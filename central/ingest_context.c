#include "central/ingest_context.h"

#include <stdlib.h>

#include "plat/crc32c.h"

#define SETS     2048u /* power of two */
#define WAYS     2     /* slots of a set: sessions that meet there do not push each other out */
#define TEXT_MAX (6 * (CANDOR_BASE_ID_MAX + 1))
#define KEEP_MAX 256 /* longer texts are not remembered; ids of the client make about 180 bytes */

typedef struct slot {
    uint64_t serial; /* of the batch that index belongs to */
    uint32_t index;
    uint16_t n;
    unsigned char key[16], user[8];
    char machine[CANDOR_HASH_TEXT];
    char text[KEEP_MAX];
} slot;

struct candor_context_cache {
    candor_hmac *machine_key;
    slot slots[SETS][WAYS];
    unsigned char last[SETS]; /* used, of each set */
};

candor_status candor_context_cache_new(candor_hmac *machine_key, candor_context_cache **out)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL) return CANDOR_NOMEM;
    (*out)->machine_key = machine_key;
    return CANDOR_OK;
}

void candor_context_cache_free(candor_context_cache *k)
{
    free(k);
}

/* The six fields and separators that no id may contain, so that different sixes differ as text. */
static bool join(const candor_context *c, candor_buf *out)
{
    const candor_bytes parts[] = {c->app,        c->user_id,     c->machine_id,
                                  c->session_id, c->app_version, c->platform};
    size_t i;
    for (i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        candor_buf_put_bytes(out, parts[i]);
        candor_buf_put_c(out, '\n');
    }
    return !out->failed;
}

/* Fingerprints under the same key: texts of different shape cannot meet, as each ends differently.
 */
static candor_status fill(candor_context_cache *k, slot *s, const candor_context *c,
                          candor_bytes text)
{
    unsigned char digest[CANDOR_SHA256_SIZE];
    candor_status st = candor_hmac_run(k->machine_key, text, digest);
    s->n = 0;
    if (st != CANDOR_OK) return st;
    memcpy(s->key, digest, sizeof s->key);
    st = candor_hmac_run(k->machine_key, candor_bytes_of(text.p, c->app.n + 1 + c->user_id.n),
                         digest);
    if (st != CANDOR_OK) return st;
    memcpy(s->user, digest, sizeof s->user);
    st = candor_hmac_text(k->machine_key, c->machine_id, s->machine);
    if (st != CANDOR_OK) return st;
    s->serial = 0;
    if (text.n > sizeof s->text) return CANDOR_OK;
    memcpy(s->text, text.p, text.n);
    s->n = (uint16_t)text.n;
    return CANDOR_OK;
}

static candor_status add(slot *s, candor_batch *b, uint64_t serial, const candor_context *c)
{
    candor_row_context *row = candor_batch_add_context(b);
    if (row == NULL) return CANDOR_NOMEM;
    memcpy(row->key, s->key, sizeof row->key);
    memcpy(row->user, s->user, sizeof row->user);
    if (!candor_batch_put(b, c->session_id, &row->session_id) ||
        !candor_batch_put(b, c->user_id, &row->user_id) ||
        !candor_batch_put(b, candor_bytes_of(s->machine, sizeof s->machine), &row->machine_id) ||
        !candor_batch_put(b, c->app, &row->app) ||
        !candor_batch_put(b, c->app_version, &row->app_version) ||
        !candor_batch_put(b, c->platform, &row->platform))
        return CANDOR_NOMEM;
    s->serial = serial;
    s->index = (uint32_t)b->n_contexts - 1;
    return CANDOR_OK;
}

/* What join() would write, compared in place: a hit, nearly every event, copies nothing. */
static bool remembers(const slot *s, const candor_context *c)
{
    const candor_bytes parts[] = {c->app,        c->user_id,     c->machine_id,
                                  c->session_id, c->app_version, c->platform};
    const char *p = s->text, *end = s->text + s->n;
    size_t i;
    for (i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        size_t n = parts[i].n;
        if ((size_t)(end - p) <= n || p[n] != '\n' || memcmp(p, parts[i].p, n) != 0) return false;
        p += n + 1;
    }
    return p == end;
}

static candor_status remember(candor_context_cache *k, slot *s, const candor_context *c)
{
    char storage[TEXT_MAX];
    candor_buf text;
    candor_buf_init_fixed(&text, storage, sizeof storage);
    return join(c, &text) ? fill(k, s, c, candor_buf_bytes(&text)) : CANDOR_LIMIT;
}

/* Sets go by session id alone, which tells contexts apart as a rule; where it does not, they take
 * turns in one set. */
candor_status candor_context_cache_find(candor_context_cache *k, candor_batch *b, uint64_t serial,
                                        const candor_context *c, uint32_t *out)
{
    uint32_t set = candor_crc32c(0, c->session_id.p, c->session_id.n) & (SETS - 1);
    unsigned way = k->last[set];
    slot *s = &k->slots[set][way];
    candor_status st = CANDOR_OK;
    if (!remembers(s, c)) {
        way = 1 - way;
        s = &k->slots[set][way];
        k->last[set] = (unsigned char)way;
        if (!remembers(s, c)) st = remember(k, s, c);
    }
    if (st == CANDOR_OK && s->serial != serial) st = add(s, b, serial, c);
    *out = s->index;
    return st;
}
