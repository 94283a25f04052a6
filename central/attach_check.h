/* What a text of full content has to pass: on its head consent, type, target and rate; then gunzip,
 * size, UTF-8 and digest. Only then does anything reach the store. Layer: central. Threads: the
 * connection's loop. Functions that return false have written the refusal to c->reply. */
#ifndef CANDOR_CENTRAL_ATTACH_CHECK_H
#define CANDOR_CENTRAL_ATTACH_CHECK_H

#include "central/conn.h"

typedef struct candor_attach_target {
    unsigned char event_id[16];
    candor_bytes field; /* of the schema */
    size_t max;         /* bytes of its text */
    size_t room;        /* of them, what may still come */
} candor_attach_target;

/* Event and field that path and query name. */
bool candor_attach_target_read(candor_conn *c, candor_attach_target *t);
/* The head says that the user has full content turned on. */
bool candor_attach_consent(candor_conn *c);
/* How large the body may be, and what is said of a larger one. */
void candor_attach_bound(candor_conn *c);
/* The body's plain bytes into out; one that was not compressed is taken over as it is. */
bool candor_attach_take(candor_conn *c, const candor_attach_target *t, candor_buf *out);
bool candor_attach_too_large(candor_conn *c, const candor_attach_target *t); /* false */
/* False: it keeps no texts, and the reply says so. */
bool candor_attach_kept(candor_conn *c);
/* The event id of the path. */
bool candor_attach_event_id(candor_conn *c, unsigned char id[16]);
/* The field that the query names, decoded; *given is false without one. */
bool candor_attach_field(candor_conn *c, char name[CANDOR_NAME_MAX + 1], bool *given);
/* The text and its target into j, from the head and body of a POST. */
bool candor_attach_fill(candor_conn *c, candor_attachment_job *j);
/* Count a refusal that was written; false, for the caller to return. */
bool candor_attach_refused(candor_conn *c, candor_attach_refuse why);

/* The largest maxBytes of the schema's content fields with that name or alias, and their name; 0:
 * there is none. */
size_t candor_attach_field_max(const candor_schema *s, candor_bytes name, candor_bytes *canonical);

#endif
