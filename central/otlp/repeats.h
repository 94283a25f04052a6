/* How often each content came in one request. Layer: central. Threads: one owner. */
#ifndef CANDOR_CENTRAL_OTLP_REPEATS_H
#define CANDOR_CENTRAL_OTLP_REPEATS_H

#include "base/bytes.h"

typedef struct candor_repeat {
    unsigned char id[16];
    uint32_t n; /* 0: a free place */
} candor_repeat;
typedef struct candor_repeats { /* zero-initialise */
    candor_repeat *items;
    size_t n, cap; /* cap: power of two */
} candor_repeats;

/* How often id was counted before. False: memory is out. */
bool candor_repeats_count(candor_repeats *r, const unsigned char id[16], uint32_t *before);
void candor_repeats_free(candor_repeats *r);

#endif
