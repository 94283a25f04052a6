/* Memory that lives and dies together: the tables of one compiled schema.
 * Layer: contract. Threads: one owner while it grows; read only afterwards. */
#ifndef CANDOR_CONTRACT_ARENA_H
#define CANDOR_CONTRACT_ARENA_H

#include "base/bytes.h"

typedef struct candor_arena {
    struct candor_arena_block *blocks;
    char *at;
    size_t left;
} candor_arena; /* zero-initialise */

/* Zeroed memory, aligned for any object; NULL when out of memory. n may be 0. */
void *candor_arena_get(candor_arena *a, size_t n);
/* A copy of s; .p is NULL only when out of memory. */
candor_bytes candor_arena_copy(candor_arena *a, candor_bytes s);
void candor_arena_free(candor_arena *a); /* leaves it zeroed */

#endif
