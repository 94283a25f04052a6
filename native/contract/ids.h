/* Ids: what may stand in an event as it is. Layer: contract. Threads: a memo belongs to one thread
 * at a time; the rest any. */
#ifndef CANDOR_CONTRACT_IDS_H
#define CANDOR_CONTRACT_IDS_H

#include "base/bytes.h"

/* The `id` rule, also used for base fields: 1..max bytes of [A-Za-z0-9._:+-], and
 * nothing in it that candor_redact would replace. */
bool candor_id_ok(candor_bytes s, size_t max);
/* An app version: an id of at most CANDOR_BASE_ID_MAX bytes, but what reads like an address passes,
 * because 10.0.22631.1 is a version. A token or a key is refused as in any other id. */
bool candor_version_ok(candor_bytes s);
/* [A-Za-z0-9._:+-] only: what needs no escape in JSON and no quoting anywhere else. */
bool candor_id_charset_ok(candor_bytes s);

/* Ids that were found good. An app, its version, a platform and a model stand in nearly every
 * event, and to look through them anew took two fifths of the time that an event takes. Zeroed:
 * empty. */
#define CANDOR_ID_MEMO_SLOTS 64
typedef struct candor_id_memo_slot {
    unsigned char n; /* 0: free */
    unsigned allowed;
    char text[32];
} candor_id_memo_slot;
typedef struct candor_id_memo {
    candor_id_memo_slot slots[CANDOR_ID_MEMO_SLOTS];
} candor_id_memo;
/* The same as without it. */
bool candor_id_known_ok(candor_id_memo *m, candor_bytes s, size_t max);
bool candor_version_known_ok(candor_id_memo *m, candor_bytes s);

#endif
