#include <stdlib.h>

#include "central/store/store.h"

static bool grow(void **items, size_t *cap, size_t n, size_t size)
{
    size_t want = *cap < 16 ? 16 : *cap * 2;
    void *p;
    if (n < *cap) return true;
    p = realloc(*items, want * size);
    if (p == NULL) return false;
    *items = p;
    *cap = want;
    return true;
}

candor_row *candor_batch_add_row(candor_batch *b)
{
    void *items = b->rows;
    candor_row *row;
    if (!grow(&items, &b->cap_rows, b->n_rows, sizeof *b->rows)) return NULL;
    b->rows = items;
    row = &b->rows[b->n_rows++];
    memset(row, 0, sizeof *row);
    return row;
}

candor_row_context *candor_batch_add_context(candor_batch *b)
{
    void *items = b->contexts;
    candor_row_context *c;
    if (!grow(&items, &b->cap_contexts, b->n_contexts, sizeof *b->contexts)) return NULL;
    b->contexts = items;
    c = &b->contexts[b->n_contexts++];
    memset(c, 0, sizeof *c);
    return c;
}

bool candor_batch_put(candor_batch *b, candor_bytes s, candor_span *out)
{
    if (b->text.n + s.n > UINT32_MAX) return false;
    *out = (candor_span){(uint32_t)b->text.n, (uint32_t)s.n};
    candor_buf_put_bytes(&b->text, s);
    return !b->text.failed;
}

size_t candor_batch_bytes(const candor_batch *b)
{
    return b->text.n + b->n_rows * sizeof *b->rows + b->n_contexts * sizeof *b->contexts;
}

void candor_batch_clear(candor_batch *b)
{
    candor_buf_clear(&b->text);
    b->n_rows = b->n_contexts = 0;
    b->has_id = b->duplicate_batch = false;
    b->sent_ms = 0;
    b->inserted = b->refused = 0;
}

void candor_batch_free(candor_batch *b)
{
    candor_buf_free(&b->text);
    free(b->rows);
    free(b->contexts);
    memset(b, 0, sizeof *b);
}
