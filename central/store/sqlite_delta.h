/* What one transaction adds to the roll-ups, as one row: a commit touches hundreds of counters, and
 * writing each of them costs as much as the events. The writer folds the rows of r_delta into the
 * tables from time to time (sqlite_rollup.c); until then a reader adds them to what it finds there.
 * A row is { size of sums, sums, cells }, all numbers LEB128:
 * sum  { kind, keys of that kind, n as zigzag }
 * cell { type, day, app, dim, n, size of values, values: a histogram bucket each }
 * Layer: central. Threads: any. */
#ifndef CANDOR_CENTRAL_SQLITE_DELTA_H
#define CANDOR_CENTRAL_SQLITE_DELTA_H

#include "base/bytes.h"

/* On disk, so never renumber. */
typedef enum candor_counter_kind {
    CANDOR_COUNT_HOUR,     /* type, app, hour */
    CANDOR_COUNT_USERS,    /* day, app */
    CANDOR_COUNT_APPROVAL, /* day, app, model, decision */
    CANDOR_COUNT_VERSION,  /* day, app, version, candor_version_count */
    CANDOR_COUNT_ERROR,    /* day, app, group */
    CANDOR_COUNT_KINDS
} candor_counter_kind;
enum { CANDOR_COUNT_KEYS = 4 };

typedef struct candor_sum {
    bool used;
    candor_counter_kind kind;
    int64_t k[CANDOR_COUNT_KEYS], n; /* keys that the kind does not have are zero */
} candor_sum;

/* Events of one type, day, app and value of the chart's `by` field. */
typedef struct candor_chart_cell {
    int64_t type, day, app, dim, n;
    candor_bytes values; /* LEB128, a bucket for each event that had a value */
} candor_chart_cell;

int candor_count_keys(candor_counter_kind kind);
void candor_delta_put_sum(candor_buf *out, const candor_sum *s);
void candor_delta_put_cell(candor_buf *out, const candor_chart_cell *c);
void candor_delta_put_row(candor_buf *out, candor_bytes sums, candor_bytes cells);

/* A damaged row ends early: what comes before the damage counts. */
void candor_delta_split(candor_bytes row, candor_bytes *sums, candor_bytes *cells);
bool candor_delta_take_sum(candor_bytes *sums, candor_sum *out);
bool candor_delta_take_cell(candor_bytes *cells, candor_chart_cell *out);
bool candor_delta_take_value(candor_bytes *values, uint32_t *bucket);

#endif
