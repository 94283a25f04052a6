/* Stage 6/10: upload. In: due batches of the spool. Out: POST <endpoint>/api/v1/events, or
 * OTLP/HTTP, and each batch deleted, kept for later, or quarantined. One process of a directory
 * uploads at a time (leader.lock). Layer: client. Threads: the worker, whose loop drives the
 * transfer. */
#ifndef CANDOR_CLIENT_UPLOAD_H
#define CANDOR_CLIENT_UPLOAD_H

#include "client/notice.h"
#include "client/policy.h"
#include "client/store.h"

typedef struct candor_uploader_identity {
    const char *machine_id;  /* CANDOR_HASH_TEXT digits, terminated */
    unsigned notice_version; /* of the schema */
    candor_consent *consent; /* borrowed */
    bool ci;                 /* Candor-Environment: ci */
} candor_uploader_identity;

/* An exported package on its way: one request of its own, not a batch. */
typedef struct candor_upload_package {
    bool active;
    char id[CANDOR_UUID_TEXT + 1];
    uint64_t events;
    candor_buf body; /* gzip */
} candor_upload_package;

typedef struct candor_uploader {
    candor_store *store;
    const candor_settings *settings;
    candor_uploader_identity identity;
    candor_exporter *exporter; /* counts; makes the requests of otlp_http. NULL: none of that */
    candor_http *http;         /* made at the first request */
    candor_file *leader;       /* held during a round */
    bool active, manual;
    unsigned failed, refused; /* of this round: tries that failed; refusals in a row */
    candor_mode mode;         /* that holds now; the worker keeps it up to date */
    int64_t since_ms;         /* of a manual round: only batches made since; 0: all */
    uint64_t sent_bytes;      /* of this round, against max_upload_bytes */
    candor_upload_package package;
    candor_batch_row row;       /* in flight */
    char consent[96];           /* header value */
    uint64_t uploaded, events;  /* of this round */
    char error[256];            /* of this round */
    int64_t last_round_ms;      /* unix; 0: never */
    uint64_t random;            /* state of the jitter */
    struct candor_vault *vault; /* NULL: no attachments */
    bool attaching;             /* what is in flight is an attachment */
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
/* Send u->package, which the caller has filled but for `active`, in a round of its own. As begin
 * with manual. Frees the package's body in every case but CANDOR_BUSY. */
CANDOR_CHECK candor_status candor_uploader_begin_package(candor_uploader *u, const char *consent);
/* Whether another process is in a round. */
bool candor_uploader_is_led(candor_uploader *u);
/* What a manual round would send now, without sending. error (256 bytes) is why it would not start,
 * or empty. */
typedef struct candor_upload_plan {
    uint64_t batches, events, attachments, bytes;
    char error[256];
} candor_upload_plan;
CANDOR_CHECK candor_status candor_uploader_plan(candor_uploader *u, int64_t since_ms,
                                                candor_upload_plan *out, candor_err *err);
/* The answer came: settle the batch, then send the next or end the round. */
void candor_uploader_answer(candor_uploader *u, const candor_http_response *r);
/* Close the connection and end the round; the batch stays as it is. */
void candor_uploader_cancel(candor_uploader *u);
/* Cancel, if an attachment is in flight. */
void candor_uploader_cancel_attachment(candor_uploader *u);
/* Whether a round that has sent so many bytes may send `bytes` more. */
bool candor_uploader_fits(const candor_uploader *u, uint64_t sent, uint64_t bytes);
/* The connection, made at the first use. */
CANDOR_CHECK candor_status candor_uploader_http(candor_uploader *u, candor_err *err);
/* Mode auto: unix ms of the next round, INT64_MAX: nothing to send. */
int64_t candor_uploader_due_ms(const candor_uploader *u, const candor_state_totals *totals);

#endif
