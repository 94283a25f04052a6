/* The rows of a group of batches in the order of their ids, each id once: what every sink without
 * roll-ups writes. Layer: central. Threads: one owner. */
#ifndef CANDOR_CENTRAL_SINK_ROWS_H
#define CANDOR_CENTRAL_SINK_ROWS_H

#include "central/sink/sink.h"

typedef struct candor_sink_row {
    candor_batch *batch;
    candor_row *row;
    uint64_t
        head; /* the first half of the id, as a number: rows are sorted without looking at each */
    uint32_t no; /* of the batch in the group */
} candor_sink_row;

typedef struct candor_sink_rows {
    candor_sink_row *items; /* sorted by id, the first of twins alone */
    size_t n, cap;
    candor_batch *const *batches; /* borrowed until finish */
    size_t n_batches;
} candor_sink_rows;

/* Fill; every row counts as a duplicate until candor_sink_rows_new says otherwise. */
CANDOR_CHECK candor_status candor_sink_rows_collect(candor_sink_rows *r,
                                                    candor_batch *const *batches, size_t n,
                                                    candor_err *err);
void candor_sink_rows_free(candor_sink_rows *r); /* accepts a zeroed one */
/* The row with that id; NULL: none. */
candor_sink_row *candor_sink_rows_find(candor_sink_rows *r, const unsigned char id[16]);
void candor_sink_rows_new(candor_sink_row *r); /* it was inserted */
/* Count inserted of each batch by what its rows say. */
void candor_sink_rows_finish(candor_sink_rows *r);
void candor_sink_count_new(candor_batch *const *batches, size_t n); /* the same */
/* Collect, write what is new in one transaction, finish. CANDOR_BUSY of transact: the other side
 * ended the transaction and it may be tried again, attempts times in all, collected anew each
 * time. */
CANDOR_CHECK candor_status candor_sink_rows_store(
    candor_sink_rows *r, candor_batch *const *batches, size_t n, int attempts,
    candor_status (*transact)(void *ctx, candor_err *err), void *ctx, candor_err *err);

/* Tell the sweeper of the rows of batches. */
void candor_sink_rows_note(candor_sweeper *s, candor_batch *const *batches, size_t n);

/* The row as an event. */
void candor_sink_row_event(const candor_sink_row *r, candor_stored_event *out);
/* What the row's chart counts it as, without bytes where its type has none. */
candor_bytes candor_sink_row_group(const candor_sink_row *r);
int64_t candor_sink_id_hour(const unsigned char id[16]);
/* Lowest id of that millisecond; before 1970: of 1970. */
void candor_sink_id_floor(int64_t ms, unsigned char id[16]);
int64_t candor_sink_id_day(const unsigned char id[16]);
/* Ids of a page: from low, which is included, to high, which is not. False: there are none. */
bool candor_filter_range(const candor_event_filter *f, unsigned char low[16],
                         unsigned char high[16]);
bool candor_filter_takes(const candor_event_filter *f, const candor_stored_event *e);
/* Does it look at anything beside the id? */
bool candor_filter_looks(const candor_event_filter *f);

/* The columns that a filter compares with one text each: NULL ends them. */
typedef struct candor_filter_column {
    const char *column, *value;
} candor_filter_column;
enum { CANDOR_FILTER_COLUMNS = 7 };
/* Those that are set; how many. */
size_t candor_filter_columns(const candor_event_filter *f,
                             candor_filter_column out[CANDOR_FILTER_COLUMNS]);
/* The same of an erasure. */
size_t candor_erasure_columns(const candor_erasure *e,
                              candor_filter_column out[CANDOR_FILTER_COLUMNS]);
bool candor_erasure_takes(const candor_erasure *e, const candor_context *c);
/* Tell e->content of these ids; n may be 0. */
CANDOR_CHECK candor_status candor_erasure_tell(const candor_erasure *e, const void *ids, size_t n,
                                               candor_err *err);

#endif
