/* Stage 4/10: batch. In: records of one journal segment. Out: a gzip member of event lines, its row
 * for state.db, and what it counts by hour and type. Layer: client. Threads: the worker.
 *
 * The gzip comment says where the batch came from, so that a file without a row can be adopted and
 * the segment is not read again: "candor/1 schema=<hash> events=<n> segment=<uuid> to=<offset>". */
#ifndef CANDOR_CLIENT_BATCH_H
#define CANDOR_CLIENT_BATCH_H

#include "client/rollup.h"

#define CANDOR_BATCH_COMMENT_MAX 240

typedef struct candor_batch {
    candor_batch_row row;
    char comment[CANDOR_BATCH_COMMENT_MAX]; /* of the gzip header */
    candor_buf lines, gz;                   /* inflated and compressed content */
    candor_hour_count *counts;
    size_t n_counts, cap_counts;
    unsigned char segment_id[16];
    bool has_segment;
    candor_rollup_tally *rollup; /* counts what is not written; NULL: everything is written */
    uint64_t to;                 /* offset in the segment behind the last record that was read */
    uint64_t damaged;            /* records that could not be read and were passed over */
    bool lost;                   /* nothing behind `to` can be read */
} candor_batch;

void candor_batch_deinit(candor_batch *b); /* accepts a zeroed one */

/* Read records from offset `at` up to limit, at most CANDOR_BATCH_EVENTS_MAX and
 * CANDOR_BATCH_BYTES_MAX. row.events == 0: nothing to write, but damaged, lost and to are set.
 * gzip_level 0: lines only, no gz. Slices in counts point into the segment. */
CANDOR_CHECK candor_status candor_batch_build(candor_batch *b, const candor_segment *s, uint64_t at,
                                              size_t limit, int gzip_level, candor_err *err);

/* The reverse, for a spool file without a row: gz is the file's content, id its name.
 * CANDOR_CORRUPT: not a whole gzip file of event lines. Slices in counts point into b->lines. */
CANDOR_CHECK candor_status candor_batch_adopt(candor_batch *b, const char *id, candor_bytes gz,
                                              candor_err *err);

/* The same of a file that cannot be read yet: what the comment says. Nothing is counted by hour. */
CANDOR_CHECK candor_status candor_batch_adopt_comment(candor_batch *b, const char *id,
                                                      candor_bytes comment, uint64_t bytes,
                                                      candor_err *err);

#endif
