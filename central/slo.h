/* The service level: sessions without an event of type Error. Layer: central. Threads: any. */
#ifndef CANDOR_CENTRAL_SLO_H
#define CANDOR_CENTRAL_SLO_H

#include "central/store/store.h"

typedef struct candor_slo {
    int64_t sessions, failed;
} candor_slo;

/* starts: events SessionStart. Sessions that failed may have begun before the range, or have lost
 * their start on the way: never more fail than there are. */
candor_slo candor_slo_of(int64_t starts, int64_t failed);
/* Of all apps, from roll-ups; of a range as candor_stat_range cuts it. CANDOR_NOTFOUND: the store
 * keeps no such sums. */
CANDOR_CHECK candor_status candor_slo_measure(const candor_store *store, candor_reader *r,
                                              int64_t from_ms, int64_t to_ms, candor_slo *out,
                                              candor_err *err);
/* How many times faster than the target allows sessions fail; 0 without sessions. target: a ratio
 * below 1. See https://sre.google/workbook/alerting-on-slos/ */
double candor_slo_burn(const candor_slo *s, double target);
/* A ratio from 0 to 1 written plainly, such as 0.995. */
bool candor_slo_target(const char *text, double *out);

#endif
