/* A short list of names with counts, largest first. Layer: central. Threads: one owner. */
#ifndef CANDOR_CENTRAL_TALLY_H
#define CANDOR_CENTRAL_TALLY_H

#include "base/bytes.h"
#include "contract/limits.h"

typedef struct candor_name_count {
    char name[CANDOR_NAME_MAX * 2 + 1];
    int64_t n, errors;
} candor_name_count;

/* Zero-initialise. */
typedef struct candor_name_counts {
    candor_name_count *items;
    size_t n, cap;
} candor_name_counts;

/* False: memory is out. */
bool candor_names_add(candor_name_counts *t, candor_bytes name, int64_t n, int64_t errors);
void candor_names_sort(candor_name_counts *t); /* by count, then by name */
void candor_names_free(candor_name_counts *t);

#endif
