/* The bounded tables behind the summary of a package. Private to package_sums.c and
 * package_write.c. Layer: contract. Threads: one owner at a time. */
#ifndef CANDOR_CONTRACT_PACKAGE_SUMS_H
#define CANDOR_CONTRACT_PACKAGE_SUMS_H

#include "contract/package.h"

#define CANDOR_SUMS_TEXT    64   /* bytes of a name or code; a longer one is counted as "other" */
#define CANDOR_SUMS_BUCKETS 752  /* 16 parts an octave of microseconds, to CANDOR_NUMBER_MAX */
#define CANDOR_SUMS_SLOTS   2048 /* of the set of correlation ids: twice as many as it may hold */

typedef struct candor_sums_text {
    char p[CANDOR_SUMS_TEXT];
    unsigned n; /* 0: none */
} candor_sums_text;

typedef struct candor_sums_span {
    uint64_t count;
    int64_t first_ms, last_ms;
} candor_sums_span;

typedef struct candor_sums_metric {
    const candor_event_def *def;
    const candor_field *field;
    candor_sums_text name;
    uint64_t count;
    double min, max, sum;
    uint32_t *buckets; /* CANDOR_SUMS_BUCKETS */
} candor_sums_metric;

typedef struct candor_sums_error {
    const candor_event_def *def; /* NULL: the row of all that found no row */
    candor_sums_text code;
    char hash[CANDOR_HASH_TEXT]; /* of the message; starts with NUL when there is none */
    candor_sums_span span;
} candor_sums_error;

struct candor_package_sums {
    const candor_schema *schema;
    candor_hmac *hash_key;
    candor_sums_span all, other; /* other: of event types that the schema does not know */
    candor_sums_span *types;     /* by index in the schema */
    candor_sums_metric *metrics; /* CANDOR_PACKAGE_METRICS_MAX and one that catches the rest */
    unsigned n_metrics;
    candor_sums_error *errors; /* CANDOR_PACKAGE_ERRORS_MAX and one that catches the rest */
    unsigned n_errors;
    candor_buf ids;                                     /* correlation ids, one after the other */
    uint32_t id_at[CANDOR_SUMS_SLOTS];                  /* 1 + offset in ids; 0: free */
    unsigned char id_n[CANDOR_SUMS_SLOTS];              /* their lengths */
    uint32_t id_order[CANDOR_PACKAGE_CORRELATIONS_MAX]; /* slots as they came */
    unsigned n_ids;
    uint64_t ids_more;
    candor_bytes governance_id; /* that all events share so far; borrowed from the schema */
    bool governance_differs;
    candor_buf text; /* scratch */
};

#endif
