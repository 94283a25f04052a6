/* Stage 7/10: full content. In: a text that belongs to a field of an event, sent apart from it.
 * Out: the same text at the store of attachments, once; and back to who may read. Layer: central.
 * Threads: the connection's loop. */
#ifndef CANDOR_CENTRAL_ATTACH_H
#define CANDOR_CENTRAL_ATTACH_H

#include "central/conn.h"
#include "central/store/attachments.h"

#define CANDOR_ATTACH_PATH "/api/v1/attachments/"
#define CANDOR_UPLOAD_PATH "/api/v1/uploads/"
#define CANDOR_PART_MIN    1024 /* bytes of a part that is not the last */

/* Route handlers: POST, GET. */
bool candor_attach_begin(candor_conn *c); /* checks on the head */
void candor_attach_run(candor_conn *c);
void candor_attach_read(candor_conn *c);

/* attach_part.c: route handlers of a text in parts, PATCH and HEAD. */
bool candor_part_begin(candor_conn *c);
void candor_part_run(candor_conn *c);
void candor_part_ask(candor_conn *c);
/* The connection broke in the middle of a part: what came of it is stored, and nobody answered. */
void candor_part_cut(candor_conn *c);

/* attach.c, for attach_part.c. A job with its app; NULL: memory is out. */
candor_attachment_job *candor_attach_job(candor_conn *c, candor_attachment_op op,
                                         void (*done)(candor_attachment_job *));
void candor_attach_job_free(candor_attachment_job *j);
/* ready: lends j to the store; when that takes no more, answers and frees j. Else the answer is
 * written, or j is NULL for want of memory: sends it and frees j. */
void candor_attach_go(candor_conn *c, candor_attachment_job *j, bool ready);
/* What became of a text that was sent, whole or in parts. */
void candor_attach_reply(candor_conn *c, const candor_attachment_job *j);

#endif
