#include "central/otlp/repeats.h"

#include <stdlib.h>

/* The ids are digests: any of their bytes are as good as a hash. */
static candor_repeat *place(candor_repeats *r, const unsigned char id[16])
{
    size_t at = (size_t)candor_get_u64(id) & (r->cap - 1);
    while (r->items[at].n != 0 && memcmp(r->items[at].id, id, 16) != 0)
        at = (at + 1) & (r->cap - 1);
    return &r->items[at];
}

static bool grow(candor_repeats *r)
{
    candor_repeats more = {.n = r->n, .cap = r->cap != 0 ? r->cap * 2 : 64};
    size_t i;
    more.items = calloc(more.cap, sizeof *more.items);
    if (more.items == NULL) return false;
    for (i = 0; i < r->cap; i++)
        if (r->items[i].n != 0) *place(&more, r->items[i].id) = r->items[i];
    free(r->items);
    *r = more;
    return true;
}

bool candor_repeats_count(candor_repeats *r, const unsigned char id[16], uint32_t *before)
{
    candor_repeat *p;
    if (r->n * 2 >= r->cap && !grow(r)) return false;
    p = place(r, id);
    if (p->n == 0) {
        memcpy(p->id, id, 16);
        r->n++;
    }
    *before = p->n++;
    return true;
}

void candor_repeats_free(candor_repeats *r)
{
    free(r->items);
    *r = (candor_repeats){0};
}
