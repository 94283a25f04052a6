/* Base fields of a session, fingerprinted and with the machine id hashed again; remembered, because
 * neighbouring events share them. Layer: central. Threads: one owner. */
#ifndef CANDOR_CENTRAL_INGEST_CONTEXT_H
#define CANDOR_CENTRAL_INGEST_CONTEXT_H

#include "central/store/store.h"

typedef struct candor_context_cache candor_context_cache;
/* machine_key: borrowed */
CANDOR_CHECK candor_status candor_context_cache_new(candor_hmac *machine_key,
                                                    candor_context_cache **out);
void candor_context_cache_free(candor_context_cache *k); /* accepts NULL */
/* Index of c in b->contexts, added when new. serial: differs for each batch. */
CANDOR_CHECK candor_status candor_context_cache_find(candor_context_cache *k, candor_batch *b,
                                                     uint64_t serial, const candor_context *c,
                                                     uint32_t *out);

#endif
