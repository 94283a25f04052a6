/* Recovery: what dead processes left. In: segments whose lock can be taken, spool files without a
 * row, rows without a file. Out: all of it in the spool, or counted. Layer: client. Threads: the
 * worker. */
#ifndef CANDOR_CLIENT_RECOVER_H
#define CANDOR_CLIENT_RECOVER_H

#include "client/store.h"

typedef struct candor_recovered {
    uint64_t segments, records, adopted;
    int64_t
        left_ms; /* the oldest event that stays in the journal of a dead process; 0: none does */
} candor_recovered;

/* Everything; at start and after state.db was rebuilt. */
void candor_recover(candor_store *s, candor_recovered *out);
/* What may have been left since: orphaned files and segments; before an upload round. */
void candor_recover_dead(candor_store *s, candor_recovered *out);
/* Delete the segments of dead processes unread; returns how many records that were. Those of the
 * living that were made before live_before_ms go too, and are counted by their owners, who find out
 * (CANDOR_HAPPENED_OFF); 0: they stay. */
uint64_t candor_recover_purge(candor_store *s, int64_t live_before_ms);
/* Whether another process, or another client of this one, has a journal here. To be asked while
 * this client has none. */
bool candor_recover_others_live(const candor_store *s);

#endif
