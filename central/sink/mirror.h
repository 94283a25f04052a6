/* A sink behind a queue on disk, filled by a thread of its own: while it is away, the queue keeps
 * what it misses. Layer: central. Threads: put, erase, sync and free on the writer's; counters on
 * any. */
#ifndef CANDOR_CENTRAL_SINK_MIRROR_H
#define CANDOR_CENTRAL_SINK_MIRROR_H

#include "central/sink/sink.h"

typedef struct candor_mirror candor_mirror;

typedef struct candor_mirror_settings {
    const char *name; /* of the sink's kind */
    candor_sink_open_fn *open;
    candor_sink_settings sink; /* dir: the folder of the queue */
    uint64_t queue_bytes;
    uint64_t retry_ms; /* first pause after a failure; 0: 1000 */
} candor_mirror_settings;

/* Does not wait for the sink: whether it answers is seen later, in the counters and in the log. */
CANDOR_CHECK candor_status candor_mirror_new(const candor_mirror_settings *s, candor_mirror **out,
                                             candor_err *err);
void candor_mirror_free(candor_mirror *m); /* accepts NULL; the queue stays on disk */

/* body: an encoded batch; empty: it could not be made. What finds no place is counted as dropped;
 * never an error. */
void candor_mirror_put(candor_mirror *m, candor_bytes body, uint32_t rows);
void candor_mirror_sync(candor_mirror *m);
/* Behind all that was put, also when the queue is full. */
CANDOR_CHECK candor_status candor_mirror_erase(candor_mirror *m, const candor_erasure *e,
                                               candor_err *err);
void candor_mirror_retain(candor_mirror *m, int64_t first_day); /* soon */

typedef struct candor_mirror_counters {
    bool healthy;
    char trouble[256]; /* sentence when not */
    uint64_t queued_rows, queued_bytes;
    uint64_t stored, known; /* rows that were new there, and that it had */
    uint64_t dropped;       /* rows that found no place in the queue */
    uint64_t refused;       /* rows that the sink will never take, or no longer known */
    uint64_t damaged;       /* records of the queue that were unreadable */
} candor_mirror_counters;
void candor_mirror_measure(candor_mirror *m, candor_mirror_counters *out);
const char *candor_mirror_name(const candor_mirror *m);

#endif
