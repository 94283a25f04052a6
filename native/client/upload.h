/* Stage 6/10: upload. In: due batches of the spool. Out: POST <endpoint>/api/v1/events, and each
 * batch deleted, kept for later, or quarantined. One process of a directory uploads at a time
 * (leader.lock). Layer: client. Threads: the worker, whose loop drives the transfer. */
#ifndef CANDOR_CLIENT_UPLOAD_H
#define CANDOR_CLIENT_UPLOAD_H

#include "client/policy.h"
#include "client/store.h"

typedef struct candor_uploader_identity {
    const char *machine_id;  /* CANDOR_HASH_TEXT digits, terminated */
    unsigned notice_version; /* of the schema */
} candor_uploader_identity;

typedef struct candor_uploader {
    candor_store *store;
    const candor_settings *settings;
    candor_uploader_identity identity;
    candor_http *http;   /* made at the first request */
    candor_file *leader; /* held during a round */
    bool active, manual;
    unsigned failed, refused;  /* of this round: tries that failed; refusals in a row */
    candor_batch_row row;      /* in flight */
    char consent[96];          /* header value */
    uint64_t uploaded, events; /* of this round */
    char error[256];           /* of this round */
    int64_t last_round_ms;     /* unix; 0: never */
    uint64_t random;           /* state of the jitter */
} candor_uploader;

CANDOR_CHECK candor_status candor_uploader_init(candor_uploader *u, candor_store *store,
                                                const candor_settings *settings,
                                                const candor_uploader_identity *identity);
void candor_uploader_deinit(candor_uploader *u);

/* Start a round; afterwards active says whether a request is in flight. manual: backoff of a batch
 * does not count, Retry-After of the endpoint does. consent: value of the Candor-Consent header.
 * CANDOR_BUSY: another process uploads. Otherwise OK, with error set when the round failed at once.
 */
CANDOR_CHECK candor_status candor_uploader_begin(candor_uploader *u, bool manual,
                                                 const char *consent);
/* The answer came: settle the batch, then send the next or end the round. */
void candor_uploader_answer(candor_uploader *u, const candor_http_response *r);
/* Close the connection and end the round; the batch stays as it is. */
void candor_uploader_cancel(candor_uploader *u);
/* Mode auto: unix ms of the next round, INT64_MAX: nothing to send. */
int64_t candor_uploader_due_ms(const candor_uploader *u, const candor_state_totals *totals);

#endif
