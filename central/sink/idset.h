/* A set of event ids. Layer: central. Threads: one owner. */
#ifndef CANDOR_CENTRAL_SINK_IDSET_H
#define CANDOR_CENTRAL_SINK_IDSET_H

#include "base/bytes.h"

typedef struct candor_idset { /* zero-initialise */
    unsigned char (*ids)[16];
    size_t n, cap; /* cap: power of two */
    bool has_zero; /* the id of zeroes, which marks a free place */
} candor_idset;

bool candor_idset_has(const candor_idset *s, const unsigned char id[16]);
/* fresh, which may be NULL: it was not in the set. CANDOR_NOMEM: nothing was added. */
CANDOR_CHECK candor_status candor_idset_add(candor_idset *s, const unsigned char id[16],
                                            bool *fresh);
/* The id's place will be looked at soon: the set is larger than any cache. */
void candor_idset_soon(const candor_idset *s, const unsigned char id[16]);
void candor_idset_free(candor_idset *s); /* accepts a zeroed one; leaves it zeroed */

#endif
