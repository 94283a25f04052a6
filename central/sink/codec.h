/* A batch as bytes, for queues on disk. Layer: central. Threads: any. */
#ifndef CANDOR_CENTRAL_SINK_CODEC_H
#define CANDOR_CENTRAL_SINK_CODEC_H

#include "central/store/store.h"

/* Append the batch; its id is left out, so that each event is judged by its own. */
CANDOR_CHECK candor_status candor_batch_encode(const candor_batch *b, candor_buf *out);
/* Into a cleared batch. *unknown: rows left out because the schema has their type no longer. */
CANDOR_CHECK candor_status candor_batch_decode(candor_bytes in, const candor_schema *schema,
                                               candor_batch *out, size_t *unknown);

#endif
