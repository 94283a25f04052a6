/* Histograms of durations and sizes: log2 octaves, 16 linear parts each, so that a quantile is
 * within 3.2 % of the true value. Stored as a sparse blob: pairs of LEB128 numbers, the distance to
 * the next bucket and its count. Layer: central. Threads: any. */
#ifndef CANDOR_CENTRAL_HISTOGRAM_H
#define CANDOR_CENTRAL_HISTOGRAM_H

#include "base/bytes.h"

/* From 2^-10, a thousandth of a millisecond (below it, and zero, is bucket 0), up to 2^41, which is
 * above CANDOR_NUMBER_MAX; the last bucket takes what is larger. */
#define CANDOR_HIST_PARTS   16u
#define CANDOR_HIST_LOW     (-10)
#define CANDOR_HIST_OCTAVES 51u
#define CANDOR_HIST_BUCKETS (1u + CANDOR_HIST_OCTAVES * CANDOR_HIST_PARTS)
#define CANDOR_NO_BUCKET    UINT32_MAX

uint32_t candor_hist_bucket(double v);     /* negative, zero and NaN: 0 */
double candor_hist_value(uint32_t bucket); /* its middle; at most CANDOR_NUMBER_MAX */

/* LEB128; take moves *in forward, false when it is cut short. */
bool candor_leb128_take(candor_bytes *in, uint64_t *out);
void candor_leb128_put(candor_buf *out, uint64_t v);

/* Add a blob's counts to counts[CANDOR_HIST_BUCKETS]. first and last: of the buckets that it has,
 * first > last when it has none. False when it is damaged. */
bool candor_hist_add(candor_bytes blob, uint64_t *counts, uint32_t *first, uint32_t *last);
/* counts[first..last]; nothing when first > last. */
void candor_hist_encode(const uint64_t *counts, uint32_t first, uint32_t last, candor_buf *out);
/* blob plus one for each of sorted[n] (ascending buckets), without unpacking it. False when the
 * blob was damaged: its tail is left out. */
bool candor_hist_merge(candor_bytes blob, const uint32_t *sorted, size_t n, candor_buf *out);
/* The values at the quantiles q[n] (0..1, ascending) of counts[first..last] by nearest rank; 0 when
 * empty. */
void candor_hist_quantiles(const uint64_t *counts, uint32_t first, uint32_t last, const double *q,
                           size_t n, double *out);

#endif
