#include "central/sink/idset.h"

#include <stdlib.h>

#define FIRST_CAP ((size_t)1024)

static const unsigned char zero[16];

/* The end of a UUIDv7 is random; the product spreads what is not. */
static size_t start(const candor_idset *s, const unsigned char id[16])
{
    return (size_t)((candor_get_u64(id + 8) ^ candor_get_u64(id)) * UINT64_C(0x9E3779B97F4A7C15) >>
                    20) &
           (s->cap - 1);
}

static size_t place(const candor_idset *s, const unsigned char id[16])
{
    size_t at = start(s, id);
    while (memcmp(s->ids[at], zero, 16) != 0 && memcmp(s->ids[at], id, 16) != 0)
        at = (at + 1) & (s->cap - 1);
    return at;
}

void candor_idset_soon(const candor_idset *s, const unsigned char id[16])
{
    if (s->cap != 0) __builtin_prefetch(s->ids[start(s, id)]);
}

bool candor_idset_has(const candor_idset *s, const unsigned char id[16])
{
    if (memcmp(id, zero, 16) == 0) return s->has_zero;
    return s->cap != 0 && memcmp(s->ids[place(s, id)], id, 16) == 0;
}

static candor_status grow(candor_idset *s)
{
    candor_idset wide = {.cap = s->cap != 0 ? s->cap * 2 : FIRST_CAP};
    size_t i;
    wide.ids = calloc(wide.cap, sizeof *wide.ids);
    if (wide.ids == NULL) return CANDOR_NOMEM;
    for (i = 0; i < s->cap; i++)
        if (memcmp(s->ids[i], zero, 16) != 0)
            memcpy(wide.ids[place(&wide, s->ids[i])], s->ids[i], 16);
    free(s->ids);
    s->ids = wide.ids;
    s->cap = wide.cap;
    return CANDOR_OK;
}

candor_status candor_idset_add(candor_idset *s, const unsigned char id[16], bool *fresh)
{
    const bool is_zero = memcmp(id, zero, 16) == 0;
    bool had;
    if (!is_zero && s->n * 4 >= s->cap * 3 && grow(s) != CANDOR_OK) return CANDOR_NOMEM;
    if (is_zero) {
        had = s->has_zero;
        s->has_zero = true;
    } else {
        size_t at = place(s, id);
        had = memcmp(s->ids[at], id, 16) == 0;
        if (!had) s->n++;
        memcpy(s->ids[at], id, 16);
    }
    if (fresh != NULL) *fresh = !had;
    return CANDOR_OK;
}

void candor_idset_free(candor_idset *s)
{
    free(s->ids);
    memset(s, 0, sizeof *s);
}
