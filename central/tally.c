#include "central/tally.h"

#include <stdlib.h>

bool candor_names_add(candor_name_counts *t, candor_bytes name, int64_t n, int64_t errors)
{
    size_t i, len = name.n < sizeof t->items->name ? name.n : sizeof t->items->name - 1;
    for (i = 0; i < t->n; i++)
        if (strlen(t->items[i].name) == len && memcmp(t->items[i].name, name.p, len) == 0) break;
    if (i == t->cap) {
        size_t cap = t->cap != 0 ? t->cap * 2 : 32;
        candor_name_count *p = realloc(t->items, cap * sizeof *p);
        if (p == NULL) return false;
        t->items = p;
        t->cap = cap;
    }
    if (i == t->n) {
        if (len != 0) memcpy(t->items[i].name, name.p, len);
        t->items[i].name[len] = '\0';
        t->items[i].n = t->items[i].errors = 0;
        t->n++;
    }
    t->items[i].n += n;
    t->items[i].errors += errors;
    return true;
}

static int by_count(const void *x, const void *y)
{
    const candor_name_count *a = x, *b = y;
    if (a->n != b->n) return a->n > b->n ? -1 : 1;
    return strcmp(a->name, b->name);
}

void candor_names_sort(candor_name_counts *t)
{
    if (t->n > 1) qsort(t->items, t->n, sizeof *t->items, by_count);
}

void candor_names_free(candor_name_counts *t)
{
    free(t->items);
    *t = (candor_name_counts){0};
}
