/* Sums of a query over events: bounded in memory, shown in one order whatever order they came in.
 * What a sink without roll-ups answers candor_stat with; where its server groups already, of a few
 * groups, else of single events. Layer: central. Threads: one owner. */
#ifndef CANDOR_CENTRAL_SINK_SUMS_H
#define CANDOR_CENTRAL_SINK_SUMS_H

#include "central/store/store.h"

/* More end with CANDOR_INVALID and a sentence that asks for a shorter time. */
#define CANDOR_SUMS_CELLS ((size_t)1 << 19)
#define CANDOR_SUMS_BYTES ((size_t)64 << 20) /* of their names */
#define CANDOR_SUMS_DIMS  1000               /* values of one chart; the next ones are "(other)" */

typedef struct candor_sums candor_sums;

CANDOR_CHECK candor_status candor_sums_new(candor_stat what, const candor_schema *schema,
                                           candor_sums **out, candor_err *err);
void candor_sums_free(candor_sums *s); /* accepts NULL */

/* n more under these keys, which are those of candor_stat's rows but for two:
 * CHARTS    k: the bucket of n events, or negative where they measured nothing
 * VERSIONS  b: the event type, which says what else is counted; k is ignored */
CANDOR_CHECK candor_status candor_sums_add(candor_sums *s, candor_bytes a, candor_bytes b,
                                           candor_bytes c, int64_t k, int64_t n, candor_err *err);
/* The sentence of too many, for a backend whose own answer has more than CANDOR_SUMS_CELLS rows. */
candor_status candor_sums_full(candor_err *err);
/* One more under k, unless who was counted there before. For USERS, FAILED and FAILED_DAYS. */
CANDOR_CHECK candor_status candor_sums_once(candor_sums *s, candor_bytes who, int64_t k,
                                            candor_err *err);
/* The rows in the order of their names, then of k. Nothing can be added afterwards. */
CANDOR_CHECK candor_status candor_sums_show(candor_sums *s,
                                            bool (*visit)(void *ctx, const candor_stat_row *row),
                                            void *ctx, candor_err *err);

#endif
