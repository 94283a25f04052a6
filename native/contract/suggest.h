/* "Did you mean": the known word nearest to one that is not known.
 * Layer: contract. Threads: any. */
#ifndef CANDOR_CONTRACT_SUGGEST_H
#define CANDOR_CONTRACT_SUGGEST_H

#include "base/bytes.h"

typedef struct candor_suggest {
    candor_bytes word; /* set by the caller; the rest zero */
    candor_bytes best; /* empty: nothing is near enough to be worth a hint */
    unsigned distance;
} candor_suggest;

/* Offer one known word, borrowed as long as `best` is read. */
void candor_suggest_offer(candor_suggest *s, candor_bytes known);

#endif
