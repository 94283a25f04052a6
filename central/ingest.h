/* Stage 7/10: ingest. In: the body of POST /api/v1/events. Out: a batch of re-sanitised events at
 * the store, and after its commit the answer for each event. Layer: central. Threads: one
 * candor_ingest a loop. */
#ifndef CANDOR_CENTRAL_INGEST_H
#define CANDOR_CENTRAL_INGEST_H

#include "central/conn.h"

typedef struct candor_ingest candor_ingest;
CANDOR_CHECK candor_status candor_ingest_new(candor_server *s, candor_ingest **out,
                                             candor_err *err);
void candor_ingest_free(candor_ingest *g); /* accepts NULL */
/* One pepper, a key for each use of it. */
#define CANDOR_INGEST_MACHINE "machine id"
CANDOR_CHECK candor_status candor_ingest_key(const unsigned char pepper[32], const char *use,
                                             candor_hmac **out);

/* False: Content-Encoding is something else than gzip, identity or absent, and c->reply says so. */
bool candor_ingest_encoding_ok(candor_conn *c);
/* Disk space and the rate of this sender; limit goes by token and machine, peer_limit by token and
 * address. False: c->reply holds the refusal. */
bool candor_ingest_admit(candor_conn *c, candor_ratelimit *limit, candor_ratelimit *peer_limit);
/* Checks on the head: rate limit, types, batch id. False: c->reply holds the refusal. */
bool candor_ingest_begin(candor_conn *c);
void candor_ingest_run(candor_conn *c);

#endif
