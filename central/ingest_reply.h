/* The answer to an upload. Layer: central. */
#ifndef CANDOR_CENTRAL_INGEST_REPLY_H
#define CANDOR_CENTRAL_INGEST_REPLY_H

#include "base/uuid.h"
#include "central/conn.h"
#include "central/store/histogram.h"
#include "central/store/store.h"

typedef struct candor_ingest_request {
    candor_batch batch; /* first: a task of the batch is one of the request */
    struct candor_ingest_request *next;
    candor_conn *conn;
    unsigned char *status; /* a reason (metrics.h) for each event of the request, in its order */
    size_t n, cap;
    candor_tally tally;
    char package_id[CANDOR_UUID_TEXT + 1]; /* empty: not a package */
} candor_ingest_request;

/* Fill c->reply from the outcome of r->batch, and count. */
void candor_ingest_reply(candor_ingest_request *r, candor_conn *c);

#endif
