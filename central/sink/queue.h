/* A bounded queue of records on disk: one thread puts, one takes, and what was synced survives
 * both. A folder of files <number>.q, each with records `u32 length, u32 crc32c, u32 rows, body`,
 * and a file `position` that says where the taker stands: a record may be taken twice after a
 * crash, never skipped. Layer: central. Threads: put and sync by one, next and done by another,
 * counters by any. */
#ifndef CANDOR_CENTRAL_SINK_QUEUE_H
#define CANDOR_CENTRAL_SINK_QUEUE_H

#include "plat/plat.h"

#define CANDOR_QUEUE_FILE_BYTES (UINT64_C(8) << 20) /* then the next one begins */

typedef struct candor_queue candor_queue;

CANDOR_CHECK candor_status candor_queue_open(const char *dir, uint64_t max_bytes,
                                             candor_queue **out, candor_err *err);
void candor_queue_close(candor_queue *q); /* what is inside stays on disk; accepts NULL */

/* CANDOR_FULL: it holds max_bytes, and the record is not in it. must: beyond that as well. */
CANDOR_CHECK candor_status candor_queue_put(candor_queue *q, candor_bytes body, uint32_t rows,
                                            bool must, candor_err *err);
/* Wait for the disk; what was put before can be taken from now on. */
CANDOR_CHECK candor_status candor_queue_sync(candor_queue *q, candor_err *err);

/* The record behind the last one read by next, into out (cleared first). CANDOR_NOTFOUND: none yet.
 * CANDOR_CORRUPT: the rest of that file is given up, and counted. */
CANDOR_CHECK candor_status candor_queue_next(candor_queue *q, candor_buf *out, uint32_t *rows,
                                             candor_err *err);
/* All that next gave is dealt with. */
CANDOR_CHECK candor_status candor_queue_done(candor_queue *q, candor_err *err);
void candor_queue_rewind(candor_queue *q); /* next begins again behind the last done */

typedef struct candor_queue_size {
    uint64_t bytes, records, rows;
    uint64_t damaged; /* records given up as unreadable */
} candor_queue_size;
void candor_queue_measure(candor_queue *q, candor_queue_size *out);

#endif
