/* One page of events from a backend that answers queries: bounded by scan_rows whatever the filter.
 * Layer: central. Threads: the reader's. */
#ifndef CANDOR_CENTRAL_SINK_PAGE_H
#define CANDOR_CENTRAL_SINK_PAGE_H

#include "central/sink/rows.h"

typedef struct candor_page_range {
    unsigned char low[16], high[16]; /* low included, high not */
} candor_page_range;

/* What a backend can do. */
typedef struct candor_page_source {
    /* The id of the rows-th event of the range, counted from its end; *has false: it has fewer. */
    candor_status (*window)(void *ctx, const candor_page_range *range, unsigned rows,
                            unsigned char id[16], bool *has, candor_err *err);
    /* At most limit events of the range that the filter takes, newest id first. */
    candor_status (*select)(void *ctx, const candor_page_range *range, const candor_event_filter *f,
                            unsigned limit, candor_event_visit *visit, void *visit_ctx,
                            candor_err *err);
    void *ctx;
} candor_page_source;

CANDOR_CHECK candor_status candor_sink_page(const candor_page_source *src,
                                            const candor_event_filter *f, candor_event_visit *visit,
                                            void *ctx, candor_event_page *out, candor_err *err);

#endif
