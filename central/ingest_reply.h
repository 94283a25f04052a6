/* The answer to an upload. Layer: central. */
#ifndef CANDOR_CENTRAL_INGEST_REPLY_H
#define CANDOR_CENTRAL_INGEST_REPLY_H

#include "base/uuid.h"
#include "central/conn.h"
#include "central/store/histogram.h"
#include "central/store/store.h"

typedef struct candor_ingest_request candor_ingest_request;
/* Fills r->batch from the body of r->conn. False: its reply holds the refusal. */
typedef bool candor_ingest_reader(candor_ingest_request *r);
/* Fills c->reply from the outcome of r->batch, and counts. */
typedef void candor_ingest_answer(candor_ingest_request *r, candor_conn *c);

struct candor_ingest_request {
    candor_batch batch; /* first: a task of the batch is one of the request */
    struct candor_ingest_request *next;
    candor_conn *conn;
    candor_ingest_reader *read;
    candor_ingest_answer *answer;
    struct candor_ingest *tools; /* of the thread that reads the body */
    bool refused;                /* the body: reply holds why */
    unsigned char *status; /* a reason (metrics.h) for each event of the request, in its order */
    size_t n, cap;
    candor_tally tally;
    uint64_t left_out;                     /* attributes of OTLP that the schema does not have */
    char package_id[CANDOR_UUID_TEXT + 1]; /* empty: not a package */
};

candor_ingest_answer candor_ingest_reply;
/* What every answer begins with: false, and c->reply says so, when the batch is not stored; else
 * the outcome is counted. */
bool candor_ingest_stored(candor_ingest_request *r, candor_conn *c, size_t *rejected);

#endif
