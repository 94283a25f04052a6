/* Stage 7/10: full content. In: a text that belongs to a field of an event, sent apart from it.
 * Out: the same text at the store of attachments, once; and back to who may read. Layer: central.
 * Threads: the connection's loop. */
#ifndef CANDOR_CENTRAL_ATTACH_H
#define CANDOR_CENTRAL_ATTACH_H

#include "central/conn.h"

#define CANDOR_ATTACH_PATH "/api/v1/attachments/"

/* Route handlers: POST, GET. */
bool candor_attach_begin(candor_conn *c); /* checks on the head */
void candor_attach_run(candor_conn *c);
void candor_attach_read(candor_conn *c);

#endif
