#include "contract/arena.h"

#include <stdlib.h>

#define BLOCK_SIZE ((size_t)32 * 1024)
#define ALIGNMENT  ((size_t)16)

struct candor_arena_block {
    struct candor_arena_block *next;
    void *pad; /* keeps the data behind the header aligned to 16 where pointers have 8 bytes */
};

static bool add_block(candor_arena *a, size_t n)
{
    size_t size = n > BLOCK_SIZE ? n : BLOCK_SIZE;
    struct candor_arena_block *b = calloc(1, sizeof(*b) + ALIGNMENT + size);
    if (b == NULL) return false;
    b->next = a->blocks;
    a->blocks = b;
    size_t skew = (size_t)((uintptr_t)(b + 1) % ALIGNMENT);
    a->at = (char *)(b + 1) + (skew == 0 ? 0 : ALIGNMENT - skew);
    a->left = size;
    return true;
}

void *candor_arena_get(candor_arena *a, size_t n)
{
    if (n > SIZE_MAX / 2) return NULL;
    size_t rounded = (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (rounded == 0) rounded = ALIGNMENT;
    if (rounded > a->left && !add_block(a, rounded)) return NULL;
    void *p = a->at;
    a->at += rounded;
    a->left -= rounded;
    return p;
}

candor_bytes candor_arena_copy(candor_arena *a, candor_bytes s)
{
    char *p = candor_arena_get(a, s.n);
    if (p == NULL) return (candor_bytes){NULL, 0};
    if (s.n != 0) memcpy(p, s.p, s.n);
    return (candor_bytes){p, s.n};
}

void candor_arena_free(candor_arena *a)
{
    struct candor_arena_block *b = a->blocks;
    while (b != NULL) {
        struct candor_arena_block *next = b->next;
        free(b);
        b = next;
    }
    memset(a, 0, sizeof(*a));
}
