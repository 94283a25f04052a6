/* Erasure of a person or a machine: out of the events and their sums, the sessions, and the texts
 * of full content, with a signed receipt. The collector keeps nothing else of them: uploads that it
 * refuses are not kept. Layer: central. Threads: start from any; done on the store's. */
#ifndef CANDOR_CENTRAL_ERASE_H
#define CANDOR_CENTRAL_ERASE_H

#include "central/conn.h"
#include "central/receipt.h"
#include "central/server.h"

#define CANDOR_ERASE_PATH     "/api/v1/erasures"
#define CANDOR_ERASE_BODY_MAX 4096

typedef struct candor_erase_job {
    candor_erasure erasure; /* first: its task is one of the job */
    candor_server *server;
    candor_hmac *machine_key;
    candor_receipt receipt;
    char id[CANDOR_BASE_ID_MAX + 1], app[CANDOR_TOKEN_APP + 1];
    char machine[CANDOR_HASH_TEXT + 1];       /* as stored */
    void (*done)(struct candor_erase_job *j); /* on the store's thread; takes it back */
    void *owner;
} candor_erase_job;

/* One of user and machine, by the id that the client sends; the other is empty. app may be empty.
 */
CANDOR_CHECK candor_status candor_erase_new(candor_server *s, candor_bytes user,
                                            candor_bytes machine, candor_bytes app,
                                            candor_erase_job **out, candor_err *err);
void candor_erase_free(candor_erase_job *j); /* accepts NULL */
/* As the store's erase. After done, j->erasure.status says whether all of it is gone. */
CANDOR_CHECK candor_status candor_erase_start(candor_erase_job *j);
/* {"user_id":...} or {"machine_id":...}, with "app" or without. CANDOR_INVALID: err says what is
 * wrong. */
CANDOR_CHECK candor_status candor_erase_parse(candor_server *s, candor_bytes text,
                                              candor_erase_job **out, candor_err *err);

/* Route handlers of POST. */
bool candor_erase_begin(candor_conn *c);
void candor_erase_run(candor_conn *c);

#endif
