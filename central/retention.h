/* How long events are kept, by category: the rules of --retention, what they deleted, and the plan
 * that a store follows. A store drops whole days that are older than the longest time; a sweep
 * takes the categories that go sooner out of the days that stay. Layer: central. Threads: rules are
 * read only; counters on any; a sweeper belongs to one thread. */
#ifndef CANDOR_CENTRAL_RETENTION_H
#define CANDOR_CENTRAL_RETENTION_H

#include <stdatomic.h>

#include "contract/schema.h"

#define CANDOR_RETENTION_MAX      64 /* categories of a schema that rules may name */
#define CANDOR_RETENTION_DAYS_MAX 36500

typedef struct candor_retention {
    uint64_t days; /* of what no rule names; 0: for ever */
    struct {
        candor_bytes category; /* borrowed from the schema */
        uint64_t days;
    } rules[CANDOR_RETENTION_MAX];
    size_t n;
} candor_retention;

/* text: CATEGORY=DAYS, separated by spaces. A category that the schema has not is refused. */
CANDOR_CHECK candor_status candor_retention_read(const char *text, uint64_t days,
                                                 const candor_schema *schema, candor_retention *out,
                                                 candor_err *err);
uint64_t candor_retention_of(const candor_retention *r, candor_bytes category);
uint64_t candor_retention_longest(const candor_retention *r); /* 0: for ever */

/* --- what was deleted ----------------------------------------------------------------------- */

typedef struct candor_deleted { /* zero-initialise, then init */
    candor_bytes names[CANDOR_RETENTION_MAX];
    _Atomic uint64_t counts[CANDOR_RETENTION_MAX];
    size_t n;
    _Atomic uint64_t other; /* of no category that is known, or of whole files */
    _Atomic uint64_t total;
} candor_deleted;
void candor_deleted_init(candor_deleted *d, const candor_schema *schema);
void candor_deleted_add(candor_deleted *d, candor_bytes category, uint64_t n); /* accepts NULL */
void candor_deleted_sum(candor_deleted *d, const candor_deleted *more);        /* accepts NULL */
/* {"ui":12,..,"other":3}, those that are not zero. */
void candor_deleted_write(const candor_deleted *d, candor_buf *json);

/* --- the plan ------------------------------------------------------------------------------- */

/* Events of these categories whose ids are of from_ms up to, not including, to_ms are to go. */
typedef struct candor_sweep {
    int64_t from_ms, to_ms;
    const candor_bytes *categories;
    size_t n;
    candor_deleted *deleted; /* may be NULL */
} candor_sweep;
bool candor_sweep_takes(const candor_sweep *w, candor_bytes category);
typedef candor_status candor_sweep_fn(void *ctx, const candor_sweep *w, candor_err *err);

typedef struct candor_sweeper { /* zeroed: nothing to do */
    candor_deleted *deleted;
    uint64_t longest;
    candor_bytes categories[CANDOR_RETENTION_MAX]; /* those of a class lie together */
    struct {
        uint64_t days;
        size_t first, n;
        int64_t swept_ms; /* all before is gone */
    } classes[CANDOR_RETENTION_MAX];
    size_t n_classes;
} candor_sweeper;
/* rules, deleted: may be NULL, and are borrowed for as long as the sweeper is used. */
void candor_sweeper_init(candor_sweeper *s, const candor_retention *rules,
                         const candor_schema *schema, candor_deleted *deleted);
/* Sweep spans of span_ms, a part of a day, that are due, one or as many as ten milliseconds take;
 * *more: there may be another. After a start
 * all days that are kept for some category are looked through once. */
CANDOR_CHECK candor_status candor_sweeper_step(candor_sweeper *s, int64_t now_ms, int64_t span_ms,
                                               candor_sweep_fn *sweep, void *ctx, bool *more,
                                               candor_err *err);
/* An event of that time was written: where its like has been swept already, that day comes again.
 */
void candor_sweeper_note(candor_sweeper *s, int64_t id_ms, candor_bytes category);

#endif
